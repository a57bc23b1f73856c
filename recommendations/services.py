"""Recommend occupations, say why, remember what was shown and what people did with it."""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from occupations.services import Catalogue, get_catalogue
from profiles.models import Profile
from profiles.services import Answers
from profiles.services import answers as answers_of
from recommendations.advice import NOT_ASKED_FOR, NOT_CALIBRATED, Advice, Recommendation, Requirement
from recommendations.curve_store import (
    Applicable,
    Served,
    TamperedCurveError,
    activate_curve,
    curve_of,
    load_curve,
    rank,
    refused_curves,
    served_curve,
    store_curve,
    withdraw_curve,
)
from recommendations.explaining import read_facts, recommendation, requirements_of, without_figures
from recommendations.features import curve_columns, curve_matrix, frozen_features, number
from recommendations.feedback import (
    FutureFeedbackError,
    KeyReusedError,
    NothingToUndoError,
    NotShownError,
    UnknownEventError,
    feedback_in_force,
    hidden_codes,
    record_feedback,
)
from recommendations.models import RecommendationEvent, RecommendedItem
from recommendations.scoring.thresholds import TIER_NAMES
from recommendations.scoring_run import (
    MODELS,
    Choice,
    EmptyProfileError,
    Lot,
    Rows,
    Run,
    UnknownModelError,
    choose,
    frozen_rule,
    get_tables,
    run_model,
    thawed_rule,
    thresholds_in_force,
)
from recommendations.sentences import calibration_notes, list_notes

__all__ = [
    "MODELS",
    "Applicable",
    "EmptyProfileError",
    "FutureFeedbackError",
    "KeyReusedError",
    "NotShownError",
    "NothingToUndoError",
    "ReplayError",
    "TamperedCurveError",
    "UnknownEventError",
    "UnknownModelError",
    "UnknownOccupationError",
    "activate_curve",
    "explain_occupation",
    "feedback_in_force",
    "latest_advice",
    "load_curve",
    "make_event",
    "recommend",
    "record_feedback",
    "refused_curves",
    "replay",
    "requirements",
    "served_curve",
    "store_curve",
    "withdraw_curve",
]


# Of each tier, how many of the best by score a calibration puts into its own order.
REORDERED = 50


class ReplayError(Exception):
    """A stored list cannot be made again."""

    def __init__(self) -> None:
        super().__init__("The data, the model or the calibration that made this list is no longer there.")


class UnknownOccupationError(Exception):
    """The loaded release has no occupation of this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no occupation with the code {code} in the loaded release.")


class Scored:
    """One model's run, with the calibration that is applied to it."""

    def __init__(self, run: Run, served: Served | None = None) -> None:
        self.run = run
        self.served = served
        self.columns = curve_columns(run)

    def figures(self, rows: list[int]) -> list[tuple[float | None, float | None, float | None]]:
        """Return probability, low and high of some jobs; None where there is none."""
        if self.served is None or not rows:
            return [(None, None, None)] * len(rows)
        figures = self.served.figures(curve_matrix(self.columns, self.served.feature_names, rows))
        return [(number(p), number(low), number(high)) for p, low, high in zip(*figures, strict=True)]

    def reorder(self, best: Rows) -> Rows:
        """Put a tier's best jobs by score into the order of their probabilities.

        Only the best: the curve has learnt from what was shown, and what ranks far below never was.
        """
        if self.served is None or len(best) == 0:
            return best
        head = best[:REORDERED]
        features = curve_matrix(self.columns, self.served.feature_names, head.tolist())
        return np.concatenate([head[rank(self.served.curve.probability(features))], best[REORDERED:]])


