"""The level-aware model written again, slowly, straight from design 3.2: one person, one job, plain Python."""

import math
from typing import Any

from occupations.arrays import JobArrays, RatedElements
from recommendations.scoring.person import Person

Level = tuple[float, bool]


def core_weights(elements: RatedElements, row: int) -> dict[int, float]:
    """Importance >= 3, relevant, not suppressed; if fewer than 8, the 8 most important."""
    eligible = {
        column: round(float(elements.importance[row, column]), 4)
        for column in range(len(elements.ids))
        if elements.relevant[row, column]
        and not elements.suppressed[row, column]
        and elements.importance[row, column] > 1
    }
    core = {column: im for column, im in eligible.items() if im >= 3}
    if len(core) < 8:
        last_in = sorted(eligible.values(), reverse=True)[:8][-1:]
        core = {column: im for column, im in eligible.items() if im >= last_in[0]}
    total = sum((im - 1) / 4 for im in core.values())
    return {column: (im - 1) / 4 / total for column, im in core.items()}


def level_of_job(elements: RatedElements, row: int, column: int) -> float | None:
    level = float(elements.level[row, column])
    if math.isnan(level):
        return None
    return round(level, 4) if elements.relevant[row, column] else 0.0


def person_levels(ratings: Any, elements: RatedElements, held: set[int]) -> dict[int, Level]:
    known = {}
    for column, rating in enumerate(ratings):
        from_jobs = [level_of_job(elements, row, column) for row in held]
        given = [level for level in from_jobs if level is not None]
        if rating >= 0:
            known[column] = (1.5 * int(rating), False)
        elif given:
            known[column] = (max(given), True)
    return known


def readiness(
    elements: RatedElements, row: int, known: dict[int, Level], shift: int = 0
) -> tuple[float, float, float, float]:
    """Return readiness, worst shortfall, known share and mean surplus."""
    sum_weight = sum_met = sum_surplus = worst = 0.0
    for column, weight in core_weights(elements, row).items():
        if column in known:
            level, assumed = known[column]
            level = max(0.0, level + shift * (1.0 if assumed else 0.75))
            need = level_of_job(elements, row, column) or 0.0
            sum_weight += weight
            sum_met += weight * (min(1.0, level / need) if need else 1.0)
            sum_surplus += weight * max(0.0, level - need - 1.5)
            worst = max(worst, need - level)
    if sum_weight == 0:
        return math.nan, 0.0, 0.0, 0.0
    return 100 * sum_met / sum_weight, worst, sum_weight, sum_surplus / sum_weight


def standing(person: Person, jobs: JobArrays, row: int, licence_months: float) -> dict[str, Any]:
    held = {*person.past} | ({person.current} if person.current is not None else set())
    skills = person_levels(person.ratings, jobs.skills, held)
    knowledge = person_levels(person.knowledge_ratings, jobs.knowledge, held)
    own_zone = max([person.education_zone, *(int(jobs.zones[job]) for job in held)])
    job_zone = int(jobs.zones[row])
    steps = job_zone - own_zone if own_zone and job_zone else None

    def tier(shift: int) -> int:
        a, d, _, _ = readiness(jobs.skills, row, skills, shift)
        k, _, k_share, _ = readiness(jobs.knowledge, row, knowledge, shift)
        a, d, k = round(a, 9), round(d, 9), round(k, 9)
        k_counts = round(k_share, 9) >= 0.6
        up = steps if steps is not None else 0
        most = 2.25 if k_counts and steps is not None else 1.5
        if a >= 85 and (k >= 84 or not k_counts) and d < most and up <= 0 and licence_months == 0:
            return 0
        if a >= 65 and (k >= 55 or not k_counts) and d < 3 and up <= 1 and not (job_zone == 5 and up > 0):
            return 1 if licence_months <= 18 else 2
        return 2

    a, d, share, surplus = readiness(jobs.skills, row, skills)
    k, _, k_share, _ = readiness(jobs.knowledge, row, knowledge)
    has_tier = bool(jobs.scored[row]) and round(share, 9) >= 0.6
    complete = steps is not None and round(k_share, 9) >= 0.6
    return {
        "readiness": a if jobs.scored[row] else math.nan,
        "known_share": share,
        "shortfall": d,
        "knowledge": k if jobs.scored[row] else math.nan,
        "knowledge_known_share": k_share,
        "zone_steps": math.nan if steps is None else steps,
        "licence_months": licence_months,
        "tier": tier(0) if has_tier else -1,
        "above_level": has_tier and ((steps is not None and steps <= -2) or surplus > 1),
        "firm": has_tier and tier(-1) == tier(0) == tier(1) and (complete or tier(0) == 2),
    }
