"""To which list something belongs that a person notes on a page, where many of their lists showed the occupation."""

from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from profiles.models import Profile
from recommendations import feedback, services
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.factories import CASHIER, DEVELOPER, NURSE, make_event, make_profile
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

OUTCOMES = ["interview", "offer"]


@pytest.fixture
def old(profile: Profile) -> RecommendationEvent:
    return make_event(profile, codes=(NURSE, DEVELOPER), created_at=days_ago(200))


@pytest.fixture
def new(profile: Profile, old: RecommendationEvent) -> RecommendationEvent:
    return make_event(profile, codes=(NURSE, DEVELOPER), created_at=days_ago(100))


def item(event: RecommendationEvent) -> RecommendedItem:
    return event.items.get(occupation=NURSE)


def note(named: RecommendationEvent, action: str, happened_at: datetime | None = None) -> RecommendationEvent:
    """Note something on a page that names a list, and return the list that it belongs to."""
    noted, _ = services.note_feedback(named.profile, item(named), action, happened_at)
    return noted.item.event


@pytest.mark.parametrize("action", OUTCOMES)
def test_an_outcome_belongs_to_the_list_of_the_application(old, new, action):
    record(old, "apply", happened_at=days_ago(195))
    assert note(new, action, days_ago(170)) == old


@pytest.mark.parametrize("action", OUTCOMES)
@pytest.mark.parametrize("days", [50, None])
def test_it_does_so_even_if_a_newer_list_was_shown_by_then(old, new, action, days):
    record(old, "apply", happened_at=days_ago(195))
    assert note(new, action, days_ago(days) if days else None) == old


def test_of_two_applications_the_newest_by_that_day_counts(old, new):
    record(new, "apply", happened_at=days_ago(95))
    record(old, "apply", happened_at=days_ago(195))
    assert note(new, "interview", days_ago(170)) == old
    assert note(old, "offer", days_ago(60)) == new


def test_an_application_on_the_same_day_counts_whatever_the_hour(old, new):
    day = timezone.localdate() - timedelta(days=90)
    noon, evening = (timezone.make_aware(datetime.combine(day, time(hour))) for hour in (12, 20))
    record(old, "apply", happened_at=evening)
    assert note(new, "interview", noon) == old


def test_an_application_that_was_taken_back_or_is_on_another_job_or_is_somebody_else_s_does_not_count(old, new):
    record(old, "apply", happened_at=days_ago(195))
    record(old, "undo")
    record(old, "apply", DEVELOPER, happened_at=days_ago(195))
    strangers = make_event(make_profile(CASHIER), codes=(NURSE,), created_at=days_ago(200))
    record(strangers, "apply", happened_at=days_ago(195))
    assert note(new, "interview", days_ago(50)) == new


@pytest.mark.parametrize("action", [*OUTCOMES, "apply", "save"])
def test_without_an_application_it_is_the_newest_list_shown_by_that_day(old, new, action):
    record(new, "apply", happened_at=days_ago(20))
    record(new, "undo")
    assert note(new, action, days_ago(170)) == old


@pytest.mark.parametrize("action", ["apply", "offer"])
def test_a_list_of_the_same_day_was_shown_by_then(profile, old, action):
    day = timezone.localdate() - timedelta(days=30)
    noon, evening = (timezone.make_aware(datetime.combine(day, time(hour))) for hour in (12, 20))
    in_the_evening = make_event(profile, codes=(NURSE,), created_at=evening)
    assert note(old, action, noon) == in_the_evening


@pytest.mark.parametrize("action", [*OUTCOMES, "apply", "save"])
def test_before_all_lists_it_is_the_one_that_the_page_names(old, new, action):
    assert note(new, action, days_ago(300)) == new
    assert Feedback.objects.get().happened_at < old.created_at


@pytest.mark.parametrize("action", ["save", "apply", "hide", "click"])
def test_what_happens_now_belongs_to_the_list_that_the_page_names(old, new, action):
    assert note(old, action) == old


