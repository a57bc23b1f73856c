"""Measures of rankings and tiers against a list of related occupations, one figure per rater."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from occupations.arrays import BoolArray, IntArray
from recommendations.scoring.thresholds import Tier

Floats = npt.NDArray[np.floating]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over raters with its bootstrap interval.

    Args:
        value: The mean; NaN where no rater has a figure.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: Raters with a figure.
    """

    value: float
    low: float
    high: float
    n: int


def ranking(scores: Floats, candidates: BoolArray) -> Rows:
    """Return each rater's candidates, best first: the columns of the scores, and ties in their order.

    Args:
        scores: Shape (n_raters, n_jobs); NaN ranks last of the candidates.
        candidates: Shape (n_raters, n_jobs).

    Returns:
        Shape (n_raters, n_jobs); a rater's columns that are no candidates come last.
    """
    worst = np.where(candidates, np.nan_to_num(scores, nan=-1e30), -np.inf)
    return np.argsort(-worst, axis=1, kind="stable")


def recall_at(order: Rows, truth: BoolArray, k: int) -> Floats:
    """Return the share of each rater's true jobs among the first k, (n_raters,); NaN where there is none.

    Args:
        order: Result of `ranking`.
        truth: Shape (n_raters, n_jobs), a subset of the candidates.
        k: How many of the first count.
    """
    found = np.take_along_axis(truth, order[:, :k], axis=1).sum(axis=1)
    return _ratio(found, truth.sum(axis=1))


def ndcg_at(order: Rows, truth: BoolArray, k: int) -> Floats:
    """Return normalised discounted cumulative gain with gain 1 per true job (Jarvelin & Kekalainen 2002).

    Args:
        order: Result of `ranking`.
        truth: Shape (n_raters, n_jobs), a subset of the candidates.
        k: How many of the first count.

    Returns:
        Shape (n_raters,), 0-1; NaN where a rater has no true job.
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    gained = np.take_along_axis(truth, order[:, :k], axis=1)
    best = np.concatenate([[0], np.cumsum(discount)])[np.minimum(truth.sum(axis=1), k)]
    return _ratio(gained @ discount[: gained.shape[1]], best)


def auc(scores: Floats, truth: BoolArray, candidates: BoolArray) -> Floats:
    """Return the chance that a true job scores above another candidate, ties half (Hanley & McNeil 1982).

    Args:
        scores: Shape (n_raters, n_jobs); NaN ranks last.
        truth: Shape (n_raters, n_jobs), a subset of the candidates.
        candidates: Shape (n_raters, n_jobs).

    Returns:
        Shape (n_raters,), 0-1; NaN where a rater has no true job or no other.
    """
    # What is no candidate goes below all others, so that it shifts every rank by the same.
    ranks = rankdata(np.where(candidates, np.nan_to_num(scores, nan=-1e30), -np.inf), axis=1)
    ranks -= (~candidates).sum(axis=1, keepdims=True)
    positive = truth.sum(axis=1)
    negative = candidates.sum(axis=1) - positive
    above = np.where(truth, ranks, 0).sum(axis=1) - positive * (positive + 1) / 2
    return _ratio(above, positive * negative)


def tier_shares(tiers: IntArray, pairs: BoolArray) -> dict[Tier, Floats]:
    """Return the share of each rater's pairs in each tier, (n_raters,) each; NaN where a rater has no pair.

    Args:
        tiers: Shape (n_raters, n_jobs), `Tier` numbers.
        pairs: Shape (n_raters, n_jobs), which pairs count.
    """
    count = pairs.sum(axis=1)
    return {tier: _ratio((pairs & (tiers == tier)).sum(axis=1), count) for tier in Tier}


def share_changed(before: IntArray, after: IntArray, pairs: BoolArray) -> Floats:
    """Return the share of each rater's pairs whose tier is another one after, (n_raters,)."""
    return _ratio((pairs & (before != after)).sum(axis=1), pairs.sum(axis=1))


def variety(order: Rows, k: int) -> tuple[int, float]:
    """Return how many jobs are ever among the first k, and the share of raters who see the most frequent one."""
    if not order.size:
        return 0, float("nan")
    counts = np.bincount(order[:, :k].ravel())
    return int(np.count_nonzero(counts)), float(counts.max() / len(order))


def bootstrap(values: Floats, *, seed: int = 0, times: int = 1000) -> Estimate:
    """Return the mean over raters and its 95 % percentile interval (Efron & Tibshirani 1993, chapter 13).

    There is one rater per occupation, so it is occupations that are drawn again.

    Args:
        values: Shape (n_raters,); NaN is left out.
        seed: Of the draws.
        times: How many draws.
    """
    there = values[~np.isnan(values)].astype(np.float64)
    n = len(there)
    if not n:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=times)
    low, high = np.quantile(drawn @ there / n, (0.025, 0.975))
    return Estimate(float(there.mean()), float(low), float(high), n)


def _ratio(part: npt.NDArray[np.number], whole: npt.NDArray[np.number]) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)
