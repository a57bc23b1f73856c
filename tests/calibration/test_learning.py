"""The whole way at small size: people with a known truth use the services, and what is learnt serves others."""

from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.management import call_command
from django.test import override_settings

from calibration.curves import metrics
from calibration.curves.features import NAMES
from calibration.curves.labels import Target
from calibration.curves.world import World
from calibration.dataset import read_dataset
from calibration.models import CalibrationModel
from calibration.reports import BY_LOT, BY_SCORE, build_report
from calibration.services import SimulatedOnRealError, train
from calibration.simulation import simulate_feedback
from calibration.slots import best_by_score, choice_labels, labelled, uniform
from recommendations.models import Feedback, RecommendedItem
from recommendations.services import load_curve, make_event
from tests.calibration.truths import of_items, of_pools, read_truth
from tests.factories import COOK, NURSE, PRACTICAL_NURSE, WORLD, make_profile, make_world
from tests.factories import make_event as make_list

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 230
# Of a dozen jobs people see few, so their tastes are strong: otherwise it would take more people than a test can bear.
DECIDED = World(level=-1.0, fit=1.5, gap=-1.0, zone=-0.8, person_sd=0.4, taste_sd=0.2, job_sd=0.2)
SETTINGS = {"LIMIT_PER_BUCKET": 3, "EXPLORATION_EPSILON": 0.55, "MODEL_VERSION": "v2_level"}


@pytest.fixture(scope="module")
def truth_file(django_db_setup, django_db_blocker, tmp_path_factory):
    """Fill the database once for all tests of this file, and empty it after them; return the truth's file."""
    truth = tmp_path_factory.mktemp("simulation") / "truth.json"
    with django_db_blocker.unblock(), override_settings(**SETTINGS):
        make_world()
        simulate_feedback(people=PEOPLE, seed=1, until=UNTIL, truth=truth, world=DECIDED)
        try:
            yield truth
        finally:
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(autouse=True)
def _as_simulated(truth_file, db, settings):
    for name, value in SETTINGS.items():
        setattr(settings, name, value)


@pytest.fixture
def champion():
    train(traffic="simulated", now=UNTIL)
    return CalibrationModel.objects.champions().get(target="interest")


def read():
    return read_dataset(model_version="v2_level", traffic="simulated", now=UNTIL)


def test_what_was_learnt_serves_with_intervals_and_reorders_within_tiers(champion):
    reordered = False
    for job in WORLD[:-1]:
        profile = make_profile(job.code, traffic="simulated")
        plain = make_event(profile)
        calibrated = make_event(profile, use_calibration=True)

        assert calibrated.calibration == champion.version
        assert calibrated.totals == plain.totals
        for tier, shown in calibrated.buckets.items():
            p = [recommendation.calibrated_probability for recommendation in shown]
            assert p == sorted(p, reverse=True)
            for recommendation in shown:
                assert 0 < recommendation.calibrated_low < recommendation.calibrated_probability
                assert recommendation.calibrated_probability < recommendation.calibrated_high < 1
            before = [recommendation.onet_code for recommendation in plain.buckets[tier]]
            reordered |= [recommendation.onet_code for recommendation in shown] != before
    assert reordered
    assert plain.calibration != champion.version
    assert all(one.calibrated_probability is None for shown in plain.buckets.values() for one in shown)


def test_what_was_learnt_is_nearer_the_truth_on_other_people(champion, tmp_path):
    truth = tmp_path / "others.json"
    simulate_feedback(people=80, seed=2, until=UNTIL, truth=truth, world=DECIDED)
    dataset = read()
    samples, rows = dataset.samples(Target.INTEREST)
    true = of_items(dataset, read_truth(truth))[rows]
    others = ~np.isnan(true)
    samples, true = samples.take(others), true[others]
    assert len(np.unique(samples.person)) > 70

    p = load_curve(champion.curve).probability(samples.features, samples.position)
    score = samples.features[:, NAMES.index("base_score")] / 100
    constant = np.full(len(p), champion.base_rate)

    def error(guess):
        return np.mean((guess - true) ** 2)

    assert error(p) < 0.7 * error(constant)
    assert error(p) < 0.7 * error(score)
    assert metrics.brier(p, samples.label) < metrics.brier(constant, samples.label)
    assert metrics.brier(p, samples.label) < metrics.brier(score, samples.label)


def test_shuffled_answers_are_rejected():
    shuffle_answers()
    run = train(traffic="simulated", now=UNTIL)

    assert run.state == "done"
    assert not CalibrationModel.objects.champions().exists()
    rejected = CalibrationModel.objects.get(run=run, target="interest")
    assert rejected.state == "rejected"
    assert any("not surely better than the constant" in reason for reason in rejected.reasons)
    calibrated = make_event(make_profile(NURSE, traffic="simulated"), use_calibration=True)
    assert calibrated.calibration == "not calibrated yet"


@pytest.mark.parametrize("policy", [BY_SCORE, BY_LOT])
def test_the_report_recovers_what_other_policies_would_have_been_worth(policy, truth_file):
    dataset = read()
    report = build_report(dataset, target=Target.INTEREST, curve=None, seed=0)
    found = {row["estimator"]: row for row in report["off_policy"] if row["policy"] == policy}

    chances = {BY_SCORE: best_by_score, BY_LOT: uniform}[policy](dataset)
    counted = labelled(dataset, choice_labels(dataset, Target.INTEREST))
    value = np.nansum(chances * of_pools(dataset, read_truth(truth_file)), axis=1)[counted].mean()
    assert set(found) == {"ips", "snips", "dr"}
    for row in found.values():
        assert row["enough"]
        assert row["low"] < value < row["high"]
    # What would be shown otherwise is worth something else than what was shown: the estimates had work to do.
    assert found["snips"]["high"] - found["snips"]["low"] < 0.2


def test_the_policies_differ_in_worth(truth_file):
    dataset = read()
    pools = of_pools(dataset, read_truth(truth_file))

    assert (
        np.nansum(best_by_score(dataset) * pools, axis=1).mean() > 1.1 * np.nansum(uniform(dataset) * pools, 1).mean()
    )


def test_nothing_is_learnt_from_simulated_people_beside_a_real_one():
    make_list(make_profile(COOK, traffic="person"), codes=(PRACTICAL_NURSE,))

    with pytest.raises(SimulatedOnRealError):
        train(traffic="simulated", now=UNTIL)


def shuffle_answers():
    """Give the answers of each job shown to another one, as long after it was shown."""
    items = list(RecommendedItem.objects.select_related("event").order_by("event__created_at", "tier", "position"))
    others = dict(zip(items, np.random.default_rng(0).permutation(items), strict=True))
    told = list(Feedback.objects.exclude(action="undo").select_related("item__event"))
    Feedback.objects.all().delete()
    for feedback in told:
        after = feedback.happened_at - feedback.item.event.created_at
        feedback.pk, feedback.item = None, others[feedback.item]
        feedback.happened_at = feedback.item.event.created_at + after
    Feedback.objects.bulk_create(told)
