"""How well the models serve simulated people on the loaded release (`manage.py evaluate` and the method page).

The mathematics is in `scoring.yardstick`; here it meets the database, the bounds and licences in force, and the
targets.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from occupations.arrays import IntArray
from occupations.models import RelatedOccupation
from occupations.services import Catalogue, get_catalogue
from recommendations import evaluation_plots
from recommendations.models import Evaluation
from recommendations.scoring import v1
from recommendations.scoring.batch import score_many
from recommendations.scoring.fit import fit_many
from recommendations.scoring.measures import Rows
from recommendations.scoring.person import Floats, Person
from recommendations.scoring.thresholds import V1Thresholds
from recommendations.scoring.yardstick import (
    ALL_ZONES,
    SCENARIOS,
    Figure,
    Model,
    Related,
    Report,
    Scenario,
    evaluate,
    halves,
    monotonicity_violations,
)
from recommendations.scoring_run import (
    FIT_DECIMALS,
    MODELS,
    V2,
    Tables,
    Thresholds,
    frozen_rule,
    get_tables,
    licence_months,
    thresholds_in_force,
    unmet_licences,
)

Tell = Callable[[str], None]


class NoYardstickError(Exception):
    """The release lacks what a model is judged by."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the level-aware model is to reach.

    Args:
        name: For people to read.
        measure: A key of a result's measures.
        scenario: Whose figure counts.
        bound: What it must reach, or not exceed.
        at_least: Whether it must reach the bound.
        try_for: A bound worth trying for.
    """

    name: str
    measure: str
    scenario: Scenario
    bound: float
    at_least: bool = True
    try_for: float | None = None


HONEST = Scenario("honest", has_job=True)
NOISY = Scenario("noisy", has_job=True)
HONEST_NO_JOB = Scenario("honest", has_job=False)
NOISY_NO_JOB = Scenario("noisy", has_job=False)

TARGETS = (
    Target("Recall at 10, honest, current job", "recall_at_10", HONEST, 0.62, try_for=0.66),
    Target("Recall at 20, honest, current job", "recall_at_20", HONEST, 0.81),
    Target("Recall at 10, honest, no job", "recall_at_10", HONEST_NO_JOB, 0.25),
    Target("Recall at 10, noisy, no job", "recall_at_10", NOISY_NO_JOB, 0.20),
    Target("Own job Ready now, honest", "own_job_ready", HONEST, 0.98),
    Target("Unrelated jobs Ready now, honest", "unrelated_ready_now", HONEST, 0.16, at_least=False, try_for=0.12),
    Target("Tiers that flip under noise, current job", "tier_flips", NOISY, 0.11, at_least=False),
)
# The weights of the fit were chosen for these people.
HALVED = (HONEST, NOISY, HONEST_NO_JOB, NOISY_NO_JOB)


def slug(scenario: Scenario) -> str:
    """Return a scenario's name for the command line, such as 12-skills-no-job."""
    return f"{scenario.raters.replace(' ', '-')}-{'job' if scenario.has_job else 'no-job'}"


def quiet(line: str) -> None:
    """Tell nobody."""


def evaluate_release(
    *,
    seed: int = 0,
    scenarios: Sequence[Scenario] = SCENARIOS,
    licences: bool = True,
    rises: bool = True,
    save: bool = True,
    tell: Tell = quiet,
) -> Evaluation:
    """Judge every model, with the bounds in force, on the active release.

    As in production, people are taken to hold the licences that their present job asks for, and no others; who
    names no job holds none.

    Args:
        seed: Of noise and bootstrap, 0 or more.
        scenarios: Who is simulated.
        licences: Whether a licence that is lacking counts; without, the skill and zone conditions stand alone.
        rises: Whether to raise every rating by one and look for tiers that worsen: a third of the time.
        save: Whether to store the result. Only all scenarios with licences make what the method page shows.
        tell: Called with a line on what is being done.

    Raises:
        NoReleaseError: No O*NET data is loaded.
        NoYardstickError: The release has no related occupations, or rates none.
    """
    # Flips under noise are counted against honest people, who therefore come first.
    scenarios = [scenario for scenario in SCENARIOS if scenario in scenarios]
    catalogue = get_catalogue()
    jobs = catalogue.jobs
    rated = np.flatnonzero(jobs.scored & ~jobs.estimated)
    if not rated.size:
        raise NoYardstickError(f"{catalogue.release} rates no occupation, so there is nobody to simulate.")
    related = _related(catalogue)
    tables = get_tables(catalogue)
    thresholds = {name: thresholds_in_force(name) for name in MODELS}
    models = {name: _model(tables, bounds, licences=licences) for name, bounds in thresholds.items()}

    results: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for name, model in models.items():
        tell(f"Simulating {len(rated)} people in {len(scenarios)} scenarios under {name}")
        report = evaluate(jobs, related, {name: model}, scenarios=scenarios, seed=seed)
        results += _results(report.figures)
        curves += _curves(report, name, scenarios)
    halved: list[dict[str, Any]] = []
    for half, some in zip("AB", halves(len(rated)), strict=True):
        tell(f"Half {half} of the occupations under {V2}")
        wanted = [scenario for scenario in HALVED if scenario in scenarios]
        if wanted and len(some):
            report = evaluate(jobs, related, {V2: models[V2]}, scenarios=wanted, rows=rated[some], seed=seed)
            halved += [{"half": half, **result} for result in _results(report.figures) if result["zone"] == ALL_ZONES]
    monotonicity = []
    for name, model in models.items():
        for has_job in sorted({scenario.has_job for scenario in scenarios if rises}, reverse=True):
            tell(f"Raising every rating of {len(rated)} people under {name}")
            worse, checked = monotonicity_violations(jobs, model.tiers, has_job=has_job)
            monotonicity.append({"model": name, "has_job": has_job, "worse": worse, "checked": checked})

    figures = {
        "raters": len(rated),
        "results": results,
        "curves": curves,
        "halves": halved,
        "monotonicity": monotonicity,
        "targets": _targets(results, monotonicity),
    }
    result = Evaluation(
        release=catalogue.release,
        seed=seed,
        options={
            "scenarios": [slug(scenario) for scenario in scenarios],
            "licensed": len(tables.licences) if licences else 0,
            "thresholds": {name: frozen_rule(bounds) for name, bounds in thresholds.items()},
        },
        figures=figures,
        recall_plot=evaluation_plots.recall_plot(curves, chance=1 / max(len(rated) - 1, 1)),
        tier_plot=evaluation_plots.tier_plot(results),
    )
    if save:
        result.save(force_insert=True)
    return result


