"""What staff do with a profile that nobody has claimed: it is theirs from then on, and nothing is learnt from it."""

import pytest

from profiles.models import Profile
from recommendations import services
from recommendations.models import Feedback
from tests.factories import CASHIER, SALESPERSON, make_profile, make_user, make_world

pytestmark = pytest.mark.django_db

Traffic = Profile.Traffic


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture
def profile():
    return make_profile(CASHIER, traffic=Traffic.PERSON)


def recommend(client, profile):
    path = f"/api/v1/user/{profile.pk}/recommendations"
    return client.post(path, {}, content_type="application/json")


def open_lists(client, profile):
    client.get(f"/resume/{profile.pk}/")
    return client.get("/results/")


def tell(client, profile):
    body = {"event_id": event_id(profile), "target_onet_code": SALESPERSON, "action_type": "save"}
    return client.post("/api/v1/feedback", body, content_type="application/json")


def press(client, profile):
    client.get(f"/resume/{profile.pk}/")
    return client.post("/feedback/", {"event": event_id(profile), "code": SALESPERSON, "action": "save"})


def open_job(client, profile):
    client.get(f"/resume/{profile.pk}/")
    return client.get(f"/occupations/{SALESPERSON}/?opened")


def see(client, profile):
    body = {"event_id": event_id(profile), "target_onet_codes": [SALESPERSON]}
    return client.post("/api/v1/feedback/views", body, content_type="application/json")


def see_on_a_page(client, profile):
    return client.post("/seen/", {"event": event_id(profile), "code": SALESPERSON})


def event_id(profile):
    return str(profile.events.get().pk)


MAKE_LISTS = (recommend, open_lists)
ANSWER = (tell, press, open_job, see, see_on_a_page)


def traffic_after(do, client, profile):
    if do in ANSWER:
        services.make_event(profile)
    assert do(client, profile).status_code < 400
    assert profile.events.count() == 1
    assert Feedback.objects.count() == (do in ANSWER)
    profile.refresh_from_db()
    return profile.traffic


@pytest.mark.parametrize("do", [*MAKE_LISTS, *ANSWER])
def test_a_profile_that_staff_use_is_marked(do, client, profile):
    client.force_login(make_user(is_staff=True))
    assert traffic_after(do, client, profile) == Traffic.STAFF
    assert profile.user is None


@pytest.mark.parametrize("do", [*MAKE_LISTS, *ANSWER])
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_profile_that_others_use_stays_a_person_s(do, signed_in, client, profile):
    if signed_in:
        client.force_login(make_user())
    assert traffic_after(do, client, profile) == Traffic.PERSON


@pytest.mark.parametrize("traffic", [Traffic.DEMO, Traffic.TEST, Traffic.SIMULATED])
def test_what_is_marked_already_stays_so(traffic, client):
    client.force_login(make_user(is_staff=True))
    assert traffic_after(recommend, client, make_profile(CASHIER, traffic=traffic)) == traffic


def test_looking_at_a_person_s_answers_marks_nothing(client, profile):
    client.force_login(make_user(is_staff=True))
    assert client.get(f"/resume/{profile.pk}/", follow=True).status_code == 200
    profile.refresh_from_db()
    assert profile.traffic == Traffic.PERSON
