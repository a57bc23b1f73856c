"""A person in the API who goes while a call of theirs is at work."""

import json

import pytest

import profiles.api
from profiles.models import Profile
from tests.factories import CASHIER, NURSE, make_profile, make_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("current-occupation", {"onet_code": NURSE}),
        ("skills/ratings", {"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 4}]}),
        ("history", {"past_occupations": [NURSE], "education": 5}),
    ],
)
def test_a_call_that_meets_a_deletion_gets_404(client, monkeypatch, path, body):
    make_world()
    profile = make_profile(CASHIER)
    open_profile = profiles.api.open_profile

    def open_and_lose(request, profile_id):
        found = open_profile(request, profile_id)
        Profile.objects.get().delete()
        return found

    monkeypatch.setattr(profiles.api, "open_profile", open_and_lose)
    answer = client.post(f"/api/v1/user/{profile.pk}/{path}", json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert not Profile.objects.exists()
