"""What people were shown and what they did, from the database as arrays.

Millions of rows pass through here, so rows are never made into objects: they come as tuples, some thousands at a time,
and leave as arrays. There is no transaction around it, because on SQLite one would keep everybody from writing; what
is stored or deleted meanwhile is in it or not, but nothing is there by half: a feedback without its job is left out.
"""

import gc
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import orjson
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import FloatField, Func, QuerySet, TextField
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from calibration.curves.features import FEATURES, NAMES, Bools, Floats, Ints
from calibration.curves.labels import NO_LABEL, Action, Maturity, Target, label
from calibration.curves.samples import Samples
from profiles.models import Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem, Tier

ROWS_AT_ONCE = 10_000
SECONDS_OF_A_DAY = 86_400.0
TIERS = {name: number for number, name in enumerate(Tier.values)}
ACTIONS = {action.name.lower(): int(action) for action in Action}


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Last places that were given by lot: s of them, each with at most m jobs in its pool.

    Args:
        item: Shape (s,), the item that each shows, an index into the dataset's items.
        chosen: Shape (s,), which of its pool it shows; 0 is the best.
        pool: Shape (s, m, len(FEATURES)); NaN beyond a pool's size.
        size: Shape (s,), jobs in each pool, at least 2.
        epsilon: Shape (s,), the share of lots in force.
    """

    item: Ints
    chosen: Ints
    pool: Floats
    size: Ints
    epsilon: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """What one scoring model's lists showed to people of one kind of traffic; n items, f feedbacks, p profiles.

    Times are days since 1970-01-01 UTC. Items are in the order of their keys.

    Args:
        item: Shape (n,), primary keys, rising.
        event: Shape (n,), numbers that tell lists apart.
        person: Shape (n,), numbers that tell people apart: the profiles of one account are one person.
        profile: Shape (n,), an index into `profiles`.
        profiles: Length p.
        tier: Shape (n,), 0 Ready now, 1 Trainable, 2 Long-term reskill.
        occupation: Shape (n,), an index into `codes`.
        codes: O*NET-SOC codes.
        position: Shape (n,), 1 is the top of the tier.
        propensity: Shape (n,).
        shown_days: Shape (n,). When the job was first seen, as an impression says; else when its list was made.
        features: Shape (n, len(FEATURES)); NaN where unknown.
        feedback_item: Shape (f,), an index into the items; feedback belongs to a job in a list, never to a job alone.
        action: Shape (f,), `Action` numbers.
        happened_days: Shape (f,).
        withdrawn: Shape (f,).
        seen: Shape (n,). An impression or another action says so; never in a list without any impression. There only
            what was acted on is known to have been seen, and what is known because of the answer tells no rate.
        slots: The last places given by lot.
        now_days: The moment of reading.
    """

    item: Ints
    event: Ints
    person: Ints
    profile: Ints
    profiles: tuple[UUID, ...]
    tier: Ints
    occupation: Ints
    codes: tuple[str, ...]
    position: Floats
    propensity: Floats
    shown_days: Floats
    features: Floats
    feedback_item: Ints
    action: Ints
    happened_days: Floats
    withdrawn: Bools
    seen: Bools
    slots: Slots
    now_days: float

    def __len__(self) -> int:
        return len(self.item)

    def labels(self, target: Target, maturity: Maturity | None = None, *, alone: bool = False) -> Ints:
        """Return each item's label, shape (n,): 1, 0 or `NO_LABEL`.

        Args:
            target: What the label tells.
            maturity: The settings' where None.
            alone: Leave out of account what the same person's other lists tell of the same job.
        """
        return label(
            target,
            shown_days=self.shown_days,
            item=self.feedback_item,
            action=self.action,
            happened_days=self.happened_days,
            withdrawn=self.withdrawn,
            now_days=self.now_days,
            seen=self.seen,
            pair=None if alone else self.person * len(self.codes) + self.occupation,
            maturity=maturity or maturity_in_force(),
        )

    def samples(self, target: Target, maturity: Maturity | None = None) -> tuple[Samples, npt.NDArray[np.intp]]:
        """Return the labelled items and where they stand, shape (n_labelled,), an index into the items."""
        labels = self.labels(target, maturity)
        rows = np.flatnonzero(labels != NO_LABEL)
        return self.samples_at(rows, labels), rows

    def samples_at(self, rows: npt.NDArray[np.intp], labels: Ints) -> Samples:
        """Return some items as samples.

        Args:
            rows: Shape (k,), an index into the items; they must have a label.
            labels: Shape (n,), of all items.
        """
        return Samples(
            features=self.features[rows],
            position=self.position[rows],
            person=self.person[rows],
            shown_days=self.shown_days[rows],
            label=labels[rows],
        )


def maturity_in_force() -> Maturity:
    """Return how long each action has, by the settings."""
    return Maturity(**settings.LABEL_MATURITY)


def read_dataset(
    *, model_version: str, traffic: str, since: datetime | None = None, now: datetime | None = None
) -> Dataset:
    """Read what the lists of a scoring model showed until a moment, and what people did with it until then.

    Args:
        model_version: One of the recommendations' `MODELS`.
        traffic: One of `Profile.Traffic`; other people's lists are never read. Persons whose account is one of the
            staff's by now are left out as well.
        since: Leave out lists that were shown before.
        now: The moment of reading; now where None.
    """
    now = now or timezone.now()
    events = RecommendationEvent.objects.filter(
        model_version=model_version, profile__traffic=traffic, created_at__lte=now
    )
    if since is not None:
        events = events.filter(created_at__gte=since)
    if traffic == Profile.Traffic.PERSON:
        events = events.exclude(profile__user__is_staff=True)
    with _without_collector():
        return _read(events, _days(now))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let nobody look for cycles: rows have none, and looking through them all the time costs a tenth of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(events: QuerySet[RecommendationEvent], now_days: float) -> Dataset:
    lists = _read_lists(events)
    items = _read_items(events, lists)
    feedback_item, action, happened_days, withdrawn = _read_feedback(events, items.key, now_days)
    seen = _seen(items, len(lists.number), feedback_item[~withdrawn], action[~withdrawn])
    profiles, profile = _renumbered(lists.profile[items.event])
    return Dataset(
        item=items.key,
        event=_renumbered(items.event)[1],
        person=_renumbered(lists.person[items.event])[1],
        profile=profile,
        profiles=tuple(UUID(lists.profiles[number]) for number in profiles),
        tier=items.tier,
        occupation=items.occupation,
        codes=items.codes,
        position=items.position,
        propensity=items.propensity,
        shown_days=_shown_days(lists.shown_days[items.event], feedback_item, action, happened_days),
        features=items.features,
        feedback_item=feedback_item,
        action=action,
        happened_days=happened_days,
        withdrawn=withdrawn,
        seen=seen,
        slots=_read_slots(events, lists, items),
        now_days=now_days,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """The lists themselves, l of them.

    Args:
        number: From a list's key, as text, to its number.
        profile, person, shown_days: Shape (l,).
        profiles: The profiles' keys, as text.
        lots: From list number * number of tiers + tier to the size of the pool, where it is at least 2.
    """

    number: dict[str, int]
    profile: Ints
    person: Ints
    shown_days: Floats
    profiles: list[str]
    lots: dict[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Items:
    """What the lists showed: arrays as in `Dataset`, but `event` is the list's number in `_Lists`."""

    key: Ints
    event: Ints
    tier: Ints
    occupation: Ints
    codes: tuple[str, ...]
    position: Floats
    propensity: Floats
    features: Floats


