"""Whose profile it is, and whether what it does may be learnt from."""

import pytest
from django.test import Client

from profiles import services
from profiles.forms import ExplorationForm
from profiles.models import Profile
from tests.factories import NURSE, make_profile, make_user, make_world

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


@pytest.mark.parametrize(
    "write",
    [
        lambda profile: services.set_current_occupation(profile, NURSE),
        lambda profile: services.set_history(profile, past=[NURSE], education=5, licences=[]),
        lambda profile: services.save_ratings(profile, {"2.A.1.a": 4}),
        lambda profile: services.claim_profile(profile, make_user()),
    ],
)
def test_nothing_is_written_of_somebody_who_has_gone(write):
    make_world()
    profile = make_profile()
    Profile.objects.get().delete()
    with pytest.raises(services.ProfileGoneError):
        write(profile)
    assert not Profile.objects.exists()


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


def test_a_form_brings_no_deleted_profile_back():
    profile = make_profile()
    form = ExplorationForm({}, instance=Profile.objects.get(pk=profile.pk))
    assert form.is_valid()
    profile.delete()
    with pytest.raises(services.ProfileGoneError):
        services.save_form(form.instance, form)
    assert not Profile.objects.exists()


@pytest.mark.parametrize("by_htmx", [False, True])
def test_a_page_that_meets_a_deletion_begins_anew(client, monkeypatch, by_htmx):
    make_world()
    profile = make_profile()
    session = client.session
    session["profile"] = str(profile.pk)
    session.save()

    def meanwhile(*arguments):
        Profile.objects.filter(pk=profile.pk).delete()
        raise services.ProfileGoneError

    monkeypatch.setattr(services, "save_form", meanwhile)
    response = client.post("/check/", headers={"hx-request": "true"} if by_htmx else {})
    assert response.headers["HX-Redirect" if by_htmx else "Location"] == "/"
