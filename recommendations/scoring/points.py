"""What each skill adds to a score and takes from it: points that sum to the score, strengths and gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from occupations.arrays import BoolArray, IntArray
from recommendations.scoring.demand import Demand
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING, Levels
from recommendations.scoring.v1 import Weights
from recommendations.scoring.v2 import DECIMALS


@dataclass(frozen=True, slots=True)
class ElementReason:
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
    weight = demand.weight[:, row]
    known = ~np.isnan(have.values)
    share = float(weight[known].sum())
    heaviest_first = np.argsort(-weight, kind="stable")
    # Plain lists: reading single numbers out of arrays would take most of a request's time.
    weights, needs, losses = weight.tolist(), demand.need[:, row].tolist(), demand.loss[:, row].tolist()
    levels, is_known, assumed = have.values.tolist(), known.tolist(), have.assumed.tolist()
    reasons = []
    for e in heaviest_first[weight[heaviest_first] > 0].tolist():
        level, need = levels[e], needs[e]
        needed = rating_for(need)
        if not is_known[e]:
            reason = ElementReason(demand.ids[e], None, need, None, needed, 0.0, 0.0, False)
        else:
            lost = max(0.0, need - level) * losses[e]
            # A level assumed from a job lies between ratings: where it meets the need, so does its rating.
            reached = rating_of(level) if lost else max(rating_of(level), needed)
            reason = ElementReason(
                element_id=demand.ids[e],
                level_have=level,
                level_needed=need,
                rating_have=reached,
                rating_needed=needed,
                points=100 * lost / share,
                points_possible=100 * weights[e] / share,
                assumed=assumed[e],
            )
        reasons.append(reason)
    return tuple(reasons)


def rating_of(level: float) -> int:
    """Return the highest rating (0-4) whose level, 1.5 per rating, does not exceed a level (0-7)."""
    return min(MAX_RATING, int(level // LEVEL_PER_RATING))


def rating_for(level: float) -> int:
    """Return the smallest rating whose level reaches a level (0-7); 4 where none does."""
    return min(MAX_RATING, -int(-level // LEVEL_PER_RATING))


def shortfall(reason: ElementReason) -> float:
    """Return the levels that are missing; 0 where the element is unknown."""
    if reason.level_have is None or reason.level_needed is None:
        return 0.0
    return round(max(0.0, reason.level_needed - reason.level_have), DECIMALS)


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
    scaled = np.array(points, dtype=np.float64) * unit
    shown = np.floor(scaled)
    missing = max(0, round(total * unit) - int(shown.sum()))
    shown[np.argsort(shown - scaled, kind="stable")[:missing]] += 1
    return [float(value) for value in shown / unit]