def test_a_list_without_the_job_is_passed_over(profile, old, new):
    make_event(profile, codes=(DEVELOPER,), created_at=days_ago(60))
    assert note(old, "offer", days_ago(50)) == new


def test_another_date_may_move_it_to_another_list(old, new):
    assert note(new, "interview", days_ago(50)) == new
    assert note(new, "interview", days_ago(170)) == old
    told = Feedback.objects.in_force().get()
    assert told.item == item(old)
    assert Feedback.objects.count() == 2


def test_what_was_said_already_stands_without_another_date(old, new):
    day = days_ago(50)
    first = record(old, "interview", happened_at=day)[0]
    assert note(new, "interview") == note(new, "interview", day) == old
    assert Feedback.objects.get() == first


def test_a_day_that_cannot_be_moves_nothing(old, new):
    record(new, "interview", happened_at=days_ago(50))
    with pytest.raises(services.TooLongAgoError):
        note(new, "interview", days_ago(3000))
    with pytest.raises(services.FutureFeedbackError):
        note(new, "interview", days_ago(-3))
    assert Feedback.objects.get().withdrawn_at is None


def test_taken_back_is_the_newest_thing_said_in_all_lists_that_have_it(profile, old, new):
    for event in (old, new):
        record(event, "save")
        record(event, "hide")
        record(event, "view")
    record(old, "save", DEVELOPER)
    assert services.take_back_feedback(profile, NURSE) == "hide"
    assert services.feedback_in_force(profile) == {NURSE: {"save", "view"}, DEVELOPER: {"save"}}
    assert Feedback.objects.filter(action="undo", undoes__action="hide").count() == 2
    assert services.take_back_feedback(profile, NURSE, "save") == "save"
    assert services.feedback_in_force(profile) == {NURSE: {"view"}, DEVELOPER: {"save"}}


@pytest.mark.parametrize("action", ["", "view", "click", "undo", "offer", "nonsense"])
def test_nothing_is_taken_back_that_nobody_said(profile, old, action):
    record(old, "view")
    record(old, "click")
    record(old, "save")
    record(old, "undo")
    record(make_event(make_profile(CASHIER), codes=(NURSE,)), "offer")
    assert services.take_back_feedback(profile, NURSE, action) == ""
    assert services.feedback_in_force(profile) == {NURSE: {"view", "click"}}


def test_what_cannot_be_taken_back_in_one_list_is_taken_back_in_none(profile, old, new, monkeypatch):
    record(old, "save")
    record(new, "save")
    withdraw, withdrawn = feedback._withdraw, []

    def fail_at_the_second(said: Feedback) -> None:
        if withdrawn:
            raise RuntimeError
        withdrawn.append(said)
        withdraw(said)

    monkeypatch.setattr(feedback, "_withdraw", fail_at_the_second)
    with pytest.raises(RuntimeError):
        services.take_back_feedback(profile, NURSE)
    assert Feedback.objects.in_force().filter(action="save").count() == 2
    assert not Feedback.objects.filter(action="undo").exists()


def test_the_page_of_an_occupation_names_the_newest_list_and_the_interview_goes_to_the_one_applied_in(
    client, profile, old, new
):
    session = client.session
    session["profile"] = str(profile.pk)
    session.save()
    record(old, "apply", happened_at=days_ago(195))
    page = client.get(f"/occupations/{NURSE}/")
    named = page.context["reactions"].event_id
    assert named == str(new.pk)
    day = timezone.localdate() - timedelta(days=170)
    client.post("/feedback/", {"event": named, "code": NURSE, "action": "interview", "day": day.isoformat()})
    assert Feedback.objects.get(action="interview").item == item(old)


def test_the_api_keeps_the_list_that_it_names(client, old, new):
    record(old, "apply", happened_at=days_ago(195))
    body = {"target_onet_code": NURSE, "action_type": "interview", "happened_at": days_ago(170).isoformat()}
    answer = client.post("/api/v1/feedback", {"event_id": str(new.pk), **body}, content_type="application/json")
    assert answer.status_code == 201
    assert Feedback.objects.get(action="interview").item == item(new)