def _related(catalogue: Catalogue) -> Related:
    n_jobs = len(catalogue.jobs.codes)
    primary, closest, listed = (np.zeros((n_jobs, n_jobs), bool) for _ in range(3))
    links = RelatedOccupation.objects.order_by().values_list("occupation_id", "related_id", "tier")
    for code, other, tier in links:
        if code in catalogue.row and other in catalogue.row:
            at = catalogue.row[code], catalogue.row[other]
            listed[at] = True
            primary[at] = tier != RelatedOccupation.Tier.SUPPLEMENTAL
            closest[at] = tier == RelatedOccupation.Tier.PRIMARY_SHORT
    if not primary.any():
        raise NoYardstickError(
            f"{catalogue.release} has no related occupations to judge by; load an official release with "
            "`manage.py import_onet SOURCE`."
        )
    return Related(primary, closest, listed)


def _model(tables: Tables, thresholds: Thresholds, *, licences: bool) -> Model:
    jobs = tables.catalogue.jobs
    if isinstance(thresholds, V1Thresholds):

        def figures(people: Sequence[Person]) -> tuple[Floats, Floats]:
            ratings = np.stack([v1.capability_ratings(person, jobs)[0] for person in people])
            return v1.score(ratings, tables.v1_weights)

        return Model(
            scores=lambda people, _: figures(people)[0],
            tiers=lambda people: v1.tier(*figures(people), thresholds),
        )

    def scores(people: Sequence[Person], leave_out: Rows) -> Floats:
        # Rounded as production ranks them. Only who has neither rating nor job would have no fit.
        fit = fit_many(people, tables.fit, leave_out=leave_out).fit
        return fit.astype(np.float64).round(FIT_DECIMALS)

    # Simulated people differ in no licence but those of their present job.
    months_by_job: dict[int | None, Floats] = {}

    def months(person: Person) -> Floats:
        if person.current not in months_by_job:
            unmet = unmet_licences(person, tables) if licences else {}
            months_by_job[person.current] = licence_months(unmet, len(jobs.codes))
        return months_by_job[person.current]

    def tiers(people: Sequence[Person]) -> IntArray:
        lacking = np.stack([months(person) for person in people])
        return score_many(people, tables.v2(thresholds), licence_months=lacking, thresholds=thresholds).tier

    return Model(scores, tiers)


def _results(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return one entry per model, scenario and zone, as JSON values with keys that a template can name."""
    results: dict[tuple[Any, ...], dict[str, Any]] = {}
    for figure in figures:
        key = figure.model, figure.scenario, figure.zone
        about = {
            "model": figure.model,
            "raters": figure.scenario.raters,
            "has_job": figure.scenario.has_job,
            "zone": int(figure.zone),
        }
        measures = results.setdefault(key, {**about, "measures": {}})["measures"]
        name = figure.measure.replace("@", " at ").replace(" ", "_").lower()
        estimate = figure.estimate
        measures[name] = {
            "value": _number(estimate.value),
            "low": _number(estimate.low),
            "high": _number(estimate.high),
            "n": estimate.n,
        }
    return list(results.values())


def _curves(report: Report, name: str, scenarios: Sequence[Scenario]) -> list[dict[str, Any]]:
    return [
        {
            "model": name,
            "raters": scenario.raters,
            "has_job": scenario.has_job,
            "recall": [_number(value) for value in report.recall_curves[name, scenario.name]],
        }
        for scenario in scenarios
    ]


def _targets(results: Sequence[dict[str, Any]], monotonicity: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the targets that the scenarios given can answer, beside what was found."""
    measures = {
        (result["raters"], result["has_job"]): result["measures"]
        for result in results
        if result["model"] == V2 and result["zone"] == ALL_ZONES
    }
    found = []
    for target in TARGETS:
        of_scenario = measures.get((target.scenario.raters, target.scenario.has_job), {})
        if target.measure in of_scenario:
            value = of_scenario[target.measure]["value"]
            found.append(
                {
                    "name": target.name,
                    "measure": target.measure,
                    "scenario": target.scenario.name,
                    "at_least": target.at_least,
                    "bound": target.bound,
                    "try_for": target.try_for,
                    "value": value,
                    "met": _reaches(value, target.bound, target.at_least),
                    "tried_met": _reaches(value, target.try_for, target.at_least),
                }
            )
    of_model = [row["worse"] for row in monotonicity if row["model"] == V2]
    if of_model:
        found.append(
            {
                "name": "Tiers that worsen when one rating rises",
                "measure": "monotonicity_violations",
                "scenario": None,
                "at_least": False,
                "bound": 0,
                "try_for": None,
                "value": sum(of_model),
                "met": not any(of_model),
                "tried_met": None,
            }
        )
    return found


def _reaches(value: float | None, bound: float | None, at_least: bool) -> bool | None:
    if value is None or bound is None:
        return None
    return value >= bound if at_least else value <= bound


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
