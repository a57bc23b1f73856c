"""The API as a program meets it: answers, refusals, and the one shape of an error."""

import json
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from profiles.models import ElementRating, Profile
from recommendations.models import Curve, Feedback, RecommendationEvent
from tests.factories import (
    CASHIER,
    DEVELOPER,
    NURSE,
    UNRATED,
    make_event,
    make_profile,
    make_user,
    make_world,
)
from tests.recommendations.curves import make_curve

pytestmark = pytest.mark.django_db

NOBODYS_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def world():
    make_world()


def post(client: Client, path: str, body: object):
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def test_health_tells_the_release_and_its_counts(client):
    answer = client.get("/api/v1/health").json()
    assert (answer["status"], answer["alerts"]) == ("ok", [])
    assert answer["release"]["version"] == "29.3"
    assert answer["release"]["source"] == "starter"
    assert (answer["release"]["occupations"], answer["release"]["rated"], answer["release"]["estimated"]) == (
        13,
        11,
        1,
    )
    assert "O*NET 29.3 Database" in answer["credit"]


def test_health_is_degraded_by_a_calibration_that_was_tampered_with(client, django_assert_max_num_queries):
    for version in ("ramp-1", "ramp-2"):
        stored = make_curve(version)
    client.get("/api/v1/health")
    with django_assert_max_num_queries(5):
        assert client.get("/api/v1/health").json()["status"] == "ok"
    Curve.objects.filter(pk=stored.pk).update(artifact=b"rubbish")

    response = client.get("/api/v1/health")

    assert response.status_code == 200
    answer = response.json()
    assert answer["status"] == "degraded"
    (alert,) = answer["alerts"]
    assert "ramp-2" in alert
    assert "ramp-1 serves in its place" in alert
    schema = client.get("/api/v1/schema", {"format": "json"}).json()["components"]["schemas"]
    assert set(answer) == set(schema["HealthAnswer"]["properties"])


def test_the_whole_workflow(client):
    found = client.get("/api/v1/occupations/search", {"q": "registered nurses"}).json()
    assert found["results"][0]["onet_code"] == NURSE
    profile = post(client, "user/profile", {}).json()["id"]
    current = post(client, f"user/{profile}/current-occupation", {"onet_code": NURSE})
    assert current.json() == {"onet_code": NURSE, "title": "Registered Nurses", "scored": True, "estimated": False}
    rated = post(client, f"user/{profile}/skills/ratings", {"ratings": [{"element_id": "2.B.3.e", "rating_0_4": 4}]})
    assert rated.json()["saved"] == 1
    assert len(rated.json()["assumed"]) >= 30
    advice = post(client, f"user/{profile}/recommendations", {"limit_per_bucket": 3}).json()
    assert set(advice["buckets"]) == {"READY_NOW", "TRAINABLE", "LONG_RESKILL"}
    items = [item for bucket in advice["buckets"].values() for item in bucket]
    wanted = {
        "onet_code",
        "title",
        "bucket",
        "match_score",
        "gap_severity",
        "job_zone",
        "estimated",
        "gaps",
        "training",
    }
    assert items
    assert all(wanted <= set(item) for item in items)
    assert NURSE not in {item["onet_code"] for item in items}
    body = {
        "event_id": advice["event_id"],
        "target_onet_code": items[0]["onet_code"],
        "action_type": "save",
    }
    first, again = post(client, "feedback", body), post(client, "feedback", body)
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert Feedback.objects.count() == 1
    assert client.get("/api/v1/model/status").json()["samples"]["save"] == 1


