"""How other data would change what people were told: the tiers of the jobs on their newest lists."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import OuterRef, Subquery

from occupations.services import Catalogue, NoReleaseError, get_catalogue
from profiles.models import Profile
from profiles.services import answers as answers_of
from recommendations.models import RecommendationEvent, RecommendedItem
from recommendations.scoring_run import EmptyProfileError, run_model

Tiers = dict[str, int | None]


@dataclass(frozen=True, slots=True)
class TierChanges:
    """How many people have a list, and on how many jobs of it each of some people would be told another tier.

    Args:
        people: With a list.
        changed: Numbers of jobs by the profile's id, the most first.
    """

    people: int
    changed: Mapping[str, int]


def tier_changes(catalogue: Catalogue) -> TierChanges:
    """Compare the tiers by today's data with those by another catalogue. Nothing is stored."""
    try:
        before = _tiers(get_catalogue())
    except NoReleaseError:
        return TierChanges(0, {})
    after = _tiers(catalogue)
    changed = {
        profile: number
        for profile, tiers in before.items()
        if (number := sum(tier != after.get(profile, {}).get(code) for code, tier in tiers.items()))
    }
    return TierChanges(len(before), dict(sorted(changed.items(), key=lambda pair: (-pair[1], pair[0]))))


def _tiers(catalogue: Catalogue) -> dict[str, Tiers]:
    """Return the tier of each job on each person's newest list, None where it has none."""
    newest = RecommendationEvent.objects.filter(profile=OuterRef("pk")).order_by("-created_at").values("pk")[:1]
    people = Profile.objects.annotate(event=Subquery(newest)).filter(event__isnull=False).order_by("pk")
    found: dict[str, Tiers] = {}
    for profile in people.iterator():
        codes = RecommendedItem.objects.filter(event=profile.event).values_list("occupation_id", flat=True)
        try:
            run = run_model(answers_of(profile), catalogue, settings.MODEL_VERSION)
        except EmptyProfileError:
            found[str(profile.pk)] = dict.fromkeys(codes)
            continue
        rows = {code: catalogue.row.get(code) for code in codes}
        found[str(profile.pk)] = {code: None if row is None else int(run.tier[row]) for code, row in rows.items()}
    return found
