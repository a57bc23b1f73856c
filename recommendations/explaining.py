"""From a model's arrays to what is said about a job: points, reasons in sentences, the way into it."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from django.conf import settings

from occupations.models import EducationShare, Element, PayOutlook, RelatedOccupation
from occupations.services import Catalogue
from profiles.services import Answers
from recommendations.advice import Recommendation, Requirement, SkillPoint, Training
from recommendations.features import PARTS
from recommendations.models import RecommendedItem
from recommendations.scoring.explain import explain
from recommendations.scoring.person import Person, levels, rating_for, rating_of
from recommendations.scoring.points import (
    ElementReason,
    element_reasons_v1,
    gaps,
    shown_points,
)
from recommendations.scoring.thresholds import TIER_NAMES, V2Thresholds
from recommendations.scoring.training import Gap, LicenceStep, training_path
from recommendations.scoring_run import LevelAware, Licences, Run, Tables, get_tables, person_of
from recommendations.sentences import baseline_sentences, level_aware_sentences

# A path is a plan, not a syllabus: the costliest gaps, in the order to close them.
MOST_SKILL_STEPS = 6
MOST_KNOWLEDGE_STEPS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database adds to the jobs that are shown, read in three queries whatever their number.

    Args:
        pay: By SOC code.
        education: By O*NET-SOC code, the largest share first.
        related: Codes that O*NET lists as related to a job that the person holds.
    """

    pay: dict[str, PayOutlook]
    education: dict[str, tuple[EducationShare, ...]]
    related: frozenset[str]


def read_facts(tables: Tables, codes: Collection[str], answers: Answers) -> Facts:
    """Read pay, education and the badge for these jobs; what was read before for this catalogue is kept."""
    if unread := {code[:7] for code in codes} - tables.pay.keys():
        found = {pay.soc: pay for pay in PayOutlook.objects.filter(soc__in=unread)}
        tables.pay.update({soc: found.get(soc) for soc in unread})
    if unread := set(codes) - tables.education.keys():
        shares: dict[str, list[EducationShare]] = {code: [] for code in unread}
        for share in EducationShare.objects.filter(occupation__in=unread).order_by("-percent", "level"):
            shares[share.occupation_id].append(share)
        tables.education.update({code: tuple(of_code) for code, of_code in shares.items()})
    held = [code for code in (answers.current, *answers.past) if code]
    related = RelatedOccupation.objects.filter(occupation__in=held, related__in=codes)
    return Facts(
        pay={soc: pay for code in codes if (pay := tables.pay[soc := code[:7]])},
        education={code: tables.education[code] for code in codes},
        related=frozenset(related.order_by().values_list("related_id", flat=True)),
    )


def recommendation(
    run: Run, row: int, facts: Facts, item: RecommendedItem | None = None, calibration_target: str = ""
) -> Recommendation:
    """Say everything about one job that the run has scored.

    Args:
        run: The model's figures.
        row: The job.
        facts: Read for a list of codes with this one in it.
        item: What was stored when the job was shown; its tier, scores and position hold.
        calibration_target: What the item's calibrated probability is of, if it has one.
    """
    catalogue = run.tables.catalogue
    code, tier = catalogue.jobs.codes[row], int(run.tier[row])
    said = _by_v2(run, run.aware, row) if run.aware else _by_v1(run, row)
    shown = _shown(said)
    return Recommendation(
        onet_code=code,
        title=catalogue.titles[row],
        bucket=item.tier if item else TIER_NAMES[tier] if tier >= 0 else None,
        match_score=item.match_score if item else _number(run.match[row]),
        gap_severity=item.gap_severity if item else _number(run.gap[row]),
        job_zone=int(catalogue.jobs.zones[row]) or None,
        estimated=bool(catalogue.jobs.estimated[row]),
        score=item.base_score if item else _number(run.score[row]),
        gaps=tuple(_point(catalogue, reason, shown) for reason in said.gaps),
        strengths=tuple(_point(catalogue, reason, shown) for reason in said.strengths),
        training=_training(run, row, said, facts),
        pay=facts.pay.get(code[:7]),
        reasons=said.sentences,
        related=code in facts.related,
        position=item.position if item else 0,
        is_exploration=item.is_exploration if item else False,
        propensity=item.propensity if item else 1.0,
        calibrated_probability=item.calibrated_probability if item else None,
        calibrated_low=item.calibrated_low if item else None,
        calibrated_high=item.calibrated_high if item else None,
        calibration_target=calibration_target,
        **said.figures,
    )


