"""Last places given by lot, as the choices that off-policy estimates compare: slots and policies as arrays.

A policy is an array of shape (s, m): the probability with which it puts each job of a slot's pool there. Only slots
whose item has a label of `choice_labels` count: somebody saw the place, and whether it counts hung on nothing that the
lot decided.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.curves.features import Bools, Floats, Ints, Rung, TrainingError
from calibration.curves.labels import NO_LABEL, Action, Target
from calibration.curves.ladder import Curve, rung_of, train
from calibration.curves.offpolicy import Choices
from calibration.curves.samples import Samples, folds
from calibration.dataset import Dataset, maturity_in_force

# By halves: a curve on half of the people is good enough to lessen the noise, and fewer folds cost less.
N_FOLDS = 2
SLOTS_AT_ONCE = 4096


def choice_labels(dataset: Dataset, target: Target) -> Ints:
    """Return what came of the last places given by lot, shape (n,), of all items; `NO_LABEL` for all other items.

    The label of a curve's sample knows of the person's other lists: the best of a pool comes back in the next one, what
    was drawn beside it does not. So of such labels the lot itself would decide which ones there are, and the logged
    probabilities would not be those of what is left. Here a place tells what was done in its own list, and counts only
    where the person had been shown no list within the days of an interest before it and had decided on nothing until
    then: both were settled before the lot fell.

    Args:
        dataset: What was shown.
        target: What the label tells.
    """
    label = dataset.labels(target, alone=True)
    of_slot = dataset.slots.item[_fresh(dataset)[dataset.event[dataset.slots.item]]]
    result = np.full(len(dataset), NO_LABEL)
    result[of_slot] = label[of_slot]
    return result


def _fresh(dataset: Dataset) -> Bools:
    """Return which lists came to a person who had seen none for a while and had decided on nothing, by event."""
    n_events = int(dataset.event.max(initial=-1)) + 1
    decided_days = np.full(n_events, np.inf)
    decides = dataset.action >= Action.SAVE
    np.minimum.at(decided_days, dataset.event[dataset.feedback_item[decides]], dataset.happened_days[decides])
    first_item = np.unique(dataset.event, return_index=True)[1]
    shown_days = np.full(n_events, np.inf)
    np.minimum.at(shown_days, dataset.event, dataset.shown_days)
    lists = pd.DataFrame({"person": dataset.person[first_item], "shown": shown_days, "decided": decided_days})
    lists = lists.sort_values(["person", "shown"], kind="stable")
    of_person = lists.groupby("person")
    since_the_last = of_person["shown"].diff().fillna(np.inf)
    decided_before = lists.groupby("person")["decided"].cummin().groupby(lists["person"]).shift(fill_value=np.inf)
    fresh = (since_the_last >= maturity_in_force().days(Target.INTEREST)) & (decided_before > lists["shown"])
    result: Bools = fresh.sort_index().to_numpy()
    return result


def labelled(dataset: Dataset, label: Ints) -> Bools:
    """Return which slots show a job that has a label, shape (s,); `label` has shape (n,), of all items."""
    known: Bools = label[dataset.slots.item] != NO_LABEL
    return known


def choices(dataset: Dataset, *, label: Ints, policy: Floats, within: Bools | None = None) -> Choices:
    """Return the labelled slots as logged choices, with the probability of each under another policy.

    Args:
        dataset: What was shown.
        label: Shape (n,), from `choice_labels`.
        policy: Shape (s, m).
        within: Shape (s,), slots to leave it at; all where None.
    """
    slots = dataset.slots
    row = np.flatnonzero(labelled(dataset, label) if within is None else labelled(dataset, label) & within)
    item, chosen = slots.item[row], slots.chosen[row]
    chances = logged(dataset)[row]
    # Of what was chosen the probability was kept; that of the others follows from the pool.
    chances[np.arange(len(row)), chosen] = dataset.propensity[item]
    return Choices(
        person=dataset.person[item],
        reward=label[item].astype(np.float64),
        chosen=chosen,
        logged=chances,
        target=policy[row],
    )


def logged(dataset: Dataset) -> Floats:
    """Return the probability with which each job of a pool was put into its slot, shape (s, m); 0 beyond its size."""
    slots = dataset.slots
    lots = uniform(dataset) * slots.epsilon[:, None]
    lots[:, :1] += 1 - slots.epsilon[:, None]
    return lots


def best_by_score(dataset: Dataset) -> Floats:
    """Return the policy without lots, shape (s, m): always the first of the pool."""
    policy = np.zeros(dataset.slots.pool.shape[:2])
    policy[:, :1] = 1.0
    return policy


def uniform(dataset: Dataset) -> Floats:
    """Return the policy that draws each job of a pool alike, shape (s, m)."""
    size = dataset.slots.size[:, None]
    inside = np.arange(dataset.slots.pool.shape[1]) < size
    return np.where(inside, 1.0 / size, 0.0)


def best_of(scores: Floats) -> Floats:
    """Return the policy that takes the job with the highest score, shape (s, m); the first of equals.

    Args:
        scores: Shape (s, m); NaN beyond a pool's size, and for a job of which nothing is known: it comes last.
    """
    policy = np.zeros(scores.shape)
    if scores.size:
        best = np.argmax(np.where(np.isnan(scores), -np.inf, scores), axis=1)
        policy[np.arange(len(scores)), best] = 1.0
    return policy


def pool_probability(dataset: Dataset, curve: Curve, *, within: Bools | None = None) -> Floats:
    """Return a curve's probability of each job that a slot could show, at the slot's own position.

    Args:
        dataset: What was shown.
        curve: The curve.
        within: Shape (s,), slots to leave it at; all where None.

    Returns:
        Shape (s, m); NaN beyond a pool's size, and in other slots.
    """
    rows = np.arange(len(dataset.slots.item)) if within is None else np.flatnonzero(within)
    result = np.full((len(dataset.slots.item), dataset.slots.pool.shape[1]), np.nan)
    result[rows] = _pool_probability(dataset, curve, rows)
    return result


def expected_rewards(dataset: Dataset, samples: Samples, *, seed: int) -> Floats:
    """Return the reward to expect of each job that a slot could show, from curves fitted on other people.

    Nobody's expected rewards rest on their own answers (cross-fitting: Chernozhukov et al. 2018).

    A logistic curve or Platt's, by the ladder; where the other people carry none, or it knows nothing of a job, the
    share of positive labels among them, and 0 if they have no labels.

    Args:
        dataset: What was shown.
        samples: The labelled items of the target.
        seed: Of the folds.

    Returns:
        Shape (s, m); NaN beyond a pool's size.
    """
    slots = dataset.slots
    n_slots, most, _ = slots.pool.shape
    expected = np.full((n_slots, most), np.nan)
    people, fold = _folds(dataset.person, seed)
    of_sample = fold[np.searchsorted(people, samples.person)]
    of_slot = fold[np.searchsorted(people, dataset.person[slots.item])]
    for number in range(N_FOLDS):
        others, here = samples.take(of_sample != number), np.flatnonzero(of_slot == number)
        inside = np.arange(most) < slots.size[here][:, None]
        constant = np.where(inside, others.label.mean() if len(others) else 0.0, np.nan)
        try:
            curve = train(others, min(rung_of(others), Rung.LOGISTIC), seed=seed)
        except TrainingError:
            expected[here] = constant
        else:
            p = _pool_probability(dataset, curve, here)
            expected[here] = np.where(np.isnan(p), constant, p)
    return expected


def _folds(person: Ints, seed: int) -> tuple[Ints, Ints]:
    people = np.unique(person)
    return people, folds(people, N_FOLDS, seed)


def _pool_probability(dataset: Dataset, curve: Curve, rows: npt.NDArray[np.intp]) -> Floats:
    slots = dataset.slots
    result = np.full((len(rows), slots.pool.shape[1]), np.nan)
    for first in range(0, len(rows), SLOTS_AT_ONCE):
        part = rows[first : first + SLOTS_AT_ONCE]
        inside = np.arange(result.shape[1]) < slots.size[part][:, None]
        place = np.broadcast_to(dataset.position[slots.item[part]][:, None], inside.shape)
        result[first : first + SLOTS_AT_ONCE][inside] = curve.probability(slots.pool[part][inside], place[inside])
    return result
