"""What people did with what was shown to them; `services` hands it on to pages, API and commands."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from profiles.models import Profile, is_open_to
from profiles.services import ProfileGoneError, hold, mark_staff
from recommendations.models import Feedback, FeedbackKey, RecommendationEvent, RecommendedItem

# Clocks differ a little between a caller and us.
CLOCK_SLACK = timedelta(minutes=5)
# Whoever gives an older date has mistaken the year.
OLDEST = timedelta(days=5 * 365 + 1)
# What a page notes by itself: nobody says it, and nobody takes it back.
SILENT = (Feedback.Action.VIEW, Feedback.Action.CLICK)
STEPS = (Feedback.Action.APPLY, *Feedback.OUTCOMES)
# The most that one report of what was seen may name.
MOST_SEEN = 300


class UnknownEventError(Exception):
    """No stored list has this id, or it belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__("There is no list of recommendations with this id, or it belongs to somebody else.")


class NotShownError(Exception):
    """The list did not hold these occupations, so there is nothing to say about them; nothing was saved."""

    def __init__(self, codes: Collection[str]) -> None:
        self.codes = sorted(codes)
        were = "was" if len(self.codes) == 1 else "were"
        super().__init__(
            f"{', '.join(self.codes)} {were} not recommended in this list. Feedback refers to what was shown."
        )


class FutureFeedbackError(Exception):
    """What is said to have happened lies in the future."""

    def __init__(self) -> None:
        super().__init__("happened_at lies in the future. Tell us once it has happened.")


class TooLongAgoError(Exception):
    """What is said to have happened lies further back than anybody would mean."""

    def __init__(self) -> None:
        super().__init__("happened_at lies more than five years back. Check the year.")


class KeyReusedError(Exception):
    """The idempotency key was sent before with another feedback."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {key} was used for another feedback. Use a new one for each.")


class NothingToUndoError(Exception):
    """No such feedback on this occupation is in force."""

    def __init__(self, undoes: str = "") -> None:
        what = f"no {undoes}" if undoes else "nothing"
        super().__init__(f"There is {what} to take back on this occupation in this list.")


def hidden_codes(profile: Profile) -> set[str]:
    """Return the occupations that the person has hidden, in whichever list, and not taken back."""
    hidden = Feedback.objects.of(profile).filter(action=Feedback.Action.HIDE)
    return set(hidden.order_by().values_list("item__occupation_id", flat=True))


def feedback_in_force(of: Profile | RecommendationEvent) -> dict[str, set[str]]:
    """Return what a person did and has not taken back, by occupation: in all lists, or in one."""
    said = Feedback.objects.in_force()
    feedback = Feedback.objects.of(of) if isinstance(of, Profile) else said.filter(item__event=of)
    actions: dict[str, set[str]] = {}
    for code, action in feedback.order_by().values_list("item__occupation_id", "action"):
        actions.setdefault(code, set()).add(action)
    return actions


def told_of(profile: Profile, code: str) -> dict[str, Feedback]:
    """Return the newest feedback in force of each action on an occupation, in whichever of the person's lists."""
    feedback = Feedback.objects.of(profile).filter(item__occupation=code)
    return {one.action: one for one in feedback.select_related("item").order_by("recorded_at", "pk")}


def step_dated_later(told: Mapping[str, Feedback], action: str) -> Feedback | None:
    """Return the application or interview that the person dates on a later day than the outcome that follows it.

    Args:
        told: What they say of one occupation, as from `told_of`.
        action: What they noted last; only an outcome follows anything.
    """
    if action not in Feedback.OUTCOMES or action not in told:
        return None
    day = timezone.localdate(told[action].happened_at)
    before = (told[step] for step in STEPS[: STEPS.index(action)] if step in told)
    return next((one for one in before if timezone.localdate(one.happened_at) > day), None)


def feedback_flags(feedback: Feedback) -> list[str]:
    """Return what is odd about a feedback, which is kept all the same: of `Feedback.Flag`, or nothing.

    A decision is before its list where it is dated more than a day before that was shown. Then nothing is learnt of
    the job from that list.
    """
    if feedback.action not in Feedback.DECISIONS:
        return []
    return [flag for flag in Feedback.objects.with_flag().get(pk=feedback.pk).flag.split(", ") if flag]


