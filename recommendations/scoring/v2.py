"""The level-aware model (design 3.2): readiness, knowledge, tiers, above-your-level, firm or borderline.

What is unknown is left out and reported, never invented. A tier needs the known share of the job's skills;
knowledge counts only from the same share on; and a zone step counts only where both zones are known. A tier
that leaves a condition out is never firm, and `V2Thresholds.ready_needs_all_known` keeps it from being
READY_NOW. Which conditions apply depends on what was answered, never on how high, so raising a rating can
never worsen a tier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, IntArray, JobArrays, RatedElements
from recommendations.scoring.person import Floats, Levels, Person, job_levels, levels, zone
from recommendations.scoring.thresholds import V2_DEFAULTS, Tier, V2Thresholds

# Figures are rounded to this many decimals before they meet a bound, so that sums taken in another order,
# and differences that are exact on paper (4.12 - 2.62), fall on the same side of it.
DECIMALS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What the jobs ask for in one domain: jobs in columns, because every sum runs over elements.

    Args:
        ids: Element ids, one per row.
        weight: Shape (n_elements, n_jobs); each column sums to 1 over the job's core, or is 0 throughout.
        need: Shape (n_elements, n_jobs), levels 0-7; 0 off the core.
        loss: Shape (n_elements, n_jobs), weight / need: readiness lost per level short; 0 where need is 0.
        of_jobs: Shape (n_jobs, n_elements): the level that holding the job suggests; NaN without a figure.
    """

    ids: tuple[str, ...]
    weight: Floats
    need: Floats
    loss: Floats
    of_jobs: Floats


