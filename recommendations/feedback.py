"""What people did with what was shown to them; `services` hands it on to pages, API and commands."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from profiles.models import Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem

# Clocks differ a little between a caller and us.
CLOCK_SLACK = timedelta(minutes=5)
# Whoever gives an older date has mistaken the year.
OLDEST = timedelta(days=5 * 365 + 1)
NOT_UNDONE = (Feedback.Action.VIEW, Feedback.Action.CLICK)


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
    hidden = Feedback.objects.in_force().filter(item__event__profile=profile, action=Feedback.Action.HIDE)
    return set(hidden.order_by().values_list("item__occupation_id", flat=True))


def feedback_in_force(of: Profile | RecommendationEvent) -> dict[str, set[str]]:
    """Return what a person did and has not taken back, by occupation: in all lists, or in one."""
    where = {"item__event__profile": of} if isinstance(of, Profile) else {"item__event": of}
    feedback = Feedback.objects.in_force().filter(**where)
    actions: dict[str, set[str]] = {}
    for code, action in feedback.order_by().values_list("item__occupation_id", "action"):
        actions.setdefault(code, set()).add(action)
    return actions


def told_of(profile: Profile, code: str) -> dict[str, Feedback]:
    """Return the newest feedback in force of each action on an occupation, in whichever of the person's lists."""
    feedback = Feedback.objects.in_force().filter(item__event__profile=profile, item__occupation=code)
    return {one.action: one for one in feedback.select_related("item").order_by("recorded_at", "pk")}


def feedback_flags(feedback: Feedback) -> list[str]:
    """Return what is odd about a feedback, which is kept all the same: `outcome_without_application`, or nothing."""
    flag = Feedback.objects.with_flag().get(pk=feedback.pk).flag
    return [flag] if flag else []


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
    the newest feedback in force on the occupation in this list, except that it was seen or opened.

    Args:
        event_id: The list.
        code: O*NET-SOC code.
        action: One of `Feedback.Action`.
        happened_at: When it happened, at most five years ago; now if not given.
        undoes: Of `undo`, the action to take back in place of the newest.
        idempotency_key: A key of the caller's: the same call again answers the same feedback.
        user: Who calls; None where the caller has checked already whose list it is.

    Returns:
        The feedback, and whether it is new.

    Raises:
        UnknownEventError: There is no such list, or it is not open to this user.
        NotShownError: The list did not hold this occupation.
        FutureFeedbackError: `happened_at` lies in the future.
        TooLongAgoError: `happened_at` lies more than five years back.
        KeyReusedError: The person sent this key with another feedback.
        NothingToUndoError: No feedback is in force on this occupation in this list, or none of the action to undo.
        ValueError: Another action than `undo` undoes something.
    """
    if undoes and action != Feedback.Action.UNDO:
        raise ValueError("Only undo takes something back.")
    _check_time(happened_at)
    item = _item_shown(event_id, code, user)
    try:
        return _record(item, action, happened_at, undoes, idempotency_key)
    except IntegrityError:
        # Another call arrived at the same time and was first; now it can be seen.
        return _record(item, action, happened_at, undoes, idempotency_key)


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
    # The same card may have been seen in two windows at once.
    Feedback.objects.bulk_create(
        [Feedback(item_id=pk, action=Feedback.Action.VIEW, happened_at=seen_at) for pk in new], ignore_conflicts=True
    )
    return len(new)


def _check_time(happened_at: datetime | None) -> None:
    if happened_at is None:
        return
    if happened_at > timezone.now() + CLOCK_SLACK:
        raise FutureFeedbackError
    if happened_at < timezone.now() - OLDEST:
        raise TooLongAgoError


def _event_open_to(event_id: UUID | str, user: object) -> RecommendationEvent:
    try:
        events = RecommendationEvent.objects.filter(pk=UUID(str(event_id)))
    except ValueError as error:
        raise UnknownEventError from error
    if user is not None:
        events = events.filter(profile__in=Profile.objects.open_to(user))
    # A list carries long JSON that nobody asks for here.
    event = events.only("profile").first()
    if event is None:
        raise UnknownEventError
    return event


def _item_shown(event_id: UUID | str, code: str, user: object) -> RecommendedItem:
    event = _event_open_to(event_id, user)
    item = event.items.filter(occupation=code).defer("features").first()
    if item is None:
        raise NotShownError([code])
    return item


def _record(
    item: RecommendedItem, action: str, happened_at: datetime | None, undoes: str, key: str
) -> tuple[Feedback, bool]:
    if key and (before := _with_key(item, action, happened_at, undoes, key)):
        return before, False
    same = None if action == Feedback.Action.UNDO else item.feedback.in_force().filter(action=action).first()
    if same and happened_at in (None, same.happened_at):
        return same, False
    feedback = Feedback(item=item, action=action, happened_at=happened_at or timezone.now(), idempotency_key=key)
    with transaction.atomic():
        if action == Feedback.Action.UNDO:
            feedback.undoes = _take_back(item, undoes)
        elif same:
            _withdraw(same)
        feedback.save(force_insert=True)
    return feedback, True


def _with_key(
    item: RecommendedItem, action: str, happened_at: datetime | None, undoes: str, key: str
) -> Feedback | None:
    sent = Feedback.objects.filter(item__event__profile=item.event.profile_id, idempotency_key=key)
    before = sent.select_related("undoes").first()
    if before is None:
        return None
    same = before.item_id == item.pk and before.action == action
    if not same or happened_at not in (None, before.happened_at):
        raise KeyReusedError(key)
    if undoes and before.undoes and before.undoes.action != undoes:
        raise KeyReusedError(key)
    return before


def _take_back(item: RecommendedItem, undoes: str) -> Feedback:
    in_force = item.feedback.in_force().exclude(action__in=NOT_UNDONE)
    if undoes:
        in_force = in_force.filter(action=undoes)
    for newest in in_force.order_by("-recorded_at", "-pk"):
        # Only one of two undos at once may take it.
        if _withdraw(newest):
            return newest
    raise NothingToUndoError(undoes)


def _withdraw(feedback: Feedback) -> bool:
    """Withdraw a feedback unless another call was first, and say whether this one did."""
    return bool(Feedback.objects.in_force().filter(pk=feedback.pk).update(withdrawn_at=timezone.now()))