def record_feedback(
    *,
    event_id: UUID | str,
    code: str,
    action: str,
    happened_at: datetime | None = None,
    undoes: str = "",
    idempotency_key: str = "",
    user: object = None,
) -> tuple[Feedback, bool]:
    """Record what a person did with a recommended occupation; a repeated call is one feedback.

    The same action with another `happened_at` corrects the date: what was said before is withdrawn. `undo` takes back
    the newest feedback in force on the occupation in this list, except that it was seen or opened; again, the one
    before. Only an undo that names what it undoes, or has a key, may be repeated.

    Args:
        event_id: The list.
        code: O*NET-SOC code.
        action: One of `Feedback.Action`.
        happened_at: When it happened, at most five years ago; now if not given.
        undoes: Of `undo`, the action to take back in place of the newest.
        idempotency_key: A key of the caller's: the same call again answers the same feedback and changes nothing.
        user: Who calls; None where the caller has checked already whose list it is.

    Returns:
        The feedback, and whether it is new.

    Raises:
        UnknownEventError: There is no such list, or it is not open to this user.
        NotShownError: The list did not hold this occupation.
        FutureFeedbackError: `happened_at` lies in the future.
        TooLongAgoError: `happened_at` lies more than five years back.
        KeyReusedError: The person sent this key with another feedback.
        NothingToUndoError: No feedback is in force on this occupation in this list; or the action to undo was never
            taken, so that it was not undone before either.
        ValueError: Another action than `undo` undoes something.
    """
    if undoes and action != Feedback.Action.UNDO:
        raise ValueError("Only undo takes something back.")
    _check_time(happened_at)
    return _record_once(event_id, code, user, action, happened_at, undoes, idempotency_key)


@transaction.atomic
def note_feedback(
    profile: Profile, item: RecommendedItem, action: str, happened_at: datetime | None = None
) -> tuple[Feedback, bool]:
    """Record what a person says of an occupation on a page, in the list that it belongs to.

    There they say each thing once, however many lists showed the occupation: without a date it stands as it was said,
    and another date corrects it, which may move it to another list.

    Args:
        profile: The person.
        item: The occupation in the list that the page names, one of theirs.
        action: One of `Feedback.Action`, except `undo`.
        happened_at: When it happened, at most five years ago; now if not given.

    Returns:
        The feedback, and whether it is new.

    Raises:
        ProfileGoneError: The profile was deleted.
        FutureFeedbackError: `happened_at` lies in the future.
        TooLongAgoError: `happened_at` lies more than five years back.
    """
    _check_time(happened_at)
    hold(profile.pk)
    said = told_of(profile, item.occupation_id).get(action)
    if said and happened_at in (None, said.happened_at):
        return said, False
    meant = _item_meant(profile, item, action, happened_at)
    if said and said.item_id != meant.pk:
        _withdraw(said)
    return _record(meant, action, happened_at, "")


@transaction.atomic
def take_back_feedback(profile: Profile, code: str, action: str = "") -> str:
    """Take back what a person says of an occupation on a page, in all of their lists or in none.

    Args:
        profile: The person.
        code: O*NET-SOC code.
        action: What to take back; the newest thing said if not given.

    Returns:
        The action; empty if there was nothing to take back.

    Raises:
        ProfileGoneError: The profile was deleted.
    """
    hold(profile.pk)
    said = Feedback.objects.of(profile).filter(item__occupation=code).exclude(action__in=SILENT)
    if not action:
        newest = said.order_by("-recorded_at", "-pk").first()
        action = newest.action if newest else ""
    taken_back = list(said.filter(action=action).select_related("item"))
    for one in taken_back:
        _record(one.item, Feedback.Action.UNDO, None, action)
    return action if taken_back else ""


@transaction.atomic
def record_views(
    *, event_id: UUID | str, codes: Collection[str], user: object = None, happened_at: datetime | None = None
) -> int:
    """Record that a person saw recommended occupations: all of them or, if one was not in the list, none.

    Args:
        event_id: The list.
        codes: O*NET-SOC codes; one that was noted as seen before is no error and stays one feedback.
        user: Who calls; None where the caller has checked already whose list it is.
        happened_at: When they were seen; now if not given.

    Returns:
        How many of them had not been seen before.

    Raises:
        UnknownEventError: There is no such list, or it is not open to this user.
        NotShownError: The list did not hold some of these occupations.
        FutureFeedbackError: `happened_at` lies in the future.
        TooLongAgoError: `happened_at` lies more than five years back.
    """
    _check_time(happened_at)
    event = _event_open_to(event_id, user)
    views = Feedback.objects.in_force().filter(item=OuterRef("pk"), action=Feedback.Action.VIEW)
    shown = event.items.filter(occupation__in=codes).annotate(seen=Exists(views))
    items = {code: (pk, seen) for code, pk, seen in shown.order_by().values_list("occupation_id", "pk", "seen")}
    if missing := set(codes) - set(items):
        raise NotShownError(missing)
    new = [pk for pk, seen in items.values() if not seen]
    seen_at = happened_at or timezone.now()
    Feedback.objects.bulk_create(Feedback(item_id=pk, action=Feedback.Action.VIEW, happened_at=seen_at) for pk in new)
    return len(new)


