"""What is said of all that was shown, and of what people did with it: JSON values, null where there are none."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from calibration.curves import gate, metrics
from calibration.curves.features import NAMES, Bools, Floats, Ints
from calibration.curves.labels import NO_LABEL, Action, Maturity, Target
from calibration.curves.ladder import Curve
from calibration.curves.offpolicy import Value, doubly_robust, ips, snips
from calibration.curves.samples import Samples
from calibration.dataset import Dataset, maturity_in_force
from calibration.json_values import json_ready
from calibration.slots import (
    best_by_score,
    best_of,
    choice_labels,
    choices,
    expected_rewards,
    labelled,
    pool_probability,
    uniform,
)
from occupations.models import Occupation
from recommendations.models import Tier

# Fewer than this many jobs are too few to speak of a change, and so many lists of one job that is shown too often.
LEAST_ITEMS = 100
# The jobs of one person hang together, so people count as well. With random groups of 500 simulated people and no
# change at all, some feature passed a stability index of 0.25 in all of 100 draws of 4 people against 400 others, in 64
# at 20, in 5 at 50 and in none at 80. Mostly the training period is larger than a month: with no more people on its
# side either, it was 43 at 50 and 1 at 80.
LEAST_PEOPLE = 50
ITEMS_COMPARED = 10_000
# A job is shown too often if it is in more than so large a share of the lists. Each list has room for dozens, so of all
# that is shown no job can have a tenth. Where there are few jobs, many are in a tenth of the lists however evenly they
# are shown: each of 200 is in 15 % of lists of 30. So it must also be so many times as often as that.
LARGEST_SHARE = 0.10
TIMES_EVEN = 3
ALL = "all"
UNKNOWN_ZONE = "unknown"
# What the funnel follows, each step as it was recorded; the last is no step, but tells of a way out.
STEPS = ("view", "click", "save", "apply", "interview", "offer", "hide")

BY_SCORE = "Best by score, as now without lots"
BY_LOT = "Any of the pool by lot"
BY_CALIBRATION = "Best by this calibration, for the people held out"


def build_report(dataset: Dataset, *, target: Target, curve: Curve | None, seed: int) -> dict[str, Any]:
    """Return the figures of all that a scoring model's lists showed, and of what people did with it.

    Args:
        dataset: What was shown.
        target: What labels tell.
        curve: The curve whose choices and probabilities are looked at; None where there is none.
        seed: Of folds and intervals.

    Returns:
        - made_at, target.
        - counts: see `counts`; samples: jobs of a list with each action in force.
        - funnel: rows, see `funnel`; maturity: the days that each step has, by the settings.
        - exposure: see `exposure`.
        - drift: see `drift`.
        - off_policy: rows, see `off_policy`.
    """
    label = dataset.labels(target)
    maturity = maturity_in_force()
    samples, _ = dataset.samples(target)
    jobs = {
        job.code: job
        for job in Occupation.objects.only(
            "code", "onet_title", "curated_title", "onet_zone", "curated_zone", "ratings_from", "retired", "hidden"
        )
    }
    shown = [jobs[code] for code in dataset.codes]
    could_be_shown = sum(
        not (job.retired or job.hidden) and job.ratings_from != Occupation.RatingsFrom.NONE for job in jobs.values()
    )
    ready: dict[str, Any] = json_ready(
        {
            "made_at": _moment(dataset.now_days).isoformat(),
            "target": target.name.lower(),
            "counts": counts(dataset, label, choice_labels(dataset, target)),
            "funnel": funnel(dataset, zones=[job.zone for job in shown], maturity=maturity),
            "maturity": {step: _days_of(step, maturity) for step in STEPS},
            "exposure": exposure(dataset, titles=[job.title for job in shown], n_jobs=could_be_shown),
            "drift": drift(dataset, label, samples, curve, seed=seed),
            "off_policy": off_policy(dataset, choice_labels(dataset, target), samples, curve, seed=seed),
        }
    )
    return ready


def counts(dataset: Dataset, label: Ints, of_choices: Ints) -> dict[str, Any]:
    """Return what there is: items, seen, people, events, labelled, positives, base_rate, slots (open to a lot),
    slots_changed (where it drew another job than the best), slots_labelled (of which `of_choices`, from
    `slots.choice_labels`, tells what came of them), withdrawn, and samples: how many items have each action in force.
    """
    known = label != NO_LABEL
    acted = _items_by_action(dataset)
    return {
        "items": len(dataset),
        "seen": int(dataset.seen.sum()),
        "people": len(np.unique(dataset.person)),
        "events": len(np.unique(dataset.event)),
        "labelled": int(known.sum()),
        "positives": int((label == 1).sum()),
        "base_rate": label[known].mean() if known.any() else None,
        "slots": len(dataset.slots.item),
        "slots_changed": int((dataset.slots.chosen > 0).sum()),
        "slots_labelled": int(labelled(dataset, of_choices).sum()),
        "withdrawn": int(dataset.withdrawn.sum()),
        "samples": {action.name.lower(): len(acted[action]) for action in Action},
    }


def funnel(dataset: Dataset, *, zones: Sequence[int | None], maturity: Maturity) -> list[dict[str, Any]]:
    """Return how far people went, by tier and by the job's zone: the whole, the tiers, the zones, then each pair.

    A row counts pairs of a person and a job, however often the job was shown to them, so a pair that was shown in two
    tiers is in both, and once in the whole. A step is what was recorded and not taken back: nothing is concluded from a
    later step. Only `seen` is wider than what was recorded as `view`: see `Dataset.seen`.

    What takes weeks is a share of what was seen long enough ago: else the more people come, the worse they would seem
    to do.

    Args:
        dataset: What was shown.
        zones: The job zone of each of the dataset's codes.
        maturity: How long ago a pair must have been seen first to count in the share of a step.

    Returns:
        Rows: tier ("all" or one of `Tier`), zone ("all", 1-5 or "unknown"), shown, seen, one count per step, and by
        step: of (how many were seen long enough ago for it), did (how many of these took it), shares (did of these;
        null where there are none).
    """
    n_tiers, n_zones = len(Tier.values), max((zone or 0 for zone in zones), default=0) + 1
    pair = dataset.person.astype(np.int64) * max(len(dataset.codes), 1) + dataset.occupation
    pairs, of_item = np.unique(pair, return_inverse=True)
    zone = np.array([zone or 0 for zone in zones], np.int64)[pairs % max(len(dataset.codes), 1)]

    def among(items: Ints) -> Bools:
        """Return which pairs these items are of, shape (n_tiers + 1, n_pairs): in each tier, and in any."""
        inside = np.zeros((n_tiers + 1, len(pairs)), bool)
        inside[dataset.tier[items], of_item[items]] = True
        inside[-1] = inside.any(axis=0)
        return inside

    def count(inside: Bools) -> Ints:
        return np.array([np.bincount(zone[row], minlength=n_zones) for row in inside])

    items = _items_by_action(dataset)
    acted = {step: among(items[Action[step.upper()]]) for step in STEPS}
    age = dataset.now_days - dataset.shown_days
    old = {step: among(np.flatnonzero(dataset.seen & (age >= _days_of(step, maturity)))) for step in STEPS}
    counted = {
        "shown": count(among(np.arange(len(dataset)))),
        "seen": count(among(np.flatnonzero(dataset.seen))),
        **{step: count(acted[step]) for step in STEPS},
    }
    of = {step: count(old[step]) for step in STEPS}
    did = {step: count(acted[step] & old[step]) for step in STEPS}

    def row(tier: int | None, number: int | None) -> dict[str, Any]:
        place = -1 if tier is None else tier, slice(None) if number is None else number

        def here(counts: Mapping[str, Ints]) -> dict[str, int]:
            return {name: int(numbers[place].sum()) for name, numbers in counts.items()}

        of_here, did_here = here(of), here(did)
        return {
            "tier": ALL if tier is None else Tier.values[tier],
            "zone": ALL if number is None else number or UNKNOWN_ZONE,
            **here(counted),
            "of": of_here,
            "did": did_here,
            "shares": {step: did_here[step] / of_here[step] if of_here[step] else None for step in STEPS},
        }

    tiers, numbers = range(n_tiers), range(n_zones)
    rows = [row(tier, None) for tier in tiers]
    rows += [row(None, number) for number in numbers]
    rows += [row(tier, number) for tier in tiers for number in numbers]
    return [row(None, None), *(row for row in rows if row["shown"])]


def exposure(dataset: Dataset, *, titles: Sequence[str], n_jobs: int) -> dict[str, Any]:
    """Return how often each occupation was shown, the most often shown first.

    Where a list has impressions, what was seen of it counts; in a list without any, all of its jobs.

    Args:
        dataset: What was shown.
        titles: The title of each of the dataset's codes.
        n_jobs: How many occupations could have been shown; those that were never shown count as 0 in the Gini
            coefficient.

    Returns:
        - rows: code, title, shown, share (of all that was seen), of_lists (the share of the lists that showed it),
          alert.
        - total, lists, jobs (what the Gini coefficient is over), gini (0 all alike, near 1 one has all).
        - largest_share, alert: of_lists and alert of the first row. A row alerts that was in more than a tenth of the
          lists, and in at least three times as many as if all jobs had been shown alike; null under 100 lists or 50
          people, where so many are in a tenth of them by chance.
    """
    viewed = np.zeros(len(dataset), bool)
    viewed[_items_by_action(dataset)[Action.VIEW]] = True
    with_impressions = np.isin(dataset.event, np.unique(dataset.event[viewed]))
    counted = np.flatnonzero(viewed | ~with_impressions)
    first_of_list = counted[np.unique(dataset.event[counted], return_index=True)[1]]
    # A list has a job at most once, so this counts lists as well.
    shown = np.bincount(dataset.occupation[counted], minlength=len(dataset.codes))
    total, lists = len(counted), len(first_of_list)
    enough = _enough(dataset, first_of_list)
    order = [number for number in np.argsort(-shown, kind="stable") if shown[number]]
    jobs = max(n_jobs, len(order))
    too_often = (shown > LARGEST_SHARE * lists) & (shown * jobs >= TIMES_EVEN * total)
    rows = [
        {
            "code": dataset.codes[number],
            "title": titles[number],
            "shown": int(shown[number]),
            "share": shown[number] / total,
            "of_lists": shown[number] / lists,
            "alert": bool(too_often[number]) if enough else None,
        }
        for number in order
    ]
    return {
        "rows": rows,
        "total": total,
        "lists": lists,
        "jobs": jobs,
        "gini": metrics.gini(np.concatenate([shown[order], np.zeros(jobs - len(rows))])) if total else None,
        "largest_share": rows[0]["of_lists"] if rows else None,
        "alert": rows[0]["alert"] if rows else None,
    }


def drift(dataset: Dataset, label: Ints, samples: Samples, curve: Curve | None, *, seed: int) -> dict[str, Any]:
    """Return how the jobs shown in each calendar month (UTC) differ from those of the training period.

    The training period ends where the gate's hold-out begins; where nothing has a label yet, with the first month.

    Args:
        dataset: What was shown.
        label: Shape (n,), of all items.
        samples: The labelled items.
        curve: Gives the probability at its reference position; None where there is none.
        seed: Of what is compared where there is much.

    Returns:
        - since, until, n, people: the training period.
        - months: month ("2026-01"), n, people, labelled, base_rate (of the labelled; null under 100 of them), psi: the
          population stability index of each feature and of "probability". Null where the month or the training period
          has under 100 items or under 50 people, and for a figure of which nothing is known on either side.
    """
    if not len(dataset):
        return {"since": None, "until": None, "n": 0, "people": 0, "months": []}
    starts, months = _months(dataset.shown_days)
    held_out = gate.split(samples.person, samples.shown_days)[1]
    until = samples.shown_days[held_out].min() if held_out.any() else starts[min(1, len(starts) - 1)]
    period = np.flatnonzero(dataset.shown_days < until)
    if not len(period):
        period = np.arange(len(dataset))
    rng = np.random.default_rng(seed)
    reference = _figures(dataset, period, curve, rng)
    enough_before = _enough(dataset, period)
    rows = []
    for number, start in enumerate(starts[:-1]):
        inside = np.flatnonzero(months == number)
        labels = label[inside]
        labels = labels[labels != NO_LABEL]
        figures = _figures(dataset, inside, curve, rng)
        enough = enough_before and _enough(dataset, inside)
        rows.append(
            {
                "month": f"{_moment(start):%Y-%m}",
                "n": len(inside),
                "people": len(np.unique(dataset.person[inside])),
                "labelled": len(labels),
                "base_rate": labels.mean() if len(labels) >= LEAST_ITEMS else None,
                "psi": {name: _psi(reference[name], values) if enough else None for name, values in figures.items()},
            }
        )
    of_period = dataset.shown_days[period]
    return {
        "since": f"{_moment(of_period.min()):%Y-%m-%d}",
        "until": f"{_moment(of_period.max()):%Y-%m-%d}",
        "n": len(period),
        "people": len(np.unique(dataset.person[period])),
        "months": rows,
    }


def off_policy(
    dataset: Dataset, label: Ints, samples: Samples, curve: Curve | None, *, seed: int
) -> list[dict[str, Any]]:
    """Return what other ways to fill the last place of a tier would have been worth, per place that was seen.

    The calibration is judged on the people whom the gate holds out: it has learnt from the others.

    Args:
        dataset: What was shown.
        label: Shape (n,), from `slots.choice_labels`.
        samples: The labelled items.
        curve: The calibration; None where there is none.
        seed: Of folds and intervals.

    Returns:
        Rows: policy (in words), estimator (ips, snips or dr), slots, value (the mean label of the target), low, high
        (95 %, by people), effective_size, enough. Without an effective size of 100 there is no value.
    """
    if not len(dataset):
        return []
    everybody = np.ones(len(dataset.slots.item), bool)
    policies: list[tuple[str, Floats, Bools]] = [
        (BY_SCORE, best_by_score(dataset), everybody),
        (BY_LOT, uniform(dataset), everybody),
    ]
    if curve is not None:
        newcomers = np.unique(samples.person[gate.split(samples.person, samples.shown_days)[1]])
        others = np.isin(dataset.person[dataset.slots.item], newcomers)
        policies.append((BY_CALIBRATION, best_of(pool_probability(dataset, curve, within=others)), others))
    expected = expected_rewards(dataset, samples, seed=seed)
    rows = []
    for name, policy, within in policies:
        logged = choices(dataset, label=label, policy=policy, within=within)
        row = np.flatnonzero(labelled(dataset, label) & within)
        q_logged = expected[row, dataset.slots.chosen[row]]
        q_target = np.nansum(expected[row] * policy[row], axis=1)
        for estimator, value in (
            ("ips", ips(logged, seed=seed)),
            ("snips", snips(logged, seed=seed)),
            ("dr", doubly_robust(logged, q_logged, q_target, seed=seed)),
        ):
            rows.append({"policy": name, "estimator": estimator, "slots": len(row), **_value(value)})
    return rows


def _items_by_action(dataset: Dataset) -> dict[Action, Ints]:
    """Return the items that have each action in force, each item once."""
    in_force = ~dataset.withdrawn & (dataset.happened_days <= dataset.now_days)

    def items(action: Action) -> Ints:
        has = np.zeros(len(dataset), bool)
        has[dataset.feedback_item[in_force & (dataset.action == action)]] = True
        return np.flatnonzero(has)

    return {action: items(action) for action in Action}


def _days_of(step: str, maturity: Maturity) -> float:
    """Return how many days a step takes, so long ago a job must have been seen to count; 0 for what is done at once."""
    return float(getattr(maturity, f"{step}_days", 0))


def _enough(dataset: Dataset, items: Ints) -> bool:
    """Return whether so many jobs and people tell a change from chance."""
    return len(items) >= LEAST_ITEMS and len(np.unique(dataset.person[items])) >= LEAST_PEOPLE


def _months(days: Floats) -> tuple[list[float], Ints]:
    """Return when each month from the first to the last begins, and the end of the last, and each day's month."""
    first, last = _moment(days.min()), _moment(days.max())
    n_months = 12 * (last.year - first.year) + last.month - first.month + 1
    months = [divmod(first.month - 1 + number, 12) for number in range(n_months + 1)]
    starts = [
        datetime(first.year + years, month + 1, 1, tzinfo=UTC).timestamp() / timedelta(days=1).total_seconds()
        for years, month in months
    ]
    return starts, np.searchsorted(np.array(starts), days, side="right") - 1


def _moment(days: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=float(days))


def _figures(dataset: Dataset, items: Ints, curve: Curve | None, rng: np.random.Generator) -> dict[str, Floats]:
    """Return what may drift of some of these items, drawn by lot: so many tell as much as all of them.

    Every so manieth would not do: items stand in the order of their places in lists.
    """
    if len(items) > ITEMS_COMPARED:
        items = rng.choice(items, ITEMS_COMPARED, replace=False)
    features = dataset.features[items]
    figures = {name: features[:, column] for column, name in enumerate(NAMES)}
    if curve is not None:
        figures["probability"] = curve.probability(features)
    return figures


def _psi(before: Floats, now: Floats) -> float | None:
    if np.isnan(before).all() and np.isnan(now).all():
        return None
    return metrics.psi(before, now)


def _value(value: Value) -> dict[str, Any]:
    found = value.estimate
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "effective_size": value.effective_size,
        "enough": value.enough,
    }
