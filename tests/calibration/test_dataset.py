"""What calibration reads from the database, and which answer belongs to which recommended job."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from calibration.curves.features import NAMES
from calibration.curves.labels import NO_LABEL, Action, Maturity, Target
from calibration.curves.simulate import simulate
from calibration.dataset import read_dataset
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.calibration.stored import AFTER, START, store
from tests.calibration.studies import samples_of
from tests.factories import (
    NURSE,
    WELDER,
    OccupationFactory,
    make_event,
    make_feedback,
    make_profile,
    make_user,
)

pytestmark = pytest.mark.django_db

SHOWN = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = SHOWN + timedelta(days=200)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _jobs(db):
    for code in (NURSE, WELDER):
        OccupationFactory.create(code=code)


def make_list(*codes, profile=None, shown=SHOWN, model_version="v2_level", **overrides):
    """A list of a person's with these jobs, and its items."""
    profile = profile or make_profile(traffic="person")
    event = make_event(profile, codes=codes, created_at=shown, model_version=model_version, **overrides)
    return list(event.items.order_by("position"))


def answer(item, action, *, days=1.0, **overrides):
    return make_feedback(item, action, happened_at=item.event.created_at + timedelta(days=days), **overrides)


def read(**options):
    return read_dataset(**{"model_version": "v2_level", "traffic": "person", "now": LATER} | options)


def test_feedback_labels_the_list_it_belongs_to_and_not_the_same_occupation_elsewhere():
    # Both people were shown the nurse and the welder, in different places; only the second saved the nurse.
    first = make_list(NURSE, WELDER)
    second = make_list(WELDER, NURSE)
    answer(first[0], "view")
    answer(first[1], "hide")
    answer(second[0], "view")
    answer(second[1], "save")
    # So was the first, a month later.
    again = make_list(NURSE, WELDER, profile=first[0].event.profile, shown=SHOWN + 30 * DAY)
    answer(again[0], "view")

    dataset = read()

    labels = dict(zip(dataset.item.tolist(), dataset.labels(Target.INTEREST).tolist(), strict=True))
    assert labels == {
        first[0].pk: 0,
        first[1].pk: 0,
        second[0].pk: 0,
        second[1].pk: 1,
        again[0].pk: 0,
        again[1].pk: NO_LABEL,
    }


def test_arrays_say_what_was_stored():
    item, other = make_list(NURSE, WELDER)
    RecommendedItem.objects.filter(pk=item.pk).update(
        tier="TRAINABLE", propensity=0.25, is_exploration=True, features={"fit": 71.5, "readiness": None, "parts": {}}
    )
    answer(item, "click", days=0.5)
    answer(other, "apply", days=2, withdrawn_at=SHOWN + 3 * DAY)

    dataset = read()

    assert dataset.item.tolist() == [item.pk, other.pk]
    assert dataset.tier.tolist() == [1, 0]
    assert [dataset.codes[number] for number in dataset.occupation] == [NURSE, WELDER]
    assert dataset.position.tolist() == [1, 2]
    assert dataset.propensity.tolist() == [0.25, 1]
    assert dataset.profiles == (item.event.profile_id,)
    assert dataset.features[0, NAMES.index("fit")] == 71.5
    assert np.isnan(dataset.features).sum() == 2 * len(NAMES) - 1
    clicked, applied = np.argsort(dataset.feedback_item)
    assert dataset.feedback_item[[clicked, applied]].tolist() == [0, 1]
    assert dataset.action[[clicked, applied]].tolist() == [Action.CLICK, Action.APPLY]
    assert dataset.withdrawn[[clicked, applied]].tolist() == [False, True]
    days = (SHOWN - datetime(1970, 1, 1, tzinfo=UTC)) / DAY
    assert dataset.shown_days.tolist() == [days, days]
    assert dataset.happened_days[[clicked, applied]].tolist() == pytest.approx([days + 0.5, days + 2])
    assert dataset.now_days == pytest.approx(days + 200)


def test_figures_that_are_no_finite_numbers_are_unknown():
    (item,) = make_list(NURSE)
    RecommendedItem.objects.filter(pk=item.pk).update(features={"fit": 10**400, "knowledge": 3})
    dataset = read()
    assert np.isnan(dataset.features[0, NAMES.index("fit")])
    assert dataset.features[0, NAMES.index("knowledge")] == 3


def test_undoing_is_not_an_action():
    (item,) = make_list(NURSE)
    saved = answer(item, "save", withdrawn_at=SHOWN + 2 * DAY)
    answer(item, "undo", days=2, undoes=saved)
    assert read().action.tolist() == [Action.SAVE]


