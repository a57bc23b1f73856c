"""Feedback that arrives at the same time, from two windows or from a caller that tries again too soon."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, cycle, islice
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from profiles.models import Profile
from recommendations import services
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.at_once import at_once
from tests.factories import CASHIER, COOK, DEVELOPER, NURSE, SALESPERSON, make_event, make_profile
from tests.locked import only_postgresql
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


def saves_and_undos(event: RecommendationEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, action in zip(count(), cycle(["save", "undo"])):
        body = {"event_id": str(event), "target_onet_code": NURSE, "action_type": action}
        yield "feedback", {**body, "idempotency_key": f"k{number}"}


def views(event: RecommendationEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    for code in cycle(event.items.values_list("occupation", flat=True)):
        yield "feedback/views", {"event_id": str(event), "target_onet_codes": [code]}


def ratings(event: RecommendationEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    for rating in cycle(range(5)):
        rated = [{"element_id": id_, "rating_0_4": rating} for id_ in ("2.A.1.a", "2.A.1.b")]
        yield f"user/{event.profile_id}/skills/ratings", {"ratings": rated}


def jobs(event: RecommendationEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    for code in cycle([CASHIER, COOK]):
        yield f"user/{event.profile_id}/current-occupation", {"onet_code": code}


def lists(event: RecommendationEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    for limit in cycle([1, 2]):
        yield f"user/{event.profile_id}/recommendations", {"limit_per_bucket": limit}


@only_postgresql
@pytest.mark.parametrize("kinds", [[saves_and_undos, views], [ratings, jobs], [lists]])
def test_a_person_can_go_while_their_own_calls_arrive(kinds):
    for _ in range(3):
        profile = make_profile(CASHIER)
        event = make_event(profile, codes=(NURSE, DEVELOPER, SALESPERSON))
        began = [Event() for _ in kinds * 2]
        with ThreadPoolExecutor(len(began)) as pool:
            calls = [kind(event) for kind in kinds * 2]
            called = [pool.submit(_call_until_gone, *one) for one in zip(calls, began, strict=True)]
            assert all(one.wait(30) for one in began)
            profile.delete()
        for statuses in (one.result() for one in called):
            assert set(statuses[:-1]) <= {200, 201}
            assert statuses[-1] == 404
    assert not Profile.objects.exists()
    assert not RecommendationEvent.objects.exists()


def _call_until_gone(calls: Iterator[tuple[str, dict[str, Any]]], began: Event) -> list[int]:
    """Make calls until one is not answered well, and return the statuses of all."""
    client, statuses = Client(raise_request_exception=False), []
    try:
        for path, body in islice(calls, 500):
            answer = client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
            statuses.append(answer.status_code)
            began.set()
            if answer.status_code >= 400:
                break
        return statuses
    finally:
        connection.close()
