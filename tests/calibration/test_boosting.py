import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from calibration.curves import ladder
from calibration.curves.boosting import _grow, _tree_inputs
from calibration.curves.features import Rung, choose_inputs
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
