"""The level-aware model (design 3.2): readiness, knowledge, tiers, above-your-level, firm or borderline.

What is unknown is left out and reported, never invented. A tier needs the known share of the job's skills;
knowledge counts only from the same share on, and a zone step only where both zones are known. A tier that
leaves a condition out is not firm, and `V2Thresholds.ready_needs_all_known` keeps it from being READY_NOW.
Which conditions apply depends on what was answered, never on how high, so raising a rating cannot worsen a
tier.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, IntArray, JobArrays
from recommendations.scoring.demand import Demand, build_demand
from recommendations.scoring.person import Floats, Levels, Person, levels, zone
from recommendations.scoring.thresholds import V2_DEFAULTS, Tier, V2Thresholds

# Figures are rounded to this many decimals before they meet a bound, so that sums taken in another order,
# and differences that are exact on paper (4.12 - 2.62), fall on the same side of it.
DECIMALS = 10


@dataclass(frozen=True, slots=True, eq=False)
class V2Tables:
    """All that the model needs of one catalogue revision, built once by `build_tables`.

    Args:
        skills: What the jobs ask for in skills.
        knowledge: The same in knowledge.
        zones: Shape (n_jobs,), job zones 1-5; 0 where there is none.
        scored: Shape (n_jobs,); True where the job may be given a tier.
    """

    skills: Demand
    knowledge: Demand
    zones: IntArray
    scored: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class V2Scores:
    """The standing of one person, or of many, against all jobs: every array has shape (..., n_jobs).

    Args:
        readiness: A, 0-100 over the known core skills; NaN where none is known or the job is not scored.
        known_share: Share (0-1) of the job's skill weight that is known.
        shortfall: D, levels missing on the worst known core skill.
        knowledge: K, 0-100 over the known core knowledge; NaN like readiness.
        knowledge_known_share: Share (0-1) of the job's knowledge weight that is known.
        zone_steps: The job's zone - the person's; NaN where either is unknown.
        licence_months: Months to the licence that the job asks for and the person lacks; 0 where none.
        tier: `Tier` numbers, int8; -1 where the job is not scored or too little is known.
        above_level: True where the person is above the job's level. It never blocks a tier.
        firm: True where the tier stays the same with every level somewhat lower and with every level
            somewhat higher, and no condition was left out that could lower it.
    """

    readiness: Floats
    known_share: Floats
    shortfall: Floats
    knowledge: Floats
    knowledge_known_share: Floats
    zone_steps: Floats
    licence_months: Floats
    tier: IntArray
    above_level: BoolArray
    firm: BoolArray


class Sums(NamedTuple):
    """Raw sums of one domain over the known core elements.

    Args:
        lost: Shape (3, ..., n_jobs): sum of w * (1 - m) with levels lower, as given, higher.
        shortfall: Shape (3, ..., n_jobs), levels: the worst.
        excess: Shape (..., n_jobs), levels: sum of w * what exceeds need and slack.
        known_share: Shape (..., n_jobs), 0-1: sum of w.
    """

    lost: Floats
    shortfall: Floats
    excess: Floats
    known_share: Floats


def build_tables(jobs: JobArrays, thresholds: V2Thresholds = V2_DEFAULTS) -> V2Tables:
    """Return the model's tables for all jobs; of the thresholds, only the core's definition matters here."""
    return V2Tables(
        skills=build_demand(jobs.skills, thresholds),
        knowledge=build_demand(jobs.knowledge, thresholds),
        zones=jobs.zones,
        scored=jobs.scored,
    )


def score(
    person: Person,
    tables: V2Tables,
    *,
    licence_months: npt.ArrayLike = 0.0,
    thresholds: V2Thresholds = V2_DEFAULTS,
) -> V2Scores:
    """Return one person's standing against all jobs, arrays of shape (n_jobs,).

    Args:
        person: Who is scored.
        tables: The catalogue's tables.
        licence_months: Shape (n_jobs,), months to each job's licence where the person lacks it, else 0.
        thresholds: Bounds of the tiers.

    Raises:
        ValueError: The person's elements are not the tables', or the months do not fit the jobs.
        IndexError: A held job is not among the jobs.
    """
    skills = levels(person.ratings, tables.skills.of_jobs, person.held)
    knowledge = levels(person.knowledge_ratings, tables.knowledge.of_jobs, person.held)
    return assemble(
        tables,
        skills=sums(tables.skills, skills, thresholds),
        knowledge=sums(tables.knowledge, knowledge, thresholds),
        person_zones=np.array(zone(person, tables.zones)),
        licence_months=licence_months,
        thresholds=thresholds,
    )


def sums(demand: Demand, have: Levels, thresholds: V2Thresholds = V2_DEFAULTS) -> Sums:
    """Return one person's raw sums in one domain, arrays of shape (n_jobs,) and (3, n_jobs)."""
    known = ~np.isnan(have.values)
    error = np.where(have.assumed, thresholds.assumed_error, thresholds.rated_error)
    lost = np.empty((3, demand.need.shape[1]))
    shortfall = np.empty_like(lost)
    # One buffer that stays in the processor's cache: fresh ones would cost four times as much.
    gap = np.empty_like(demand.need)
    for shift in range(3):
        # An unknown element loses nothing here; its weight is missing from the known share instead.
        level = np.where(known, np.maximum(have.values + (shift - 1) * error, 0.0), np.inf)
        np.maximum(np.subtract(demand.need, level[:, None], out=gap), 0.0, out=gap)
        gap.max(axis=0, out=shortfall[shift])
        np.einsum("ej,ej->j", gap, demand.loss, out=lost[shift])
    # A level of 0 exceeds nothing, so it stands in for an unknown one.
    level = np.where(known, have.values, 0.0) - thresholds.above_slack
    np.maximum(np.subtract(level[:, None], demand.need, out=gap), 0.0, out=gap)
    return Sums(
        lost=lost,
        shortfall=shortfall,
        excess=np.einsum("ej,ej->j", gap, demand.weight),
        known_share=known.astype(np.float64) @ demand.weight,
    )


