"""A model's run over the whole catalogue for one person: every job's figures, and which jobs to show."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from occupations.arrays import BoolArray, IntArray
from occupations.models import EducationLevel, EducationShare, Licence, PayOutlook
from occupations.services import Catalogue
from profiles.services import Answers
from recommendations.scoring import v1, v2
from recommendations.scoring.diversity import FIRST, full_groups, minor_group, vary
from recommendations.scoring.explain import person_levels
from recommendations.scoring.exploration import explore
from recommendations.scoring.fit import Certainty, FitScores, fit
from recommendations.scoring.fit import certainty as fit_certainty
from recommendations.scoring.fit_tables import FitTables, build_fit_tables
from recommendations.scoring.person import UNRATED, Floats, Levels, Person, job_levels
from recommendations.scoring.thresholds import TIER_NAMES, Tier, V1Thresholds, V2Thresholds

V1 = "v1_baseline"
V2 = "v2_level"
MODELS = (V1, V2)

# Fit is computed in single precision: what lies beyond these decimals depends on how people were batched.
FIT_DECIMALS = 4

Thresholds = V1Thresholds | V2Thresholds
Licences = tuple[Licence, ...]


class UnknownModelError(Exception):
    """There is no such model."""

    def __init__(self, model_version: str) -> None:
        super().__init__(f"There is no model {model_version}. There are: {', '.join(MODELS)}.")


class EmptyProfileError(Exception):
    """Nothing was said that a score could rest on, so none is given."""

    def __init__(self, *, job_without_figures: bool = False) -> None:
        super().__init__(
            "O*NET has no figures for the job that you hold, so it tells us too little. Rate some of your skills first."
            if job_without_figures
            else "There is nothing to go by yet. Say which job you hold, or rate some of your skills first."
        )


class Tables:
    """What the models need of one catalogue; each table is built when it is first asked for.

    Pay and education by code fill as jobs are shown: whoever changes them advances the catalogue.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.pay: dict[str, PayOutlook | None] = {}
        self.education: dict[str, tuple[EducationShare, ...]] = {}
        self._v2: dict[V2Thresholds, v2.V2Tables] = {}

    @cached_property
    def v1_weights(self) -> v1.Weights:
        return v1.weights(self.catalogue.jobs)

    @cached_property
    def skill_needs(self) -> Floats:
        """The level that each job asks for, (n_jobs, n_skills)."""
        return job_levels(self.catalogue.jobs.skills)

    def v2(self, thresholds: V2Thresholds) -> v2.V2Tables:
        if thresholds not in self._v2:
            self._v2[thresholds] = v2.build_tables(self.catalogue.jobs, thresholds)
        return self._v2[thresholds]

    @cached_property
    def minor_groups(self) -> npt.NDArray[np.str_]:
        """Each job's SOC minor group, (n_jobs,)."""
        return np.array([minor_group(code) for code in self.catalogue.jobs.codes])

    @cached_property
    def fit(self) -> FitTables:
        return build_fit_tables(self.catalogue.jobs)

    @cached_property
    def licences(self) -> dict[int, Licences]:
        """The licences that each row asks for. A curator's change to one advances the catalogue."""
        row = self.catalogue.row
        asked: dict[int, list[Licence]] = {}
        links = Licence.occupations.through.objects.select_related("licence").order_by("licence__name")
        for link in links:
            if link.occupation_id in row:
                asked.setdefault(row[link.occupation_id], []).append(link.licence)
        return {number: tuple(licences) for number, licences in asked.items()}

    @cached_property
    def covers(self) -> dict[str, frozenset[str]]:
        """The names of all lesser licences that each covers, directly or through another."""
        direct: dict[str, set[str]] = {}
        for name, lesser in Licence.covers.through.objects.values_list("from_licence__name", "to_licence__name"):
            direct.setdefault(name, set()).add(lesser)
        return {name: frozenset(_reached(name, direct)) for name in direct}


