"""What is said about one job in plain sentences: why this tier, what would lift it, what is assumed."""

import math
from collections.abc import Iterator, Sequence

from recommendations.scoring.change import Change, smallest_change
from recommendations.scoring.explain import Code, Condition, Reasons
from recommendations.scoring.fit_inputs import Doubt
from recommendations.scoring.points import ElementReason
from recommendations.scoring.thresholds import Tier, V1Thresholds
from recommendations.scoring_run import LevelAware, Run

SAID = {Tier.READY_NOW: "Ready now", Tier.TRAINABLE: "Trainable", Tier.LONG_RESKILL: "Long-term reskill"}

# A sentence is not a table: beyond so many skills it gives their number.
MOST_NAMED = 3


def baseline_sentences(run: Run, row: int, reasons: Sequence[ElementReason]) -> Iterator[str]:
    """Say why the baseline gives a job its tier."""
    t = run.thresholds
    if not isinstance(t, V1Thresholds):
        raise TypeError("this is not a run of the baseline")
    match, gap, tier = float(run.match[row]), float(run.gap[row]), int(run.tier[row])
    if tier == Tier.READY_NOW:
        yield (
            f"Ready now: your match is {match:.1f} of 100, and skills rated 0 or 1 make up {gap:.1f} % of what "
            "the job finds important."
        )
    if tier > Tier.READY_NOW and match < t.ready_match:
        yield f"Ready now needs a match of {t.ready_match:g}; yours is {_below(match)}."
    if tier > Tier.READY_NOW and gap > t.ready_gap:
        yield (
            f"Ready now allows {t.ready_gap:g} % of what the job finds important on skills rated 0 or 1; "
            f"yours is {_above(gap)} %."
        )
    if tier > Tier.TRAINABLE:
        yield (
            f"Trainable needs a match of {t.trainable_match:g}, or no more than {t.trainable_gap:g} % on skills "
            "rated 0 or 1."
        )
    yield from _inputs_sentences(run, row, reasons)


def level_aware_sentences(run: Run, aware: LevelAware, row: int, reasons: Reasons) -> Iterator[str]:
    """Say why the level-aware model gives a job its tier, and what would lift it."""
    if reasons.tier == Tier.READY_NOW:
        yield f"Ready now: you meet {_below(reasons.readiness)} of 100 points of the skills that it asks for."
    target = Tier.READY_NOW if reasons.tier == Tier.NONE else Tier(max(reasons.tier - 1, Tier.READY_NOW))
    failing = reasons.failing.get(target, ())
    short = [condition for condition in failing if condition.code == Code.SHORTFALL]
    for condition in failing:
        if condition.code != Code.SHORTFALL:
            yield _condition_sentence(run, row, condition, target)
        elif condition is short[0]:
            yield _shortfall_sentence(run, short, target)
    change = smallest_change(reasons, thresholds=aware.thresholds)
    if change:
        yield _change_sentence(run, change)
    for condition in reasons.unchecked:
        if condition.code == Code.KNOWLEDGE_UNKNOWN:
            yield "What you know of its knowledge areas is not told, so they do not count here."
        elif condition.code == Code.ZONE_UNKNOWN:
            yield "How much preparation you have had is not told, so its job zone does not count here."
    if reasons.tier >= 0 and not aware.scores.firm[row] and not reasons.unchecked:
        yield "Borderline: a rating that is slightly off would change the tier."
    if aware.scores.above_level[row]:
        yield "It asks for clearly less than you can do."
    yield from _inputs_sentences(run, row, reasons.skills)


def _condition_sentence(run: Run, row: int, condition: Condition, target: Tier) -> str:
    have, needed, tier = condition.have, condition.needed, SAID[target]
    match condition.code:
        case Code.READINESS:
            return f"{tier} needs {needed:g} of 100 points on its skills; you have {_below(have)}."
        case Code.KNOWLEDGE:
            return f"{tier} needs {needed:g} of 100 points on what it asks you to know; you have {_below(have)}."
        case Code.ZONE:
            return (
                f"It is in job zone {int(run.tables.catalogue.jobs.zones[row])}; {tier} needs you to have been in "
                f"zone {needed:g}, and your jobs and education point to zone {have:g}."
            )
        case Code.ZONE5:
            return "It is in job zone 5, which takes long preparation: nobody gets there from a lower zone quickly."
        case Code.LICENCE:
            names = ", ".join(licence.name for licence in run.unmet.get(row, ()))
            return f"It asks for a licence that you have not told us of: {names}, about {have:g} months."
        case Code.KNOWN_SHARE:
            return (
                f"We know {100 * have:.0f} % of the skills that count here, and give no tier under "
                f"{100 * needed:.0f} %. Rate more skills, or say which job you hold."
            )
        case Code.KNOWLEDGE_UNKNOWN:
            return "What you know of its knowledge areas is not told."
        case Code.ZONE_UNKNOWN:
            return "How much preparation you have had is not told."
        case Code.SHORTFALL:
            return _shortfall_sentence(run, [condition], target)


