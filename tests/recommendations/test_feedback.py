"""What people did with what was shown: once, on what was shown, and taken back when they say so."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.utils import timezone

from occupations.models import Release
from profiles.models import Profile
from recommendations import services
from recommendations.models import Feedback, RecommendationEvent
from tests.factories import CASHIER, DEVELOPER, NURSE, TESTER, make_event, make_profile, make_user, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world() -> Release:
    return make_world()


@pytest.fixture
def profile() -> Profile:
    return make_profile(CASHIER)


@pytest.fixture
def event(profile: Profile) -> RecommendationEvent:
    return make_event(profile, codes=(NURSE, DEVELOPER))


def record(event: RecommendationEvent, action: str, code: str = NURSE, **more: Any) -> tuple[Feedback, bool]:
    return services.record_feedback(event_id=event.pk, code=code, action=action, **more)


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


def at_the_same_time(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
    """Let another process make this call after the next one has looked, and before it writes."""
    now = timezone.now

    def now_and_call() -> datetime:
        monkeypatch.setattr(timezone, "now", now)
        call()
        return now()

    monkeypatch.setattr(timezone, "now", now_and_call)


@pytest.mark.parametrize("key", ["", "k"])
def test_two_calls_at_once_are_one_feedback(event, monkeypatch, key):
    at_the_same_time(monkeypatch, lambda: record(event, "save", idempotency_key=key))
    feedback, created = record(event, "save", idempotency_key=key)
    assert not created
    assert Feedback.objects.get() == feedback


def test_two_undos_at_once_with_one_key_take_back_one_thing(event, monkeypatch):
    record(event, "save")
    record(event, "apply")
    at_the_same_time(monkeypatch, lambda: record(event, "undo", idempotency_key="u"))
    feedback, created = record(event, "undo", idempotency_key="u")
    assert not created
    assert Feedback.objects.get(action="undo") == feedback
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_a_key_that_another_call_takes_at_once_is_refused(event, monkeypatch):
    at_the_same_time(monkeypatch, lambda: record(event, "save", idempotency_key="k"))
    with pytest.raises(services.KeyReusedError):
        record(event, "apply", idempotency_key="k")
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


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


def test_the_future_is_refused_and_the_past_kept(event):
    with pytest.raises(services.FutureFeedbackError):
        record(event, "offer", happened_at=timezone.now() + timedelta(hours=1))
    yesterday = timezone.now() - timedelta(days=1)
    assert record(event, "offer", happened_at=yesterday)[0].happened_at == yesterday
    assert record(event, "apply", happened_at=timezone.now() + timedelta(minutes=1))[1]


def test_a_key_answers_the_same_feedback_and_no_other(event, profile):
    first, created = record(event, "save", idempotency_key="k")
    assert created
    assert record(event, "save", idempotency_key="k") == (first, False)
    other_list = make_event(profile, codes=(NURSE,))
    for call in (
        lambda: record(event, "apply", idempotency_key="k"),
        lambda: record(event, "save", DEVELOPER, idempotency_key="k"),
        lambda: record(other_list, "save", idempotency_key="k"),
        lambda: record(event, "save", idempotency_key="k", happened_at=timezone.now() - timedelta(days=2)),
    ):
        with pytest.raises(services.KeyReusedError, match="k"):
            call()
    assert Feedback.objects.count() == 1


def test_other_people_may_use_the_same_key(event):
    record(event, "save", idempotency_key="k")
    others = make_event(make_profile(CASHIER), codes=(NURSE,))
    assert record(others, "save", idempotency_key="k")[1]


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


def test_a_repeated_undo_with_a_key_takes_back_one_thing(event):
    record(event, "save")
    record(event, "apply")
    first, _ = record(event, "undo", idempotency_key="u")
    assert record(event, "undo", idempotency_key="u") == (first, False)
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_feedback_in_force_of_a_person_covers_all_their_lists(event, profile):
    record(event, "save")
    newer = make_event(profile, codes=(NURSE, TESTER))
    record(newer, "hide", TESTER)
    strangers = make_event(make_profile(CASHIER), codes=(NURSE,))
    record(strangers, "apply")
    assert services.feedback_in_force(profile) == {NURSE: {"save"}, TESTER: {"hide"}}
    assert services.feedback_in_force(newer) == {TESTER: {"hide"}}
