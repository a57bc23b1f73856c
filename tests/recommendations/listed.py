"""Reading lists of recommendations in tests."""

from recommendations.advice import Advice, Recommendation
from recommendations.models import RecommendationEvent
from recommendations.scoring_run import Choice


def everything(advice: Advice) -> list[Recommendation]:
    return [item for items in advice.buckets.values() for item in items]


def codes(advice: Advice) -> list[str]:
    return [item.onet_code for item in everything(advice)]


def event_of(advice: Advice) -> RecommendationEvent:
    assert advice.event_id
    return RecommendationEvent.objects.get(pk=advice.event_id)


def places_of(event: RecommendationEvent) -> set[tuple[str, int, str, float, bool]]:
    """Return what a stored list shows, and how probable that was."""
    fields = ("tier", "position", "occupation_id", "propensity", "is_exploration")
    return set(event.items.values_list(*fields))


def places_chosen(choice: Choice, of_row: tuple[str, ...]) -> set[tuple[str, int, str, float, bool]]:
    """Return the same of a choice; `of_row` are the catalogue's codes."""
    return {
        (tier, place + 1, of_row[row], choice.propensity[tier][place], choice.is_exploration[tier][place])
        for tier, rows in choice.rows.items()
        for place, row in enumerate(rows)
    }
