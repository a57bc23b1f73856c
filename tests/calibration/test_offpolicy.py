from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.curves.offpolicy import Choices, doubly_robust, effective_size, ips, snips, snips_difference


def make_choices(n=400, *, seed=0, n_arms=4, reward=(0.1, 0.3, 0.5, 0.7), n_people=100):
    """Choices among arms by a skewed lot; the target always takes the last arm."""
    rng = np.random.default_rng(seed)
    p = np.array([0.4, 0.3, 0.2, 0.1])[:n_arms]
    arm = rng.choice(n_arms, size=n, p=p)
    rewards = (rng.random(n) < np.array(reward)[arm]).astype(float)
    return Choices(rng.integers(0, n_people, n), rewards, p[arm], (arm == n_arms - 1).astype(float)), arm


def test_by_hand():
    choices = Choices(
        np.arange(4), np.array([1.0, 0, 1, 0]), np.array([0.5, 0.5, 0.25, 0.25]), np.array([1.0, 0, 1, 1])
    )
    # w = 2, 0, 4, 4
    assert ips(choices, seed=0, least=1).estimate.value == pytest.approx(6 / 4)
    assert snips(choices, seed=0, least=1).estimate.value == pytest.approx(6 / 10)
    q_logged, q_target = np.array([0.5, 0.1, 0.6, 0.3]), np.array([0.4, 0.4, 0.2, 0.2])
    robust = doubly_robust(choices, q_logged, q_target, seed=0, least=1).estimate.value
    assert robust == pytest.approx((0.4 + 2 * 0.5 + 0.4 + 0.2 + 4 * 0.4 + 0.2 - 4 * 0.3) / 4)
    assert ips(choices, seed=0).effective_size == pytest.approx(100 / 36)


def test_the_logging_policy_itself_is_worth_its_mean_reward():
    choices, _ = make_choices()
    same = Choices(choices.person, choices.reward, choices.logged, choices.logged)

    for value in (ips(same, seed=0), snips(same, seed=0)):
        assert value.estimate.value == pytest.approx(choices.reward.mean())
        assert value.effective_size == pytest.approx(400)


def test_snips_moves_with_a_constant_and_ips_does_not():
    choices, _ = make_choices(2000)
    more = Choices(choices.person, choices.reward + 10, choices.logged, choices.target)

    assert snips(more, seed=0).estimate.value == pytest.approx(snips(choices, seed=0).estimate.value + 10)
    assert abs(ips(more, seed=0).estimate.value - ips(choices, seed=0).estimate.value - 10) > 1e-3


def test_doubly_robust_is_right_with_a_wrong_model_and_with_wrong_propensities():
    choices, arm = make_choices(60_000, seed=1)
    wrong = np.full(60_000, 0.9)
    assert doubly_robust(choices, wrong, wrong, seed=0).estimate.value == pytest.approx(0.7, abs=0.03)

    wrong_propensities = Choices(choices.person, choices.reward, np.full(60_000, 0.3), choices.target)
    right = np.array([0.1, 0.3, 0.5, 0.7])[arm]
    robust = doubly_robust(wrong_propensities, right, np.full(60_000, 0.7), seed=0).estimate.value
    assert robust == pytest.approx(0.7, abs=0.03)
    assert abs(ips(wrong_propensities, seed=0).estimate.value - 0.7) > 0.2


def test_under_an_effective_size_of_100_there_is_no_verdict():
    few, _ = make_choices(700)  # about 70 choices match
    q = np.full(700, 0.5)

    for value in (
        ips(few, seed=0),
        snips(few, seed=0),
        doubly_robust(few, q, q, seed=0),
        snips_difference(few, replace(few, target=few.logged), seed=0),
    ):
        assert value.effective_size < 100
        assert not value.enough
        assert np.isnan([value.estimate.value, value.estimate.low, value.estimate.high]).all()

    many, _ = make_choices(1400)
    assert snips(many, seed=0).enough
    assert snips(many, seed=0).estimate.low < snips(many, seed=0).estimate.value < snips(many, seed=0).estimate.high


def test_a_policy_that_nothing_logged_supports_has_no_size():
    choices, _ = make_choices(10)

    assert effective_size(np.zeros(10)) == 0
    assert not snips(Choices(choices.person, choices.reward, choices.logged, np.zeros(10)), seed=0).enough


def test_a_difference_is_taken_on_the_same_choices():
    choices, arm = make_choices(6000)
    first = (arm == 0).astype(float)

    alone = replace(choices, target=first)

    found = snips_difference(choices, alone, seed=0)

    assert found.estimate.value == pytest.approx(
        snips(choices, seed=0).estimate.value - snips(alone, seed=0).estimate.value
    )
    assert 0 < found.estimate.low < 0.6 < found.estimate.high
    assert snips_difference(choices, choices, seed=0).estimate.high == 0


def test_rare_choices_that_were_not_drawn_make_no_size():
    """All weights are much alike where the other policy's rare choice never came up, and tell nothing of it."""
    n, rare = 400, 0.001
    choices = Choices(np.arange(n), np.ones(n), np.full(n, 1 - rare), np.full(n, 0.5))
    drawn = replace(choices, squared_weight=np.full(n, 0.5**2 / (1 - rare) + 0.5**2 / rare))

    assert choices.effective_size == pytest.approx(n)
    assert drawn.effective_size == pytest.approx(n / 250.25, rel=1e-3)
    assert not snips(drawn, seed=0).enough
    assert not snips_difference(choices, drawn, seed=0).enough
    assert not snips_difference(drawn, choices, seed=0).enough


def test_the_expected_size_is_the_one_found_in_many_choices():
    choices, _ = make_choices(50_000)

    assert replace(choices, squared_weight=np.full(50_000, 1 / 0.1)).effective_size == pytest.approx(5000, rel=0.05)


@given(st.integers(1, 5))
@settings(max_examples=5)
def test_intervals_count_people_not_choices(times):
    choices, _ = make_choices(1500, n_people=1500)
    repeated = Choices(
        *(np.repeat(array, times) for array in (choices.person, choices.reward, choices.logged, choices.target))
    )

    assert ips(repeated, seed=3).estimate.high == pytest.approx(ips(choices, seed=3).estimate.high)


@pytest.mark.parametrize(
    "change",
    [
        {"logged": np.zeros(2)},
        {"logged": np.full(2, 1.1)},
        {"target": np.full(2, -0.1)},
        {"reward": np.zeros(3)},
        {"squared_weight": np.ones(3)},
    ],
)
def test_impossible_probabilities_are_an_error(change):
    given = {"person": np.arange(2), "reward": np.ones(2), "logged": np.full(2, 0.5), "target": np.ones(2)} | change

    with pytest.raises(ValueError):
        Choices(**given)
