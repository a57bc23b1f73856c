from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn import metrics as reference

from calibration.curves import metrics

seeds = st.integers(0, 10**6)


def draw(seed, n=400, n_people=80):
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 3, n), 2)  # with ties
    label = (rng.random(n) < p).astype(int)
    label[:2] = 0, 1
    return p, label, rng.integers(0, n_people, n)


@given(seeds)
@settings(max_examples=20)
def test_agrees_with_scikit_learn(seed):
    p, label, person = draw(seed)

    assert metrics.brier(p, label) == pytest.approx(reference.brier_score_loss(label, p))
    held = np.clip(p, 1e-12, 1 - 1e-12)
    assert metrics.log_loss(p, label) == pytest.approx(reference.log_loss(label, held))
    assert metrics.auc(p, label, person).value == pytest.approx(reference.roc_auc_score(label, p))
    false, true, _ = reference.roc_curve(label, p, drop_intermediate=False)
    assert np.array(metrics.roc(p, label)) == pytest.approx(np.array([false, true]))


def test_brier_skill_by_hand():
    p, label = np.array([0.8, 0.4]), np.array([1, 0])

    assert metrics.brier(p, label) == pytest.approx(0.1)
    assert metrics.brier_skill(p, label) == pytest.approx(1 - 0.1 / 0.25)
    assert np.isnan(metrics.brier_skill(p, np.array([1, 1])))


def test_reliability_by_hand():
    p = np.array([0.9, 0.1, 0.2, 0.8])

    low, high = metrics.reliability(p, np.array([1, 0, 1, 0]), 2)

    assert (low.low, low.high, low.mean, low.rate, low.n, low.positives) == (0.1, 0.2, pytest.approx(0.15), 0.5, 2, 1)
    assert (high.low, high.high, high.mean, high.rate) == (0.8, 0.9, pytest.approx(0.85), 0.5)
    assert metrics.ece(p, np.array([1, 0, 1, 0]), 2) == pytest.approx(0.35)
    # The mean of a bin counts and not its middle.
    uneven = np.array([0.1, 0.1, 0.4, 0.9, 0.9, 0.6])
    assert metrics.ece(uneven, np.array([0, 0, 1, 1, 1, 0]), 2) == pytest.approx((1 / 3 - 0.2 + 0.8 - 2 / 3) / 2)


@given(seeds, st.integers(1, 12))
@settings(max_examples=30)
def test_bins_hold_every_item_once_in_order_and_ties_together(seed, n_bins):
    p, label, _ = draw(seed, n=60)

    bins = metrics.equal_mass_bins(p, n_bins)
    table = metrics.reliability(p, label, n_bins)

    assert sorted(set(bins.tolist())) == list(range(len(table)))
    assert all(len(set(bins[p == value].tolist())) == 1 for value in p)
    assert sum(bin_.n for bin_ in table) == 60
    assert all(before.high < after.low for before, after in pairwise(table))


def test_one_probability_for_all_is_one_bin():
    assert len(metrics.reliability(np.full(50, 0.3), np.arange(50) % 2)) == 1


def people_who_differ(seed, n_people, sd=1.0, per_person=12):
    """Labels of people who differ much, the probabilities over all people that are right for them, and the people."""
    rng = np.random.default_rng(seed)
    level, fit = rng.normal(0, sd, (n_people, 1)), rng.normal(-0.5, 0.8, (n_people, per_person))
    spread = np.random.default_rng(0).normal(0, sd, 500)
    grid = np.linspace(-6, 6, 200)
    p = np.interp(fit, grid, expit(grid[:, None] + spread).mean(axis=1))
    label = (rng.random(fit.shape) < expit(fit + level)).astype(int)
    return p.ravel(), label.ravel(), np.repeat(np.arange(n_people), per_person)


def test_the_calibration_errors_interval_does_not_prove_a_perfect_curve_wrong():
    """The error alone would: chance makes it positive, the more so where a person's answers hang together."""
    found = [metrics.ece_interval(*people_who_differ(seed, 60), 4, seed=0) for seed in range(100)]

    assert sum(estimate.value > 0.02 for estimate in found) > 80
    assert sum(estimate.low > 0.02 for estimate in found) <= 5


def test_the_calibration_errors_interval_proves_a_wrong_curve_wrong():
    for seed in range(20):
        p, label, person = people_who_differ(seed, 50)
        assert metrics.ece_interval(np.minimum(2 * p, 1), label, person, 3, seed=0).low > 0.1


def test_the_calibration_errors_interval_covers_and_counts_people():
    hits = 0
    for seed in range(100):
        p, label, person = people_who_differ(seed, 200)
        found = metrics.ece_interval(p + 0.15, label, person, 5, seed=0)
        hits += found.low <= 0.15 <= found.high
    assert 89 <= hits <= 99
    assert found.value == pytest.approx(metrics.ece(p + 0.15, label, 5))
    many = [np.repeat(array, 3) for array in (p + 0.15, label, person)]
    repeated = metrics.ece_interval(*many, 5, seed=0)
    assert (repeated.low, repeated.high) == pytest.approx((found.low, found.high))