def _reached(name: str, direct: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        new = direct.get(ahead.pop(), set()) - reached
        reached |= new
        ahead += new
    return reached


_tables: Tables | None = None


def get_tables(catalogue: Catalogue) -> Tables:
    """Return the models' tables of this catalogue, kept until another catalogue is asked for."""
    global _tables
    tables = _tables
    if tables is None or tables.catalogue is not catalogue:
        tables = _tables = Tables(catalogue)
    return tables


def thresholds_in_force(model_version: str) -> Thresholds:
    """Return the bounds that the settings give a model.

    Raises:
        UnknownModelError: There is no such model.
    """
    if model_version == V1:
        return V1Thresholds(
            ready_match=settings.READY_NOW_MATCH_THRESHOLD,
            ready_gap=settings.READY_NOW_GAP_THRESHOLD,
            trainable_match=settings.TRAINABLE_MATCH_THRESHOLD,
            trainable_gap=settings.TRAINABLE_GAP_THRESHOLD,
        )
    if model_version == V2:
        return V2Thresholds(**settings.V2_THRESHOLDS)
    raise UnknownModelError(model_version)


def frozen_rule(thresholds: Thresholds) -> dict[str, Any]:
    """Return the bounds as JSON values for an event to keep."""
    return asdict(thresholds)


def thawed_rule(model_version: str, rule: Mapping[str, Any]) -> Thresholds:
    """Return the bounds that `frozen_rule` wrote.

    Raises:
        UnknownModelError: There is no such model any more.
    """
    if model_version not in MODELS:
        raise UnknownModelError(model_version)
    return V1Thresholds(**rule) if model_version == V1 else V2Thresholds(**rule)


@dataclass(frozen=True, slots=True, eq=False)
class LevelAware:
    """What the level-aware model alone says of one person and all jobs.

    Args:
        thresholds: The bounds of its tiers.
        tables: What the jobs ask for under those bounds.
        scores: Readiness, knowledge, tier and what decides it.
        fit: How much each job is like what the person does and knows.
        certainty: Shape (n_jobs,): high, medium or low.
        have: The person's levels of skills and of knowledge.
    """

    thresholds: V2Thresholds
    tables: v2.V2Tables
    scores: v2.V2Scores
    fit: FitScores
    certainty: npt.NDArray[np.str_]
    have: tuple[Levels, Levels]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One model's figures for one person; arrays have shape (n_jobs,).

    Args:
        model_version: Which model.
        thresholds: The bounds of its tiers.
        tables: The tables of the catalogue.
        person: The person as arrays.
        match: v1's match score, 0-100; NaN for a job that is not scored.
        gap: v1's gap severity, 0-100; NaN likewise.
        baseline_ratings: Shape (n_skills,), the ratings that v1 scored, assumed ones filled in.
        baseline_assumed: Shape (n_skills,), which of them are assumed.
        score: What orders a tier, 0-100; NaN for a job that is not scored.
        tier: `Tier` numbers; -1 where nothing may be claimed.
        unmet: The licences that the person lacks, by row.
        aware: The level-aware model's figures; None under the baseline.
    """

    model_version: str
    thresholds: Thresholds
    tables: Tables
    person: Person
    match: Floats
    gap: Floats
    baseline_ratings: IntArray
    baseline_assumed: BoolArray
    score: Floats
    tier: IntArray
    unmet: dict[int, Licences]
    aware: LevelAware | None = None


def person_of(answers: Answers, catalogue: Catalogue) -> Person:
    """Return the answers as arrays; jobs that the catalogue no longer has are left out."""
    jobs, row = catalogue.jobs, catalogue.row
    return Person(
        ratings=_ratings(jobs.skills.ids, answers.ratings),
        knowledge_ratings=_ratings(jobs.knowledge.ids, answers.knowledge_ratings),
        current=row.get(answers.current or ""),
        past=tuple(row[code] for code in answers.past if code in row),
        education_zone=EducationLevel(answers.education).zone if answers.education else 0,
        licences=frozenset(answers.licences),
    )


def _ratings(ids: tuple[str, ...], given: Mapping[str, int | None]) -> IntArray:
    ratings = (given.get(element) for element in ids)
    return np.array([UNRATED if rating is None else rating for rating in ratings], np.int8)


def check_not_empty(person: Person, catalogue: Catalogue, model_version: str) -> None:
    """Refuse a person of whom too little is known for any score.

    The baseline knows skills and the current job only; past jobs count for the level-aware model as well.

    Raises:
        EmptyProfileError: No skill is rated, and no job that counts has figures.
    """
    if (person.ratings >= 0).any():
        return
    held = person.held if model_version != V1 else () if person.current is None else (person.current,)
    if not held:
        raise EmptyProfileError
    if np.isnan(catalogue.jobs.skills.level[list(held)]).all():
        raise EmptyProfileError(job_without_figures=True)


def unmet_licences(person: Person, tables: Tables) -> dict[int, Licences]:
    """Return the licences that the person lacks, by row.

    Whoever holds a job now has the licences it asks for; a licence stands for the lesser ones that it covers.
    """
    held = {str(name) for name in person.licences}
    if person.current is not None:
        held |= {licence.name for licence in tables.licences.get(person.current, ())}
    held |= {lesser for name in held for lesser in tables.covers.get(name, ())}
    lacking = {
        row: tuple(licence for licence in licences if licence.name not in held)
        for row, licences in tables.licences.items()
    }
    return {row: licences for row, licences in lacking.items() if licences}


def run_model(answers: Answers, catalogue: Catalogue, model_version: str, thresholds: Thresholds | None = None) -> Run:
    """Score all jobs for one person.

    Args:
        answers: What the person said.
        catalogue: The jobs.
        model_version: One of `MODELS`.
        thresholds: The bounds to use instead of those in force.

    Raises:
        UnknownModelError: There is no such model.
        EmptyProfileError: Nothing was said that a score could rest on.
    """
    if thresholds is None:
        thresholds = thresholds_in_force(model_version)
    tables = get_tables(catalogue)
    person = person_of(answers, catalogue)
    check_not_empty(person, catalogue, model_version)
    ratings, assumed = v1.capability_ratings(person, catalogue.jobs)
    match, gap = (figure[0] for figure in v1.score(ratings[None], tables.v1_weights))
    unmet = unmet_licences(person, tables)
    baseline: dict[str, Any] = {
        "tables": tables,
        "person": person,
        "match": match,
        "gap": gap,
        "baseline_ratings": ratings,
        "baseline_assumed": assumed,
        "unmet": unmet,
    }
    if isinstance(thresholds, V1Thresholds):
        return Run(
            model_version=model_version,
            thresholds=thresholds,
            score=match,
            tier=v1.tier(match, gap, thresholds),
            **baseline,
        )
    aware = LevelAware(
        thresholds=thresholds,
        tables=tables.v2(thresholds),
        scores=v2.score(
            person,
            tables.v2(thresholds),
            licence_months=licence_months(unmet, len(catalogue.jobs.codes)),
            thresholds=thresholds,
        ),
        fit=(fitting := fit(person, tables.fit)),
        certainty=certainty(fitting, catalogue.jobs.estimated),
        have=person_levels(person, tables.v2(thresholds)),
    )
    return Run(
        model_version=model_version,
        thresholds=thresholds,
        score=order_by(fitting.fit, aware.scores.readiness),
        tier=aware.scores.tier,
        aware=aware,
        **baseline,
    )


def licence_months(unmet: Mapping[int, Licences], n_jobs: int) -> Floats:
    """Return the months to the longest licence that is lacking, (n_jobs,); 0 where none is."""
    months = np.zeros(n_jobs)
    for row, licences in unmet.items():
        months[row] = max(licence.typical_months for licence in licences)
    return months


def order_by(fit: npt.NDArray[np.floating], readiness: Floats) -> Floats:
    """Return the score that orders a tier: the fit, and readiness for a person of whom no fit can be told."""
    rounded = np.round(fit.astype(np.float64), FIT_DECIMALS)
    unknown = np.isnan(rounded).all(axis=-1, keepdims=True)
    return np.where(unknown, readiness, rounded)


def certainty(fitting: FitScores, estimated: npt.NDArray[np.bool_], person: int = 0) -> npt.NDArray[np.str_]:
    """Say how sure one person's figures are for jobs: high, medium or low; one less for jobs that we estimated."""
    words = np.array([Certainty.LOW, Certainty.MEDIUM, Certainty.HIGH], dtype="U6")
    of_person = fit_certainty(fitting, person)
    best = 0 if of_person == Certainty.NONE else int(np.flatnonzero(words == of_person)[0])
    return words[np.maximum(best - estimated.astype(np.int8), 0)]


@dataclass(frozen=True, slots=True)
class Lot:
    """How a tier's last place is given by lot.

    Args:
        epsilon: Share of lots, 0-1.
        seed: The event's.
        most: The most jobs of a pool, the best ones; None for all of the tier.
    """

    epsilon: float
    seed: int
    most: int | None


NO_LOT = Lot(0.0, 0, None)
NOTHING_FIRST: Mapping[str, Sequence[str]] = MappingProxyType({})
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Choice:
    """The jobs to show; everything is by tier.

    Args:
        rows: Best first; the last may be one by lot.
        totals: How many jobs each tier holds in all.
        held_back: The SOC minor groups of better jobs that gave way to variety, and how many.
        propensity: The probability with which each place shows its job.
        is_exploration: Whether a job is there by lot and not as the best of its pool, in this list or in the one that
            it goes on from.
        pools: The jobs that the last place could show, best first; empty without a lot.
    """

    rows: dict[str, list[int]]
    totals: dict[str, int]
    held_back: dict[str, dict[str, int]]
    propensity: dict[str, list[float]]
    is_exploration: dict[str, list[bool]]
    pools: dict[str, list[int]]


def choose(
    run: Run,
    *,
    limit: int,
    exclude: Collection[str] = (),
    more_of: Collection[str] = (),
    first: Mapping[str, Sequence[str]] = NOTHING_FIRST,
    drawn_before: Collection[str] = (),
    reorder: Callable[[dict[str, Rows]], dict[str, Rows]] | None = None,
    lot: Lot = NO_LOT,
) -> Choice:
    """Return the best jobs of each tier: by score, ties by code. The current job is not among them.

    Under the level-aware model a tier's first ten hold no more than three of one SOC minor group, even if
    fewer than ten are shown for it; who asks for more than ten gets the others after them. The last place is then
    given by lot, within the same bounds, and never to a job behind a licence that the person lacks or to one above
    whose level the person is: the pages fold those away, so whether it is seen would depend on what was drawn.

    Args:
        run: The model's figures.
        limit: The most jobs of a tier.
        exclude: Codes to leave out.
        more_of: Minor groups that variety does not limit.
        first: By tier, codes that stand first, in this order: those of the list that this one goes on from. Each is
            there for certain.
        drawn_before: Which of these were there by lot, and are still marked as that.
        reorder: Puts each tier's rows, best first, into another order: a calibration.
        lot: How the last places are given.
    """
    codes, row_of = run.tables.catalogue.jobs.codes, run.tables.catalogue.row
    never_drawn = np.zeros(len(codes), bool)
    never_drawn[list(run.unmet)] = True
    if run.aware:
        never_drawn |= run.aware.scores.above_level
    best = best_first(run, exclude)
    choice = Choice({}, {}, {}, {}, {}, {})
    for number, (name, order) in enumerate((reorder(best) if reorder else best).items()):
        n_shown, passed_over = limit, Counter[str]()
        if run.aware:
            varied = vary(order, codes, wanted=more_of)
            n_shown = limit if limit > FIRST else max(min(limit, varied.n_first), 1)
            gave_way = set(order[: min(FIRST, limit)].tolist()) - set(varied.rows[: min(FIRST, n_shown)].tolist())
            passed_over.update(minor_group(codes[row]) for row in gave_way)
            order = varied.rows
        order = _in_front(order, [row_of[code] for code in first.get(name, ()) if code in row_of])
        barred = never_drawn[order]
        if run.aware and lot.epsilon > 0 and n_shown <= FIRST:
            full = full_groups(order[: n_shown - 1], codes, wanted=more_of)
            barred |= np.isin(run.tables.minor_groups[order], list(full))
        shown = explore(
            order, limit=n_shown, epsilon=lot.epsilon, seed=lot.seed, tier=number, barred=barred, most=lot.most
        )
        choice.rows[name] = shown.rows.tolist()
        choice.totals[name] = len(order)
        choice.held_back[name] = dict(sorted(passed_over.items()))
        choice.propensity[name] = shown.propensity.tolist()
        choice.is_exploration[name] = [
            by_lot or codes[row] in drawn_before
            for row, by_lot in zip(choice.rows[name], shown.is_exploration.tolist(), strict=True)
        ]
        choice.pools[name] = shown.pool.tolist()
    return choice


def _in_front(order: Rows, first: list[int]) -> Rows:
    """Return the rows with some of them in front, in their own order; what is not among the rows stays out."""
    there = set(order.tolist())
    placed = np.array([row for row in first if row in there], np.intp)
    return np.concatenate([placed, order[~np.isin(order, placed)]])


def best_first(run: Run, exclude: Collection[str]) -> dict[str, Rows]:
    """Return the rows of each tier by score, ties by code, without the current job and the codes left out."""
    row_of = run.tables.catalogue.row
    left_out = [row_of[code] for code in exclude if code in row_of]
    if run.person.current is not None:
        left_out.append(run.person.current)
    tier = run.tier.copy()
    tier[left_out] = Tier.NONE
    best = {}
    for number, name in enumerate(TIER_NAMES):
        of_tier = np.flatnonzero(tier == number)
        best[name] = of_tier[np.argsort(-run.score[of_tier], kind="stable")]
    return best
