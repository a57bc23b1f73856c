"""Feedback that arrives at the same time, from two windows or from a caller that tries again too soon."""

from functools import partial
from typing import Any

import pytest
from django.db.models import QuerySet

from recommendations import services
from recommendations.models import Feedback, RecommendedItem
from tests.at_once import at_once
from tests.factories import DEVELOPER, NURSE, make_event
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("world")]

MANY = 6


def items() -> QuerySet[RecommendedItem]:
    return RecommendedItem.objects.all()


def in_force() -> QuerySet[Feedback]:
    return Feedback.objects.in_force()


def news(answers: list[Any]) -> list[Feedback]:
    """Return what was new among the answers, of which none may be an error."""
    return [feedback for feedback, created in answers if created]


@pytest.mark.parametrize("key", ["", "k"])
def test_the_same_call_many_times_is_one_feedback(event, key):
    answers = at_once(items(), *[partial(record, event, "save", idempotency_key=key)] * MANY)
    assert news(answers) == [Feedback.objects.get()]
    assert {feedback.pk for feedback, _ in answers} == {Feedback.objects.get().pk}


def test_many_corrections_leave_one_in_force_and_lose_none(event):
    record(event, "offer", happened_at=days_ago(30))
    corrections = [partial(record, event, "offer", happened_at=days_ago(number)) for number in range(MANY)]
    answers = at_once(in_force(), *corrections)
    assert in_force().get() in news(answers)
    assert Feedback.objects.count() == len(news(answers)) + 1 == MANY + 1


def test_two_undos_take_back_two_things(event):
    for action in ("save", "apply", "interview"):
        record(event, action)
    answers = at_once(in_force(), *[partial(record, event, "undo")] * 2)
    assert {undo.undoes.action for undo in news(answers)} == {"interview", "apply"}
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_two_undos_with_one_key_take_back_one_thing(event):
    record(event, "save")
    record(event, "apply")
    answers = at_once(in_force(), *[partial(record, event, "undo", idempotency_key="u")] * 2)
    assert news(answers) == [Feedback.objects.get(action="undo")]
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_more_undos_than_there_is_to_undo(event):
    record(event, "save")
    answers = at_once(in_force(), *[partial(record, event, "undo")] * 2)
    assert sum(isinstance(answer, services.NothingToUndoError) for answer in answers) == 1
    assert Feedback.objects.filter(action="undo").count() == 1


@pytest.mark.parametrize("in_another_list", [False, True])
@pytest.mark.parametrize("action", ["save", "apply"])
def test_one_key_on_two_occupations_serves_one_of_them(event, profile, in_another_list, action):
    other = make_event(profile, codes=(NURSE, DEVELOPER)) if in_another_list else event
    answers = at_once(
        items(),
        partial(record, event, "save", NURSE, idempotency_key="k"),
        partial(record, other, action, DEVELOPER, idempotency_key="k"),
    )
    refused = [answer for answer in answers if isinstance(answer, services.KeyReusedError)]
    assert len(refused) == 1
    (won,) = news([answer for answer in answers if answer not in refused])
    assert Feedback.objects.get() == won


def test_a_card_in_many_windows_is_seen_once(event):
    views = [partial(services.record_views, event_id=event.pk, codes=[NURSE, DEVELOPER])] * MANY
    *numbers, (seen, created) = at_once(items(), *views, partial(record, event, "view"))
    assert sum(numbers) + created == 2
    assert seen.action == "view"
    assert sorted(in_force().values_list("item__occupation_id", "action")) == [(DEVELOPER, "view"), (NURSE, "view")]


def test_corrections_that_move_between_lists_do_not_wait_for_each_other(profile):
    for days in (200, 100):
        make_event(profile, codes=(NURSE,), created_at=days_ago(days))
    newest = items().get(event=profile.events.first())
    services.note_feedback(profile, newest, "offer", days_ago(50))
    notes = [partial(services.note_feedback, profile, newest, "offer", days_ago(days)) for days in (170, 90, 160, 80)]
    answers = at_once(in_force(), *notes)
    assert in_force().get() in news(answers)
    assert len(news(answers)) == len(notes)
