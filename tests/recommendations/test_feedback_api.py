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


@pytest.mark.parametrize("action", ["save", "offer"])
def test_a_call_with_a_key_needs_few_queries(client, event, django_assert_max_num_queries, action):
    with django_assert_max_num_queries(10):
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


def test_an_undo_that_names_what_it_undoes_may_be_repeated(client, event):
    for action in ("save", "apply"):
        post(client, event, action)
    answers = [post(client, event, "undo", undoes="apply") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert [answer.json().pop("created") for answer in answers] == [True, False]
    assert answers[0].json()["happened_at"] == answers[1].json()["happened_at"]
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


@pytest.mark.parametrize(
    ("action", "days", "flags"),
    [
        ("save", 1.1, ["before_the_list"]),
        ("apply", 1.1, ["before_the_list"]),
        ("offer", 1.1, ["outcome_without_application", "before_the_list"]),
        ("offer", 0.9, ["outcome_without_application"]),
        ("apply", 0.9, []),
        ("hide", 1.1, []),
    ],
)
def test_what_is_dated_more_than_a_day_before_the_list_is_accepted_and_flagged(client, event, action, days, flags):
    answer = post(client, event, action, happened_at=days_ago(days).isoformat())
    assert (answer.status_code, answer.json()["flags"]) == (201, flags)
    undone = post(client, event, "undo", undoes=action)
    assert undone.json()["flags"] == []


def test_a_misspelt_field_is_refused_and_nothing_is_dated_now(client, event):
    answer = post(client, event, "apply", happend_at=days_ago(9).isoformat())
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (422, "unknown_field", "happend_at")
    many = post(client, event, "apply", **{f"field{number}": 1 for number in range(1_000)})
    assert len(many.json()["error"]["faults"]) == 10
    assert not Feedback.objects.exists()


def test_a_form_may_hold_a_browser_s_token(client, event):
    body = {"event_id": str(event), "target_onet_code": NURSE, "action_type": "save", "csrfmiddlewaretoken": "x"}
    assert client.post("/api/v1/feedback", body).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"event_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "nobody"))}, 404, "not_found", None),
        ({"event_id": "7"}, 422, "invalid", "event_id"),
        ({"target_onet_code": TESTER}, 422, "not_shown", "target_onet_code"),
        ({"target_onet_code": "\0"}, 422, "null_characters_not_allowed", "target_onet_code"),
        ({"action_type": "dance"}, 422, "invalid_choice", "action_type"),
        ({"happened_at": "2999-01-01T00:00:00Z"}, 422, "in_the_future", "happened_at"),
        ({"happened_at": "9999-12-31T23:59:59-12:00"}, 422, None, "happened_at"),
        ({"happened_at": "1999-12-31T00:00:00Z"}, 422, "too_long_ago", "happened_at"),
        ({"happened_at": "0001-01-01T00:00:00+14:00"}, 422, None, "happened_at"),
        ({"happened_at": "yesterday"}, 422, "invalid", "happened_at"),
        ({"happened_at": None}, 422, "null", "happened_at"),
        ({"action_type": "undo", "undoes": "interview"}, 422, "nothing_to_undo", "undoes"),
        ({"action_type": "undo", "undoes": "view"}, 422, "invalid_choice", "undoes"),
        ({"action_type": "undo", "undoes": "undo"}, 422, "invalid_choice", "undoes"),
        ({"action_type": "apply", "undoes": "save"}, 422, "invalid", "undoes"),
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