def test_answer_has_the_shape_that_the_schema_promises(client):
    from recommendations.api import RecommendationsAnswer  # noqa: PLC0415

    profile = make_profile(current=CASHIER)
    answer = post(client, f"user/{profile.pk}/recommendations", {}).json()
    assert set(answer) == set(RecommendationsAnswer._declared_fields)
    item = next(item for bucket in answer["buckets"].values() for item in bucket if item["gaps"] and item["pay"])
    schema = client.get("/api/v1/schema", {"format": "json"}).json()["components"]["schemas"]
    assert set(item) == set(schema["Recommendation"]["properties"])
    assert set(item["gaps"][0]) == set(schema["Point"]["properties"])
    assert set(item["training"]) == set(schema["Training"]["properties"])
    assert set(item["pay"]) == set(schema["Pay"]["properties"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 5}]}, "max_value"),
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": -1}]}, "min_value"),
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 2.5}]}, "invalid"),
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": True}]}, "invalid"),
        ({"ratings": [{"element_id": "2.A.1.a"}]}, "required"),
        ({"ratings": []}, "empty"),
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 10**40}]}, "max_value"),
        ({"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 1}] * 2}, "invalid"),
        ({}, "required"),
        ([], "invalid"),
    ],
)
def test_ratings_that_cannot_be_used_are_refused_whole(client, body, code):
    profile = make_profile()
    answer = post(client, f"user/{profile.pk}/skills/ratings", body)
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]
    assert not ElementRating.objects.exists()


def test_nan_is_not_json(client):
    profile = make_profile()
    body = '{"ratings": [{"element_id": "2.A.1.a", "rating_0_4": NaN}]}'
    answer = client.post(f"/api/v1/user/{profile.pk}/skills/ratings", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "parse_error"


def test_unknown_elements_are_all_listed_and_nothing_is_saved(client):
    profile = make_profile()
    rows = [{"element_id": id_, "rating_0_4": 2} for id_ in ("2.A.1.a", "9.Z", "2.C.1.a", "8.Y")]
    answer = post(client, f"user/{profile.pk}/skills/ratings", {"ratings": rows})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "unknown_element"
    assert answer.json()["error"]["unknown"] == ["2.C.1.a", "8.Y", "9.Z"]
    assert not ElementRating.objects.exists()


def test_null_is_not_sure_and_differs_from_zero(client):
    profile = make_profile()
    rows = [{"element_id": "2.A.1.a", "rating_0_4": None}, {"element_id": "2.A.1.b", "rating_0_4": 0}]
    answer = post(client, f"user/{profile.pk}/skills/ratings", {"ratings": rows}).json()
    assert {row["element_id"]: row["rating_0_4"] for row in answer["ratings"]} == {"2.A.1.a": None, "2.A.1.b": 0}


def test_unknown_occupation_is_refused(client):
    profile = make_profile(current=NURSE)
    answer = post(client, f"user/{profile.pk}/current-occupation", {"onet_code": "99-9999.99"})
    assert (answer.status_code, answer.json()["error"]["unknown"]) == (422, ["99-9999.99"])
    assert profile.jobs.get().occupation_id == NURSE


def test_history_is_saved_whole_or_not_at_all(client):
    profile = make_profile(current=NURSE)
    path = f"user/{profile.pk}/history"
    good = {"past_occupations": [CASHIER], "education": 5, "licences": ["Registered nurse licence"]}
    assert post(client, path, good).json() == {"current": NURSE, **good}
    bad = post(client, path, {"past_occupations": [DEVELOPER], "licences": ["Licence to thrill"]})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "unknown_licence")
    assert client.get(f"/api/v1/{path}").json() == {"current": NURSE, **good}


def test_an_empty_profile_gets_no_invented_scores(client):
    profile = make_profile()
    answer = post(client, f"user/{profile.pk}/recommendations", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "empty_profile")
    assert not RecommendationEvent.objects.exists()


