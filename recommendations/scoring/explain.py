"""Why a person stands where they stand with one job, and what stands between them and a better tier."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from recommendations.scoring.person import Levels, Person, levels, zone
from recommendations.scoring.points import ElementReason, element_reasons, gaps, shortfall, strengths
from recommendations.scoring.thresholds import V2_DEFAULTS, Tier, V2Thresholds
from recommendations.scoring.v2 import V2Scores, V2Tables


class Code(StrEnum):
    """What can stand between a person and a tier."""

    READINESS = "READINESS"
    KNOWLEDGE = "KNOWLEDGE"
    SHORTFALL = "SHORTFALL"
    ZONE = "ZONE"
    ZONE5 = "ZONE5"
    LICENCE = "LICENCE"
    KNOWN_SHARE = "KNOWN_SHARE"
    KNOWLEDGE_UNKNOWN = "KNOWLEDGE_UNKNOWN"
    ZONE_UNKNOWN = "ZONE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that fails, or that could not be checked.

    Args:
        code: Which condition.
        have: The person's figure: percent for READINESS and KNOWLEDGE, levels short for SHORTFALL, a job zone
            for ZONE and ZONE5, months missing for LICENCE, a share (0-1) for KNOWN_SHARE and
            KNOWLEDGE_UNKNOWN, 0 for ZONE_UNKNOWN.
        needed: The bound in the same unit: SHORTFALL must stay below it, LICENCE must not exceed it, the
            others must reach it.
        element_id: The skill of a SHORTFALL, else empty.
    """

    code: Code
    have: float
    needed: float
    element_id: str = ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """All that is said about one person and one job under the level-aware model.

    Args:
        tier: The tier.
        readiness: 0-100; 100 minus the points of `skills`. NaN where nothing is known.
        skills: The job's core skills, the weightiest first.
        knowledge: The same for knowledge; its points sum to 100 - K.
        failing: For each better tier, best first, the conditions that fail. Without a tier, KNOWN_SHARE alone
            under READY_NOW; empty for a job that is not scored.
        unchecked: Conditions left out because something is unknown.
    """

    tier: Tier
    readiness: float
    skills: tuple[ElementReason, ...]
    knowledge: tuple[ElementReason, ...]
    failing: dict[Tier, tuple[Condition, ...]]
    unchecked: tuple[Condition, ...]

    @property
    def gaps(self) -> tuple[ElementReason, ...]:
        return gaps(self.skills)

    @property
    def strengths(self) -> tuple[ElementReason, ...]:
        return strengths(self.skills)


def person_levels(person: Person, tables: V2Tables) -> tuple[Levels, Levels]:
    """Return the person's levels of all skills and of all knowledge areas."""
    return (
        levels(person.ratings, tables.skills.of_jobs, person.held),
        levels(person.knowledge_ratings, tables.knowledge.of_jobs, person.held),
    )


def explain(
    person: Person,
    scores: V2Scores,
    tables: V2Tables,
    row: int,
    thresholds: V2Thresholds = V2_DEFAULTS,
    have: tuple[Levels, Levels] | None = None,
) -> Reasons:
    """Return the reasons for one job.

    Args:
        person: The person whom `scores` is about.
        scores: Result of `v2.score` for this person, these tables and these thresholds.
        tables: The catalogue's tables.
        row: The job.
        thresholds: The bounds that `scores` was computed with.
        have: Result of `person_levels`, where it is at hand: it is the same for all jobs.
    """
    tier = Tier(int(scores.tier[row]))
    skills, knowledge = have or person_levels(person, tables)
    of_skills = element_reasons(tables.skills, skills, row)
    failing = {
        better: tuple(_failing(better, person, scores, tables, row, of_skills, thresholds))
        for better in (Tier.READY_NOW, Tier.TRAINABLE)
        if better < tier
    }
    if tier == Tier.NONE and tables.scored[row]:
        share = Condition(Code.KNOWN_SHARE, float(scores.known_share[row]), thresholds.known_share)
        failing = {Tier.READY_NOW: (share,)}
    return Reasons(
        tier=tier,
        readiness=float(scores.readiness[row]),
        skills=of_skills,
        knowledge=element_reasons(tables.knowledge, knowledge, row),
        failing=failing,
        unchecked=tuple(_unchecked(person, scores, tables, row, thresholds)),
    )


def _failing(
    target: Tier,
    person: Person,
    scores: V2Scores,
    tables: V2Tables,
    row: int,
    skills: tuple[ElementReason, ...],
    t: V2Thresholds,
) -> Iterator[Condition]:
    ready = target == Tier.READY_NOW
    readiness, least = float(scores.readiness[row]), t.ready_readiness if ready else t.trainable_readiness
    if readiness < least:
        yield Condition(Code.READINESS, readiness, least)

    unchecked = tuple(_unchecked(person, scores, tables, row, t))
    most = shortfall_bound(target, bool(unchecked), t)
    short = [(shortfall(reason), reason.element_id) for reason in skills]
    for missing, element_id in sorted((s for s in short if s[0] >= most), key=lambda s: -s[0]):
        yield Condition(Code.SHORTFALL, missing, most, element_id)

    knowledge, least = float(scores.knowledge[row]), t.ready_knowledge if ready else t.trainable_knowledge
    if scores.knowledge_known_share[row] >= t.known_share and knowledge < least:
        yield Condition(Code.KNOWLEDGE, knowledge, least)

    steps, job_zone = float(scores.zone_steps[row]), int(tables.zones[row])
    allowed = t.ready_zone_steps if ready else t.trainable_zone_steps
    if not ready and job_zone == t.top_zone and steps > 0:
        yield Condition(Code.ZONE5, zone(person, tables.zones), job_zone)
    elif steps > allowed:
        yield Condition(Code.ZONE, zone(person, tables.zones), job_zone - allowed)

    months, limit = float(scores.licence_months[row]), 0.0 if ready else t.trainable_licence_months
    if not months <= limit:
        yield Condition(Code.LICENCE, months, limit)
    if ready and t.ready_needs_all_known:
        yield from unchecked


def shortfall_bound(target: Tier, unchecked: bool, t: V2Thresholds) -> float:
    """Return the levels that the worst skill must stay below for a tier; less where something is unchecked."""
    if target != Tier.READY_NOW:
        return t.trainable_shortfall
    return min(t.ready_shortfall_unchecked, t.ready_shortfall) if unchecked else t.ready_shortfall


def _unchecked(person: Person, scores: V2Scores, tables: V2Tables, row: int, t: V2Thresholds) -> Iterator[Condition]:
    share = float(scores.knowledge_known_share[row])
    if share < t.known_share:
        yield Condition(Code.KNOWLEDGE_UNKNOWN, share, t.known_share)
    if np.isnan(scores.zone_steps[row]):
        yield Condition(Code.ZONE_UNKNOWN, zone(person, tables.zones), int(tables.zones[row]))