def without_figures(catalogue: Catalogue, row: int, facts: Facts, reason: str) -> Recommendation:
    """Say what there is to say about a job that gets no score, and why it gets none."""
    code = catalogue.jobs.codes[row]
    return Recommendation(
        onet_code=code,
        title=catalogue.titles[row],
        bucket=None,
        match_score=None,
        gap_severity=None,
        job_zone=int(catalogue.jobs.zones[row]) or None,
        estimated=bool(catalogue.jobs.estimated[row]),
        score=None,
        gaps=(),
        strengths=(),
        training=None,
        pay=facts.pay.get(code[:7]),
        reasons=(reason,),
        related=code in facts.related,
    )


def requirements_of(answers: Answers, catalogue: Catalogue, row: int) -> tuple[Requirement, ...]:
    """Return every skill and knowledge area of a job beside the person's, in O*NET's order."""
    of_domain = partial(_requirements, person_of(answers, catalogue), catalogue, row)
    return (*of_domain(Element.Domain.SKILL), *of_domain(Element.Domain.KNOWLEDGE))


def _requirements(person: Person, catalogue: Catalogue, row: int, domain: str) -> Iterator[Requirement]:
    skill = domain == Element.Domain.SKILL
    figures = catalogue.jobs.skills if skill else catalogue.jobs.knowledge
    tables = get_tables(catalogue).v2(V2Thresholds(**settings.V2_THRESHOLDS))
    demand = tables.skills if skill else tables.knowledge
    have = levels(person.ratings if skill else person.knowledge_ratings, demand.of_jobs, person.held)
    for column, element_id in enumerate(figures.ids):
        element, level = catalogue.elements[element_id], _number(have.values[column])
        need = _number(demand.of_jobs[row, column])
        needed = rating_for(need or 0.0)
        rating = None if level is None else rating_of(level)
        if rating is not None and level is not None and level >= (need or 0.0):
            # A level assumed from a job lies between ratings: where it meets the need, so does its rating.
            rating = max(rating, needed)
        yield Requirement(
            element_id=element_id,
            name=element.name,
            group=element.group,
            domain=str(domain),
            # Published figures have two decimals; what float32 adds beyond is noise.
            importance=_number(np.round(figures.importance[row, column].astype(np.float64), 4)),
            need=need,
            relevant=bool(figures.relevant[row, column]),
            core=bool(demand.weight[column, row] > 0),
            have=level,
            rating_have=rating,
            rating_needed=needed,
            anchor_needed=_anchor(element, needed),
            assumed=bool(have.assumed[column]),
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What a model says of one job.

    Args:
        score: What the skills' points sum to.
        skills: All skills that count.
        gaps: Those below what the job asks, the costliest first.
        strengths: Those that meet it, the weightiest first.
        knowledge_gaps: Knowledge areas below what the job asks, the costliest first.
        sentences: The reasons.
        figures: Further fields of the recommendation.
    """

    score: float
    skills: Sequence[ElementReason]
    gaps: Sequence[ElementReason]
    strengths: Sequence[ElementReason]
    knowledge_gaps: Sequence[ElementReason]
    sentences: tuple[str, ...]
    figures: dict[str, Any]


def _by_v1(run: Run, row: int) -> _Said:
    ids = run.tables.catalogue.jobs.skills.ids
    reasons = element_reasons_v1(run.baseline_ratings, run.baseline_assumed, run.tables.v1_weights, ids, row)
    needs = dict(zip(ids, run.tables.skill_needs[row].tolist(), strict=True))
    # The baseline itself knows no level; what counts as a gap to close is what the job asks all the same.
    levelled = [
        reason._replace(level_needed=needs[reason.element_id], rating_needed=rating_for(needs[reason.element_id]))
        for reason in reasons
    ]
    met = [(reason.level_have or 0.0) >= (reason.level_needed or 0.0) for reason in levelled]
    short = [reason for reason, is_met in zip(levelled, met, strict=True) if not is_met]
    return _Said(
        score=float(run.match[row]),
        skills=levelled,
        gaps=sorted(short, key=lambda reason: -reason.points),
        strengths=[reason for reason, is_met in zip(levelled, met, strict=True) if is_met],
        knowledge_gaps=(),
        sentences=tuple(baseline_sentences(run, row, levelled)),
        figures={},
    )


def _by_v2(run: Run, aware: LevelAware, row: int) -> _Said:
    scores, fit = aware.scores, aware.fit
    reasons = explain(run.person, scores, aware.tables, row, aware.thresholds, aware.have)
    enough_known = scores.knowledge_known_share[row] >= aware.thresholds.known_share
    weighted = zip(PARTS, fit.parts[:, row].tolist(), fit.weights.tolist(), strict=True)
    return _Said(
        score=float(scores.readiness[row]),
        skills=reasons.skills,
        gaps=reasons.gaps,
        strengths=reasons.strengths,
        knowledge_gaps=gaps(reasons.knowledge),
        sentences=tuple(level_aware_sentences(run, aware, row, reasons)),
        figures={
            "readiness": _number(scores.readiness[row]),
            "knowledge_readiness": _number(scores.knowledge[row]) if enough_known else None,
            "fit": None if math.isnan(fit.fit[row]) else float(run.score[row]),
            "fit_parts": tuple((part, round(z, 4)) for part, z, weight in weighted if weight > 0),
            "certainty": str(aware.certainty[row]),
            "firm": bool(scores.firm[row]),
            "above_level": bool(scores.above_level[row]),
        },
    )


def _shown(said: _Said) -> dict[str, float]:
    """Return each skill's points to one decimal, summing to 100 minus the score to one decimal."""
    if math.isnan(said.score):
        return {}
    total = 100 - math.floor(said.score * 10 + 0.5) / 10
    shown = shown_points([reason.points for reason in said.skills], total, 1)
    return dict(zip((reason.element_id for reason in said.skills), shown, strict=True))


def _point(catalogue: Catalogue, reason: ElementReason, shown: dict[str, float]) -> SkillPoint:
    element = catalogue.elements[reason.element_id]
    return SkillPoint(
        element_id=reason.element_id,
        name=element.name,
        group=element.group,
        have=reason.level_have,
        need=reason.level_needed or 0.0,
        rating_have=reason.rating_have,
        rating_needed=reason.rating_needed,
        anchor_needed=_anchor(element, reason.rating_needed),
        points=reason.points,
        worth=reason.points_possible,
        assumed=reason.assumed,
        shown=shown.get(reason.element_id, 0.0),
    )


def _training(run: Run, row: int, said: _Said, facts: Facts) -> Training | None:
    catalogue = run.tables.catalogue
    zone = int(catalogue.jobs.zones[row])
    licences: Licences = run.unmet.get(row, ())
    path = training_path(
        zone,
        [
            Gap(point.element_id, point.rating_have, point.rating_needed, point.points)
            for point in (*said.gaps[:MOST_SKILL_STEPS], *said.knowledge_gaps[:MOST_KNOWLEDGE_STEPS])
            if point.rating_have is None or point.rating_have < point.rating_needed
        ],
        licences=[LicenceStep(licence.name, licence.typical_months) for licence in licences],
    )
    if path.kind is None or path.months_low is None or path.months_high is None:
        return None
    by_name = {licence.name: licence for licence in licences}
    ordered = tuple(by_name[step.name] for step in path.licences)
    steps = [_learning_sentence(catalogue.elements[gap.element_id], gap) for gap in path.gaps]
    steps += [
        f"Earn the {licence.name} from a {licence.authority}: about {licence.typical_months} months. Ask there "
        "before you plan on it."
        for licence in ordered
    ]
    sources = "its job zone and typical months of the licence" if ordered else "its job zone"
    return Training(
        kind=path.kind.value,
        months_low=int(path.months_low),
        months_high=int(path.months_high),
        steps=tuple(steps),
        education=facts.education.get(catalogue.jobs.codes[row], ()),
        licences=ordered,
        estimate=f"An estimate from {sources}, for somebody new to such work; yours may be shorter.",
    )


def _learning_sentence(element: Element, gap: Gap) -> str:
    start = "" if gap.rating_from is None else f"from {gap.rating_from} "
    anchor = _anchor(element, gap.rating_to)
    until = f", until you can say: “{anchor}”" if anchor else "."
    return f"{element.name}: {start}to {gap.rating_to} of 4{until}"


def _anchor(element: Element, rating: int) -> str:
    return element.anchors[rating] if len(element.anchors) > rating else ""


def _number(figure: float) -> float | None:
    return None if math.isnan(figure) else float(figure)