def _check_time(happened_at: datetime | None) -> None:
    if happened_at is None:
        return
    if happened_at > timezone.now() + CLOCK_SLACK:
        raise FutureFeedbackError
    if happened_at < timezone.now() - OLDEST:
        raise TooLongAgoError


def _event_open_to(event_id: UUID | str, user: object) -> RecommendationEvent:
    """Return a list and hold whose it is: one call at a time says what they did, the others wait until it has ended."""
    try:
        events = RecommendationEvent.objects.filter(pk=UUID(str(event_id)))
    except ValueError as error:
        raise UnknownEventError from error
    if user is not None:
        events = events.filter(is_open_to(user, profile="profile__"))
    # A list carries long JSON that nobody asks for here.
    event = events.only("profile").first()
    if event is None:
        raise UnknownEventError
    try:
        hold(event.profile_id)
    except ProfileGoneError as error:
        raise UnknownEventError from error
    mark_staff(event.profile_id, user)
    return event


def _item_shown(event_id: UUID | str, code: str, user: object) -> RecommendedItem:
    event = _event_open_to(event_id, user)
    item = event.items.filter(occupation=code).defer("features").first()
    if item is None:
        raise NotShownError([code])
    return item


def _item_meant(profile: Profile, item: RecommendedItem, action: str, happened_at: datetime | None) -> RecommendedItem:
    """Return the occupation in the list that something noted on a page belongs to.

    An interview or an offer belongs to the list in which the person says that they applied, the newest by that day;
    without such a one, and like all that is given a day, to the newest list that showed the occupation by then; else
    to the list that the page names. Days are compared, because people give a day without an hour.
    """
    if happened_at is None and action not in Feedback.OUTCOMES:
        return item
    day = timezone.localdate(happened_at)
    shown = RecommendedItem.objects.filter(event__profile=profile, occupation=item.occupation_id)
    if action in Feedback.OUTCOMES:
        applications = Feedback.objects.in_force().filter(action=Feedback.Action.APPLY, happened_at__date__lte=day)
        newest = applications.filter(item__in=shown).select_related("item").order_by("-happened_at", "-pk").first()
        if newest:
            return newest.item
    return shown.filter(event__created_at__date__lte=day).order_by("-event__created_at").first() or item


@transaction.atomic
def _record_once(
    event_id: UUID | str, code: str, user: object, action: str, happened_at: datetime | None, undoes: str, key: str
) -> tuple[Feedback, bool]:
    """Record a feedback, or answer with the one that its key was answered with before."""
    item = _item_shown(event_id, code, user)
    if not key:
        return _record(item, action, happened_at, undoes)
    profile_id = item.event.profile_id
    when = happened_at.astimezone(UTC).isoformat() if happened_at else ""
    sent = json.dumps([str(item.event_id), code, action, undoes, when])
    digest = hashlib.sha256(sent.encode()).hexdigest()
    before = FeedbackKey.objects.filter(profile=profile_id, key=key).select_related("feedback").first()
    if before:
        if before.digest != digest:
            raise KeyReusedError(key)
        return before.feedback, False
    feedback, created = _record(item, action, happened_at, undoes)
    FeedbackKey.objects.create(profile_id=profile_id, key=key, digest=digest, feedback=feedback)
    return feedback, created


def _record(item: RecommendedItem, action: str, happened_at: datetime | None, undoes: str) -> tuple[Feedback, bool]:
    """Record a feedback of a person who is held, and say whether it is new."""
    feedback = Feedback(item=item, action=action, happened_at=happened_at or timezone.now())
    if action == Feedback.Action.UNDO:
        newest = _newest(item, undoes)
        if newest is None:
            return _undone_before(item, undoes), False
        feedback.undoes = newest
        _withdraw(newest)
    elif same := item.feedback.in_force().filter(action=action).first():
        if happened_at in (None, same.happened_at):
            return same, False
        _withdraw(same)
    feedback.save(force_insert=True)
    return feedback, True


def _newest(item: RecommendedItem, action: str) -> Feedback | None:
    """Return the newest feedback in force that can be taken back, of an action if one is named."""
    in_force = item.feedback.in_force().exclude(action__in=SILENT)
    if action:
        in_force = in_force.filter(action=action)
    return in_force.order_by("-recorded_at", "-pk").first()


def _undone_before(item: RecommendedItem, action: str) -> Feedback:
    """Return the newest undo of an action on an occupation, if it names one."""
    undone = item.feedback.filter(undoes__action=action).order_by("-recorded_at", "-pk").first()
    if undone is None:
        raise NothingToUndoError(action)
    return undone


def _withdraw(feedback: Feedback) -> None:
    feedback.withdrawn_at = timezone.now()
    feedback.save(update_fields=["withdrawn_at"])