def _read_lists(events: QuerySet[RecommendationEvent]) -> _Lists:
    number: dict[str, int] = {}
    profiles: dict[str, int] = {}
    people: dict[object, int] = {}
    lots: dict[int, int] = {}
    profile, person, shown = [], [], []
    rows = events.values_list(
        _text("pk"), _text("profile_id"), "profile__user_id", "created_at", "epsilon", _text("pool_sizes")
    )
    for key, of, account, created_at, epsilon, pool_sizes in _rows(rows):
        this = number.setdefault(key, len(number))
        profile.append(profiles.setdefault(of, len(profiles)))
        person.append(people.setdefault(of if account is None else account, len(people)))
        shown.append(created_at.timestamp())
        if epsilon > 0:
            for tier, size in orjson.loads(pool_sizes).items():
                if size > 1 and tier in TIERS:
                    lots[this * len(TIERS) + TIERS[tier]] = size
    return _Lists(
        number=number,
        profile=np.array(profile, np.int64),
        person=np.array(person, np.int64),
        shown_days=np.array(shown, np.float64) / SECONDS_OF_A_DAY,
        profiles=list(profiles),
        lots=lots,
    )


def _read_items(events: QuerySet[RecommendationEvent], lists: _Lists) -> _Items:
    codes: dict[str, int] = {}
    kinds = (np.int64, np.int64, np.int64, np.int64, np.float64, np.float64)
    parts: list[list[npt.NDArray[Any]]] = [[np.empty(0, kind)] for kind in kinds]
    parts.append([_features([])])
    rows = RecommendedItem.objects.filter(event__in=events).values_list(
        "pk",
        _text("event_id"),
        "tier",
        "occupation_id",
        "position",
        "propensity",
        _text("features"),
    )
    for some in _chunks(_rows(rows)):
        keys, of_lists, tiers, jobs, positions, propensities, features = zip(*some, strict=True)
        in_list = np.array([lists.number.get(key, -1) for key in of_lists], np.int64)
        columns = (
            np.array(keys, np.int64),
            in_list,
            np.array([TIERS[name] for name in tiers], np.int64),
            np.array([codes.setdefault(code, len(codes)) for code in jobs], np.int64),
            np.array(positions, np.float64),
            np.array(propensities, np.float64),
            _features(features),
        )
        # A list that was stored after the lists were read has no number.
        for part, column in zip(parts, columns, strict=True):
            part.append(column[in_list >= 0])
    arrays = []
    while parts:
        # One column at a time, so that not all of them are held twice.
        arrays.append(np.concatenate(parts.pop(0)))
    if (np.diff(arrays[0]) < 0).any():
        order = np.argsort(arrays[0])
        arrays = [array[order] for array in arrays]
    key, event, tier, occupation, position, propensity, matrix = arrays
    names = sorted(codes)
    place = np.empty(len(names), np.int64)
    place[[codes[name] for name in names]] = np.arange(len(names))
    return _Items(
        key=key,
        event=event,
        tier=tier,
        occupation=place[occupation],
        codes=tuple(names),
        position=position,
        propensity=propensity,
        features=matrix,
    )


