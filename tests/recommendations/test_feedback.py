"""What people did with what was shown: once, on what was shown, and taken back when they say so."""

import csv
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from occupations.models import Release
from profiles.models import Profile, User
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
    atomic = transaction.atomic

    def after_the_call(*args: Any, **kwargs: Any) -> object:
        monkeypatch.setattr(transaction, "atomic", atomic)
        call()
        return atomic(*args, **kwargs)

    monkeypatch.setattr(transaction, "atomic", after_the_call)


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


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


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


def test_two_corrections_at_once_leave_one_in_force(event, monkeypatch):
    record(event, "offer", happened_at=days_ago(3))
    mine, theirs = days_ago(5), days_ago(7)
    at_the_same_time(monkeypatch, lambda: record(event, "offer", happened_at=theirs))
    last, created = record(event, "offer", happened_at=mine)
    assert (created, last.happened_at) == (True, mine)
    assert Feedback.objects.in_force().get() == last
    assert Feedback.objects.count() == 3


def test_the_same_key_with_another_date_corrects_nothing(event):
    record(event, "offer", happened_at=days_ago(3), idempotency_key="k")
    with pytest.raises(services.KeyReusedError):
        record(event, "offer", happened_at=days_ago(4), idempotency_key="k")
    assert Feedback.objects.get().withdrawn_at is None


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


def test_a_key_holds_for_what_is_undone_too(event):
    record(event, "apply")
    record(event, "save")
    first, _ = record(event, "undo", undoes="apply", idempotency_key="u")
    assert record(event, "undo", undoes="apply", idempotency_key="u") == (first, False)
    with pytest.raises(services.KeyReusedError):
        record(event, "undo", undoes="save", idempotency_key="u")
    assert services.feedback_in_force(event) == {NURSE: {"save"}}


def test_only_undo_takes_something_back(event):
    with pytest.raises(ValueError, match="Only undo"):
        record(event, "save", undoes="apply")
    assert not Feedback.objects.exists()


class TestOutcomeWithoutApplication:
    FLAG = "outcome_without_application"

    @pytest.mark.parametrize(
        ("action", "flags"), [("interview", [FLAG]), ("offer", [FLAG]), ("apply", []), ("save", []), ("hide", [])]
    )
    def test_an_outcome_alone_is_kept_and_flagged(self, event, action, flags):
        feedback, created = record(event, action)
        assert created
        assert services.feedback_flags(feedback) == flags

    def test_an_application_on_that_job_in_any_list_will_do_even_later(self, event, profile):
        offer, _ = record(event, "offer")
        newer = make_event(profile, codes=(NURSE,))
        record(newer, "apply")
        assert services.feedback_flags(offer) == []
        record(newer, "undo", undoes="apply")
        assert services.feedback_flags(offer) == [self.FLAG]

    def test_another_job_or_another_person_will_not(self, event):
        offer, _ = record(event, "offer")
        record(event, "apply", DEVELOPER)
        record(make_event(make_profile(CASHIER), codes=(NURSE,)), "apply")
        assert services.feedback_flags(offer) == [self.FLAG]

    def test_one_that_was_taken_back_is_no_longer_odd(self, event):
        offer, _ = record(event, "offer")
        undo, _ = record(event, "undo")
        assert services.feedback_flags(offer) == services.feedback_flags(undo) == []

    def test_the_curator_sees_finds_and_exports_them(self, event, client):
        client.force_login(User.objects.create_superuser("curator", password="secret"))
        record(event, "apply")
        record(event, "offer")
        odd, _ = record(event, "interview", DEVELOPER)
        page = client.get(reverse("admin:recommendations_feedback_changelist"))
        assert page.content.decode().count("Outcome without application") == 1
        page = client.get(reverse("admin:recommendations_feedback_changelist"), {"flag": self.FLAG})
        assert list(page.context["cl"].queryset) == [odd]
        answer = client.post(
            reverse("admin:recommendations_feedback_export"),
            {"format": "0", "resource": "0", **{f"feedbackresource_{name}": "on" for name in ("id", "action", "flag")}},
        )
        rows = {row["action"]: row["flag"] for row in csv.DictReader(StringIO(answer.content.decode()))}
        assert rows == {"apply": "", "offer": "", "interview": self.FLAG}


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


