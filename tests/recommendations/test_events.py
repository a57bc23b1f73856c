"""Lists as they are stored: all that made them, the lot of their last places, and the same list again."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from occupations.models import CatalogueState, Licence, Release
from occupations.services import forget_catalogue, get_catalogue
from profiles import services as profile_services
from profiles.services import Answers
from recommendations import services
from recommendations.models import Curve, RecommendationEvent
from recommendations.scoring.exploration import propensities
from tests.factories import (
    CASHIER,
    COOK,
    DEVELOPER,
    NURSE,
    PRACTICAL_NURSE,
    SALESPERSON,
    TESTER,
    WELDER,
    make_event,
    make_feedback,
    make_profile,
    make_world,
)
from tests.recommendations.curves import make_curve
from tests.recommendations.listed import codes, event_of, everything, places_chosen, places_of

V1, V2 = services.MODELS
pytestmark = pytest.mark.django_db
both_models = pytest.mark.parametrize("model", services.MODELS)


@pytest.fixture(autouse=True)
def world() -> Release:
    return make_world()


def drawn(profile, seed, **options):
    """Make a list of two jobs a tier, the second by lot."""
    options = {"limit_per_bucket": 2, "enable_exploration": True} | options
    return services.make_event(profile, seed=seed, **options)


@both_models
def test_an_event_keeps_all_that_made_it(model):
    profile = make_profile(CASHIER, {"2.A.1.a": 3, "2.A.1.b": None, "2.C.1.a": 2}, education=4)
    advice = services.make_event(profile, model_version=model, limit_per_bucket=3)
    event = event_of(advice)
    assert event.model_version == model
    assert Answers.thawed(event.inputs) == profile_services.answers(profile)
    assert event.catalogue_revision == get_catalogue().revision
    assert event.release_version == "29.3"
    assert event.limit_per_bucket == 3
    assert event.bucket_rule[{V1: "ready_match", V2: "ready_readiness"}[model]] == {V1: 75, V2: 85}[model]
    stored = {(item.tier, item.position, item.occupation_id, item.base_score) for item in event.items.all()}
    assert stored == {(item.bucket, item.position, item.onet_code, item.score) for item in everything(advice)}
    assert all(len(items) == min(3, advice.totals[tier]) for tier, items in advice.buckets.items())
    assert advice.calibration == "not asked for"


def test_a_stored_list_equals_one_that_is_not():
    profile = make_profile(CASHIER, {"2.A.1.a": 3})
    stored = services.make_event(profile)
    assert replace(stored, event_id=None) == services.recommend(profile_services.answers(profile))


def test_an_empty_profile_stores_nothing():
    with pytest.raises(services.EmptyProfileError):
        services.make_event(make_profile())
    assert not RecommendationEvent.objects.exists()


@both_models
def test_hidden_jobs_are_left_out_until_that_is_taken_back(model):
    profile = make_profile(CASHIER)
    shown = services.make_event(profile, model_version=model, limit_per_bucket=100)
    services.record_feedback(event_id=shown.event_id, code=SALESPERSON, action="hide")
    again = services.make_event(profile, model_version=model, limit_per_bucket=100)
    assert set(codes(shown)) - set(codes(again)) == {SALESPERSON}
    assert sum(again.totals.values()) == sum(shown.totals.values()) - 1
    other_person = services.make_event(make_profile(CASHIER), model_version=model, limit_per_bucket=100)
    assert SALESPERSON in codes(other_person)
    services.record_feedback(event_id=shown.event_id, code=SALESPERSON, action="undo")
    assert SALESPERSON in codes(services.make_event(profile, model_version=model, limit_per_bucket=100))


@both_models
@pytest.mark.parametrize("limit", [1, 100])
def test_queries_are_bounded_whatever_the_limit(model, limit, django_assert_max_num_queries):
    profile = make_profile(CASHIER, {"2.A.1.a": 3}, past=(WELDER,))
    forget_catalogue()
    with django_assert_max_num_queries(24):
        services.make_event(profile, model_version=model, limit_per_bucket=limit)
    with django_assert_max_num_queries(14):
        services.make_event(profile, model_version=model, limit_per_bucket=limit)


def test_a_person_who_hid_much_costs_no_further_queries(django_assert_max_num_queries):
    profile = make_profile(CASHIER)
    event = make_event(profile, codes=(NURSE, WELDER, DEVELOPER, TESTER))
    for item in event.items.all():
        make_feedback(item, "hide")
    get_catalogue()
    services.make_event(profile)
    with django_assert_max_num_queries(14):
        services.make_event(profile)


@both_models
@pytest.mark.parametrize("most", [2, 3])
def test_an_event_freezes_its_lot_and_what_it_left_out(model, most, settings):
    settings.EXPLORATION_EPSILON, settings.EXPLORATION_POOL = 0.4, most
    profile = make_profile(CASHIER)
    earlier = drawn(profile, 0, limit_per_bucket=100)
    for code in (WELDER, COOK):
        services.record_feedback(event_id=earlier.event_id, code=code, action="hide")

    advice = drawn(profile, 7, model_version=model, more_of=["41-2", "15-1"])

    event = event_of(advice)
    assert (event.seed, event.epsilon, event.pool_limit) == (7, 0.4, most)
    assert event.left_out == sorted([WELDER, COOK])
    assert event.more_of == ["15-1", "41-2"]
    assert (event.use_calibration, event.calibration_version) == (False, "")
    assert event.pool_sizes == advice.pool_sizes
    assert advice.epsilon == 0.4
    assert any(size > 1 for size in event.pool_sizes.values())
    assert set(event.pools) == {tier for tier, size in event.pool_sizes.items() if size > 1}
    for tier, pool in event.pools.items():
        last = event.items.get(tier=tier, position=len(advice.buckets[tier]))
        place = pool["codes"].index(last.occupation_id)
        assert {len(column) for column in pool.values()} == {event.pool_sizes[tier]}
        assert event.pool_sizes[tier] == min(most, advice.totals[tier] - 1)
        assert last.propensity == propensities(len(pool["codes"]), 0.4)[place]
        assert last.is_exploration == (place > 0)
        columns = set(pool) - {"codes"}
        assert {name: pool[name][place] for name in columns} == {name: last.features[name] for name in columns}
        assert pool["base_score"] == sorted(pool["base_score"], reverse=True)


@both_models
def test_features_are_frozen_as_plain_json(model):
    ratings = dict.fromkeys(get_catalogue().jobs.skills.ids[:30], 3) | {"2.A.1.a": 1}
    advice = drawn(make_profile(None, ratings), 1, model_version=model, limit_per_bucket=100)

    event = event_of(advice)
    said = {item.onet_code: item for item in everything(advice)}
    shared = {"base_score", "match_score", "gap_severity", "job_zone_diff"}
    level_aware = {"fit", "readiness", "knowledge", "shortfall", "confidence"}
    assert event.items.count() == len(said) > 2
    for item in event.items.all():
        json.dumps(item.features, allow_nan=False)
        assert item.features["match_score"] == round(said[item.occupation_id].match_score, 4)
        assert shared <= set(item.features)
        assert item.features["job_zone_diff"] is None, "nobody knows this person's zone"
        if model == V2:
            assert level_aware <= set(item.features)
            assert item.features["readiness"] == round(said[item.occupation_id].readiness, 4)
            assert item.features["firm"] in (True, False)
            assert {"tasks", "titles"} & set(item.features["parts"])
    json.dumps(event.pools, allow_nan=False)


def test_zone_steps_and_certainty_are_frozen():
    event = event_of(services.make_event(make_profile(PRACTICAL_NURSE), limit_per_bucket=100))
    steps = {item.occupation_id: item.features["job_zone_diff"] for item in event.items.all()}
    assert (steps[COOK], steps[WELDER], steps[DEVELOPER]) == (-1, 0, 1)
    words = {item.onet_code: item.certainty for item in everything(services.latest_advice(event.profile))}
    confidence = {"high": 1.0, "medium": 0.5, "low": 0.0}
    for item in event.items.all():
        assert item.features["confidence"] == confidence[words[item.occupation_id]]


@both_models
def test_a_replay_gives_the_stored_list(model, settings):
    settings.EXPLORATION_EPSILON = 0.6
    make_curve(model_version=model)
    profile = make_profile(CASHIER, {"2.A.1.a": 3})
    hiding = services.make_event(profile, limit_per_bucket=100)
    options = (
        {},
        {"enable_exploration": False},
        {"use_calibration": True},
        {"more_of": ["41-2"], "limit_per_bucket": 5},
        {"use_calibration": True, "more_of": ["41-2"], "limit_per_bucket": 3},
    )
    events = []
    for number, chosen in enumerate(options):
        events += [event_of(drawn(profile, seed, model_version=model, **chosen)) for seed in range(6)]
        services.record_feedback(event_id=hiding.event_id, code=everything(hiding)[number].onet_code, action="hide")

    # Neither other settings, nor another curve, nor other answers reach back.
    settings.EXPLORATION_EPSILON, settings.EXPLORATION_POOL, settings.LIMIT_PER_BUCKET = 0.0, 1, 1
    settings.READY_NOW_MATCH_THRESHOLD, settings.V2_THRESHOLDS = 99, settings.V2_THRESHOLDS | {"ready_readiness": 99}
    make_curve("ramp-2", model_version=model)
    profile_services.set_current_occupation(profile, DEVELOPER)
    for event in events:
        choice = services.replay(event)
        assert places_chosen(choice, get_catalogue().jobs.codes) == places_of(event)
        assert {tier: len(pool) for tier, pool in choice.pools.items()} == event.pool_sizes
    assert len({frozenset(places_of(event)) for event in events}) > len(options)


def test_another_seed_draws_another_list(settings):
    settings.EXPLORATION_EPSILON = 1.0
    event = event_of(drawn(make_profile(CASHIER), 0))
    event.seed += 1
    draws = set()
    for event.seed in range(20):
        draws.add(frozenset(places_chosen(services.replay(event), get_catalogue().jobs.codes)))
    assert len(draws) > 5


def test_what_is_gone_cannot_be_replayed():
    make_curve()
    profile = make_profile(CASHIER)
    plain, calibrated = (event_of(drawn(profile, 0, use_calibration=use)) for use in (False, True))
    Curve.objects.update(artifact=b"rubbish")
    with pytest.raises(services.ReplayError, match="no longer there"):
        services.replay(calibrated)
    Curve.objects.all().delete()
    with pytest.raises(services.ReplayError):
        services.replay(calibrated)
    services.replay(plain)
    plain.model_version = "v9"
    with pytest.raises(services.ReplayError):
        services.replay(plain)
    plain.model_version = V2
    CatalogueState.advance()
    with pytest.raises(services.ReplayError):
        services.replay(plain)


@pytest.mark.parametrize("off", ["setting", "person", "request"])
def test_exploration_is_switched_off(off, settings):
    settings.EXPLORATION_EPSILON = 0.0 if off == "setting" else 1.0
    profile = make_profile(CASHIER, allow_exploration=off != "person")
    plain = services.recommend(profile_services.answers(profile), limit_per_bucket=2)
    for seed in range(20):
        advice = drawn(profile, seed, enable_exploration=off != "request")
        assert replace(advice, event_id=None) == plain
        event = event_of(advice)
        assert (event.epsilon, event.pools, set(event.pool_sizes.values())) == (0.0, {}, {0})
        assert all(item.propensity == 1 and not item.is_exploration for item in event.items.all())


@both_models
def test_the_lot_never_draws_what_is_hidden_or_behind_a_licence(model, settings):
    settings.EXPLORATION_EPSILON = 1.0
    profile = make_profile(CASHIER)
    everywhere = services.make_event(profile, limit_per_bucket=100)
    services.record_feedback(event_id=everywhere.event_id, code=WELDER, action="hide")
    licensed = set(Licence.objects.values_list("occupations", flat=True))
    assert licensed == {NURSE, PRACTICAL_NURSE}
    lots = set()
    for seed in range(40):
        advice = drawn(profile, seed, model_version=model)
        assert WELDER not in codes(advice)
        # Where nothing else is left for the last place there is no lot, and the list is the plain one.
        lots |= {advice.buckets[tier][-1].onet_code for tier, size in advice.pool_sizes.items() if size}
    assert not lots & licensed
    assert len(lots) > 3

    for licence in Licence.objects.all():
        profile.licences.add(licence)
    with_licences = {
        item.onet_code
        for seed in range(40)
        for items in drawn(profile, seed, model_version=model).buckets.values()
        for item in items
    }
    assert with_licences & licensed


def test_the_lot_never_draws_what_the_pages_fold_away(settings):
    settings.EXPLORATION_EPSILON = 1.0
    profile = make_profile(TESTER)
    everywhere = services.make_event(profile, limit_per_bucket=100)
    folded = {item.onet_code for item in everything(everywhere) if item.above_level}
    assert len(folded) > 3
    lots = set()
    for seed in range(20):
        advice = drawn(profile, seed)
        lots |= {advice.buckets[tier][-1].onet_code for tier, size in advice.pool_sizes.items() if size}
        event = event_of(advice)
        assert places_chosen(services.replay(event), get_catalogue().jobs.codes) == places_of(event)
    assert lots
    assert not lots & folded


def test_jobs_come_as_often_as_their_stored_propensities_say(settings):
    """By simulation: frequencies, and 1 / p, whose mean is the size of the pool."""
    settings.EXPLORATION_EPSILON = 0.5
    profile, n = make_profile(CASHIER), 300
    shown, logged, sizes = Counter(), {}, {}
    inverse = Counter()
    for seed in range(n):
        event = event_of(drawn(profile, seed, model_version=V1))
        sizes |= event.pool_sizes
        for item in event.items.filter(position=2):
            shown[item.occupation_id] += 1
            inverse[item.tier] += 1 / item.propensity
            assert logged.setdefault((item.tier, item.occupation_id), item.propensity) == item.propensity
    for tier, size in sizes.items():
        p = {code: propensity for (of_tier, code), propensity in logged.items() if of_tier == tier}
        if size == 0:
            continue
        assert len(p) == size, "each job of the pool has come up"
        assert sum(p.values()) == pytest.approx(1)
        assert inverse[tier] / n == pytest.approx(size, rel=0.25)
        for code, propensity in p.items():
            off = abs(shown[code] / n - propensity)
            assert off < 4.5 * np.sqrt(propensity * (1 - propensity) / n) + 1e-9
    assert max(sizes.values()) >= 3


@both_models
def test_a_stored_propensity_is_exact(model, settings):
    settings.EXPLORATION_EPSILON = 0.25
    profile = make_profile(CASHIER)
    seen = set()
    for seed in range(25):
        event = event_of(drawn(profile, seed, model_version=model))
        for item in event.items.all():
            size = event.pool_sizes[item.tier]
            if item.position == 1 or size == 0:
                assert item.propensity == 1
            elif item.is_exploration:
                assert item.propensity == 0.25 / size
            else:
                assert item.propensity == 1 - 0.25 + 0.25 / size
            seen.add((item.position, item.is_exploration))
    assert seen == {(1, False), (2, False), (2, True)}
