from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr
from threadpoolctl import threadpool_limits

from calibration.curves import boosting, ladder
from calibration.curves.boosting import N_TREES, _grow, _tree_inputs
from calibration.curves.features import NAMES, Rung, choose_inputs
from calibration.curves.metrics import equal_mass_bins
from calibration.curves.resampling import binned_intervals
from calibration.curves.samples import folds
from calibration.curves.trees import trees_of
from tests.calibration.arrays import make_features, make_samples, random_samples


def test_boosting_follows_a_step_that_no_line_can():
    rng = np.random.default_rng(5)
    fit = rng.uniform(0, 100, 6000)
    label = (rng.random(6000) < np.where(fit > 70, 0.8, 0.2)).astype(int)
    samples = make_samples(label, fit=fit, readiness=rng.normal(size=6000))
    asked = make_features(3, fit=[10.0, 60.0, 80.0], readiness=0.0)

    boosted = ladder.train(samples, Rung.BOOSTING, seed=0).probability(asked)

    assert boosted == pytest.approx([0.2, 0.2, 0.8], abs=0.06)
    assert abs(ladder.train(samples, Rung.LOGISTIC, seed=0).probability(asked)[1] - 0.2) > 0.15


def test_trees_of_our_own_are_those_of_the_estimator():
    samples = random_samples(0, position_weight=-0.8)
    inputs = choose_inputs(samples.features, Rung.BOOSTING)
    table = _tree_inputs(inputs, samples.features, samples.position, 2.0)
    with threadpool_limits(1):
        estimator = _grow(table, samples.label, inputs, 0)
    rng = np.random.default_rng(6)
    asked = rng.normal(0, 2, (5000, table.shape[1]))
    thresholds = trees_of(estimator).threshold
    asked[::2] = rng.choice(thresholds[np.isfinite(thresholds)], asked[::2].shape)  # a tie goes left

    assert trees_of(estimator).log_odds(asked) == pytest.approx(estimator.decision_function(asked), abs=1e-9)
    assert trees_of(estimator).log_odds(asked[:0]).shape == (0,)


def test_boosting_is_calibrated_by_people_it_had_not_seen():
    # Only memory could tell these labels: the features are numbers that stand for people.
    rng = np.random.default_rng(8)
    person = np.repeat(np.arange(300), 20)
    label = (rng.random(300) < 0.5).astype(int)[person]
    samples = make_samples(
        label, person=person, fit=rng.permutation(300)[person], shortfall=rng.permutation(300)[person]
    )

    curve = ladder.train(samples, Rung.BOOSTING, seed=0)

    remembered = curve.trees.log_odds(_tree_inputs(curve.inputs, samples.features, None, 1.0))
    assert np.std(remembered) > 0.3
    assert np.std(curve.probability(samples.features)) < 0.05


def test_place_moves_the_log_odds_of_all_jobs_alike():
    rng = np.random.default_rng(9)
    fit, position = rng.uniform(0, 100, 6000), rng.choice([1.0, 9.0], 6000)
    rate = np.where((fit > 50) & (position == 1), 0.8, 0.2)
    samples = make_samples((rng.random(6000) < rate).astype(int), position=position, fit=fit)
    asked = make_features(5, fit=[5.0, 30.0, 45.0, 60.0, 95.0])

    curve = ladder.train(samples, Rung.BOOSTING, seed=0)

    moved = logit(curve.probability(asked, np.ones(5))) - logit(curve.probability(asked, np.full(5, 9.0)))
    assert moved == pytest.approx(moved[0], abs=1e-9)
    assert moved[0] > 0.5


def test_noise_does_not_stop_the_trees_early():
    rng = np.random.default_rng(10)
    samples = make_samples(rng.integers(0, 2, 400), fit=rng.normal(size=400))
    inputs = choose_inputs(samples.features, Rung.BOOSTING)

    with threadpool_limits(1):
        estimator = _grow(_tree_inputs(inputs, samples.features, None, 1.0), samples.label, inputs, 0)

    assert estimator.n_iter_ == N_TREES


