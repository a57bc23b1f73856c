"""What each skill adds to a score and takes from it: points that sum to the score, strengths and gaps."""

from collections.abc import Sequence
from math import floor, isnan
from typing import NamedTuple

import numpy as np

from occupations.arrays import BoolArray, IntArray
from recommendations.scoring.demand import Demand
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING, Levels, rating_of
from recommendations.scoring.v1 import Weights
from recommendations.scoring.v2 import DECIMALS


class ElementReason(NamedTuple):
    """One skill or knowledge area of one job, for one person.

    Args:
        element_id: O*NET element id.
        level_have: The person's level, 0-7; None where unknown.
        level_needed: The job's level, 0-7; None under the baseline, which knows none.
        rating_have: The highest rating (0-4) whose level the person reaches, and never less than needed where
            the need is met; None where unknown.
        rating_needed: The smallest rating (0-4) that meets the need; 4 where none does.
        points: Points of 100 lost here.
        points_possible: Points of 100 that the element is worth; 0 where it is unknown and so left out.
        assumed: Whether the level comes from a held job, not from a rating.
    """

    element_id: str
    level_have: float | None
    level_needed: float | None
    rating_have: int | None
    rating_needed: int
    points: float
    points_possible: float
    assumed: bool

    @property
    def is_unknown(self) -> bool:
        return self.rating_have is None

    @property
    def is_met(self) -> bool:
        return not self.is_unknown and self.points == 0


def gaps(reasons: tuple[ElementReason, ...]) -> tuple[ElementReason, ...]:
    """Return the elements that lose points, the most costly first."""
    return tuple(sorted((r for r in reasons if r.points > 0), key=lambda r: -r.points))


def strengths(reasons: tuple[ElementReason, ...]) -> tuple[ElementReason, ...]:
    """Return the elements that are met in full, the weightiest first."""
    return tuple(sorted((r for r in reasons if r.is_met), key=lambda r: -r.points_possible))


def element_reasons(demand: Demand, have: Levels, row: int) -> tuple[ElementReason, ...]:
    """Return the reasons of one domain for one job's core, the weightiest first.

    Points lost sum to 100 - readiness, because both come from the same table.
    """
    core, levels, assumed = demand.core_of(row), have.values.tolist(), have.assumed.tolist()
    share = sum(element.weight for element in core if not isnan(levels[element.place]))
    reasons = []
    for place, element_id, weight, need, needed, loss in core:
        level = levels[place]
        if isnan(level):
            reasons.append(ElementReason(element_id, None, need, None, needed, 0.0, 0.0, False))
            continue
        lost = max(0.0, need - level) * loss
        reached = rating_of(level)
        if not lost and reached < needed:
            # A level assumed from a job lies between ratings: where it meets the need, so does its rating.
            reached = needed
        points, possible = 100 * lost / share, 100 * weight / share
        reasons.append(ElementReason(element_id, level, need, reached, needed, points, possible, assumed[place]))
    return tuple(reasons)


def shortfall(reason: ElementReason) -> float:
    """Return the levels that are missing; 0 where the element is unknown."""
    have, needed = reason.level_have, reason.level_needed
    if have is None or needed is None or have >= needed:
        return 0.0
    return round(needed - have, DECIMALS)


def element_reasons_v1(
    ratings: IntArray, assumed: BoolArray, weight: Weights, ids: tuple[str, ...], row: int
) -> tuple[ElementReason, ...]:
    """Return the baseline's reasons for one job, the weightiest skill first; points sum to 100 - match.

    Args:
        ratings: Shape (n_skills,), 0-4, with assumed ones filled in.
        assumed: Shape (n_skills,).
        weight: Result of `v1.weights`.
        ids: Element ids of the skills.
        row: The job.

    Returns:
        Nothing where the job is not scored.
    """
    of_job = weight[row]
    total = int(of_job.sum())
    heaviest_first = np.argsort(-of_job, kind="stable")
    weights, have, is_assumed = of_job.astype(int).tolist(), ratings.tolist(), assumed.tolist()
    return tuple(
        ElementReason(
            element_id=ids[e],
            level_have=LEVEL_PER_RATING * have[e],
            level_needed=None,
            rating_have=have[e],
            rating_needed=MAX_RATING,
            points=25 * weights[e] * (MAX_RATING - have[e]) / total,
            points_possible=100 * weights[e] / total,
            assumed=is_assumed[e],
        )
        for e in heaviest_first[of_job[heaviest_first] > 0].tolist()
    )


def shown_points(points: Sequence[float], total: float, decimals: int = 0) -> list[float]:
    """Return points rounded for display so that they sum to a total as shown (largest remainder first).

    Args:
        points: Non-negative points.
        total: The total as shown: their sum, rounded up or down to the decimals.
        decimals: Decimals to show.
    """
    unit = 10**decimals
    scaled = [point * unit for point in points]
    shown = [floor(value) for value in scaled]
    missing = max(0, round(total * unit) - sum(shown))
    for place in sorted(range(len(shown)), key=lambda place: shown[place] - scaled[place])[:missing]:
        shown[place] += 1
    return [value / unit for value in shown]
