import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.scoring.exploration import explore, propensities

NOBODY = np.zeros(30, bool)
ROWS = np.arange(100, 130)


def show(rows=ROWS, *, barred=None, limit=5, epsilon=0.3, seed=0, tier=0, most=None):
    barred = np.zeros(len(rows), bool) if barred is None else barred
    return explore(rows, limit=limit, epsilon=epsilon, seed=seed, tier=tier, barred=barred, most=most)


@given(st.integers(1, 500), st.floats(0, 1))
def test_propensities_sum_to_one(pool_size, epsilon):
    p = propensities(pool_size, epsilon)

    assert p.sum() == pytest.approx(1)
    assert p[0] == pytest.approx(1 - epsilon + epsilon / pool_size)
    assert p[1:] == pytest.approx(epsilon / pool_size)


@given(st.integers(0, 40), st.integers(1, 12), st.floats(0, 1), st.integers(-(2**63), 2**63 - 1), st.data())
@settings(max_examples=200)
def test_only_the_last_place_is_open_and_never_to_a_barred_job(n, limit, epsilon, seed, data):
    rows = np.arange(n)[::-1]
    barred = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)

    shown = show(rows, barred=barred, limit=limit, epsilon=epsilon, seed=seed)

    count = min(n, limit)
    assert len(shown.rows) == len(shown.propensity) == len(shown.is_exploration) == count
    assert len(set(shown.rows.tolist())) == count
    assert shown.rows[: count - 1].tolist() == rows[: max(count - 1, 0)].tolist()
    assert (shown.propensity[: max(count - 1, 0)] == 1).all()
    assert not shown.is_exploration[: max(count - 1, 0)].any()
    assert (shown.propensity > 0).all()
    if shown.pool_size:
        pool = rows[count - 1 :][~barred[count - 1 :]]
        place = pool.tolist().index(shown.rows[-1])
        assert shown.pool_size == len(pool)
        assert shown.propensity[-1] == propensities(len(pool), epsilon)[place]
        assert shown.is_exploration[-1] == (place > 0)
    else:
        assert shown.rows.tolist() == rows[:limit].tolist()
        assert (shown.propensity == 1).all()


def test_jobs_come_as_often_as_their_propensities_say():
    barred = NOBODY.copy()
    barred[[4, 10, 11]] = True
    n = 20_000
    last = np.array([show(barred=barred, epsilon=0.4, seed=seed).rows[-1] for seed in range(n)])

    pool = ROWS[4:][~barred[4:]]
    expected = propensities(len(pool), 0.4)
    frequency = np.array([(last == row).mean() for row in pool])
    assert frequency.sum() == pytest.approx(1)
    assert (np.abs(frequency - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n)).all()


def test_inverse_propensities_sum_to_the_pool():
    # The mean of 1 / p over what is shown is the number of jobs that could have been.
    weights = [1 / show(seed=seed).propensity[-1] for seed in range(20_000)]

    assert np.mean(weights) == pytest.approx(26, rel=0.05)


def test_the_label_is_only_on_something_different():
    shown = [show(epsilon=1.0, seed=seed) for seed in range(400)]

    assert all(one.is_exploration[-1] == (one.rows[-1] != ROWS[4]) for one in shown)
    assert {one.rows[-1] for one in shown} == set(ROWS[4:])


def test_a_replay_gives_the_same_list_and_tiers_draw_apart():
    draws = [show(epsilon=1.0, seed=7, tier=tier).rows[-1] for tier in range(12)]

    assert draws == [show(epsilon=1.0, seed=7, tier=tier).rows[-1] for tier in range(12)]
    assert len(set(draws)) > 4


@pytest.mark.parametrize("options", [{"epsilon": 0.0}, {"limit": 1}, {"barred": ~NOBODY}])
def test_without_a_lot_the_list_is_the_plain_one(options):
    for seed in range(50):
        shown = show(**{"epsilon": 1.0, "seed": seed} | options)
        assert shown.rows.tolist() == ROWS[: options.get("limit", 5)].tolist()
        assert (shown.propensity == 1).all()
        assert shown.pool_size == 0
        assert not shown.is_exploration.any()


def test_a_tier_that_is_shown_whole_has_one_job_in_its_pool():
    shown = show(ROWS[:5], epsilon=1.0)

    assert shown.pool_size == 1
    assert shown.propensity[-1] == 1


def test_a_pool_is_cut_to_the_best_that_may_be_drawn():
    barred = NOBODY.copy()
    barred[[5, 7]] = True

    shown = [show(barred=barred, epsilon=1.0, seed=seed, most=4) for seed in range(200)]

    best = [104, 106, 108, 109]
    assert all(one.pool.tolist() == best for one in shown)
    assert {one.rows[-1] for one in shown} == set(best)
    assert {one.propensity[-1] for one in shown} == {0.25}


@pytest.mark.parametrize("most", [26, 27, 10**6, None])
def test_a_pool_that_is_smaller_is_not_cut(most):
    assert show(most=most).pool.tolist() == ROWS[4:].tolist()


def test_a_pool_of_one_is_the_plain_list():
    shown = [show(epsilon=1.0, seed=seed, most=1) for seed in range(20)]

    assert all(one.rows.tolist() == ROWS[:5].tolist() for one in shown)
    assert all(one.pool_size == 1 and one.propensity[-1] == 1 for one in shown)


def test_what_is_given_is_not_changed():
    rows = ROWS.copy()
    show(rows, epsilon=1.0, seed=3)

    assert (rows == ROWS).all()


@pytest.mark.parametrize(
    "options", [{"limit": 0}, {"epsilon": 1.1}, {"epsilon": -0.1}, {"barred": NOBODY[:3]}, {"most": 0}]
)
def test_impossible_arguments_are_errors(options):
    with pytest.raises(ValueError):
        show(**options)