def test_width_is_of_the_rate_and_of_the_trees_that_had_not_seen_some_people():
    samples = random_samples(11, n_people=300, position_weight=-0.8)
    curve = ladder.train(samples, Rung.BOOSTING, seed=3)
    table = _tree_inputs(curve.inputs, samples.features, samples.position, curve.reference_position)
    fold = folds(samples.person, 3, 3)
    cross_fitted, without = np.empty(len(table)), []
    with threadpool_limits(1):
        for number in range(3):
            trees = trees_of(_grow(table[fold != number], samples.label[fold != number], curve.inputs, 3))
            at_reference = _tree_inputs(curve.inputs, samples.features, None, 1.0)
            intercept, slope = curve.calibration
            without.append(expit(intercept + slope * trees.log_odds(at_reference)))
            cross_fitted[fold == number] = expit(intercept + slope * trees.log_odds(table[fold == number]))
    mean = (without[0] + without[1] + without[2]) / 3
    variance = 2 / 3 * ((without[0] - mean) ** 2 + (without[1] - mean) ** 2 + (without[2] - mean) ** 2)
    p = curve.probability(samples.features)
    bins = equal_mass_bins(p, 20)
    numbers = range(bins.max() + 1)
    error = 1.959964 * np.interp(
        curve.centres,
        [p[bins == number].mean() for number in numbers],
        [np.sqrt(variance[bins == number].mean()) for number in numbers],
    )
    centres, below, above = binned_intervals(
        cross_fitted, samples.label, samples.person, equal_mass_bins(cross_fitted, 20)
    )

    assert curve.centres == pytest.approx(centres)
    assert curve.below == pytest.approx(np.sqrt(below**2 + error**2))
    assert curve.above == pytest.approx(np.sqrt(above**2 + error**2))
    assert np.median(error / below) > 0.3


def test_some_jobs_of_many_tell_about_the_same_width(monkeypatch):
    samples = random_samples(12, n_people=600)
    # In the order of their fit, the first 1000 would be no picture of all.
    samples = samples.take(np.argsort(samples.features[:, NAMES.index("fit")]))
    of_all = ladder.train(samples, Rung.BOOSTING, seed=0)
    monkeypatch.setattr(boosting, "ITEMS_FOR_ERRORS", 1000)

    of_some = ladder.train(samples, Rung.BOOSTING, seed=0)

    assert of_some.below != pytest.approx(of_all.below)
    assert of_some.below == pytest.approx(of_all.below, rel=0.25)


def test_an_answer_said_four_times_narrows_nothing():
    rng = np.random.default_rng(13)
    fit = rng.integers(1, 6, 1500) * 10.0
    label = (rng.random(1500) < fit / 60).astype(int)
    once = ladder.train(make_samples(label, fit=fit), Rung.BOOSTING, seed=0)

    person = np.repeat(np.arange(1500), 4)
    often = ladder.train(make_samples(label[person], person=person, fit=fit[person]), Rung.BOOSTING, seed=0)

    assert often.centres == pytest.approx(once.centres, abs=0.005)
    assert often.below == pytest.approx(once.below, rel=0.02)
    assert often.above == pytest.approx(once.above, rel=0.02)


def test_interval_reaches_down_and_up_as_far_as_its_bins_and_stays_within_0_and_1():
    samples = random_samples(14)
    curve = replace(
        ladder.train(samples, Rung.BOOSTING, seed=0),
        centres=np.array([0.2, 0.6]),
        below=np.array([0.05, 0.1]),
        above=np.array([0.2, 0.3]),
    )
    p = np.array([0.01, 0.2, 0.5, 0.95, np.nan])

    low, high = curve.interval(make_features(5), p)

    assert low == pytest.approx([0, 0.15, 0.4125, 0.85, np.nan], nan_ok=True)
    assert high == pytest.approx([0.21, 0.4, 0.775, 1, np.nan], nan_ok=True)


def test_intervals_hold_what_is_true_on_average():
    covered, of_best = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        person = np.repeat(np.arange(600), 10)
        fit, readiness, level = rng.normal(size=6000), rng.normal(size=6000), rng.normal(size=600)
        # Probit, where the average over people's levels is known: Phi(x / sqrt(2)).
        label = (fit + level[person] + rng.normal(size=6000) > 0.5).astype(int)
        curve = ladder.train(make_samples(label, person=person, fit=fit, readiness=readiness), Rung.BOOSTING, seed=0)
        asked = make_features(6000, fit=fit, readiness=readiness)
        p = curve.probability(asked)
        low, high = curve.interval(asked, p)
        true = ndtr((fit - 0.5) / np.sqrt(2))
        inside = (low <= true) & (true <= high)
        covered.append(inside.mean())
        of_best.append(inside[p >= np.quantile(p, 0.9)].mean())
        assert ((low >= 0) & (low <= p) & (p <= high) & (high <= 1)).all()

    assert np.mean(covered) > 0.9
    assert np.mean(of_best) > 0.85
