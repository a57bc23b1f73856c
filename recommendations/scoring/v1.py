"""The baseline, exactly as first described (design 3.1). Its known faults are documented and stay.

It ignores the level that a job asks for, so it ranks near chance and calls nobody ready for the job they
hold; and because the two tests of TRAINABLE are joined by "or", raising a rating can worsen a tier.
"""

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, IntArray, JobArrays
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING, Floats, Person, check_ratings
from recommendations.scoring.thresholds import V1_DEFAULTS, Tier, V1Thresholds

# Capability is a quarter per rating; up to a quarter, a skill counts as a gap.
GAP_RATING = 1

Weights = npt.NDArray[np.int64]


def weights(jobs: JobArrays) -> Weights:
    """Return O*NET's standardised importance of each skill: (n_jobs, n_skills), whole numbers 0-100.

    It is the figure that O*NET's sites publish, floor((IM - 1) / 4 * 100 + 0.5), for all skills whether
    relevant or not; 0 where there is no figure and for a job that is not scored.
    """
    # In ten-thousandths, because (3.1 - 1) / 4 * 100 must be 52.5 exactly to round as published.
    scaled = np.rint(np.nan_to_num(jobs.skills.importance.astype(np.float64), nan=1.0) * 10_000)
    standardised = (scaled.astype(np.int64) - 10_000 + 200) // 400
    return np.where(jobs.scored[:, None], standardised, 0)


def capability_ratings(person: Person, jobs: JobArrays) -> tuple[IntArray, BoolArray]:
    """Return the ratings that the baseline scores, and which of them are assumed; both (n_skills,).

    An unrated skill takes the published level of the current job as the nearest rating,
    floor(LV / 1.5 + 0.5), at most 4; without a current job, or a figure, it counts as 0.

    Raises:
        ValueError: The person's skills are not the jobs' skills.
    """
    if person.ratings.shape != (len(jobs.skills.ids),):
        raise ValueError(f"skill axes differ: {person.ratings.shape} and {len(jobs.skills.ids)}")
    unrated = person.ratings < 0
    if person.current is None:
        return np.where(unrated, 0, person.ratings).astype(np.int8), np.zeros_like(unrated)
    level = jobs.skills.level[person.current].astype(np.float64)
    nearest = np.minimum(np.floor(np.nan_to_num(level) / LEVEL_PER_RATING + 0.5), MAX_RATING)
    return np.where(unrated, nearest, person.ratings).astype(np.int8), unrated & ~np.isnan(level)


def score(ratings: IntArray, weight: Weights) -> tuple[Floats, Floats]:
    """Return match score and gap severity of many people against all jobs, each (n_people, n_jobs), 0-100.

    match = 100 sum(w c) / sum(w) with c = rating / 4; gap = 100 sum(w where c <= 0.25) / sum(w).

    Args:
        ratings: Shape (n_people, n_skills), 0-4.
        weight: Result of `weights`, shape (n_jobs, n_skills).

    Returns:
        NaN in both for a job whose weights are all 0. Comparing a figure with a bound of a few decimals is
        exact: numerator and denominator are whole numbers, so the one division is correctly rounded, and
        two different fractions over at most 3,500 lie further apart than its rounding.

    Raises:
        ValueError: A rating is outside 0-4, or the skill axes differ.
    """
    check_ratings(ratings)
    if ratings.ndim != 2 or ratings.shape[1] != weight.shape[1]:
        raise ValueError(f"skill axes differ: {ratings.shape} and {weight.shape}")
    # Both sums are products of a function of the rating with the weight: one matrix product of two rows per
    # person does the work of a one-hot table of five.
    both = np.concatenate([ratings, ratings <= GAP_RATING]).astype(np.float64)
    sums = both @ weight.T.astype(np.float64)
    total = weight.sum(axis=1).astype(np.float64)
    total[total == 0] = np.nan
    n = len(ratings)
    return 25.0 * sums[:n] / total, 100.0 * sums[n:] / total


def tier(match: Floats, gap: Floats, thresholds: V1Thresholds = V1_DEFAULTS) -> IntArray:
    """Return each pair's tier as a `Tier` number, in the shape of `match`; -1 where a figure is NaN.

    Args:
        match: Match scores, 0-100.
        gap: Gap severities, 0-100, same shape.
        thresholds: Bounds of the tiers, half-open.
    """
    t = thresholds
    ready = (match >= t.ready_match) & (gap <= t.ready_gap)
    trainable = ((match >= t.trainable_match) & (match < t.ready_match)) | (
        (gap > t.ready_gap) & (gap <= t.trainable_gap)
    )
    unknown = np.isnan(match) | np.isnan(gap)
    return np.select(
        [unknown, ready, trainable], [Tier.NONE, Tier.READY_NOW, Tier.TRAINABLE], Tier.LONG_RESKILL
    ).astype(np.int8)
