"""What people really saw of a list: noted in batches, once, through the service, the API and the page."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from occupations.models import Occupation
from recommendations import services
from recommendations.models import Feedback, RecommendationEvent
from tests.factories import (
    CASHIER,
    DEVELOPER,
    NURSE,
    SALESPERSON,
    TESTER,
    ItemFactory,
    OccupationFactory,
    make_event,
    make_feedback,
    make_profile,
    make_user,
)

pytestmark = pytest.mark.django_db

NOBODYS_ID = uuid.uuid5(uuid.NAMESPACE_DNS, "nobody")


@pytest.fixture
def event() -> RecommendationEvent:
    for code in (NURSE, DEVELOPER, SALESPERSON, TESTER):
        OccupationFactory.create(code=code)
    return make_event(make_profile(), codes=(NURSE, DEVELOPER, SALESPERSON))


def seen(event: RecommendationEvent) -> list[str]:
    views = Feedback.objects.in_force().filter(item__event=event, action="view")
    return sorted(views.values_list("item__occupation_id", flat=True))


def test_each_occupation_is_seen_once(event):
    assert services.record_views(event_id=event.pk, codes=[NURSE, DEVELOPER, NURSE]) == 2
    assert services.record_views(event_id=event.pk, codes=[NURSE, SALESPERSON]) == 1
    assert services.record_views(event_id=event.pk, codes=[NURSE]) == 0
    assert seen(event) == sorted([NURSE, DEVELOPER, SALESPERSON])
    assert Feedback.objects.count() == 3


def test_when_it_was_seen_is_kept(event):
    services.record_views(event_id=event.pk, codes=[NURSE])
    yesterday = timezone.now() - timedelta(days=1)
    services.record_views(event_id=event.pk, codes=[DEVELOPER], happened_at=yesterday)
    now, before = Feedback.objects.order_by("pk")
    assert abs(now.happened_at - timezone.now()) < timedelta(seconds=5)
    assert before.happened_at == yesterday


def test_what_was_done_with_one_does_not_count_as_seen(event):
    make_feedback(event.items.get(occupation=NURSE), "save")
    assert services.record_views(event_id=event.pk, codes=[NURSE]) == 1
    assert services.feedback_in_force(event) == {NURSE: {"save", "view"}}


def test_the_same_occupation_in_another_list_is_seen_there_too(event):
    services.record_views(event_id=event.pk, codes=[NURSE])
    newer = make_event(event.profile, codes=(NURSE,))
    assert services.record_views(event_id=newer.pk, codes=[NURSE]) == 1


def test_one_that_was_not_in_the_list_spoils_the_batch(event):
    with pytest.raises(services.NotShownError, match=f"{TESTER}, 99-9999.99 were not"):
        services.record_views(event_id=event.pk, codes=[NURSE, TESTER, "99-9999.99"])
    assert not Feedback.objects.exists()


def test_lists_of_others_and_of_nobody_are_refused(event):
    event.profile.user = make_user()
    event.profile.save()
    for event_id, user in (
        (NOBODYS_ID, None),
        ("no id", None),
        (event.pk, AnonymousUser()),
        (event.pk, make_user()),
    ):
        with pytest.raises(services.UnknownEventError):
            services.record_views(event_id=event_id, codes=[NURSE], user=user)
    assert services.record_views(event_id=event.pk, codes=[NURSE], user=event.profile.user) == 1


@pytest.mark.parametrize(("days", "error"), [(1, services.FutureFeedbackError), (-3000, services.TooLongAgoError)])
def test_a_time_that_cannot_be_is_refused(event, days, error):
    with pytest.raises(error):
        services.record_views(event_id=event.pk, codes=[NURSE], happened_at=timezone.now() + timedelta(days=days))
    assert not Feedback.objects.exists()


def test_hundreds_need_seven_queries(django_assert_max_num_queries: DjangoAssertNumQueries):
    event = make_event(make_profile())
    jobs = Occupation.objects.bulk_create(
        Occupation(code=f"98-{number:04d}.00", onet_title=str(number)) for number in range(300)
    )
    for place, job in enumerate(jobs, 1):
        ItemFactory.create(event=event, occupation=job, position=place)
    with django_assert_max_num_queries(7):
        assert services.record_views(event_id=event.pk, codes=[job.code for job in jobs], user=AnonymousUser()) == 300


class TestApi:
    def post(self, client: Client, event_id: object, codes: object):
        body = {"event_id": str(event_id), "target_onet_codes": codes}
        return client.post("/api/v1/feedback/views", body, content_type="application/json")

    def test_a_batch_is_recorded_and_its_repeat_adds_nothing(self, client, event):
        answer = self.post(client, event.pk, [NURSE, DEVELOPER])
        assert (answer.status_code, answer.json()) == (200, {"event_id": str(event.pk), "recorded": 2})
        assert self.post(client, event.pk, [NURSE, DEVELOPER]).json()["recorded"] == 0
        assert Feedback.objects.count() == 2

    @pytest.mark.parametrize(
        ("codes", "status", "code"),
        [
            ([NURSE, TESTER], 422, "not_shown"),
            ([], 422, "empty"),
            ([NURSE] * 301, 422, "max_length"),
            (NURSE, 422, "not_a_list"),
            ([f"{NURSE}00"], 422, "max_length"),
            ([None], 422, "null"),
            (["\0"], 422, "null_characters_not_allowed"),
        ],
    )
    def test_a_batch_that_cannot_be_used_is_refused_whole(self, client, event, codes, status, code):
        answer = self.post(client, event.pk, codes)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.content
        assert answer.json()["error"]["message"]
        assert not Feedback.objects.exists()

    def test_what_was_not_shown_is_listed(self, client, event):
        assert self.post(client, event.pk, [TESTER, NURSE]).json()["error"]["unknown"] == [TESTER]

    def test_a_foreign_list_is_404(self, client, event):
        assert self.post(client, NOBODYS_ID, [NURSE]).status_code == 404
        event.profile.user = make_user()
        event.profile.save()
        assert self.post(client, event.pk, [NURSE]).status_code == 404
        assert not Feedback.objects.exists()

    def test_no_list_at_all_is_422(self, client):
        answer = self.post(client, "7", [CASHIER])
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


class TestPage:
    def test_what_the_script_reports_is_noted(self, client, event):
        answer = client.post("/seen/", {"event": event.pk, "code": [NURSE, DEVELOPER]})
        assert (answer.status_code, answer.content) == (204, b"")
        assert seen(event) == [DEVELOPER, NURSE]

    @pytest.mark.parametrize("codes", [[], [NURSE, TESTER], [NURSE] * 301, [f"{NURSE}\0"]])
    def test_what_no_script_reports_is_422(self, client, event, codes):
        assert client.post("/seen/", {"event": event.pk, "code": codes}).status_code == 422
        assert not Feedback.objects.exists()

    @pytest.mark.parametrize("event_id", [NOBODYS_ID, "7", "\0", ""])
    def test_an_unknown_list_is_422(self, client, event, event_id):
        assert client.post("/seen/", {"event": event_id, "code": NURSE}).status_code == 422

    def test_another_account_s_list_is_422(self, client, event):
        event.profile.user = make_user()
        event.profile.save()
        assert client.post("/seen/", {"event": event.pk, "code": NURSE}).status_code == 422
        client.force_login(event.profile.user)
        assert client.post("/seen/", {"event": event.pk, "code": NURSE}).status_code == 204

    def test_only_posts_with_a_token_count(self, event):
        assert Client().get("/seen/").status_code == 405
        answer = Client(enforce_csrf_checks=True).post("/seen/", {"event": event.pk, "code": NURSE})
        assert answer.status_code == 403
        assert not Feedback.objects.exists()