def recommend(
    answers: Answers,
    *,
    limit_per_bucket: int | None = None,
    model_version: str | None = None,
    exclude: Collection[str] = (),
    more_of: Collection[str] = (),
) -> Advice:
    """Recommend occupations for answers without storing anything.

    Args:
        answers: What the person said.
        limit_per_bucket: The most jobs of a tier; the setting when not given.
        model_version: One of `MODELS`; the setting when not given.
        exclude: Codes to leave out, besides the current job.
        more_of: SOC minor groups, such as 15-1, of which a tier's first ten may hold more than three.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        UnknownModelError: There is no such model.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    scored = Scored(run_model(answers, catalogue, model_version or settings.MODEL_VERSION))
    limit = limit_per_bucket or settings.LIMIT_PER_BUCKET
    choice = choose(scored.run, limit=limit, exclude=exclude, more_of=more_of)
    return _advice(scored, answers, _items(scored, choice), choice)


def make_event(
    profile: Profile,
    *,
    limit_per_bucket: int | None = None,
    model_version: str | None = None,
    use_calibration: bool = False,
    enable_exploration: bool = False,
    more_of: Collection[str] = (),
    seed: int | None = None,
    shown_at: datetime | None = None,
) -> Advice:
    """Recommend occupations to a person and store the list, with all that is needed to make it again.

    Jobs that the person has hidden are left out. Until a calibration is promoted, asking for it changes nothing.
    There is no exploration where the setting or the person does not allow it.

    Args:
        profile: The person.
        limit_per_bucket: The most jobs of a tier; the setting when not given.
        model_version: One of `MODELS`; the setting when not given.
        use_calibration: Order each tier by calibrated probability, where a calibration is promoted.
        enable_exploration: Let each tier's last place hold something a little different now and then.
        more_of: SOC minor groups, such as 15-1, of which a tier's first ten may hold more than three.
        seed: Of the lot, 0 to 2^63 - 1; a random one when not given.
        shown_at: When it is shown; now when not given. For lists of simulated people.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        UnknownModelError: There is no such model.
        NoReleaseError: No O*NET data is loaded.
    """
    # Before the answers are read: one that is changed meanwhile must look newer than this list.
    now = shown_at or timezone.now()
    answers = answers_of(profile)
    catalogue = get_catalogue()
    run = run_model(answers, catalogue, model_version or settings.MODEL_VERSION)
    scored = Scored(run, served_curve(run.model_version) if use_calibration else None)
    explores = enable_exploration and profile.allow_exploration
    event = RecommendationEvent(
        profile=profile,
        created_at=now,
        model_version=run.model_version,
        bucket_rule=frozen_rule(run.thresholds),
        catalogue_revision=catalogue.revision,
        release_version=catalogue.release.version,
        limit_per_bucket=limit_per_bucket or settings.LIMIT_PER_BUCKET,
        use_calibration=use_calibration,
        calibration_version=scored.served.version if scored.served else "",
        epsilon=settings.EXPLORATION_EPSILON if explores else 0.0,
        pool_limit=settings.EXPLORATION_POOL,
        seed=secrets.randbits(63) if seed is None else seed,
        inputs=answers.frozen(),
        left_out=sorted(hidden_codes(profile)),
        more_of=list(more_of),
    )
    choice = _choice_of(event, scored)
    event.pool_sizes = {name: len(pool) for name, pool in choice.pools.items()}
    event.pools = {name: _pool(scored, pool) for name, pool in choice.pools.items() if len(pool) > 1}
    items = _items(scored, choice, event)
    with transaction.atomic():
        event.save(force_insert=True)
        RecommendedItem.objects.bulk_create([item for of_tier in items.values() for item in of_tier])
    return _advice(scored, answers, items, choice, event)


def replay(event: RecommendationEvent) -> Choice:
    """Return the choice of a stored list, made again from what it froze.

    Raises:
        ReplayError: The data, the model or the calibration that made it is no longer there.
    """
    catalogue = get_catalogue()
    if event.catalogue_revision != catalogue.revision or event.model_version not in MODELS:
        raise ReplayError
    return _choice_of(event, _scored_of(event, catalogue))


def latest_advice(profile: Profile) -> Advice:
    """Return the person's newest list as it was stored; a new one where the answers or the data have changed.

    A new one is made as the pages show it: by the promoted calibration if the settings say so, and with something a
    little different now and then if the person allows it.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    event = RecommendationEvent.objects.filter(profile=profile).order_by("-created_at").first()
    if event is None or profile.updated_at > event.created_at or not _still_holds(event, catalogue, newest=True):
        return make_event(profile, use_calibration=settings.PAGES_USE_CALIBRATION, enable_exploration=True)
    scored = _scored_of(event, catalogue)
    items: dict[str, list[RecommendedItem]] = {name: [] for name in TIER_NAMES}
    for item in event.items.order_by("position"):
        items[item.tier].append(item)
    return _advice(scored, Answers.thawed(event.inputs), items, _choice_of(event, scored), event)


def explain_occupation(
    person: Profile | Answers, code: str, *, event: RecommendationEvent | None = None
) -> Recommendation:
    """Say everything about one occupation for one person, whether it was recommended or not.

    An occupation without figures, and a person who has said too little, get no score but the reason why.

    Args:
        person: A profile, or answers.
        code: O*NET-SOC code.
        event: The list that the person came from: its frozen answers, model and bounds count then.

    Raises:
        UnknownOccupationError: The loaded release has no such occupation.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    if code not in catalogue.row:
        raise UnknownOccupationError(code)
    row = catalogue.row[code]
    item = None
    if event is not None and _still_holds(event, catalogue):
        answers = Answers.thawed(event.inputs)
        item = event.items.filter(occupation=code).first()
    else:
        event = None
        answers = answers_of(person) if isinstance(person, Profile) else person
    facts = read_facts(get_tables(catalogue), [code], _held(answers))
    if not catalogue.jobs.scored[row]:
        reason = "O*NET has no figures for this occupation, so it cannot be scored."
        return without_figures(catalogue, row, facts, reason)
    try:
        run = _run_of(event, catalogue) if event else run_model(answers, catalogue, settings.MODEL_VERSION)
    except EmptyProfileError as error:
        return without_figures(catalogue, row, facts, str(error))
    return recommendation(run, row, facts, item)


def requirements(answers: Answers, code: str) -> tuple[Requirement, ...]:
    """Return every skill and knowledge area of an occupation beside the person's.

    Raises:
        UnknownOccupationError: The loaded release has no such occupation.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    if code not in catalogue.row:
        raise UnknownOccupationError(code)
    return requirements_of(answers, catalogue, catalogue.row[code])