@dataclass(frozen=True, slots=True, eq=False)
class V2Tables:
    """All that the model needs of one catalogue revision, built once by `build_tables`."""

    skills: Demand
    knowledge: Demand
    zones: IntArray
    scored: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class V2Scores:
    """One person's, or many people's, standing against all jobs: every array has shape (..., n_jobs).

    Args:
        readiness: A, 0-100 over the known core skills; NaN where none is known.
        known_share: Share (0-1) of the job's skill weight that is known.
        shortfall: D, levels missing on the worst known core skill.
        knowledge: K, 0-100 over the known core knowledge; NaN where none is known.
        knowledge_known_share: Share (0-1) of the job's knowledge weight that is known.
        zone_steps: The job's zone - the person's; NaN where either is unknown.
        licence_months: Months to the licence that the job asks for and the person lacks; 0 where none.
        tier: `Tier` numbers, int8; -1 where the job is not scored or too little is known.
        above_level: True where the job is below the person's level. It never blocks a tier.
        firm: True where nothing was left out and the tier stays the same with every level somewhat lower,
            and with every level somewhat higher.
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


def core(elements: RatedElements, thresholds: V2Thresholds = V2_DEFAULTS) -> BoolArray:
    """Return which elements are core to each job, (n_jobs, n_elements).

    Core is what is relevant, not suppressed and of importance >= 3; where those are fewer than 8, the 8 most
    important, with ties for the last place included so that the order of elements does not matter.
    """
    importance = np.round(elements.importance.astype(np.float64), 4)
    eligible = elements.relevant & ~elements.suppressed & (importance > 1)
    importance = np.where(eligible, importance, 0.0)
    nth = min(thresholds.core_size, importance.shape[1])
    last_in = np.sort(importance, axis=1)[:, -nth]
    return eligible & (importance >= np.minimum(thresholds.core_importance, last_in)[:, None])


def build_demand(elements: RatedElements, thresholds: V2Thresholds = V2_DEFAULTS) -> Demand:
    """Return what the jobs ask for in one domain; a core element weighs (IM - 1) / 4 of the core's sum."""
    in_core = core(elements, thresholds)
    of_jobs = job_levels(elements)
    need = np.where(in_core, np.nan_to_num(of_jobs), 0.0)
    weight = np.where(in_core, np.round(elements.importance.astype(np.float64), 4) - 1, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    loss = np.divide(weight, need, out=np.zeros_like(weight), where=need > 0)
    by_element = (np.ascontiguousarray(table.T) for table in (weight, need, loss))
    return Demand(elements.ids, *by_element, of_jobs=of_jobs)


def build_tables(jobs: JobArrays, thresholds: V2Thresholds = V2_DEFAULTS) -> V2Tables:
    """Return the model's tables for all jobs; they depend on the thresholds' definition of the core."""
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
    """Return one person's standing against all jobs.

    Args:
        person: Who is scored.
        tables: The catalogue's tables.
        licence_months: Shape (n_jobs,), months to each job's licence where the person lacks it, else 0.
        thresholds: Bounds of the tiers.

    Raises:
        ValueError: The person's elements are not the tables'.
        IndexError: A held job is not among the jobs.
    """
    skills = levels(person.ratings, tables.skills.of_jobs, person.held)
    knowledge = levels(person.knowledge_ratings, tables.knowledge.of_jobs, person.held)
    surplus = weighted_surplus(tables.skills, skills, thresholds.above_slack)
    return assemble(
        skills=_measure(tables.skills, skills, thresholds),
        knowledge=_measure(tables.knowledge, knowledge, thresholds),
        surplus=surplus,
        zone_steps=steps_between(zone(person, tables.zones), tables.zones),
        licence_months=np.broadcast_to(np.asarray(licence_months, dtype=np.float64), tables.zones.shape),
        scored=tables.scored,
        thresholds=thresholds,
    )


def steps_between(from_zone: int, to_zones: IntArray) -> Floats:
    """Return each job's zone - the person's; NaN where either is 0, which means unknown."""
    steps = to_zones.astype(np.float64) - from_zone
    return np.where((to_zones == 0) | (from_zone == 0), np.nan, steps)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Figures of one domain at three sets of levels: lower, as given, higher.

    Args:
        readiness: Shape (3, ..., n_jobs), 0-100; NaN where nothing is known.
        shortfall: Shape (3, ..., n_jobs), levels.
        known_share: Shape (..., n_jobs), 0-1.
    """

    readiness: Floats
    shortfall: Floats
    known_share: Floats


def measures(lost: Floats, shortfall: Floats, known_share: Floats) -> Measures:
    """Return the figures of one domain from the raw sums, on a scale of 0-100 and rounded."""
    share = np.where(known_share > 0, known_share, np.nan)
    readiness = np.clip(100.0 * (1.0 - lost / share), 0.0, 100.0)
    return Measures(np.round(readiness, DECIMALS), np.round(shortfall, DECIMALS), np.round(known_share, DECIMALS))


def _measure(demand: Demand, have: Levels, thresholds: V2Thresholds) -> Measures:
    known = ~np.isnan(have.values)
    error = np.where(have.assumed, thresholds.assumed_error, thresholds.rated_error)
    shifted = np.maximum(have.values + np.array([-1.0, 0.0, 1.0])[:, None] * error, 0.0)
    # An unknown element must lose nothing here; its weight is missing from the known share instead.
    shifted[:, ~known] = np.inf
    short = np.maximum(demand.need - shifted[:, :, None], 0.0)
    lost = np.einsum("kej,ej->kj", short, demand.loss)
    return measures(lost, short.max(axis=1), known.astype(np.float64) @ demand.weight)


def weighted_surplus(demand: Demand, have: Levels, slack: float) -> Floats:
    """Return by how many levels, beyond the slack, a person exceeds each job: (n_jobs,), weighted mean."""
    known = ~np.isnan(have.values)
    # A level of 0 exceeds nothing, so it stands in for an unknown one.
    surplus = np.maximum(np.where(known, have.values, 0.0)[:, None] - demand.need - slack, 0.0)
    share = known.astype(np.float64) @ demand.weight
    total = np.einsum("ej,ej->j", surplus, demand.weight)
    return np.divide(total, share, out=np.zeros_like(total), where=share > 0)


def tiers(
    readiness: Floats,
    knowledge: Floats,
    shortfall: Floats,
    zone_steps: Floats,
    licence_months: Floats,
    into_top_zone: BoolArray,
    thresholds: V2Thresholds = V2_DEFAULTS,
) -> IntArray:
    """Return the tier that figures earn, int8 in their broadcast shape, never -1.

    Args:
        readiness: A, 0-100.
        knowledge: K, 0-100; NaN where unknown.
        shortfall: D, in levels.
        zone_steps: Zone steps up; NaN where unknown.
        licence_months: Months to an unmet licence, 0 where none.
        into_top_zone: True where the job is in the top zone.
        thresholds: Bounds.
    """
    t = thresholds
    # "Not below the bound" rather than "at least": a NaN, which is unknown, must not fail a condition.
    ready = (
        (readiness >= t.ready_readiness)
        & ~(knowledge < t.ready_knowledge)
        & (shortfall < t.ready_shortfall)
        & ~(zone_steps > t.ready_zone_steps)
        & (licence_months <= 0)
    )
    if t.ready_needs_all_known:
        ready &= ~np.isnan(knowledge) & ~np.isnan(zone_steps)
    trainable = (
        (readiness >= t.trainable_readiness)
        & ~(knowledge < t.trainable_knowledge)
        & (shortfall < t.trainable_shortfall)
        & ~(zone_steps > t.trainable_zone_steps)
        & ~(into_top_zone & (zone_steps > 0))
        & (licence_months <= t.trainable_licence_months)
    )
    return np.where(ready, Tier.READY_NOW, np.where(trainable, Tier.TRAINABLE, Tier.LONG_RESKILL)).astype(np.int8)


def assemble(
    *,
    skills: Measures,
    knowledge: Measures,
    surplus: Floats,
    zone_steps: Floats,
    licence_months: Floats,
    scored: BoolArray,
    into_top_zone: BoolArray,
    thresholds: V2Thresholds,
) -> V2Scores: ...