def assemble(
    tables: V2Tables,
    *,
    skills: Sums,
    knowledge: Sums,
    person_zones: npt.NDArray[np.integer],
    licence_months: npt.ArrayLike,
    thresholds: V2Thresholds,
) -> V2Scores:
    """Return the scores that the raw sums add up to.

    Args:
        tables: The catalogue's tables.
        skills: Sums over the skills.
        knowledge: Sums over the knowledge.
        person_zones: Shape (...), 0 where unknown.
        licence_months: Broadcasts to (..., n_jobs).
        thresholds: Bounds.
    """
    t = thresholds
    person_zone = person_zones[..., None]
    unknown_zone = (tables.zones == 0) | (person_zone == 0)
    zone_steps = np.where(unknown_zone, np.nan, tables.zones.astype(np.float64) - person_zone)
    months = np.broadcast_to(np.asarray(licence_months, dtype=np.float64), zone_steps.shape)

    known_share = np.round(skills.known_share, DECIMALS)
    knowledge_known_share = np.round(knowledge.known_share, DECIMALS)
    readiness = _percent(skills.lost, skills.known_share)
    knowledge_readiness = _percent(knowledge.lost, knowledge.known_share)
    shortfall = np.round(skills.shortfall, DECIMALS)
    surplus = np.divide(skills.excess, known_share, out=np.zeros_like(known_share), where=known_share > 0)

    counted = np.where(knowledge_known_share >= t.known_share, knowledge_readiness, np.nan)
    lower, tier, higher = tiers(
        readiness=readiness,
        knowledge=counted,
        shortfall=shortfall,
        zone_steps=zone_steps,
        licence_months=months,
        job_zones=tables.zones,
        thresholds=t,
    )
    enough_known = tables.scored & (known_share >= t.known_share)
    # What was left out could only have lowered the tier.
    certain = (tier == Tier.LONG_RESKILL) | ~(np.isnan(counted[1]) | unknown_zone)
    return V2Scores(
        readiness=np.where(tables.scored, readiness[1], np.nan),
        known_share=known_share,
        shortfall=shortfall[1],
        knowledge=np.where(tables.scored, knowledge_readiness[1], np.nan),
        knowledge_known_share=knowledge_known_share,
        zone_steps=zone_steps,
        licence_months=months,
        tier=np.where(enough_known, tier, Tier.NONE).astype(np.int8),
        above_level=enough_known & ((zone_steps <= -t.above_zone_steps) | (surplus > t.above_surplus)),
        firm=enough_known & certain & (lower == tier) & (higher == tier),
    )


def _percent(lost: Floats, known_share: Floats) -> Floats:
    readiness: Floats = 100.0 * (1.0 - lost / np.where(known_share > 0, known_share, np.nan))
    return np.maximum(readiness, 0.0).round(DECIMALS)


def tiers(
    *,
    readiness: Floats,
    knowledge: Floats,
    shortfall: Floats,
    zone_steps: Floats,
    licence_months: Floats,
    job_zones: IntArray,
    thresholds: V2Thresholds = V2_DEFAULTS,
) -> IntArray:
    """Return the tier that figures earn, int8 in their broadcast shape, never -1.

    Args:
        readiness: A, 0-100.
        knowledge: K, 0-100; NaN where it does not count.
        shortfall: D, in levels.
        zone_steps: The job's zone - the person's; NaN where unknown.
        licence_months: Months to an unmet licence, 0 where none.
        job_zones: Shape (n_jobs,).
        thresholds: Bounds.
    """
    t = thresholds
    unchecked = np.isnan(knowledge) | np.isnan(zone_steps)
    # "Not below the bound" rather than "at least": NaN, which is unknown, must not fail a condition.
    ready = (
        (readiness >= t.ready_readiness)
        & ~(knowledge < t.ready_knowledge)
        & (shortfall < np.where(unchecked, min(t.ready_shortfall_unchecked, t.ready_shortfall), t.ready_shortfall))
        & ~(zone_steps > t.ready_zone_steps)
        & (licence_months <= 0)
    )
    if t.ready_needs_all_known:
        ready &= ~unchecked
    trainable = (
        (readiness >= t.trainable_readiness)
        & ~(knowledge < t.trainable_knowledge)
        & (shortfall < t.trainable_shortfall)
        & ~(zone_steps > t.trainable_zone_steps)
        & ~((job_zones == t.top_zone) & (zone_steps > 0))
        & (licence_months <= t.trainable_licence_months)
    )
    return np.where(ready, Tier.READY_NOW, np.where(trainable, Tier.TRAINABLE, Tier.LONG_RESKILL)).astype(np.int8)
