"""Asking for more: what was shown stays where it was, and more comes after it."""

import pytest

from occupations.services import get_catalogue
from recommendations import services
from recommendations.models import RecommendationEvent
from tests.factories import CASHIER, NURSE, make_copies, make_profile, make_world, refresh_catalogue
from tests.recommendations.listed import codes, event_of, places_chosen, places_of
from tests.recommendations.pages import use

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(settings):
    settings.EXPLORATION_EPSILON = 1.0
    settings.LIMIT_PER_BUCKET = 3
    release = make_world()
    make_copies(NURSE, [f"{10 + number}-1000.00" for number in range(12)])
    refresh_catalogue(release)
    return make_profile(CASHIER)


def drawn(profile):
    """Make lists until one shows a job that the lot drew and that is no longer among the best when more are shown."""
    for seed in range(50):
        advice = services.make_event(profile, enable_exploration=True, seed=seed)
        plain = codes(services.make_event(profile, limit_per_bucket=6, seed=seed))
        lots = [item.onet_code for items in advice.buckets.values() for item in items if item.is_exploration]
        if [code for code in lots if code not in plain]:
            return advice, lots
    raise AssertionError("no lot drew anything from far down")


def test_every_job_stays_at_its_place_and_what_was_drawn_stays_marked(profile):
    before, lots = drawn(profile)
    after = services.make_event(profile, limit_per_bucket=6, enable_exploration=True, after=before)

    for name, items in before.buckets.items():
        old, new = ([item.onet_code for item in advice.buckets[name]] for advice in (before, after))
        assert new[: len(old)] == old
        assert len(new) == min(6, after.totals[name])
        assert len(set(new)) == len(new)
        for item in after.buckets[name][: len(items)]:
            assert item.is_exploration == (item.onet_code in lots)
            # It is there for certain: only the new last place was open to the lot.
            assert item.propensity == 1 or len(new) == len(old)


def test_the_new_last_place_alone_is_drawn_from_what_is_not_shown(profile):
    before, _ = drawn(profile)
    advice = services.make_event(profile, limit_per_bucket=6, enable_exploration=True, after=before)
    event = event_of(advice)

    pools = {name: pool["codes"] for name, pool in event.pools.items()}
    assert pools
    for name, pool in pools.items():
        shown = [item.onet_code for item in advice.buckets[name]]
        assert not set(pool) & set(shown[:-1])
        assert shown[-1] in pool
        assert advice.buckets[name][-1].propensity == pytest.approx(1 / len(pool))


def test_such_a_list_can_be_made_again(profile):
    before, _ = drawn(profile)
    advice = services.make_event(profile, limit_per_bucket=6, enable_exploration=True, after=before)
    event = event_of(advice)

    assert places_chosen(services.replay(event), get_catalogue().jobs.codes) == places_of(event)
    assert services.latest_advice(profile) == advice


def test_what_was_hidden_since_makes_room(profile):
    before, _ = drawn(profile)
    gone = next(items for items in before.buckets.values() if len(items) == 3)[0]
    services.record_feedback(event_id=before.event_id, code=gone.onet_code, action="hide")
    after = services.make_event(profile, limit_per_bucket=6, after=before)
    assert gone.onet_code not in codes(after)


def test_the_page_goes_on_from_what_it_shows(client, profile):
    use(client, profile)
    before, lots = drawn(profile)
    services.make_event(profile, enable_exploration=True, seed=event_of(before).seed)

    assert client.get("/results/?count=6").status_code == 200

    newest = RecommendationEvent.objects.order_by("-created_at").first()
    stay = {place[:3] for place in places_of(event_of(before))}
    assert stay < {place[:3] for place in places_of(newest)}
    assert sorted(newest.drawn_before) == sorted(lots)
