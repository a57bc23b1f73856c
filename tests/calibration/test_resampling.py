import numpy as np
import pytest

from calibration.curves.resampling import Z95, binned_intervals, bootstrap, ratio, wilson


def one_bin(positives, sizes):
    """The rate and the ends of the interval of one bin; so many positives of so many answers of each person."""
    person = np.repeat(np.arange(len(sizes)), sizes)
    label = np.concatenate([np.arange(n) < k for k, n in zip(positives, sizes, strict=True)]).astype(int)
    _, below, above = binned_intervals(np.full(len(label), 0.5), label, person, np.zeros(len(label), int))
    return label.mean() - below.item(), label.mean() + above.item()


def of_independent(rate, n):
    low, high = wilson(np.array(rate), np.array(float(n)))
    return low.item(), high.item()


def test_the_bootstraps_interval_of_a_normal_mean_holds_95_of_100():
    values = np.random.default_rng(0).normal(3, 2, 400)

    found = bootstrap(np.arange(400), np.column_stack([values, np.ones(400)]), ratio, seed=0, n_resamples=20_000)

    error = values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.06 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.06 * error)


def test_a_ratio_over_nothing_is_not_known():
    assert np.isnan(ratio(np.array([1.0, 0.0])))
    assert ratio(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [0.5, 0.75]


def test_wilsons_interval_is_that_of_the_book():
    assert of_independent(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert of_independent(0.0, 10) == pytest.approx((0, Z95**2 / (10 + Z95**2)))
    assert of_independent(1.0, 10) == pytest.approx((10 / (10 + Z95**2), 1))


def test_people_who_answer_all_alike_count_once_each():
    # The standard error of the rate is that of 3 independent answers: (4 * 1.5²) / 12² * 4 / 3 = 0.25 / 3.
    assert one_bin((3, 3, 0, 0), (3, 3, 3, 3)) == pytest.approx(of_independent(0.5, 3))


def test_people_of_one_answer_each_are_all_independent_but_one():
    assert one_bin((1,) * 5 + (0,) * 15, (1,) * 20) == pytest.approx(of_independent(0.25, 19))


@pytest.mark.parametrize(("positives", "of"), [(15, 22), (1, 49), (0, 30), (30, 30)])
def test_people_with_the_same_rate_leave_an_interval_of_that_many_people(positives, of):
    """Rounding makes of no variance a very small one, which must not count as very many answers."""
    assert one_bin((positives,) * 2, (of,) * 2) == pytest.approx(of_independent(positives / of, 2))


def test_there_are_never_more_independent_answers_than_answers():
    # Nine people said yes once and no once, and one said yes twice: by the variance as much as 99 would tell.
    assert one_bin((1,) * 9 + (2,), (2,) * 10) == pytest.approx(of_independent(0.55, 20))
    assert one_bin((1,), (2,)) == pytest.approx(of_independent(0.5, 1))


def test_each_bin_has_its_own_mean_and_interval():
    p = np.array([0.1, 0.2, 0.7, 0.9])
    label, person, bins = np.array([0, 1, 1, 1]), np.arange(4), np.array([0, 0, 1, 1])

    centres, below, above = binned_intervals(p, label, person, bins)

    assert centres == pytest.approx([0.15, 0.8])
    low, high = of_independent(0.5, 1)
    assert (below[0], above[0]) == pytest.approx((0.5 - low, high - 0.5))
    assert (below[1], above[1]) == pytest.approx((1 - of_independent(1.0, 2)[0], 0))
