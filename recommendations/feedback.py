"""What people did with what was shown to them; `services` hands it on to pages, API and commands."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from profiles.models import Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem

# Clocks differ a little between a caller and us.
CLOCK_SLACK = timedelta(minutes=5)
NOT_UNDONE = (Feedback.Action.VIEW, Feedback.Action.CLICK)


class UnknownEventError(Exception):
    """No stored list has this id, or it belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__("There is no list of recommendations with this id, or it belongs to somebody else.")


class NotShownError(Exception):
    """The list did not hold this occupation, so there is nothing to say about it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} was not recommended in this list. Feedback refers to what was shown.")


class FutureFeedbackError(Exception):
    """What is said to have happened lies in the future."""

    def __init__(self) -> None:
        super().__init__("happened_at lies in the future. Tell us once it has happened.")


class KeyReusedError(Exception):
    """The idempotency key was sent before with another feedback."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {key} was used for another feedback. Use a new one for each.")


class NothingToUndoError(Exception):
    """No feedback on this occupation is in force."""

    def __init__(self) -> None:
        super().__init__("There is nothing to take back on this occupation in this list.")


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


def record_feedback(
    *,
    event_id: UUID | str,
    code: str,
    action: str,
    happened_at: datetime | None = None,
    idempotency_key: str = "",
    user: object = None,
) -> tuple[Feedback, bool]:
    """Record what a person did with a recommended occupation; a repeated call is one feedback.

    `undo` takes back the newest feedback in force on the occupation in this list, except that it was seen or
    opened.

    Args:
        event_id: The list.
        code: O*NET-SOC code.
        action: One of `Feedback.Action`.
        happened_at: When it happened; now if not given.
        idempotency_key: A key of the caller's: the same call again answers the same feedback.
        user: Who calls; None where the caller has checked already whose list it is.

    Returns:
        The feedback, and whether it is new.

    Raises:
        UnknownEventError: There is no such list, or it is not open to this user.
        NotShownError: The list did not hold this occupation.
        FutureFeedbackError: `happened_at` lies in the future.
        KeyReusedError: The person sent this key with another feedback.
        NothingToUndoError: No feedback is in force on this occupation in this list.
    """
    if happened_at is not None and happened_at > timezone.now() + CLOCK_SLACK:
        raise FutureFeedbackError
    item = _item_shown(event_id, code, user)
    if idempotency_key and (before := _with_key(item, action, happened_at, idempotency_key)):
        return before, False
    if action != Feedback.Action.UNDO and (before := item.feedback.in_force().filter(action=action).first()):
        return before, False
    feedback = Feedback(
        item=item, action=action, happened_at=happened_at or timezone.now(), idempotency_key=idempotency_key
    )
    try:
        with transaction.atomic():
            if action == Feedback.Action.UNDO:
                feedback.undoes = _take_back(item)
            feedback.save(force_insert=True)
    except IntegrityError:
        # The same call arrived twice at once, and the other was first.
        if idempotency_key and (before := _with_key(item, action, happened_at, idempotency_key)):
            return before, False
        return item.feedback.in_force().get(action=action), False
    return feedback, True


def _item_shown(event_id: UUID | str, code: str, user: object) -> RecommendedItem:
    try:
        events = RecommendationEvent.objects.filter(pk=UUID(str(event_id)))
    except ValueError as error:
        raise UnknownEventError from error
    if user is not None:
        events = events.filter(profile__in=Profile.objects.open_to(user))
    event = events.first()
    if event is None:
        raise UnknownEventError
    item = RecommendedItem.objects.filter(event=event, occupation=code).select_related("event").first()
    if item is None:
        raise NotShownError(code)
    return item


def _with_key(item: RecommendedItem, action: str, happened_at: datetime | None, key: str) -> Feedback | None:
    before = Feedback.objects.filter(item__event__profile=item.event.profile_id, idempotency_key=key).first()
    if before is None:
        return None
    same = before.item_id == item.pk and before.action == action
    if not same or happened_at not in (None, before.happened_at):
        raise KeyReusedError(key)
    return before


def _take_back(item: RecommendedItem) -> Feedback:
    for newest in item.feedback.in_force().exclude(action__in=NOT_UNDONE).order_by("-recorded_at", "-pk"):
        # Only one of two undos at once may take it.
        if Feedback.objects.in_force().filter(pk=newest.pk).update(withdrawn_at=timezone.now()):
            return newest
    raise NothingToUndoError
