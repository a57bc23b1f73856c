"""Lists that are stored as events: made with all that is needed to make them again, read again, and replayed."""

import secrets
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from occupations.services import Catalogue, get_catalogue
from profiles.models import Profile
from profiles.services import Answers, hold
from profiles.services import answers as answers_of
from recommendations.advice import Advice
from recommendations.curve_store import Served, curve_of, served_curve
from recommendations.feedback import hidden_codes
from recommendations.lists import Items, Scored, advice_of, items_of, pools_of
from recommendations.models import RecommendationEvent, RecommendedItem
from recommendations.scoring.thresholds import TIER_NAMES
from recommendations.scoring_run import (
    MODELS,
    Choice,
    Lot,
    Run,
    choose,
    frozen_rule,
    run_model,
    thawed_rule,
    thresholds_in_force,
)


class ReplayError(Exception):
    """A stored list cannot be made again."""

    def __init__(self) -> None:
        super().__init__("The data, the model or the calibration that made this list is no longer there.")


def make_event(
    profile: Profile,
    *,
    limit_per_bucket: int | None = None,
    model_version: str | None = None,
    use_calibration: bool = False,
    enable_exploration: bool = False,
    more_of: Collection[str] = (),
    after: Advice | None = None,
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
        use_calibration: Order the best of each tier by calibrated probability, where a calibration is promoted.
        enable_exploration: Let each tier's last place hold something a little different now and then.
        more_of: SOC minor groups, such as 15-1, of which a tier's first ten may hold more than three.
        after: A list that this one goes on from: its jobs keep their places, and what was drawn by lot stays marked.
        seed: Of the lot, 0 to 2^63 - 1; a random one when not given.
        shown_at: When it is shown; now when not given. For lists of simulated people.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        UnknownModelError: There is no such model.
        NoReleaseError: No O*NET data is loaded.
        ProfileGoneError: The profile was deleted meanwhile.
    """
    # Before the answers are read: one that is changed meanwhile must look newer than this list.
    now = shown_at or timezone.now()
    answers = answers_of(profile)
    catalogue = get_catalogue()
    run = run_model(answers, catalogue, model_version or settings.MODEL_VERSION)
    served = served_curve(run.model_version) if use_calibration else None
    scored = Scored(run, served)
    event = RecommendationEvent(
        profile=profile,
        created_at=now,
        model_version=run.model_version,
        bucket_rule=frozen_rule(run.thresholds),
        catalogue_revision=catalogue.revision,
        release_version=catalogue.release.version,
        limit_per_bucket=limit_per_bucket or settings.LIMIT_PER_BUCKET,
        use_calibration=use_calibration,
        calibration_version=served.version if served else "",
        epsilon=_epsilon(profile) if enable_exploration else 0.0,
        pool_limit=settings.EXPLORATION_POOL,
        seed=secrets.randbits(63) if seed is None else seed,
        inputs=answers.frozen(),
        left_out=sorted(hidden_codes(profile)),
        more_of=sorted(more_of),
        first={name: [item.onet_code for item in items] for name, items in after.buckets.items()} if after else {},
        drawn_before=[item.onet_code for items in after.buckets.values() for item in items if item.is_exploration]
        if after
        else [],
    )
    choice = _choice_of(event, scored)
    event.pool_sizes = {name: len(rows) for name, rows in choice.pools.items()}
    event.pools = pools_of(scored, choice)
    items = items_of(scored, choice, event)
    with transaction.atomic():
        hold(profile.pk)
        event.save(force_insert=True)
        RecommendedItem.objects.bulk_create([item for of_tier in items.values() for item in of_tier])
    return advice_of(scored, answers, items, choice, event)


def latest_advice(profile: Profile) -> Advice:
    """Return the person's newest list as it was stored; a new one where it is not what the pages would make now.

    They make it by the promoted calibration if the settings say so, and with something a little different now and then
    if the person allows it.

    Raises:
        EmptyProfileError: Nothing was said that a score could rest on.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    event = RecommendationEvent.objects.filter(profile=profile).order_by("-created_at").first()
    served = served_curve(settings.MODEL_VERSION) if event and settings.PAGES_USE_CALIBRATION else None
    if event is None or not _as_made_now(event, profile, catalogue, served):
        return make_event(profile, use_calibration=settings.PAGES_USE_CALIBRATION, enable_exploration=True)
    scored = Scored(run_of(event, catalogue), served)
    items: Items = {name: [] for name in TIER_NAMES}
    for item in event.items.order_by("position"):
        items[item.tier].append(item)
    return advice_of(scored, Answers.thawed(event.inputs), items, _choice_of(event, scored), event)


def _as_made_now(event: RecommendationEvent, profile: Profile, catalogue: Catalogue, served: Served | None) -> bool:
    """Whether a list is what the pages would make now, whoever asked for it: all but the draw, and jobs hidden since.

    It may hold more than the pages begin with: the person has asked for more.
    """
    return (
        event.created_at >= profile.updated_at
        and event.model_version == settings.MODEL_VERSION
        and event.limit_per_bucket >= settings.LIMIT_PER_BUCKET
        and event.epsilon == _epsilon(profile)
        and event.pool_limit == settings.EXPLORATION_POOL
        and event.calibration_version == (served.version if served else "")
        and still_holds(event, catalogue)
    )


def _epsilon(profile: Profile) -> float:
    """Return the share of lots in the person's lists, 0-1."""
    return settings.EXPLORATION_EPSILON if profile.allow_exploration else 0.0


def replay(event: RecommendationEvent) -> Choice:
    """Return the choice of a stored list, made again from what it froze.

    Raises:
        ReplayError: The data, the model or the calibration that made it is no longer there.
    """
    catalogue = get_catalogue()
    if event.catalogue_revision != catalogue.revision or event.model_version not in MODELS:
        raise ReplayError
    served = curve_of(event.calibration_version) if event.calibration_version else None
    if event.calibration_version and served is None:
        raise ReplayError
    return _choice_of(event, Scored(run_of(event, catalogue), served))


def run_of(event: RecommendationEvent, catalogue: Catalogue) -> Run:
    """Score the answers that a list froze again, by its model and its bounds."""
    rule = thawed_rule(event.model_version, event.bucket_rule)
    return run_model(Answers.thawed(event.inputs), catalogue, event.model_version, rule)


def still_holds(event: RecommendationEvent, catalogue: Catalogue) -> bool:
    """Whether the same answers would get the same scores and tiers today as in this list."""
    return (
        event.catalogue_revision == catalogue.revision
        and event.model_version in MODELS
        and event.bucket_rule == frozen_rule(thresholds_in_force(event.model_version))
    )


def _choice_of(event: RecommendationEvent, scored: Scored) -> Choice:
    return choose(
        scored.run,
        limit=event.limit_per_bucket,
        exclude=event.left_out,
        more_of=event.more_of,
        first=event.first,
        drawn_before=event.drawn_before,
        reorder=scored.reorder,
        lot=Lot(event.epsilon, event.seed, event.pool_limit or None),
    )