def _shortfall_sentence(run: Run, short: Sequence[Condition], target: Tier) -> str:
    elements = run.tables.catalogue.elements
    missing = [f"{elements[one.element_id].name} ({_above(one.have)})" for one in short[:MOST_NAMED]]
    more = len(short) - len(missing)
    if more:
        missing.append(f"{more} more")
    return (
        f"{SAID[target]} allows less than {short[0].needed:g} levels missing on any skill; missing: {_listed(missing)}."
    )


BARRIERS = {
    Code.KNOWLEDGE: "it needs knowledge that is still missing",
    Code.ZONE: "it needs more preparation, as its job zone says",
    Code.ZONE5: "it needs the long preparation of job zone 5",
    Code.LICENCE: "it needs a licence",
    Code.READINESS: "it asks for more than the highest rating",
    Code.SHORTFALL: "it asks for more than the highest rating",
    Code.KNOWLEDGE_UNKNOWN: "we need to know your knowledge areas",
    Code.ZONE_UNKNOWN: "we need to know your education or a job of yours",
}


def _change_sentence(run: Run, change: Change) -> str:
    elements = run.tables.catalogue.elements
    steps = [f"{elements[step.element_id].name} {step.rating_from} → {step.rating_to}" for step in change.steps]
    barriers = " and ".join(dict.fromkeys(BARRIERS[barrier.code] for barrier in change.barriers))
    if not steps:
        return f"No skill rating changes this: {barriers}."
    if len(steps) > MOST_NAMED:
        left = len(steps) - MOST_NAMED
        steps = [*steps[:MOST_NAMED], "1 more skill" if left == 1 else f"{left} more skills"]
    makes = f"{_listed(steps)} {'makes' if len(steps) == 1 else 'make'} this {SAID[change.target]}"
    return f"{makes}, once this is met too: {barriers}." if barriers else f"{makes}."


def _inputs_sentences(run: Run, row: int, reasons: Sequence[ElementReason]) -> Iterator[str]:
    assumed = sum(reason.assumed for reason in reasons)
    if assumed:
        yield f"{assumed} of its {len(reasons)} skills are assumed from the jobs you hold or held, not rated by you."
    if run.tables.catalogue.jobs.estimated[row]:
        yield "O*NET has not rated this occupation yet: its figures are our estimate from similar ones."


def calibration_notes(version: str) -> Iterator[str]:
    """Say that a calibration ordered the lists, if one did."""
    if version:
        yield f"Within each list, what people did with earlier suggestions counts too (calibration {version})."


def list_notes(run: Run) -> Iterator[str]:
    """Say what a whole list rests on: what was rated, what was assumed, and how sure it is."""
    catalogue, person = run.tables.catalogue, run.person
    titles = [catalogue.titles[row] for row in person.held]
    n_skills, n_rated = len(person.ratings), int((person.ratings >= 0).sum())
    if run.aware is None:
        n_assumed = int(run.baseline_assumed.sum())
        titles = [] if person.current is None else [catalogue.titles[person.current]]
    else:
        n_assumed = int(run.aware.have[0].assumed.sum())
    n_unknown = n_skills - n_rated - n_assumed
    yield f"You rated {n_rated} of {n_skills} skills."
    if n_assumed:
        yield f"{_skills_are(n_assumed)} assumed from what this work asks for: {_listed(titles)}."
    if n_unknown and run.aware is None:
        yield f"{_skills_are(n_unknown)} unrated and {'counts' if n_unknown == 1 else 'count'} as 0 in this model."
    elif n_unknown:
        yield f"{_skills_are(n_unknown)} unknown and left out. No occupation gets a tier with too little known of it."
    if person.current is not None and (licences := run.tables.licences.get(person.current)):
        names = _listed([licence.name for licence in licences])
        yield f"We take it that you hold what your present job asks for: {names}."
    if run.aware is None:
        yield "This is the baseline model: it does not look at the level of a skill that a job asks for."
        return
    for doubt in run.aware.fit.doubts[0]:
        if doubt in DOUBTS:
            yield DOUBTS[doubt]


DOUBTS = {
    Doubt.ALL_EQUAL: "You rated everything the same, which says little about which work suits you.",
    Doubt.NO_JOB: ("You named no job, so what you know and do is predicted from your ratings: the order is less sure."),
    Doubt.PAST_JOBS_ONLY: "You named no present job, so past ones stand in for it: the order is less sure.",
    Doubt.JOB_WITHOUT_FIGURES: "O*NET has no figures for your job, so the order rests on your ratings alone.",
    Doubt.JOB_ESTIMATED: "O*NET has not rated a job of yours yet, so what it suggests is our estimate.",
    Doubt.FEW_RATINGS: "You rated few skills; each further one makes the list surer.",
    Doubt.NO_RATINGS: "You rated no skill yourself; your own ratings would make the list surer.",
    Doubt.SHIFTED: (
        "Your ratings are all rather high or all rather low, so the order goes by how they differ among themselves."
    ),
}


def _skills_are(number: int) -> str:
    return "1 skill is" if number == 1 else f"{number} skills are"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# A figure that misses its bound must not look as if it met it.
def _below(figure: float) -> str:
    return f"{math.floor(figure * 10) / 10:g}"


def _above(figure: float) -> str:
    return f"{math.ceil(figure * 10) / 10:g}"
