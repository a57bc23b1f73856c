"""A key that comes with a feedback: the same call again changes nothing, and no other call has the key."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from recommendations import services
from recommendations.models import Feedback, FeedbackKey
from tests.factories import CASHIER, DEVELOPER, NURSE, make_event, make_profile
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


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


def test_a_repeated_undo_with_a_key_takes_back_one_thing(event):
    record(event, "save")
    record(event, "apply")
    first, _ = record(event, "undo", idempotency_key="u")
    assert record(event, "undo", idempotency_key="u") == (first, False)
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_the_same_key_with_another_date_corrects_nothing(event):
    record(event, "offer", happened_at=days_ago(3), idempotency_key="k")
    with pytest.raises(services.KeyReusedError):
        record(event, "offer", happened_at=days_ago(4), idempotency_key="k")
    assert Feedback.objects.get().withdrawn_at is None


def test_a_key_holds_for_what_is_undone_too(event):
    record(event, "apply")
    record(event, "save")
    first, _ = record(event, "undo", undoes="apply", idempotency_key="u")
    assert record(event, "undo", undoes="apply", idempotency_key="u") == (first, False)
    with pytest.raises(services.KeyReusedError):
        record(event, "undo", undoes="save", idempotency_key="u")
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_a_call_that_changes_nothing_uses_its_key_too(event):
    applied, _ = record(event, "apply")
    assert record(event, "apply", idempotency_key="k") == (applied, False)
    with pytest.raises(services.KeyReusedError):
        record(event, "save", idempotency_key="k")
    assert services.feedback_in_force(event) == {NURSE: {"apply"}}


def test_a_retry_does_not_do_again_what_was_taken_back_meanwhile(event):
    saved, _ = record(event, "save", idempotency_key="a")
    assert record(event, "save", idempotency_key="b") == (saved, False)
    record(event, "undo")
    for key in ("a", "b"):
        assert record(event, "save", idempotency_key=key) == (saved, False)
    assert services.feedback_in_force(event) == {}


@pytest.mark.parametrize(("first", "second"), [("apply", ""), ("", "apply")])
def test_an_undo_of_a_named_action_is_another_call_than_one_of_the_newest(event, first, second):
    record(event, "save")
    record(event, "apply")
    record(event, "undo", undoes=first, idempotency_key="k")
    with pytest.raises(services.KeyReusedError):
        record(event, "undo", undoes=second, idempotency_key="k")
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_a_date_is_part_of_the_call_however_its_hour_is_written(event):
    day = days_ago(3)
    offer, _ = record(event, "offer", happened_at=day, idempotency_key="k")
    elsewhere = day.astimezone(ZoneInfo("America/Denver"))
    assert record(event, "offer", happened_at=elsewhere, idempotency_key="k") == (offer, False)
    with pytest.raises(services.KeyReusedError):
        record(event, "offer", idempotency_key="k")


def test_a_call_that_was_refused_leaves_its_key_free(event):
    with pytest.raises(services.NothingToUndoError):
        record(event, "undo", idempotency_key="k")
    assert record(event, "save", idempotency_key="k")[1]


def test_a_person_who_goes_takes_their_keys_along(event, profile):
    record(event, "save", idempotency_key="k")
    profile.delete()
    assert not FeedbackKey.objects.exists()
