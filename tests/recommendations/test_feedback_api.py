"""Feedback through the API: what it accepts, refuses and answers."""

import uuid
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from recommendations import services
from recommendations.models import Feedback, RecommendationEvent
from tests.factories import DEVELOPER, NURSE, TESTER
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def post(client: Client, event: RecommendationEvent | str, action: str, code: str = NURSE, **more: Any) -> Any:
    body = {"event_id": str(event), "target_onet_code": code, "action_type": action, **more}
    return client.post("/api/v1/feedback", body, content_type="application/json")


@pytest.mark.parametrize(("action", "queries"), [("save", 8), ("offer", 9)])
def test_a_call_with_a_key_needs_few_queries(client, event, django_assert_max_num_queries, action, queries):
    with django_assert_max_num_queries(queries):
        post(client, event, action, idempotency_key="k")


def test_an_outcome_without_an_application_is_accepted_and_flagged(client, event):
    answer = post(client, event, "offer")
    assert (answer.status_code, answer.json()["flags"]) == (201, ["outcome_without_application"])
    assert post(client, event, "apply").json()["flags"] == []
    assert post(client, event, "offer").json()["flags"] == []


def test_a_date_comes_later_is_corrected_and_taken_back(client, event):
    days = [days_ago(n).isoformat() for n in (9, 12)]
    answers = [post(client, event, "interview", happened_at=day) for day in (*days, days[1])]
    assert [answer.status_code for answer in answers] == [201, 201, 200]
    assert datetime.fromisoformat(answers[-1].json()["happened_at"]) == datetime.fromisoformat(days[1])
    post(client, event, "save")
    assert post(client, event, "undo", undoes="interview").status_code == 201
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"event_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "nobody"))}, 404, "not_found", None),
        ({"event_id": "7"}, 422, "invalid", None),
        ({"target_onet_code": TESTER}, 422, "not_shown", "target_onet_code"),
        ({"target_onet_code": "\0"}, 422, "null_characters_not_allowed", None),
        ({"action_type": "dance"}, 422, "invalid_choice", None),
        ({"happened_at": "2999-01-01T00:00:00Z"}, 422, "in_the_future", "happened_at"),
        ({"happened_at": "9999-12-31T23:59:59-12:00"}, 422, None, None),
        ({"happened_at": "1999-12-31T00:00:00Z"}, 422, "too_long_ago", "happened_at"),
        ({"happened_at": "0001-01-01T00:00:00+14:00"}, 422, None, None),
        ({"happened_at": "yesterday"}, 422, "invalid", None),
        ({"happened_at": None}, 422, "null", None),
        ({"action_type": "undo", "undoes": "interview"}, 422, "nothing_to_undo", "undoes"),
        ({"action_type": "undo", "undoes": "view"}, 422, "invalid_choice", None),
        ({"action_type": "undo", "undoes": "undo"}, 422, "invalid_choice", None),
        ({"action_type": "apply", "undoes": "save"}, 422, "invalid", None),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(client, event, change, status, code, field):
    record(event, "save")
    record(event, "view")
    body = {"event_id": str(event), "target_onet_code": NURSE, "action_type": "offer", **change}
    answer = client.post("/api/v1/feedback", body, content_type="application/json")
    error = answer.json()["error"]
    assert answer.status_code == status, error
    assert code in (None, error["code"])
    assert error.get("field") == field
    assert error["message"]
    assert services.feedback_in_force(event) == {NURSE: {"save", "view"}}
    assert Feedback.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"action_type": "apply"},
        {"target_onet_code": DEVELOPER},
        {"happened_at": days_ago(40).isoformat()},
        {"action_type": "undo"},
    ],
)
def test_the_same_key_with_another_body_is_a_conflict(client, event, change):
    post(client, event, "offer", happened_at=days_ago(2).isoformat(), idempotency_key="k")
    body = {"target_onet_code": NURSE, "action_type": "offer", "idempotency_key": "k", **change}
    answer = client.post("/api/v1/feedback", {"event_id": str(event), **body}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_reused")
    assert Feedback.objects.get().withdrawn_at is None


def test_the_same_key_with_another_undo_is_a_conflict(client, event):
    for action in ("apply", "offer"):
        post(client, event, action)
    assert post(client, event, "undo", undoes="offer", idempotency_key="u").status_code == 201
    assert post(client, event, "undo", undoes="apply", idempotency_key="u").status_code == 409
    assert services.feedback_in_force(event) == {NURSE: {"apply"}}