def test_calibration_line_finds_what_bent_the_probabilities():
    rng = np.random.default_rng(0)
    z = rng.normal(size=100_000)
    label = (rng.random(100_000) < expit(z)).astype(int)

    assert metrics.calibration_line(expit(z), label) == pytest.approx((0, 1), abs=0.03)
    assert metrics.calibration_line(expit(2 * z + 1), label) == pytest.approx((-0.5, 0.5), abs=0.03)


@pytest.mark.parametrize(
    ("p", "label"),
    [([0.3, 0.3, 0.3], [0, 1, 0]), ([0.1, 0.2, 0.3], [1, 1, 1]), ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])],
)
def test_calibration_line_that_the_samples_do_not_determine_is_nan(p, label):
    assert np.isnan(metrics.calibration_line(np.array(p), np.array(label))).all()


def test_auc_interval_agrees_with_resampled_people():
    rng = np.random.default_rng(1)
    person = np.repeat(np.arange(200), 4)
    level = rng.normal(size=200)[person]  # people differ, so their items hang together
    label = (rng.random(800) < expit(level)).astype(int)
    p = expit(level + rng.normal(size=800))
    found = metrics.auc(p, label, person)
    resampled = []
    for _ in range(400):
        people = rng.integers(0, 200, 200)
        items = (people[:, None] * 4 + np.arange(4)).ravel()
        resampled.append(reference.roc_auc_score(label[items], p[items]))

    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.std(resampled), rel=0.15)


def test_auc_interval_counts_that_a_persons_items_move_together():
    """Each ranks one positive above one negative, whatever their level: that tells more than as many strangers."""
    rng = np.random.default_rng(2)
    person, label = np.repeat(np.arange(200), 2), np.tile([0, 1], 200)
    p = expit(np.repeat(rng.normal(0, 2, 200), 2) + 0.5 * label + rng.normal(0, 0.1, 400))
    resampled = []
    for _ in range(400):
        people = rng.integers(0, 200, 200)
        items = (people[:, None] * 2 + np.arange(2)).ravel()
        resampled.append(reference.roc_auc_score(label[items], p[items]))

    found, of_strangers = metrics.auc(p, label, person), metrics.auc(p, label, np.arange(400))

    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.std(resampled), rel=0.15)
    assert found.high - found.low < 0.5 * (of_strangers.high - of_strangers.low)


def test_auc_interval_by_hand():
    """Half of the 12 positives and half of the 12 negatives are high, so one above the middle adds 1/4 to its share.

    The first person's two positives are high and the second's low: deviations of 1/24 and -1/24, of the others none.
    People of 4, 4, 4 and 12 items are worth 3 alike ones; Student's t with 2 degrees of freedom has 4.302653.
    """
    person = np.repeat([0, 1, 2, 3], [4, 4, 4, 12])
    label = np.tile([1, 1, 0, 0], 6)
    p = np.tile([0.9, 0.1], 12)
    p[:2], p[4:6] = 0.9, 0.1

    found = metrics.auc(p, label, person)

    half = 4.302653 * np.sqrt(4 / 3 * 2 / 24**2)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))


def test_auc_of_one_person_tells_nothing_of_others():
    found = metrics.auc(np.array([0.1, 0.6, 0.4, 0.9]), np.array([0, 0, 1, 1]), np.zeros(4, int))

    assert (found.value, found.low, found.high) == (0.75, 0, 1)


def test_auc_interval_covers_with_few_people_who_differ_in_size():
    """With the normal's 1.96 in place of Student's t it holds the truth in 89 of 100."""
    rng = np.random.default_rng(0)

    def draw(n_people):
        person = np.repeat(
            np.arange(n_people), np.clip(np.round(8 * rng.lognormal(0, 1.2, n_people)), 2, 500).astype(int)
        )
        z = rng.normal(-1, 1, len(person)) + rng.normal(0, 0.7, n_people)[person]
        label = (rng.random(len(person)) < expit(z + rng.normal(0, 0.8, n_people)[person])).astype(int)
        return z, label, person

    truth = metrics.auc(*draw(20_000)).value
    found = [metrics.auc(*draw(30)) for _ in range(400)]
    assert np.mean([estimate.low <= truth <= estimate.high for estimate in found]) > 0.91


def test_auc_of_one_class_is_nan():
    assert np.isnan(metrics.auc(np.array([0.1, 0.2]), np.array([1, 1]), np.array([0, 1])).value)


def test_brier_difference_counts_people():
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, 300)
    good, bad = np.where(label == 1, 0.7, 0.3) + rng.normal(0, 0.1, 300), np.full(300, 0.5)

    once = metrics.brier_difference(good, bad, label, np.arange(300), seed=0)
    many = [np.repeat(array, 4) for array in (good, bad, label, np.arange(300))]
    repeated = metrics.brier_difference(*many, seed=0)

    assert once.value == pytest.approx(metrics.brier(good, label) - 0.25)
    assert once.low < once.value < once.high < 0
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))
    assert metrics.brier_difference(bad, good, label, np.arange(300), seed=0).low > 0