class TestApi:
    def post(
        self, client: Client, event: RecommendationEvent | str, action: str, code: str = NURSE, **more: Any
    ) -> Any:
        body = {"event_id": str(event), "target_onet_code": code, "action_type": action, **more}
        return client.post("/api/v1/feedback", body, content_type="application/json")

    def test_an_outcome_without_an_application_is_accepted_and_flagged(self, client, event):
        answer = self.post(client, event, "offer")
        assert (answer.status_code, answer.json()["flags"]) == (201, ["outcome_without_application"])
        assert self.post(client, event, "apply").json()["flags"] == []
        assert self.post(client, event, "offer").json()["flags"] == []

    def test_a_date_comes_later_is_corrected_and_taken_back(self, client, event):
        days = [days_ago(n).isoformat() for n in (9, 12)]
        answers = [self.post(client, event, "interview", happened_at=day) for day in (*days, days[1])]
        assert [answer.status_code for answer in answers] == [201, 201, 200]
        assert datetime.fromisoformat(answers[-1].json()["happened_at"]) == datetime.fromisoformat(days[1])
        self.post(client, event, "save")
        assert self.post(client, event, "undo", undoes="interview").status_code == 201
        assert services.feedback_in_force(event) == {NURSE: {"save"}}

    @pytest.mark.parametrize(
        ("change", "status", "code", "field"),
        [
            ({"event_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "nobody"))}, 404, "not_found", None),
            ({"event_id": "7"}, 422, "invalid", None),
            ({"target_onet_code": TESTER}, 422, "not_shown", "target_onet_code"),
            ({"target_onet_code": "\0"}, 422, "null_characters_not_allowed", None),
            ({"action_type": "dance"}, 422, "invalid_choice", None),
            ({"happened_at": "2999-01-01T00:00:00Z"}, 422, "in_the_future", "happened_at"),
            ({"happened_at": "9999-12-31T23:59:59-12:00"}, 422, None, None),
            ({"happened_at": "1999-12-31T00:00:00Z"}, 422, "too_long_ago", "happened_at"),
            ({"happened_at": "0001-01-01T00:00:00+14:00"}, 422, None, None),
            ({"happened_at": "yesterday"}, 422, "invalid", None),
            ({"happened_at": None}, 422, "null", None),
            ({"action_type": "undo", "undoes": "interview"}, 422, "nothing_to_undo", "undoes"),
            ({"action_type": "undo", "undoes": "view"}, 422, "invalid_choice", None),
            ({"action_type": "undo", "undoes": "undo"}, 422, "invalid_choice", None),
            ({"action_type": "apply", "undoes": "save"}, 422, "invalid", None),
        ],
    )
    def test_what_cannot_be_used_is_refused_and_changes_nothing(self, client, event, change, status, code, field):
        record(event, "save")
        record(event, "view")
        body = {"event_id": str(event), "target_onet_code": NURSE, "action_type": "offer", **change}
        answer = client.post("/api/v1/feedback", body, content_type="application/json")
        error = answer.json()["error"]
        assert answer.status_code == status, error
        assert code in (None, error["code"])
        assert error.get("field") == field
        assert error["message"]
        assert services.feedback_in_force(event) == {NURSE: {"save", "view"}}
        assert Feedback.objects.count() == 2

    @pytest.mark.parametrize(
        "change",
        [
            {"action_type": "apply"},
            {"target_onet_code": DEVELOPER},
            {"happened_at": days_ago(40).isoformat()},
            {"action_type": "undo"},
        ],
    )
    def test_the_same_key_with_another_body_is_a_conflict(self, client, event, change):
        self.post(client, event, "offer", happened_at=days_ago(2).isoformat(), idempotency_key="k")
        body = {"target_onet_code": NURSE, "action_type": "offer", "idempotency_key": "k", **change}
        answer = client.post("/api/v1/feedback", {"event_id": str(event), **body}, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_reused")
        assert Feedback.objects.get().withdrawn_at is None

    def test_the_same_key_with_another_undo_is_a_conflict(self, client, event):
        for action in ("apply", "offer"):
            self.post(client, event, action)
        assert self.post(client, event, "undo", undoes="offer", idempotency_key="u").status_code == 201
        assert self.post(client, event, "undo", undoes="apply", idempotency_key="u").status_code == 409
        assert services.feedback_in_force(event) == {NURSE: {"apply"}}