def _read_feedback(
    events: QuerySet[RecommendationEvent], keys: Ints, now_days: float
) -> tuple[Ints, Ints, Floats, Bools]:
    """Return each feedback's item as an index into the keys, action, days and whether it was taken back."""
    parts: list[list[npt.NDArray[Any]]] = [[np.empty(0, kind)] for kind in (np.int64, np.int64, np.float64, np.bool_)]
    rows = (
        Feedback.objects.filter(item__event__in=events)
        .exclude(action=Feedback.Action.UNDO)
        .values_list("item_id", "action", _Days("happened_at"), _text("withdrawn_at"))
    )
    for some in _chunks(_rows(rows)):
        items, actions, happened, withdrawn_at = zip(*some, strict=True)
        key = np.array(items, np.int64)
        place = np.searchsorted(keys, key)
        days = np.array(happened, np.float64)
        known = (days <= now_days) & (place < len(keys))
        known[known] = keys[place[known]] == key[known]
        columns = (
            place,
            np.array([ACTIONS[name] for name in actions], np.int64),
            days,
            np.array([moment is not None for moment in withdrawn_at], np.bool_),
        )
        for part, column in zip(parts, columns, strict=True):
            part.append(column[known])
    item, action, happened_days, withdrawn = (np.concatenate(part) for part in parts)
    return item, action, happened_days, withdrawn


def _seen(items: _Items, n_lists: int, feedback_item: Ints, action: Ints) -> Bools:
    seen = np.zeros(len(items.key), bool)
    seen[feedback_item] = True
    has_impressions = np.zeros(n_lists, bool)
    has_impressions[items.event[feedback_item[action == Action.VIEW]]] = True
    return seen & has_impressions[items.event]


def _shown_days(made_days: Floats, feedback_item: Ints, action: Ints, happened_days: Floats) -> Floats:
    """Return when each job was first seen, if an impression tells, but not before its list was made.

    People open a stored list again weeks later and scroll on: what they see then has its time from then on.
    """
    first = np.full(len(made_days), np.inf)
    np.minimum.at(first, feedback_item, happened_days)
    has_impression = np.zeros(len(made_days), bool)
    has_impression[feedback_item[action == Action.VIEW]] = True
    return np.where(has_impression, np.maximum(first, made_days), made_days)


