"""What people did with what was shown: once, on what was shown, and taken back when they say so."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommendations import services
from recommendations.models import Feedback
from tests.factories import CASHIER, DEVELOPER, NURSE, TESTER, make_event, make_profile, make_user
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def test_feedback_refers_to_the_item_that_was_shown(event):
    feedback, created = record(event, "save")
    assert created
    assert (feedback.item.event, feedback.item.occupation_id) == (event, NURSE)
    assert abs(timezone.now() - feedback.happened_at) < timedelta(seconds=5)


def test_a_repeated_call_is_one_feedback(event):
    first, _ = record(event, "save")
    second, created = record(event, "save")
    assert (second, created) == (first, False)
    assert Feedback.objects.count() == 1
    record(event, "apply")
    record(event, "save", DEVELOPER)
    assert Feedback.objects.count() == 3


def test_the_database_itself_refuses_a_second_one(event):
    feedback, _ = record(event, "save")
    with pytest.raises(IntegrityError):
        Feedback.objects.create(item=feedback.item, action="save")


def test_what_was_not_shown_gets_no_feedback(event):
    with pytest.raises(services.NotShownError, match=TESTER):
        record(event, "save", TESTER)
    with pytest.raises(services.NotShownError):
        record(event, "save", "99-9999.00")
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("event_id", [uuid.uuid5(uuid.NAMESPACE_DNS, "nobody"), "no id at all", ""])
def test_unknown_list(event, event_id):
    with pytest.raises(services.UnknownEventError):
        services.record_feedback(event_id=event_id, code=NURSE, action="save")


def test_a_claimed_list_is_open_to_its_owner_only(event, profile):
    owner, stranger = make_user(), make_user()
    record(event, "view", user=AnonymousUser())
    profile.user = owner
    profile.save()
    for nobody in (stranger, AnonymousUser()):
        with pytest.raises(services.UnknownEventError):
            record(event, "save", user=nobody)
    assert record(event, "save", user=owner)[1]


@pytest.mark.parametrize("signed_in", [False, True])
def test_one_list_is_looked_up_without_going_through_all_profiles(event, signed_in):
    with CaptureQueriesContext(connection) as queries:
        record(event, "save", user=make_user() if signed_in else AnonymousUser())
    assert not any("IN (SELECT" in query["sql"] for query in queries)


def test_the_future_is_refused_and_the_past_kept(event):
    with pytest.raises(services.FutureFeedbackError):
        record(event, "offer", happened_at=timezone.now() + timedelta(hours=1))
    yesterday = timezone.now() - timedelta(days=1)
    assert record(event, "offer", happened_at=yesterday)[0].happened_at == yesterday
    assert record(event, "apply", happened_at=timezone.now() + timedelta(minutes=1))[1]


def test_undo_takes_back_the_newest_in_force(event):
    save, _ = record(event, "save")
    apply, _ = record(event, "apply")
    record(event, "view")
    undo, created = record(event, "undo")
    assert created
    assert undo.undoes == apply
    apply.refresh_from_db()
    assert apply.withdrawn_at is not None
    assert services.feedback_in_force(event) == {NURSE: {"save", "view"}}
    assert record(event, "undo")[0].undoes == save
    assert services.feedback_in_force(event) == {NURSE: {"view"}}


def test_there_must_be_something_to_undo(event):
    record(event, "view")
    record(event, "click")
    record(event, "save", DEVELOPER)
    with pytest.raises(services.NothingToUndoError):
        record(event, "undo")
    assert Feedback.objects.count() == 3


def test_what_was_taken_back_can_be_done_again(event):
    record(event, "save")
    record(event, "undo")
    _, created = record(event, "save")
    assert created
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_another_date_corrects_the_first(event):
    first, _ = record(event, "interview", happened_at=days_ago(3))
    second, created = record(event, "interview", happened_at=days_ago(10))
    assert created
    first.refresh_from_db()
    assert first.withdrawn_at is not None
    assert Feedback.objects.in_force().get() == second
    assert second.happened_at < first.happened_at


def test_no_date_or_the_same_one_corrects_nothing(event):
    day = days_ago(3)
    first, _ = record(event, "offer", happened_at=day)
    assert record(event, "offer") == (first, False)
    assert record(event, "offer", happened_at=day) == (first, False)
    assert Feedback.objects.get().withdrawn_at is None


def test_a_date_can_come_weeks_after_an_answer_without_one(event):
    record(event, "apply")
    corrected, created = record(event, "apply", happened_at=days_ago(30))
    assert created
    assert Feedback.objects.in_force().get() == corrected


def test_a_correction_on_one_occupation_leaves_the_others(event):
    record(event, "offer", happened_at=days_ago(3))
    other, _ = record(event, "offer", DEVELOPER, happened_at=days_ago(3))
    record(event, "offer", happened_at=days_ago(4))
    other.refresh_from_db()
    assert other.withdrawn_at is None


def test_what_lies_too_far_back_is_a_slip_of_the_pen(event):
    for year in (1, 1999, timezone.now().year - 6):
        with pytest.raises(services.TooLongAgoError):
            record(event, "offer", happened_at=datetime(year, 1, 1, tzinfo=UTC))
    assert not Feedback.objects.exists()
    assert record(event, "offer", happened_at=days_ago(4 * 365))[1]


def test_it_may_have_happened_before_the_list_was_shown(event):
    assert record(event, "apply", happened_at=event.created_at - timedelta(days=20))[1]


def test_undo_of_a_named_action_leaves_the_newer_ones(event):
    for action in ("apply", "interview", "offer"):
        record(event, action)
    undo, _ = record(event, "undo", undoes="interview")
    assert undo.undoes is not None
    assert undo.undoes.action == "interview"
    assert services.feedback_in_force(event) == {NURSE: {"apply", "offer"}}


def test_a_named_action_must_be_in_force_to_be_undone(event):
    record(event, "save")
    record(event, "view")
    record(event, "interview", DEVELOPER)
    for undoes in ("interview", "view"):
        with pytest.raises(services.NothingToUndoError, match=undoes):
            record(event, "undo", undoes=undoes)
    assert services.feedback_in_force(event) == {NURSE: {"save", "view"}, DEVELOPER: {"interview"}}


def test_only_undo_takes_something_back(event):
    with pytest.raises(ValueError, match="Only undo"):
        record(event, "save", undoes="apply")
    assert not Feedback.objects.exists()


def test_told_of_gives_the_newest_of_each_action(event, profile):
    record(event, "apply", happened_at=days_ago(9))
    newer = make_event(profile, codes=(NURSE,))
    newest, _ = record(newer, "apply", happened_at=days_ago(5))
    record(event, "save", DEVELOPER)
    record(event, "hide")
    record(event, "undo")
    assert services.told_of(profile, NURSE) == {"apply": newest}


def test_feedback_in_force_of_a_person_covers_all_their_lists(event, profile):
    record(event, "save")
    newer = make_event(profile, codes=(NURSE, TESTER))
    record(newer, "hide", TESTER)
    strangers = make_event(make_profile(CASHIER), codes=(NURSE,))
    record(strangers, "apply")
    assert services.feedback_in_force(profile) == {NURSE: {"save"}, TESTER: {"hide"}}
    assert services.feedback_in_force(newer) == {TESTER: {"hide"}}
