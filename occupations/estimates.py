"""Estimate the profile of an occupation that O*NET has not rated from the rated ones nearest to it.

Pure functions of arrays: the import calls them, and `manage.py evaluate_estimates` says how good they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, FloatArray

Weights = npt.NDArray[np.float64]

# Chosen by leaving out the 879 rated occupations of O*NET 29.3 one by one; neighbouring values do as well.
NEAREST = 12
RELATED_DECAY = 6.0
SAME_BROAD_WEIGHT = 0.2

BROAD, MINOR, MAJOR = 6, 4, 2  # characters that two codes share: 15-125, 15-1, 15


@dataclass(frozen=True, slots=True)
class Estimates:
    """Profiles of the occupations that could be estimated, on the elements of one domain.

    Args:
        rows: Shape (n_estimates,), row of each in the arrays given, ascending.
        importance: Shape (n_estimates, n_elements), 1-5.
        level: Shape (n_estimates, n_elements), 0-7.
        relevant: Shape (n_estimates, n_elements); what the neighbours say by weighted majority.
        sources: The codes that each came from, the weightiest first; more than `NEAREST` only where weights tie.
    """

    rows: npt.NDArray[np.intp]
    importance: FloatArray
    level: FloatArray
    relevant: BoolArray
    sources: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class EstimateError:
    """Mean absolute errors when each rated occupation is hidden in turn, over occupations and elements.

    Args:
        occupations: How many were hidden, each in turn.
        importance: Error of the estimate, on the scale 1-5.
        level: Error of the estimate, on the scale 0-7.
        mean_importance: Error of the mean over the other rated occupations instead.
        mean_level: The same, for level.
        relevant: Share of elements whose relevance the estimate gets right, 0-1.
    """

    occupations: int
    importance: float
    level: float
    mean_importance: float
    mean_level: float
    relevant: float


def estimate_missing(
    codes: Sequence[str],
    wanted: BoolArray,
    importance: FloatArray,
    level: FloatArray,
    relevant: BoolArray,
    related: Mapping[str, Sequence[str]],
) -> Estimates:
    """Return the weighted mean of the nearest rated occupations for each wanted one.

    The nearest 12 count. A related occupation at place p of O*NET's list weighs exp(-(p-1)/6), in either
    direction, so that a mutual link counts twice; one in the same broad SOC group weighs 0.2 more. Without
    either, all of the minor group count alike, else all of the major group. A wanted occupation with no neighbour
    at all gets no estimate.

    Args:
        codes: O*NET-SOC codes, one per row.
        wanted: Shape (n_jobs,); True where an estimate is wanted.
        importance: Shape (n_jobs, n_elements), 1-5; NaN where unrated. Only complete rows are neighbours.
        level: Shape (n_jobs, n_elements), 0-7; NaN where unrated.
        relevant: Shape (n_jobs, n_elements).
        related: O*NET's related list of each code, the nearest first; unknown codes are ignored.
    """
    rated = _complete(importance, level)
    asked = np.flatnonzero(wanted)
    weights = _nearest(_weights(codes, asked, rated, related))
    found = weights.any(axis=1)
    rows, weights = asked[found], weights[found]
    weights /= weights.sum(axis=1, keepdims=True)

    def mean(figures: FloatArray | BoolArray) -> Weights:
        return weights[:, rated] @ figures[rated].astype(np.float64)

    return Estimates(
        rows=rows,
        importance=mean(importance).astype(np.float32),
        level=mean(level).astype(np.float32),
        relevant=mean(relevant) >= 0.5,
        sources=tuple(
            tuple(codes[at] for at in np.argsort(-row, kind="stable")[: np.count_nonzero(row)]) for row in weights
        ),
    )


def leave_one_out(
    codes: Sequence[str],
    importance: FloatArray,
    level: FloatArray,
    relevant: BoolArray,
    related: Mapping[str, Sequence[str]],
) -> EstimateError:
    """Hide each rated occupation in turn, estimate it, and compare with its true figures.

    Args:
        codes: O*NET-SOC codes, one per row.
        importance: Shape (n_jobs, n_elements), 1-5; NaN where unrated.
        level: Shape (n_jobs, n_elements), 0-7; NaN where unrated.
        relevant: Shape (n_jobs, n_elements).
        related: O*NET's related list of each code, the nearest first.

    Raises:
        ValueError: Fewer than two occupations are rated, or none has a neighbour.
    """
    rated = _complete(importance, level)
    if rated.sum() < 2:
        raise ValueError("at least two rated occupations are needed to leave one out")
    guess = estimate_missing(codes, rated, importance, level, relevant, related)
    rows = guess.rows
    if rows.size == 0:
        raise ValueError("no rated occupation has a neighbour")

    def error(estimate: npt.NDArray[np.floating], truth: FloatArray) -> float:
        return float(np.abs(estimate - truth[rows]).mean())

    def mean_of_others(figures: FloatArray) -> Weights:
        total = figures[rated].sum(axis=0, dtype=np.float64)
        return (total - figures[rows]) / (rated.sum() - 1)

    return EstimateError(
        occupations=rows.size,
        importance=error(guess.importance, importance),
        level=error(guess.level, level),
        mean_importance=error(mean_of_others(importance), importance),
        mean_level=error(mean_of_others(level), level),
        relevant=float((guess.relevant == relevant[rows]).mean()),
    )


def _complete(importance: FloatArray, level: FloatArray) -> BoolArray:
    return np.asarray(~(np.isnan(importance).any(axis=1) | np.isnan(level).any(axis=1)))


def _weights(
    codes: Sequence[str], asked: npt.NDArray[np.intp], rated: BoolArray, related: Mapping[str, Sequence[str]]
) -> Weights:
    """Return the weight of every occupation for each asked one; 0 for unrated ones and for itself."""
    allowed = np.repeat(rated[None, :], asked.size, axis=0)
    allowed[np.arange(asked.size), asked] = False
    weights = _related_weights(codes, related)[asked] + SAME_BROAD_WEIGHT * _share_group(codes, BROAD)[asked]
    weights *= allowed
    for group in (MINOR, MAJOR):
        alone = ~weights.any(axis=1)
        weights[alone] = (allowed & _share_group(codes, group)[asked])[alone]
    return weights


def _related_weights(codes: Sequence[str], related: Mapping[str, Sequence[str]]) -> Weights:
    row = {code: number for number, code in enumerate(codes)}
    weights = np.zeros((len(codes), len(codes)))
    for code, others in related.items():
        for place, other in enumerate(others):
            if code in row and other in row:
                weight = np.exp(-place / RELATED_DECAY)
                weights[row[code], row[other]] += weight
                weights[row[other], row[code]] += weight
    return weights


def _share_group(codes: Sequence[str], length: int) -> BoolArray:
    group = np.array([code[:length] for code in codes], dtype=f"U{length}")
    return np.asarray(group[:, None] == group[None, :])


def _nearest(weights: Weights) -> Weights:
    """Keep each row's `NEAREST` largest weights, and those that tie with the least of them."""
    if weights.shape[1] <= NEAREST:
        return weights
    least = np.partition(weights, -NEAREST, axis=1)[:, [-NEAREST]]
    return np.where(weights >= least, weights, 0.0)
