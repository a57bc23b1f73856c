"""Recommend occupations, say why, remember what was shown and what people did with it."""

import secrets
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from occupations.services import Catalogue, get_catalogue
from profiles.models import Profile
from profiles.services import Answers
from profiles.services import answers as answers_of
from recommendations.advice import Advice, Recommendation, Requirement
from recommendations.explaining import features, read_facts, recommendation, requirements_of, without_figures
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
    Run,
    UnknownModelError,
    choose,
    frozen_rule,
    get_tables,
    held_back,
    run_model,
    thawed_rule,
    thresholds_in_force,
)
from recommendations.sentences import list_notes

__all__ = [
    "MODELS",
    "EmptyProfileError",
    "FutureFeedbackError",
    "KeyReusedError",
    "NotShownError",
    "NothingToUndoError",
    "UnknownEventError",
    "UnknownModelError",
    "UnknownOccupationError",
    "explain_occupation",
    "feedback_in_force",
    "latest_advice",
    "make_event",
    "recommend",
    "record_feedback",
    "requirements",
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
    run = run_model(answers, catalogue, model_version or settings.MODEL_VERSION)
    limit = limit_per_bucket or settings.LIMIT_PER_BUCKET
    choice = choose(run, limit=limit, exclude=exclude, more_of=more_of)
    items = {
        name: [_item(run, row, name, position) for position, row in enumerate(choice.rows[name], 1)]
        for name in TIER_NAMES
    }
    return _advice(run, answers, items, choice)


def make_event(
    profile: Profile,
    *,
    limit_per_bucket: int | None = None,
    model_version: str | None = None,
    use_calibration: bool = False,
    enable_exploration: bool = False,
    more_of: Collection[str] = (),
) -> Advice:
    """Recommend occupations to a person and store the list, with all that is needed to make it again.

    Jobs that the person has hidden are left out. Until a calibration model is promoted, asking for calibration
    changes nothing; nor does exploration while no share of the slots is set aside for it.

    Args:
        profile: The person.
        limit_per_bucket: The most jobs of a tier; the setting when not given.
        model_version: One of `MODELS`; the setting when not given.
        use_calibration: Show probabilities, where a calibration model is promoted.
        enable_exploration: Let a tier's last slot hold something a little different.
        more_of: SOC minor groups, such as 15-1, of which a tier's first ten may hold more than three.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        UnknownModelError: There is no such model.
        NoReleaseError: No O*NET data is loaded.
    """
    # Before the answers are read: one that is changed meanwhile must look newer than this list.
    now = timezone.now()
    answers = answers_of(profile)
    catalogue = get_catalogue()
    limit = limit_per_bucket or settings.LIMIT_PER_BUCKET
    run = run_model(answers, catalogue, model_version or settings.MODEL_VERSION)
    choice = choose(run, limit=limit, exclude=hidden_codes(profile), more_of=more_of)
    event = RecommendationEvent(
        profile=profile,
        created_at=now,
        model_version=run.model_version,
        bucket_rule=frozen_rule(run.thresholds),
        catalogue_revision=catalogue.revision,
        release_version=catalogue.release.version,
        limit_per_bucket=limit,
        use_calibration=use_calibration,
        seed=secrets.randbits(63),
        pool_sizes=_pool_sizes(choice),
        inputs=answers.frozen(),
    )
    items = {
        name: [_item(run, row, name, position, event) for position, row in enumerate(choice.rows[name], 1)]
        for name in TIER_NAMES
    }
    with transaction.atomic():
        event.save(force_insert=True)
        RecommendedItem.objects.bulk_create([item for of_tier in items.values() for item in of_tier])
    return _advice(run, answers, items, choice, event)


def latest_advice(profile: Profile) -> Advice:
    """Return the person's newest list as it was stored; a new one where the answers or the data have changed.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    event = RecommendationEvent.objects.filter(profile=profile).order_by("-created_at").first()
    if event is None or profile.updated_at > event.created_at or not _still_holds(event, catalogue):
        return make_event(profile)
    run = _run_of(event, catalogue)
    items: dict[str, list[RecommendedItem]] = {name: [] for name in TIER_NAMES}
    for item in event.items.order_by("position"):
        items[item.tier].append(item)
    rows = {name: [catalogue.row[item.occupation_id] for item in items[name]] for name in TIER_NAMES}
    shown = {item.occupation_id for of_tier in items.values() for item in of_tier}
    choice = Choice(
        rows=rows,
        totals={name: event.pool_sizes.get(name, 0) + max(len(rows[name]) - 1, 0) for name in TIER_NAMES},
        held_back=held_back(run, rows, limit=event.limit_per_bucket, exclude=hidden_codes(profile) - shown),
    )
    return _advice(run, Answers.thawed(event.inputs), items, choice, event)


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


def _item(run: Run, row: int, tier: str, position: int, event: RecommendationEvent | None = None) -> RecommendedItem:
    return RecommendedItem(
        event=event,
        occupation_id=run.tables.catalogue.jobs.codes[row],
        tier=tier,
        position=position,
        base_score=float(run.score[row]),
        match_score=float(run.match[row]),
        gap_severity=float(run.gap[row]),
        features=features(run, row),
    )


def _pool_sizes(choice: Choice) -> dict[str, int]:
    """Return how many jobs of each tier could have taken its last slot."""
    return {name: choice.totals[name] - max(len(rows) - 1, 0) if rows else 0 for name, rows in choice.rows.items()}


def _advice(
    run: Run,
    answers: Answers,
    items: dict[str, list[RecommendedItem]],
    choice: Choice,
    event: RecommendationEvent | None = None,
) -> Advice:
    catalogue = run.tables.catalogue
    codes = [item.occupation_id for of_tier in items.values() for item in of_tier]
    facts = read_facts(run.tables, codes, _held(answers))
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
        notes=tuple(list_notes(run)),
    )


def _held(answers: Answers) -> list[str]:
    return [*([answers.current] if answers.current else []), *answers.past]


def _still_holds(event: RecommendationEvent, catalogue: Catalogue) -> bool:
    """Whether the list would come out the same today for the same answers."""
    if event.catalogue_revision != catalogue.revision or event.model_version not in MODELS:
        return False
    return event.bucket_rule == frozen_rule(thresholds_in_force(event.model_version))


def _run_of(event: RecommendationEvent, catalogue: Catalogue) -> Run:
    rule = thawed_rule(event.model_version, event.bucket_rule)
    return run_model(Answers.thawed(event.inputs), catalogue, event.model_version, rule)