@pytest.mark.parametrize("traffic", ["demo", "test", "staff", "simulated"])
def test_only_the_traffic_that_is_asked_for_is_read(traffic):
    (of_person,) = make_list(NURSE)
    (other,) = make_list(NURSE, profile=make_profile(traffic=traffic))
    answer(other, "save")

    assert read().item.tolist() == [of_person.pk]
    assert len(read().feedback_item) == 0
    assert read(traffic=traffic).item.tolist() == [other.pk]


def test_whoever_is_staff_by_now_is_left_out():
    staff = make_profile(traffic="person", user=make_user(is_staff=True))
    answer(make_list(NURSE, profile=staff)[0], "save")
    (of_account,) = make_list(NURSE, profile=make_profile(traffic="person", user=make_user()))
    (anonymous,) = make_list(NURSE)

    dataset = read()

    assert dataset.item.tolist() == [of_account.pk, anonymous.pk]
    assert len(dataset.feedback_item) == 0


def test_other_models_and_other_times_are_left_out():
    (item,) = make_list(NURSE)
    answer(item, "save")
    answer(item, "apply", days=300)
    answer(make_list(NURSE, model_version="v1_baseline")[0], "save")
    answer(make_list(NURSE, shown=SHOWN - DAY)[0], "save")
    answer(make_list(NURSE, shown=LATER + DAY)[0], "save")

    dataset = read(since=SHOWN)

    assert dataset.item.tolist() == [item.pk]
    assert dataset.action.tolist() == [Action.SAVE]
    assert len(read()) == 2


def test_an_accounts_profiles_are_one_person_and_anonymous_ones_are_people_of_their_own():
    account = make_user()
    for profile in (
        make_profile(traffic="person", user=account),
        make_profile(traffic="person"),
        make_profile(traffic="person", user=account),
        make_profile(traffic="person"),
    ):
        make_list(NURSE, WELDER, profile=profile)

    dataset = read()

    assert dataset.person.tolist() == [0, 0, 1, 1, 0, 0, 2, 2]
    assert dataset.profile.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert dataset.event.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(set(dataset.profiles)) == 4


def test_in_a_list_with_impressions_only_what_was_painted_or_acted_on_was_seen():
    items = make_list(NURSE, WELDER, *others(3))
    answer(items[1], "view")
    answer(items[3], "save")
    answer(items[4], "click", withdrawn_at=SHOWN + DAY)
    assert read().seen.tolist() == [False, True, False, True, False]


def test_in_a_list_without_impressions_nothing_is_known_to_have_been_seen():
    """What was acted on was; but what is known because of the answer would make every such job a success."""
    items = make_list(NURSE, WELDER, *others(3))
    answer(items[1], "save")
    dataset = read()
    assert not dataset.seen.any()
    assert (dataset.labels(Target.INTEREST) == NO_LABEL).all()
    answer(items[0], "view")
    assert read().labels(Target.INTEREST).tolist() == [0, 1, *3 * [NO_LABEL]]


def others(number):
    return [OccupationFactory.create().code for _ in range(number)]


def test_a_jobs_time_begins_when_it_was_first_seen():
    items = make_list(NURSE, WELDER)
    answer(items[0], "view", days=20.0)
    answer(items[0], "save", days=21.0)
    answer(items[1], "save", days=21.0)
    dataset = read()
    assert (dataset.shown_days - SHOWN.timestamp() / 86400).tolist() == [20, 0]
    assert dataset.labels(Target.INTEREST).tolist() == [1, 0]


def test_what_was_saved_is_no_failure_in_the_persons_next_list():
    profile = make_profile(traffic="person")
    first = make_list(NURSE, WELDER, profile=profile)
    more = make_list(NURSE, WELDER, profile=profile, shown=SHOWN + DAY / 24)
    for item in [*first, *more]:
        answer(item, "view", days=0.0)
    answer(first[0], "save", days=0.01)
    stranger = make_list(NURSE)
    answer(stranger[0], "view", days=1.0)
    assert read().labels(Target.INTEREST).tolist() == [1, NO_LABEL, NO_LABEL, 0, 0]


def test_maturity_is_the_settings_or_what_is_given(settings):
    (item,) = make_list(NURSE, shown=LATER - 10 * DAY)
    answer(item, "save")
    answer(item, "view")
    assert read().labels(Target.INTEREST).tolist() == [NO_LABEL]
    assert read().labels(Target.INTEREST, Maturity(save_days=5, apply_days=5)).tolist() == [1]
    settings.LABEL_MATURITY = {"save_days": 3, "apply_days": 3, "interview_days": 3, "offer_days": 3}
    assert read().labels(Target.INTEREST).tolist() == [1]


