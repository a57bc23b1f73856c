"""Exploration: now and then a tier's last place goes to a job by lot, so that what people answer can be learnt from.

pool = the tier's jobs that are not shown above the last place and that may be drawn; g = the best of them. With
probability 1 - epsilon the last place shows g, else a uniform draw from the pool, which may be g again:

    p(g) = 1 - epsilon + epsilon / |pool|,   p(other) = epsilon / |pool|,   p = 1 in every other place.

The pool may be cut to its best few: a draw from all of a tier's hundreds shows people jobs that have little to do with
them, and gives each so small a propensity that nothing can be learnt from what they answer.

They sum to 1 over the pool (epsilon-greedy; Dudik, Langford, Li 2011 need them exact). The propensity below 1 tells the
place that was drawn; `is_exploration` is true only where the draw fell on another job than g, because only then is
"something a little different" true.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recommendations.scoring.person import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One tier's jobs as they are shown.

    Args:
        rows: Shape (n,), best first; the last may be one by lot.
        propensity: Shape (n,), the probability with which each place shows its job, above 0 and at most 1.
        is_exploration: Shape (n,); True for a job by lot that is not the best of the pool.
        pool: Shape (m,), the jobs that the last place could show, best first; empty where it was not open to the lot.
    """

    rows: npt.NDArray[np.intp]
    propensity: Floats
    is_exploration: npt.NDArray[np.bool_]
    pool: npt.NDArray[np.intp]

    @property
    def pool_size(self) -> int:
        return len(self.pool)


def explore(
    rows: npt.NDArray[np.intp],
    *,
    limit: int,
    epsilon: float,
    seed: int,
    tier: int,
    barred: npt.NDArray[np.bool_],
    most: int | None = None,
) -> Shown:
    """Return the jobs of a tier to show; the same seed and tier give the same list.

    There is no lot, and all propensities are 1, where epsilon is 0, where only one place is shown (the best job never
    gives way), and where no job of the pool may be drawn. Otherwise the last place never holds a barred job, not even
    as the best of the pool.

    Args:
        rows: Shape (m,), all jobs of the tier that may be listed, best first.
        limit: How many to show at most.
        epsilon: Share of lots, 0-1; 0 for whoever opted out.
        seed: The event's seed, any whole number.
        tier: The tier's number, at least 0.
        barred: Shape (m,), in the order of `rows`; True for a job that must not be drawn, such as one behind a licence
            that the person lacks.
        most: The most jobs of a pool, the best ones; all where None.

    Raises:
        ValueError: Shapes differ, the limit or `most` is below 1, or epsilon lies outside 0-1.
    """
    if rows.shape != barred.shape:
        raise ValueError(f"rows and barred must have the same shape: {rows.shape} and {barred.shape}")
    if limit < 1:
        raise ValueError(f"limit must be at least 1: {limit}")
    if most is not None and most < 1:
        raise ValueError(f"a pool must hold at least 1: {most}")
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be 0 to 1: {epsilon}")
    shown = rows[:limit].copy()
    propensity = np.ones(len(shown))
    is_exploration = np.zeros(len(shown), bool)
    last = len(shown) - 1
    pool = rows[last:][~barred[last:]][:most] if last > 0 and epsilon > 0 else rows[:0]
    if len(pool) == 0:
        return Shown(shown, propensity, is_exploration, pool)
    rng = np.random.default_rng([seed % 2**64, tier])
    by_lot = rng.random() < epsilon
    place = int(rng.integers(len(pool))) if by_lot else 0
    shown[last] = pool[place]
    propensity[last] = propensities(len(pool), epsilon)[place]
    is_exploration[last] = place > 0
    return Shown(shown, propensity, is_exploration, pool)


def propensities(pool_size: int, epsilon: float) -> Floats:
    """Return the probability with which the last place shows each job of the pool, shape (pool_size,), best first."""
    p = np.full(pool_size, epsilon / pool_size)
    p[0] = 1 - epsilon + epsilon / pool_size
    return p