def test_unknown_model_is_refused(client):
    profile = make_profile(current=NURSE)
    answer = post(client, f"user/{profile.pk}/recommendations", {"model_version": "v9"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_model")


def test_feedback_on_what_was_never_shown_is_refused(client):
    event = make_event(make_profile(current=NURSE), codes=(CASHIER,))
    body = {"event_id": str(event.pk), "target_onet_code": DEVELOPER, "action_type": "save"}
    answer = post(client, "feedback", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_shown")
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"event_id": NOBODYS_ID}, 404, "not_found"),
        ({"event_id": "7"}, 422, "invalid"),
        ({"action_type": "dance"}, 422, "invalid_choice"),
        ({"happened_at": "2999-01-01T00:00:00Z"}, 422, "in_the_future"),
        ({"action_type": "undo"}, 422, "nothing_to_undo"),
    ],
)
def test_feedback_that_cannot_be_used_is_refused(client, change, status, code):
    event = make_event(make_profile(current=NURSE), codes=(CASHIER,))
    body = {"event_id": str(event.pk), "target_onet_code": CASHIER, "action_type": "save", **change}
    answer = post(client, "feedback", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not Feedback.objects.exists()


def test_the_same_key_with_another_body_is_a_conflict(client):
    event = make_event(make_profile(current=NURSE), codes=(CASHIER,))
    body = {"event_id": str(event.pk), "target_onet_code": CASHIER, "action_type": "save", "idempotency_key": "k1"}
    assert post(client, "feedback", body).status_code == 201
    assert post(client, "feedback", {**body, "action_type": "apply"}).status_code == 409


def test_a_claimed_profile_is_for_its_owner_alone(client):
    owner = make_user()
    profile = make_profile(current=NURSE, user=owner)
    event = make_event(profile, codes=(CASHIER,))
    assert post(client, f"user/{profile.pk}/recommendations", {}).status_code == 404
    feedback = {"event_id": str(event.pk), "target_onet_code": CASHIER, "action_type": "save"}
    assert post(client, "feedback", feedback).status_code == 404
    client.force_login(make_user())
    assert client.get(f"/api/v1/user/{profile.pk}/skills/ratings").status_code == 404
    client.force_login(owner)
    assert post(client, f"user/{profile.pk}/recommendations", {}).status_code == 200
    assert post(client, "feedback", feedback).status_code == 201


def test_a_signed_in_persons_profile_is_theirs(client):
    user = make_user()
    client.force_login(user)
    profile = post(client, "user/profile", {}).json()
    assert profile["claimed"] is True
    assert Profile.objects.get(pk=profile["id"]).user == user


def test_an_occupation_without_figures_can_be_read_about_and_says_so(client):
    assert client.get(f"/api/v1/occupations/{UNRATED}").json()["ratings_from"] == "none"
    assert client.get(f"/api/v1/occupations/{UNRATED}/skills").json()["skills"] == []


def test_estimates_say_what_they_came_from(client):
    answer = client.get("/api/v1/occupations/15-1299.08/skills").json()
    assert answer["estimated"] is True
    assert answer["skills"][0]["estimated_from"] == [DEVELOPER, "15-1253.00"]
    assert len(answer["skills"]) == 35


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "nowhere", 404, "not_found"),
        ("get", "occupations/99-9999.99", 404, "not_found"),
        ("get", "occupations/29-1141", 404, "not_found"),
        ("get", "occupations/%00", 404, "not_found"),
        ("get", "occupations/29-1141.00%00/skills", 404, "not_found"),
        ("get", f"user/{NOBODYS_ID}/skills/ratings", 404, "not_found"),
        ("delete", "health", 405, "method_not_allowed"),
        ("get", "feedback", 405, "method_not_allowed"),
        ("get", "occupations/search", 422, "required"),
        ("get", "occupations/search?q=nurse&limit=x", 422, "invalid"),
    ],
)
def test_every_error_has_the_one_shape(client, method, path, status, code):
    answer = getattr(client, method)(f"/api/v1/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]


def test_a_body_that_is_not_json_is_refused(client):
    answer = client.post("/api/v1/feedback", "{", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parse_error")
    answer = client.post("/api/v1/feedback", "x", content_type="text/plain")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_docs_and_the_browsable_api_come_without_a_cdn(client):
    docs = client.get("/api/v1/docs", HTTP_ACCEPT="text/html")
    assert docs.status_code == 200
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", docs.content.decode())
    assert any("swagger-ui" in source for source in sources)
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    page = client.get("/api/v1/health", HTTP_ACCEPT="text/html")
    assert b"O*NET" in page.content


def test_recommendations_need_few_queries(client, django_assert_max_num_queries: DjangoAssertNumQueries):
    profile = make_profile(current=CASHIER)
    post(client, f"user/{profile.pk}/recommendations", {})
    for limit in (1, 10):
        with django_assert_max_num_queries(25):
            post(client, f"user/{profile.pk}/recommendations", {"limit_per_bucket": limit})