@pytest.mark.parametrize("target", list(Target))
def test_stored_answers_give_the_samples_that_the_arrays_give(target):
    history = simulate(60, 0)
    profiles, items = store(history)
    expected, _ = samples_of(history, target)

    dataset = read_dataset(model_version="v2_level", traffic="person", now=AFTER)
    samples, rows = dataset.samples(target)

    assert dataset.item.tolist() == items
    assert (dataset.item[rows] == np.array(items)[dataset.labels(target) != NO_LABEL]).all()
    assert samples.label.tolist() == expected.label.tolist()
    assert samples.position.tolist() == expected.position.tolist()
    assert np.allclose(samples.features, expected.features, atol=1e-4)
    assert samples.shown_days - START.timestamp() / 86400 == pytest.approx(expected.shown_days)
    of_person = [profiles[number] for number in history.person]
    assert [dataset.profiles[number] for number in dataset.profile] == of_person
    assert (dataset.person == dataset.profile).all()


def test_slots_are_the_last_places_with_what_they_could_have_shown():
    history = simulate(40, 1, pool_size=6)
    store(history)

    slots = read_dataset(model_version="v2_level", traffic="person", now=AFTER).slots

    assert slots.item.tolist() == history.slot.tolist()
    assert slots.chosen.tolist() == history.chosen.tolist()
    assert slots.size.tolist() == [6] * len(history.slot)
    assert slots.epsilon.tolist() == [0.2] * len(history.slot)
    assert np.allclose(slots.pool, history.pool, atol=1e-4)


def test_smaller_pools_are_padded_and_what_gives_no_choice_is_no_slot():
    def with_pools(items, **pools):
        sizes = {tier: len(pool.get("codes", ())) for tier, pool in pools.items()}
        RecommendationEvent.objects.filter(pk=items[0].event_id).update(epsilon=0.1, pools=pools, pool_sizes=sizes)

    two = make_list(NURSE, WELDER)
    with_pools(two, READY_NOW={"codes": [NURSE, WELDER], "fit": [50, 40], "knowledge": [None, 1]})
    three = make_list(WELDER, NURSE)
    codes = [NURSE, *others(2)]
    with_pools(three, READY_NOW={"codes": codes, "fit": [30, 20, 10]}, TRAINABLE={"codes": codes[1:]})
    with_pools(make_list(NURSE), READY_NOW={"codes": [NURSE]})
    with_pools(make_list(NURSE), READY_NOW={"codes": codes[1:], "fit": [2, 1]})
    make_list(NURSE)

    slots = read().slots

    fit = slots.pool[:, :, NAMES.index("fit")]
    assert slots.item.tolist() == [1, 3]
    assert slots.chosen.tolist() == [1, 0]
    assert slots.size.tolist() == [2, 3]
    assert np.array_equal(fit, [[50, 40, np.nan], [30, 20, 10]], equal_nan=True)
    assert slots.pool[0, 1, NAMES.index("knowledge")] == 1
    assert np.isnan(slots.pool[:, :, NAMES.index("gap_severity")]).all()


def test_nothing_stored_is_an_empty_dataset():
    dataset = read()
    samples, rows = dataset.samples(Target.INTEREST)
    assert len(dataset) == len(samples) == len(rows) == len(dataset.slots.item) == 0
    assert dataset.features.shape == (0, len(NAMES))
    assert dataset.slots.pool.shape == (0, 0, len(NAMES))
    assert dataset.profiles == dataset.codes == ()


def test_reading_takes_few_queries(django_assert_max_num_queries):
    store(simulate(30, 2))
    with django_assert_max_num_queries(4):
        read_dataset(model_version="v2_level", traffic="person", now=AFTER)


def test_items_come_in_the_order_of_their_keys_whatever_list_they_are_in(monkeypatch):
    monkeypatch.setattr("calibration.dataset.ROWS_AT_ONCE", 2)
    profile = make_profile(traffic="person")
    events = [make_event(profile, created_at=SHOWN, model_version="v2_level", pk=uuid.UUID(int=9 - n)) for n in (1, 2)]
    items = [
        RecommendedItem.objects.create(
            event=events[number % 2],
            occupation_id=code,
            tier="READY_NOW",
            position=number + 1,
            base_score=1,
            match_score=1,
            gap_severity=1,
            features={"fit": number},
        )
        for number, code in enumerate(others(6))
    ]
    answer(items[4], "save")

    dataset = read()

    assert dataset.item.tolist() == [item.pk for item in items]
    assert dataset.features[:, NAMES.index("fit")].tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.event.tolist() == [0, 1, 0, 1, 0, 1]
    assert dataset.feedback_item.tolist() == [4]
    assert Feedback.objects.get().item == items[4]
