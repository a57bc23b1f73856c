"""What the schema says of errors is what callers meet."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.views import APIView

from profiles.models import Profile
from skillsprout.throttles import AnonRateThrottle
from tests.factories import CASHIER, DEVELOPER, NURSE, make_event, make_profile, make_user, make_world

pytestmark = pytest.mark.django_db

NOBODY = "00000000-0000-4000-8000-000000000000"
USER = "user/{profile_id}"
SAVE = {"target_onet_code": CASHIER, "action_type": "save", "idempotency_key": "k"}


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    return client.get("/api/v1/schema", {"format": "json"}).json()


@pytest.fixture
def profile() -> Profile:
    make_world()
    return make_profile(NURSE)


def check(schema: dict[str, Any], path: str, method: str, answer: Any, status: int) -> None:
    """Compare an error with what the schema says of the call."""
    assert answer.status_code == status, answer.content
    said = schema["paths"][f"/api/v1/{path}"][method]["responses"][str(status)]
    assert said["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    promised = schema["components"]["schemas"]["Error"]["properties"]["error"]
    error = answer.json()["error"]
    assert set(promised["required"]) <= set(error) <= set(promised["properties"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("feedback", SAVE | {"event_id": NOBODY}, 404),
        ("feedback", SAVE | {"event_id": "7"}, 422),
        ("feedback", SAVE | {"target_onet_code": DEVELOPER}, 422),
        ("feedback", SAVE | {"action_type": "apply"}, 409),
        ("feedback", "{", 400),
        ("feedback/views", {"event_id": NOBODY, "target_onet_codes": [CASHIER]}, 404),
        ("feedback/views", {"target_onet_codes": [DEVELOPER]}, 422),
        ("user/profile", {"traffic": "dance", "education": 99}, 422),
        (f"{USER}/current-occupation", {"onet_code": "99-9999.99"}, 422),
        (f"{USER}/skills/ratings", {"ratings": [{"element_id": "9.Z", "rating_0_4": 1}]}, 422),
        (f"{USER}/knowledge/ratings", {}, 422),
        (f"{USER}/history", {"licences": ["Licence to thrill"]}, 422),
        (f"{USER}/recommendations", {"model_version": "v9"}, 422),
    ],
)
def test_an_error_of_a_call_with_a_body_stands_in_the_schema(client, schema, profile, path, body, status):
    event = make_event(profile, codes=(CASHIER,))
    client.post("/api/v1/feedback", json.dumps(SAVE | {"event_id": str(event)}), content_type="application/json")
    if "feedback" in path and isinstance(body, dict):
        body = {"event_id": str(event)} | body
    sent = body if isinstance(body, str) else json.dumps(body)
    url = f"/api/v1/{path.format(profile_id=profile.pk)}"
    check(schema, path, "post", client.post(url, sent, content_type="application/json"), status)
    check(schema, path, "post", client.post(url, "x", content_type="text/plain"), 415)
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(make_user())
    check(schema, path, "post", stranger.post(url, sent, content_type="application/json"), 403)


@pytest.mark.parametrize(
    ("path", "url", "status"),
    [
        ("occupations/{code}", "occupations/99-9999.99", 404),
        ("occupations/{code}/skills", "occupations/99-9999.99/skills", 404),
        ("occupations/search", "occupations/search?q=", 422),
        (f"{USER}/current-occupation", f"user/{NOBODY}/current-occupation", 404),
        (f"{USER}/skills/ratings", f"user/{NOBODY}/skills/ratings", 404),
        (f"{USER}/knowledge/ratings", f"user/{NOBODY}/knowledge/ratings", 404),
        (f"{USER}/history", f"user/{NOBODY}/history", 404),
    ],
)
@pytest.mark.usefixtures("profile")
def test_an_error_of_a_call_without_a_body_stands_in_the_schema(client, schema, path, url, status):
    check(schema, path, "get", client.get(f"/api/v1/{url}"), status)


@pytest.mark.parametrize("path", ["health", "model/status", "occupations/search"])
def test_the_schema_says_which_calls_need_a_release(client, schema, path):
    check(schema, path, "get", client.get(f"/api/v1/{path}", {"q": "nurse"}), 503)


def test_the_schema_says_which_calls_are_limited(client, schema, profile, monkeypatch, settings):
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "schema"}}
    monkeypatch.setattr(APIView, "throttle_classes", [AnonRateThrottle])
    monkeypatch.setattr(AnonRateThrottle, "rate", "1/min", raising=False)
    urls = {f"{USER}/history": f"user/{profile.pk}/history", "model/status": "model/status", "health": "health"}
    client.get("/api/v1/model/status")
    answers = {path: client.get(f"/api/v1/{url}") for path, url in urls.items()}
    assert answers.pop("health").status_code == 200
    assert "429" not in schema["paths"]["/api/v1/health"]["get"]["responses"]
    for path, answer in answers.items():
        check(schema, path, "get", answer, 429)


def test_what_must_not_be_blank_has_a_least_length(schema):
    fields = [("FeedbackBody", "target_onet_code"), ("FeedbackBody", "idempotency_key"), ("RatingBody", "element_id")]
    for part, field in fields:
        assert schema["components"]["schemas"][part]["properties"][field]["minLength"] == 1
