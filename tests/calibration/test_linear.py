import numpy as np
import pytest
from scipy.special import expit

from calibration.curves import ladder
from calibration.curves.features import NAMES, Rung
from calibration.curves.linear import platt_targets
from tests.calibration.arrays import make_features, make_samples, random_samples


def test_platt_targets_are_those_of_the_paper():
    # 3 positives, 5 negatives: 4/5 and 1/7.
    assert platt_targets(np.array([1, 0, 1, 0, 1, 0, 0, 0]))[:2].tolist() == [4 / 5, 1 / 7]


def test_platt_finds_the_line():
    samples = random_samples(1, n_people=20_000, per_person=1, weights={"fit": 0.7})

    curve = ladder.train(samples, Rung.PLATT, seed=0)

    assert curve.coefficients == pytest.approx([-0.5, 0.7, 0.0], abs=0.06)
    assert curve.inputs.names == ("fit",)


def test_the_penalty_of_the_logistic_curve_by_hand():
    # Ten jobs above the mean, nine of them wanted, and ten below it, one wanted: the intercept is 0.
    label = np.array([1] * 9 + [0] + [0] * 9 + [1])
    curve = ladder.train(make_samples(label, fit=[60.0] * 10 + [40.0] * 10), Rung.LOGISTIC, seed=0)
    intercept, slope, _ = curve.coefficients

    assert intercept == pytest.approx(0, abs=1e-6)
    assert 20 * (expit(slope) - 0.9) + 4 * slope == pytest.approx(0, abs=1e-5)


def test_platt_bears_labels_that_the_fit_separates():
    fit = np.arange(60.0)
    curve = ladder.train(make_samples((fit > 30).astype(int), fit=fit), Rung.PLATT, seed=0)

    p = curve.probability(make_features(60, fit=fit))
    assert 0 < p.min() < p.max() < 1


def test_logistic_finds_weights_and_the_pull_of_the_position():
    truth = {"fit": 0.8, "shortfall": -0.6, "job_zone_diff": -0.3}
    samples = random_samples(2, n_people=30_000, per_person=1, weights=truth, position_weight=-0.9)

    curve = ladder.train(samples, Rung.LOGISTIC, seed=0)

    found = {name: b for name, b, _, _ in curve.effects()}
    assert {name: found[name] for name in truth} == pytest.approx(truth, abs=0.06)
    assert found["log_position"] == pytest.approx(-0.9, abs=0.06)
    assert found["match_score"] == pytest.approx(0, abs=0.04)


def test_confidence_may_go_either_way():
    for weight in (-1.0, 1.0):
        samples = random_samples(4, weights={"confidence": weight, "fit": 0.5})
        effects = {name: b for name, b, _, _ in ladder.train(samples, Rung.LOGISTIC, seed=0).effects()}
        assert effects["confidence"] * weight > 0.5


def test_logistic_intervals_cover_the_truth():
    # People answer for all of their items alike, so counting items would make intervals less than half as wide.
    hits, asked = [], make_features(1, fit=60.0, shortfall=50.0)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        once = random_samples(
            seed, n_people=300, per_person=1, weights={"fit": 0.5}, **dict.fromkeys(NAMES[1:], np.nan)
        )
        samples = once.take(np.repeat(np.arange(300), rng.integers(1, 9, 300)))
        low, high = ladder.train(samples, Rung.LOGISTIC, seed=0).interval(asked)
        hits.append(low.item() <= expit(-0.5 + 0.5) <= high.item())

    assert 52 <= sum(hits) <= 60
