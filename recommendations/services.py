"""Recommend occupations, say why, remember what was shown and what people did with it."""

from collections.abc import Collection

from django.conf import settings

from occupations.services import get_catalogue
from profiles.models import Profile
from profiles.services import Answers
from profiles.services import answers as answers_of
from recommendations.advice import Advice, Recommendation, Requirement
from recommendations.curve_store import (
    Applicable,
    RefusedCurveError,
    Served,
    TamperedCurveError,
    UnreadableCurveError,
    activate_curve,
    load_curve,
    refused_curves,
    served_curve,
    store_curve,
    withdraw_curve,
)
from recommendations.events import ReplayError, latest_advice, make_event, replay, run_of, still_holds
from recommendations.explaining import read_facts, recommendation, requirements_of, without_figures
from recommendations.feedback import (
    MOST_SEEN,
    SILENT,
    FutureFeedbackError,
    KeyReusedError,
    NothingToUndoError,
    NotShownError,
    TooLongAgoError,
    UnknownEventError,
    feedback_flags,
    feedback_in_force,
    note_feedback,
    record_feedback,
    record_views,
    step_dated_later,
    take_back_feedback,
    told_of,
)
from recommendations.lists import Scored, advice_of, items_of
from recommendations.models import Curve, RecommendationEvent
from recommendations.scoring_run import MODELS, EmptyProfileError, UnknownModelError, choose, get_tables, run_model

__all__ = [
    "MODELS",
    "MOST_SEEN",
    "SILENT",
    "Applicable",
    "EmptyProfileError",
    "FutureFeedbackError",
    "KeyReusedError",
    "NotShownError",
    "NothingToUndoError",
    "RefusedCurveError",
    "ReplayError",
    "Served",
    "TamperedCurveError",
    "TooLongAgoError",
    "UnknownEventError",
    "UnknownModelError",
    "UnknownOccupationError",
    "UnreadableCurveError",
    "activate_curve",
    "explain_occupation",
    "feedback_flags",
    "feedback_in_force",
    "latest_advice",
    "load_curve",
    "make_event",
    "note_feedback",
    "recommend",
    "record_feedback",
    "record_views",
    "refused_curves",
    "replay",
    "requirements",
    "served_curve",
    "step_dated_later",
    "store_curve",
    "take_back_feedback",
    "told_of",
    "withdraw_curve",
]


class UnknownOccupationError(Exception):
    """The loaded release has no occupation of this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no occupation with the code {code} in the loaded release.")


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
    return advice_of(scored, answers, items_of(scored, choice), choice)


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
    item, target = None, ""
    if event is not None and still_holds(event, catalogue):
        answers = Answers.thawed(event.inputs)
        item = event.items.filter(occupation=code).first()
        if event.calibration_version:
            targets = Curve.objects.filter(version=event.calibration_version).values_list("target", flat=True)
            target = next(iter(targets), "")
    else:
        event = None
        answers = answers_of(person) if isinstance(person, Profile) else person
    facts = read_facts(get_tables(catalogue), [code], answers)
    if not catalogue.jobs.scored[row]:
        reason = "O*NET has no figures for this occupation, so it cannot be scored."
        return without_figures(catalogue, row, facts, reason)
    try:
        run = run_of(event, catalogue) if event else run_model(answers, catalogue, settings.MODEL_VERSION)
    except EmptyProfileError as error:
        return without_figures(catalogue, row, facts, str(error))
    return recommendation(run, row, facts, item, target)


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
