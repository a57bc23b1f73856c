"""Whose profile it is, and whether what it does may be learnt from."""

import pytest
from django.test import Client

from profiles import services
from profiles.models import Profile
from tests.factories import make_profile, make_user

pytestmark = pytest.mark.django_db

Traffic = Profile.Traffic


@pytest.mark.parametrize(
    ("is_staff", "asked", "traffic"),
    [
        (True, Traffic.PERSON, Traffic.STAFF),
        (True, Traffic.DEMO, Traffic.DEMO),
        (True, Traffic.SIMULATED, Traffic.SIMULATED),
        (False, Traffic.PERSON, Traffic.PERSON),
        (False, Traffic.TEST, Traffic.TEST),
    ],
)
def test_staff_are_not_taken_for_a_person(is_staff, asked, traffic):
    user = make_user(is_staff=is_staff)
    made = services.create_profile(user=user, traffic=asked)
    claimed = make_profile(traffic=asked)
    services.claim_profile(claimed, user)
    for profile in (made, claimed):
        assert profile.traffic == traffic
        profile.refresh_from_db()
        assert (profile.traffic, profile.user) == (traffic, user)


def test_an_anonymous_profile_is_a_person_s():
    assert services.create_profile().traffic == Traffic.PERSON


def test_a_profile_that_staff_may_not_claim_stays_as_it_is():
    profile = make_profile(user=make_user(), traffic=Traffic.PERSON)
    with pytest.raises(services.ProfileClaimedError):
        services.claim_profile(profile, make_user(is_staff=True))
    profile.refresh_from_db()
    assert profile.traffic == Traffic.PERSON


def test_staff_in_the_api_and_on_the_pages_are_marked():
    client = Client()
    client.force_login(make_user(is_staff=True))
    answer = client.post("/api/v1/user/profile", {}, content_type="application/json")
    assert answer.json()["traffic"] == Traffic.STAFF
    profile = make_profile(traffic=Traffic.PERSON)
    client.get(f"/resume/{profile.pk}/")
    client.post("/account/claim/")
    profile.refresh_from_db()
    assert profile.traffic == Traffic.STAFF
