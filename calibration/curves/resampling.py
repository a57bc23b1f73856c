"""Intervals that count people, not items: one person's answers hang together."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibration.curves.features import Floats, Ints

N_RESAMPLES = 1000
Z95 = 1.959964
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; all NaN where there was too little to say anything."""

    value: float
    low: float
    high: float


def sums_by_person(person: Ints, columns: Floats) -> Floats:
    """Return each person's sums, shape (n_people, k), of columns of shape (n, k)."""
    people, index = np.unique(person, return_inverse=True)
    return np.column_stack([np.bincount(index, column, minlength=len(people)) for column in columns.T])


def bootstrap(
    person: Ints,
    columns: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
) -> Estimate:
    """Return a statistic of sums with its percentile interval over resampled people.

    Cluster bootstrap: people are drawn with replacement, each with all of their items (Davison & Hinkley 1997,
    section 3.8).

    Args:
        person: Shape (n,).
        columns: Shape (n, k), what is summed.
        statistic: From sums of shape (..., k) to shape (...).
        seed: Of the resampling.
        n_resamples: How often.
    """
    sums = sums_by_person(person, columns)
    rng = np.random.default_rng(seed)
    n = len(sums)
    resampled = np.empty((n_resamples, sums.shape[1]))
    for number in range(n_resamples):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        resampled[number] = times @ sums
    values = statistic(resampled)
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Estimate(float(statistic(sums.sum(axis=0))), float(low), float(high))


def ratio(sums: Floats, top: int = 0, bottom: int = 1) -> Floats:
    """Return the ratio of two columns of sums, shape (..., k), in shape (...); NaN over 0."""
    below = np.asarray(sums[..., bottom])
    return np.divide(sums[..., top], below, out=np.full_like(below, np.nan), where=below != 0)


def wilson(rate: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's 95 % interval of rates observed on n (Wilson 1927), in the arrays' shape."""
    centre = (rate + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * np.sqrt(rate * (1 - rate) / n + Z95**2 / (4 * n**2))
    return np.minimum(centre - half, rate), np.maximum(centre + half, rate)


def binned_intervals(p: Floats, label: Ints, person: Ints, bins: Ints) -> tuple[Floats, Floats, Floats]:
    """Return each bin's mean probability, and how far the interval of its observed rate reaches down and up.

    Wilson's interval, with as many observations as independent ones would leave the same standard error as the
    linearised ratio estimator over people does (Kish 1965, section 5.4), though no more than there are.

    Args:
        p: Shape (n,), probabilities.
        label: Shape (n,), 0 or 1.
        person: Shape (n,).
        bins: Shape (n,), 0 to n_bins - 1, rising with p.

    Returns:
        Three arrays of shape (n_bins,).
    """
    n_bins = int(bins.max()) + 1
    centres, below, above = np.empty(n_bins), np.empty(n_bins), np.empty(n_bins)
    for number in range(n_bins):
        inside = bins == number
        sums = sums_by_person(person[inside], np.column_stack([label[inside], np.ones(int(inside.sum()))]))
        positives, count = sums.sum(axis=0)
        rate = positives / count
        n_people = len(sums)
        variance = ((sums[:, 0] - rate * sums[:, 1]) ** 2).sum() / count**2 * n_people / max(n_people - 1, 1)
        # People who are all alike leave no variance, or what rounding makes of none: then each of them counts once.
        independent = rate * (1 - rate) / variance if variance > ROUNDING else n_people
        low, high = wilson(np.array(rate), np.clip(independent, 1.0, count))
        centres[number] = p[inside].mean()
        below[number], above[number] = rate - low, high - rate
    return centres, below, above
