"""Which stored list the pages show: the newest, as long as it is what they would make now."""

import pytest

from occupations.models import CatalogueState, Occupation, Release
from profiles import services as profile_services
from recommendations import services
from recommendations.models import RecommendationEvent, RecommendedItem
from tests.factories import (
    CASHIER,
    NURSE,
    SALESPERSON,
    WELDER,
    make_copies,
    make_profile,
    make_world,
    refresh_catalogue,
)
from tests.recommendations.listed import codes, everything

V1, V2 = services.MODELS
pytestmark = pytest.mark.django_db
both_models = pytest.mark.parametrize("model", services.MODELS)


@pytest.fixture(autouse=True)
def world() -> Release:
    return make_world()


def made(profile, **options):
    """Make a list as a program may ask for it that does what the pages do."""
    return services.make_event(profile, **{"use_calibration": True, "enable_exploration": True} | options)


@both_models
@pytest.mark.parametrize("limit", [10, 30])
def test_the_newest_list_is_shown_again_as_it_is_stored(model, limit, settings):
    settings.MODEL_VERSION = model
    profile = make_profile(CASHIER, {"2.A.1.a": 3})
    newest = made(profile, limit_per_bucket=limit)
    services.record_feedback(event_id=newest.event_id, code=everything(newest)[0].onet_code, action="hide")
    assert services.latest_advice(profile) == newest
    assert RecommendationEvent.objects.count() == 1


def test_what_was_stored_counts():
    profile = make_profile(CASHIER)
    item = RecommendedItem.objects.filter(event=made(profile).event_id).first()
    RecommendedItem.objects.filter(pk=item.pk).update(calibrated_probability=0.25, propensity=0.5)
    found = next(i for i in everything(services.latest_advice(profile)) if i.onet_code == item.occupation_id)
    assert (found.calibrated_probability, found.propensity) == (0.25, 0.5)


def test_changed_answers_make_a_new_list():
    profile = make_profile(CASHIER)
    first = services.latest_advice(profile)
    profile_services.save_ratings(profile, {"2.A.1.a": 4})
    second = services.latest_advice(profile)
    assert second.event_id != first.event_id
    assert "You rated 1 of 35 skills." in second.notes


def test_new_data_makes_a_new_list():
    profile = make_profile(CASHIER)
    first = services.latest_advice(profile)
    Occupation.objects.filter(pk=SALESPERSON).update(hidden=True)
    CatalogueState.advance()
    second = services.latest_advice(profile)
    assert second.event_id != first.event_id
    assert SALESPERSON not in codes(second)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("READY_NOW_MATCH_THRESHOLD", 80),
        ("EXPLORATION_EPSILON", 0.0),
        ("EXPLORATION_EPSILON", 0.2),
        ("EXPLORATION_POOL", 3),
        ("MODEL_VERSION", V2),
        ("LIMIT_PER_BUCKET", 11),
    ],
)
def test_another_setting_makes_a_new_list(setting, value, settings):
    settings.MODEL_VERSION = V1
    profile = make_profile(CASHIER)
    first = services.latest_advice(profile)
    assert services.latest_advice(profile) == first

    setattr(settings, setting, value)

    second = services.latest_advice(profile)
    assert second.event_id != first.event_id
    assert services.latest_advice(profile) == second


def test_a_shorter_list_than_before_is_no_reason_for_a_new_one(settings):
    profile = make_profile(CASHIER)
    first = services.latest_advice(profile)
    settings.LIMIT_PER_BUCKET = 5
    assert services.latest_advice(profile) == first


@pytest.mark.parametrize(
    "asked",
    [{"model_version": V1}, {"limit_per_bucket": 1}, {"enable_exploration": False}],
    ids=lambda asked: next(iter(asked)),
)
def test_what_a_program_asked_for_does_not_change_the_page(asked):
    profile = make_profile(CASHIER)
    by_program = made(profile, **asked)

    shown = services.latest_advice(profile)

    assert shown.event_id != by_program.event_id
    assert (shown.model_version, shown.epsilon) == (V2, 0.1)
    assert len(everything(shown)) == sum(min(total, 10) for total in shown.totals.values())


@pytest.mark.parametrize("group", ["29-１", "٢٩-1", "291"])
def test_a_program_names_groups_in_plain_digits(group, client):
    path = f"/api/v1/user/{make_profile(CASHIER).pk}/recommendations"
    answer = client.post(path, {"more_of": [group]}, content_type="application/json")
    assert (answer.status_code, RecommendationEvent.objects.count()) == (422, 0)


def test_whoever_switches_the_lots_off_sees_none_from_then_on(settings):
    settings.EXPLORATION_EPSILON = 1.0
    settings.LIMIT_PER_BUCKET = 2
    profile = make_profile(CASHIER)
    assert services.latest_advice(profile).epsilon == 1.0
    # Not by a form, which would also say that the answers have changed.
    type(profile).objects.filter(pk=profile.pk).update(allow_exploration=False)
    profile.refresh_from_db()

    shown = services.latest_advice(profile)

    assert shown.epsilon == 0.0
    assert not any(item.is_exploration or item.propensity < 1 for item in everything(shown))
    assert services.latest_advice(profile) == shown


def test_the_pages_explore_unless_the_person_does_not_want_it(settings):
    settings.EXPLORATION_EPSILON = 1.0
    assert services.latest_advice(make_profile(CASHIER)).epsilon == 1.0
    assert services.latest_advice(make_profile(CASHIER, allow_exploration=False)).epsilon == 0.0


def test_what_gave_way_to_variety_is_remembered(world, settings):
    """Seven copies of the nurses' job: three are shown, and hiding one of those changes nothing in this list."""
    settings.EXPLORATION_EPSILON = 0.0
    settings.LIMIT_PER_BUCKET = 4
    make_copies(NURSE, [f"29-1{number}00.00" for number in range(7)])
    refresh_catalogue(world)
    profile = make_profile(NURSE)
    assert made(profile, limit_per_bucket=10).held_back["READY_NOW"] == {"29-1": 4}
    newest = made(profile)
    assert newest.held_back["READY_NOW"] == {"29-1": 1}
    services.record_feedback(event_id=newest.event_id, code=newest.buckets["READY_NOW"][0].onet_code, action="hide")
    assert services.latest_advice(profile) == newest
    more = made(profile, limit_per_bucket=10, more_of=["29-1"])
    assert more.held_back["READY_NOW"] == {}
    assert sum(item.onet_code.startswith("29-1") for item in more.buckets["READY_NOW"]) == 6
    assert services.latest_advice(profile) == more


@both_models
@pytest.mark.parametrize("limit", [1, 100])
def test_queries_are_bounded_whatever_the_limit(model, limit, settings, django_assert_max_num_queries):
    settings.MODEL_VERSION, settings.LIMIT_PER_BUCKET = model, limit
    profile = make_profile(CASHIER, {"2.A.1.a": 3}, past=(WELDER,))
    first = services.latest_advice(profile)
    with django_assert_max_num_queries(7):
        assert services.latest_advice(profile) == first