def _read_slots(events: QuerySet[RecommendationEvent], lists: _Lists, items: _Items) -> Slots:
    tier_of_list = items.event * len(TIERS) + items.tier
    order = np.lexsort((items.position, tier_of_list))
    is_last = np.append(np.diff(tier_of_list[order]) > 0, True)[: len(order)]
    last = order[is_last]
    last = np.sort(last[[of in lists.lots for of in tier_of_list[last].tolist()]])
    row_of = {of: row for row, of in enumerate(tier_of_list[last].tolist())}
    size = np.array([lists.lots[of] for of in row_of], np.int64)
    shape = (len(last), int(size.max(initial=0)), len(FEATURES))
    pool, chosen, epsilons = np.full(shape, np.nan), np.full(len(last), -1), np.zeros(len(last))
    shown = [items.codes[number] for number in items.occupation[last].tolist()]
    rows = events.filter(epsilon__gt=0).values_list(_text("pk"), "epsilon", _text("pools"))
    for some in _chunks(_rows(rows, 1000), 1000):
        filled: list[int] = []
        figures: list[list[Any]] = [[] for _ in NAMES]
        for key, epsilon, pools in some:
            for tier, of_tier in _parsed(pools).items():
                row = row_of.get(lists.number.get(key, -1) * len(TIERS) + TIERS.get(tier, -1), -1)
                codes = of_tier["codes"]
                columns = [of_tier.get(name) or [None] * len(codes) for name in NAMES]
                if row < 0 or shown[row] not in codes:
                    continue
                if any(len(column) != size[row] for column in (codes, *columns)):
                    continue
                chosen[row], epsilons[row] = codes.index(shown[row]), epsilon
                filled.append(row)
                for figure, column in zip(figures, columns, strict=True):
                    figure += column
        slot = np.repeat(np.array(filled, np.int64), size[filled])
        place = np.concatenate([np.empty(0, np.int64), *map(np.arange, size[filled])])
        for number, figure in enumerate(figures):
            pool[slot, place, number] = _finite(np.array(figure, np.float64))
    slots = Slots(item=last, chosen=chosen, pool=pool, size=size, epsilon=epsilons)
    known = chosen >= 0
    if known.all():
        return slots
    # A pool that does not hold what was shown tells nothing.
    return Slots(last[known], chosen[known], pool[known], size[known], epsilons[known])


def _features(texts: Iterable[str]) -> Floats:
    """Return features of shape (n, len(FEATURES)) from JSON objects; NaN for null and for what is no finite number."""
    rows = _parsed(f"[{','.join(texts)}]")
    result = np.empty((len(rows), len(FEATURES)))
    for column, name in enumerate(NAMES):
        result[:, column] = [row.get(name) for row in rows]
    return _finite(result)


def _parsed(text: str) -> Any:
    """Return a JSON text's value, fast; numbers that no double holds are infinite."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, parse_int=float)


def _finite(figures: Floats) -> Floats:
    figures[~np.isfinite(figures)] = np.nan
    return figures


def _renumbered(numbers: Ints) -> tuple[Ints, Ints]:
    """Return the distinct numbers in the order in which they first come, and for each its place there, shape (n,)."""
    distinct, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[place]


class _Days(Func):
    """A moment as days since 1970-01-01 UTC, to the millisecond: making a `datetime` of each costs more."""

    output_field = FloatField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(julianday(%(expressions)s) - 2440587.5)", **context)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="(EXTRACT(EPOCH FROM %(expressions)s)::double precision / 86400)",
            **context,
        )


def _text(field: str) -> Cast:
    """A value as text, whatever the database keeps it as: making a UUID or a date of each costs more than all else."""
    return Cast(field, TextField())


def _rows(rows: QuerySet[Any, Any], at_once: int = ROWS_AT_ONCE) -> Iterator[tuple[Any, ...]]:
    return rows.order_by().iterator(chunk_size=at_once)


def _chunks(rows: Iterator[tuple[Any, ...]], at_once: int = ROWS_AT_ONCE) -> Iterator[list[tuple[Any, ...]]]:
    while some := list(islice(rows, at_once)):
        yield some


def _days(moment: datetime) -> float:
    return moment.timestamp() / SECONDS_OF_A_DAY
