"""Requests that cannot even be read: the API answers in its own shape, whatever stands in its way."""

import json

import pytest
from django.test import Client

from tests.factories import CASHIER, NURSE, make_event, make_profile, make_world

FORM = "application/x-www-form-urlencoded"
FIELDS = "&".join(f"field{number}=1" for number in range(1_001))
FILE = '--B\r\nContent-Disposition: form-data; name="a{}"; filename="a"\r\n\r\n\r\n'
FILES = "".join(FILE.format(number) for number in range(101)) + "--B--\r\n"
LONG = " " * 2_621_441
"""A byte more than Django takes by default."""

pytestmark = pytest.mark.django_db


def refused(answer, code):
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    assert answer.json()["error"]["code"] == code
    return answer.json()["error"]["message"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize(
    "path", ["feedback", "feedback/views", "user/profile", "history", "recommendations", "skills/ratings"]
)
def test_json_that_is_nested_too_deep_is_refused(client, path, opening):
    make_world()
    profile = make_profile(current=NURSE)
    path = path if "feedback" in path or "profile" in path else f"user/{profile.pk}/{path}"

    answer = client.post(f"/api/v1/{path}", opening * 100_000, content_type="application/json")

    assert "nested too deep" in refused(answer, "parse_error")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f"{{}}{LONG}", "application/json"),
        (f"a={LONG}", FORM),
        (FIELDS, FORM),
        (FILES, "multipart/form-data; boundary=B"),
    ],
    ids=["long", "long form", "many fields", "many files"],
)
def test_a_request_that_is_too_large_is_refused(client, settings, body, content_type, debug):
    settings.DEBUG = debug

    answer = client.post("/api/v1/feedback", body, content_type=content_type)

    assert "Send less at once" in refused(answer, "too_large")


def test_a_browser_that_sends_too_much_gets_the_refusal_as_a_page_of_the_api(client):
    answer = client.post("/api/v1/feedback", LONG, content_type="application/json", HTTP_ACCEPT="text/html")

    assert answer.status_code == 400
    assert "too_large" in answer.content.decode()


def test_a_host_that_is_not_ours_gets_json_from_the_api_and_a_page_elsewhere(client):
    refused(client.get("/api/v1/health", HTTP_HOST="elsewhere.example"), "bad_request")

    page = client.get("/", HTTP_HOST="elsewhere.example")

    assert page.status_code == 400
    assert "That request made no sense to us" in page.content.decode()


# Half a character: JSON holds it, UTF-8 does not.
@pytest.mark.parametrize("sent", ["\ud800", "\ud800" * 100_000, "x" * 1_000_000])
@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("feedback", "action_type", {}),
        ("feedback", "undoes", {"action_type": "undo"}),
        ("user/profile", "traffic", {}),
        ("user/profile", "education", {}),
        ("history", "education", {}),
    ],
)
def test_a_choice_that_is_none_is_told_briefly_and_readably(client, path, field, more, sent):
    make_world()
    profile = make_profile(current=NURSE)
    if path == "feedback":
        event = make_event(profile, codes=(CASHIER,))
        more = {"event_id": str(event), "target_onet_code": CASHIER, **more}
    path = f"user/{profile.pk}/{path}" if path == "history" else path

    answer = client.post(f"/api/v1/{path}", json.dumps({**more, field: sent}), content_type="application/json")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (422, "invalid_choice", field)
    assert len(error["faults"][0]["message"]) <= 200
    assert len(answer.content) < 2_000


def test_a_field_that_cannot_be_written_is_told_readably(client):
    make_world()
    event = make_event(make_profile(current=NURSE), codes=(CASHIER,))
    body = {"event_id": str(event), "target_onet_code": CASHIER, "action_type": "save", "\ud800": 1}

    answer = client.post("/api/v1/feedback", json.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "?")


@pytest.mark.parametrize("path", ["feedback/", "user/profile/", "nowhere"])
def test_a_call_of_no_address_gets_the_api_s_404_whatever_its_method(path):
    answer = Client(enforce_csrf_checks=True).post(f"/api/v1/{path}", "{}", content_type="application/json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer.json()["error"]["code"] == "not_found"


def test_what_breaks_in_the_api_is_told_as_json(client, monkeypatch):
    def broken():
        raise RuntimeError

    client.raise_request_exception = False
    monkeypatch.setattr("skillsprout.api.get_catalogue", broken)

    answer = client.get("/api/v1/health")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