def test_brier_difference_interval_covers():
    # The mean of p - label squared over equal coins is known; people of very different sizes.
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(100):
        person = np.repeat(np.arange(60), rng.integers(1, 10, 60))
        coin = (rng.random(60) < 0.3).astype(int)[person]
        found = metrics.brier_difference(np.full(len(coin), 0.3), np.full(len(coin), 0.5), coin, person, seed=seed)
        hits += found.low <= 0.3 * 0.7 - (0.3 * 0.7 + 0.04) <= found.high

    assert 88 <= hits <= 99


def test_gains_of_a_perfect_order():
    share, found = metrics.gains(np.array([0.1, 0.9, 0.2, 0.8]), np.array([0, 1, 0, 1]))

    assert share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert found.tolist() == [0, 0.5, 1, 1, 1]


def test_psi_by_hand_and_of_sameness_and_shift():
    rng = np.random.default_rng(4)
    before = rng.normal(size=5000)

    assert metrics.psi(before, before) == 0
    assert metrics.psi(before, rng.normal(size=5000)) < 0.02
    assert metrics.psi(before, rng.normal(1, 1, 5000)) > 0.25
    assert metrics.psi(np.full(9, 1.0), np.full(9, 1.0)) == 0
    two = np.array([0.0] * 50 + [1.0] * 50), np.array([0.0] * 20 + [1.0] * 80)
    a, b = 50.5 / 101, 20.5 / 101
    expected = (b - a) * np.log(b / a) + (80.5 / 101 - a) * np.log(80.5 / 101 / a)
    assert metrics.psi(*two) == pytest.approx(expected)
    # Three values in two bins; what lies on an edge belongs to the bin above it: here the median, 1.
    on_edge = np.array([0.0] * 4 + [1.0] * 4 + [2.0] * 2), np.array([0.0] * 2 + [1.0] * 3 + [2.0] * 5)
    a, b = 4.5 / 11, 2.5 / 11
    assert metrics.psi(*on_edge, n_bins=2) == pytest.approx(
        (b - a) * np.log(b / a) + (a - b) * np.log((1 - b) / (1 - a))
    )
    with pytest.raises(ValueError):
        metrics.psi(np.array([]), before)


def of(counts):
    return np.repeat(np.array(list(counts), float), list(counts.values()))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({-1: 80, 0: 850, 1: 70}, {-1: 80, 0: 470, 1: 450}, 0.928),
        ({-1: 80, 0: 850, 1: 70}, {-1: 80, 2: 920}, 13.559),
        ({0: 700, 0.5: 300}, {0: 700, 1: 300}, 3.833),
        ({1: 100}, {2: 100}, 200 / 101 * np.log(201)),
        ({1: 100}, {0: 100}, 200 / 101 * np.log(201)),
        ({1: 100}, {1: 40, np.nan: 60}, 60 / 101 * np.log(121) - 60 / 101 * np.log(40.5 / 100.5)),
        ({np.nan: 100}, {1: 100}, 200 / 101 * np.log(201)),
        ({1: 100}, {1: 1000}, 0),
    ],
)
def test_psi_of_few_values_has_a_bin_for_each_and_one_for_the_unknown(before, now, expected):
    assert metrics.psi(of(before), of(now)) == pytest.approx(expected, abs=0.001)


def test_psi_of_many_values_tells_what_became_unknown_and_what_became_known():
    rng = np.random.default_rng(5)
    known = rng.normal(size=1000)
    partly = np.where(np.arange(1000) < 600, np.nan, known)

    assert metrics.psi(known, partly) > 4
    assert metrics.psi(partly, known) > 4
    assert metrics.psi(np.full(1000, np.nan), known) > 10
    assert metrics.psi(partly, np.where(np.arange(1000) < 600, np.nan, rng.normal(size=1000))) < 0.05


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("step", [-0.001, 0.001])
def test_psi_of_many_values_tells_when_a_frequent_one_moves_a_little(value, step):
    """What lies beyond the largest or the smallest value is no more like it than what lies on the other side."""
    many = np.linspace(0, 1, 500)

    assert metrics.psi(np.append(many, np.full(500, value)), np.append(many, np.full(500, value + step))) > 1


def test_gini_by_hand():
    assert metrics.gini(np.full(7, 3.0)) == pytest.approx(0)
    assert metrics.gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    assert metrics.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert np.isnan(metrics.gini(np.zeros(3)))
    with pytest.raises(ValueError):
        metrics.gini(np.array([-1.0, 2.0]))


@pytest.mark.parametrize("figure", [metrics.brier, metrics.brier_skill, metrics.log_loss, metrics.ece, metrics.roc])
def test_no_samples_are_an_error(figure):
    with pytest.raises(ValueError, match="no samples"):
        figure(np.array([]), np.array([], int))