def _choice_of(event: RecommendationEvent, scored: Scored) -> Choice:
    return choose(
        scored.run,
        limit=event.limit_per_bucket,
        exclude=event.left_out,
        more_of=event.more_of,
        reorder=scored.reorder,
        lot=Lot(event.epsilon, event.seed, event.pool_limit or None),
    )


def _items(
    scored: Scored, choice: Choice, event: RecommendationEvent | None = None
) -> dict[str, list[RecommendedItem]]:
    run = scored.run
    return {
        name: [
            RecommendedItem(
                event=event,
                occupation_id=run.tables.catalogue.jobs.codes[row],
                tier=name,
                position=place + 1,
                base_score=float(run.score[row]),
                match_score=float(run.match[row]),
                gap_severity=float(run.gap[row]),
                calibrated_probability=probability,
                calibrated_low=low,
                calibrated_high=high,
                is_exploration=choice.is_exploration[name][place],
                propensity=choice.propensity[name][place],
                features=frozen_features(run, scored.columns, row) if event else {},
            )
            for place, (row, (probability, low, high)) in enumerate(zip(rows, scored.figures(rows), strict=True))
        ]
        for name, rows in choice.rows.items()
    }


def _pool(scored: Scored, rows: list[int]) -> dict[str, list[Any]]:
    """Return the jobs of a pool as JSON values: their codes, and a list for each column that a curve may read."""
    codes = scored.run.tables.catalogue.jobs.codes
    pool: dict[str, list[Any]] = {"codes": [codes[row] for row in rows]}
    return pool | {name: [number(figure) for figure in column[rows]] for name, column in scored.columns.items()}


def _advice(
    scored: Scored,
    answers: Answers,
    items: dict[str, list[RecommendedItem]],
    choice: Choice,
    event: RecommendationEvent | None = None,
) -> Advice:
    run, served = scored.run, scored.served
    catalogue = run.tables.catalogue
    codes = [item.occupation_id for of_tier in items.values() for item in of_tier]
    facts = read_facts(run.tables, codes, _held(answers))
    asked = event is not None and event.use_calibration
    return Advice(
        event_id=str(event.pk) if event else None,
        model_version=run.model_version,
        release=event.release_version if event else catalogue.release.version,
        buckets={
            name: [recommendation(run, catalogue.row[item.occupation_id], facts, item) for item in items[name]]
            for name in TIER_NAMES
        },
        totals=choice.totals,
        held_back=choice.held_back,
        notes=(*list_notes(run), *calibration_notes(served.version if served else "")),
        calibration=served.version if served else NOT_CALIBRATED if asked else NOT_ASKED_FOR,
        calibration_target=served.target if served else "",
        epsilon=event.epsilon if event else 0.0,
        pool_sizes=event.pool_sizes if event else {},
    )


def _held(answers: Answers) -> list[str]:
    return [*([answers.current] if answers.current else []), *answers.past]


def _still_holds(event: RecommendationEvent, catalogue: Catalogue, *, newest: bool = False) -> bool:
    """Whether the list would come out the same today for the same answers.

    Args:
        event: The list.
        catalogue: Today's jobs.
        newest: Whether the calibration that the pages apply must be today's too.
    """
    if event.catalogue_revision != catalogue.revision or event.model_version not in MODELS:
        return False
    if event.bucket_rule != frozen_rule(thresholds_in_force(event.model_version)):
        return False
    if newest and settings.PAGES_USE_CALIBRATION:
        served = served_curve(event.model_version)
        return event.calibration_version == (served.version if served else "")
    return not newest or not event.calibration_version


def _run_of(event: RecommendationEvent, catalogue: Catalogue) -> Run:
    rule = thawed_rule(event.model_version, event.bucket_rule)
    return run_model(Answers.thawed(event.inputs), catalogue, event.model_version, rule)


def _scored_of(event: RecommendationEvent, catalogue: Catalogue) -> Scored:
    """Score a stored list's person again, with the calibration that ordered it.

    Raises:
        ReplayError: That calibration is gone.
    """
    served = curve_of(event.calibration_version) if event.calibration_version else None
    if event.calibration_version and served is None:
        raise ReplayError
    return Scored(_run_of(event, catalogue), served)
