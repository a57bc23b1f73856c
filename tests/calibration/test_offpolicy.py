from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.curves.offpolicy import Choices, doubly_robust, effective_size, ips, snips, snips_difference


def make_choices(n=400, *, seed=0, reward=(0.1, 0.3, 0.5, 0.7), n_people=100):
    """Choices among four arms by a skewed lot; the target always takes the last arm."""
    rng = np.random.default_rng(seed)
    p = np.array([0.4, 0.3, 0.2, 0.1])
    arm = rng.choice(4, size=n, p=p)
    rewards = (rng.random(n) < np.array(reward)[arm]).astype(float)
    return Choices(rng.integers(0, n_people, n), rewards, arm, np.tile(p, (n, 1)), always(3, n))


def always(arm, n, n_arms=4):
    """A policy that takes an arm, or one for each of the n, every time."""
    return (np.arange(n_arms) == np.broadcast_to(arm, n)[:, None]).astype(float)


def last_places(share, *, n_people, seed, per_person=3, epsilon=0.1, n_arms=20):
    """Last places with equal jobs, given by lot as by default; the target takes another job in a share of them."""
    rng = np.random.default_rng(seed)
    n = n_people * per_person
    level = rng.normal(0, 0.5, n_people).repeat(per_person)
    chosen = np.where(rng.random(n) < epsilon, rng.integers(0, n_arms, n), 0)
    wanted = np.where(rng.random(n) < share, rng.integers(1, n_arms, n), 0)
    logged = np.full((n, n_arms), epsilon / n_arms)
    logged[:, 0] += 1 - epsilon
    reward = (rng.random(n) < 1 / (1 + np.exp(1.5 - level))).astype(float)
    return Choices(np.arange(n_people).repeat(per_person), reward, chosen, logged, always(wanted, n, n_arms))


def test_by_hand():
    logged = np.array([[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [0.25, 0.75]])
    target = np.array([[1.0, 0], [0, 1], [1, 0], [1, 0]])
    choices = Choices(np.arange(4), np.array([1.0, 0, 1, 0]), np.zeros(4, int), logged, target)

    assert choices.weight.tolist() == [2, 0, 4, 4]
    assert ips(choices, seed=0, least=0).estimate.value == pytest.approx(6 / 4)
    assert snips(choices, seed=0, least=0).estimate.value == pytest.approx(6 / 10)
    q_logged, q_target = np.array([0.5, 0.1, 0.6, 0.3]), np.array([0.4, 0.4, 0.2, 0.2])
    robust = doubly_robust(choices, q_logged, q_target, seed=0, least=0).estimate.value
    assert robust == pytest.approx((0.4 + 2 * 0.5 + 0.4 + 0.2 + 4 * 0.4 + 0.2 - 4 * 0.3) / 4)


def test_the_effective_size_by_hand():
    # Two places agree with the best of the pool. Of the other two, where the weights 4 are to be expected, one matched.
    logged = np.array([[0.8, 0.2], [0.8, 0.2], [0.75, 0.25], [0.75, 0.25]])
    choices = Choices(np.arange(4), np.zeros(4), np.array([0, 0, 1, 0]), logged, always([0, 0, 1, 1], 4, 2))
    weight = np.array([1.25, 1.25, 4, 0])
    every = np.ones(4, bool)

    assert choices.weight == pytest.approx(weight)
    # The size to be expected is less here than the one found, which is 6.5² / 19.125.
    assert choices.effective_size_with(every) == pytest.approx(min(6.5**2 / 19.125, 4 / ((1.25 * 2 + 4 * 2) / 4)))
    # Where it differs: one match found, and half of a choice to be expected.
    assert choices.effective_size == pytest.approx(2 / 4)
    both = replace(choices, chosen=np.array([0, 0, 1, 1]))
    assert both.effective_size == pytest.approx(2 / 4)
    neither = replace(choices, chosen=np.zeros(4, int))
    assert neither.effective_size == 0
    # The best of the pool everywhere: here the size found is the smaller one.
    found = (2.5 + 1 / 0.75) ** 2 / (2 * 1.25**2 + 1 / 0.75**2)
    assert replace(choices, target=always(0, 4, 2)).effective_size == pytest.approx(found)


def test_the_logging_policy_itself_is_worth_its_mean_reward():
    choices = make_choices()
    same = replace(choices, target=choices.logged)

    for value in (ips(same, seed=0), snips(same, seed=0)):
        assert value.estimate.value == pytest.approx(choices.reward.mean())
        assert value.effective_size == pytest.approx(400)


def test_snips_moves_with_a_constant_and_ips_does_not():
    choices = make_choices(2000)
    more = replace(choices, reward=choices.reward + 10)

    assert snips(more, seed=0).estimate.value == pytest.approx(snips(choices, seed=0).estimate.value + 10)
    assert abs(ips(more, seed=0).estimate.value - ips(choices, seed=0).estimate.value - 10) > 1e-3


def test_doubly_robust_is_right_with_a_wrong_model_and_with_wrong_propensities():
    choices = make_choices(60_000, seed=1)
    wrong = np.full(60_000, 0.9)
    assert doubly_robust(choices, wrong, wrong, seed=0).estimate.value == pytest.approx(0.7, abs=0.03)

    wrong_propensities = replace(choices, logged=np.full((60_000, 4), 0.3))
    right = np.array([0.1, 0.3, 0.5, 0.7])[choices.chosen]
    robust = doubly_robust(wrong_propensities, right, np.full(60_000, 0.7), seed=0).estimate.value
    assert robust == pytest.approx(0.7, abs=0.03)
    assert abs(ips(wrong_propensities, seed=0).estimate.value - 0.7) > 0.2


def test_under_an_effective_size_of_100_there_is_no_verdict():
    few = make_choices(700)  # about 70 choices match

    for value in by_all_estimators(few):
        assert value.effective_size < 100
        assert not value.enough
        assert np.isnan([value.estimate.value, value.estimate.low, value.estimate.high]).all()

    for n in (99, 100):
        half = np.full((n, 2), 0.5)
        exactly = Choices(np.arange(n), np.ones(n), np.zeros(n, int), half, half)
        assert [(value.effective_size, value.enough) for value in by_all_estimators(exactly)] == 4 * [(n, n == 100)]

    many = make_choices(1400)
    assert snips(many, seed=0).enough
    assert snips(many, seed=0).estimate.low < snips(many, seed=0).estimate.value < snips(many, seed=0).estimate.high


def by_all_estimators(choices):
    q = np.full(len(choices.reward), 0.5)
    return (
        ips(choices, seed=0),
        snips(choices, seed=0),
        doubly_robust(choices, q, q, seed=0),
        snips_difference(choices, replace(choices, target=choices.logged), seed=0),
    )


@pytest.mark.parametrize("share", [0.1, 0.02])
def test_a_policy_that_differs_in_a_few_places_needs_answers_from_just_these(share):
    """However many places agree: what is to be compared rests on the one or two of the others that matched."""
    passed = 0
    for seed in range(10):
        choices = last_places(share, n_people=834, seed=seed)
        by_score = replace(choices, target=always(0, len(choices.reward), 20))
        q = np.full(len(choices.reward), 0.2)

        passed += choices.effective_size_with(np.ones(len(q), bool)) >= 100
        for value in (
            ips(choices, seed=seed),
            snips(choices, seed=seed),
            doubly_robust(choices, q, q, seed=seed),
            snips_difference(choices, by_score, seed=seed),
            snips_difference(by_score, choices, seed=seed),
        ):
            assert value.effective_size <= 834 * 3 * share * 1.3 / 200
            assert not value.enough
        assert snips(by_score, seed=seed).enough
    # Often all places together would have passed for enough.
    assert passed >= 4


def test_a_policy_that_nearly_always_takes_the_best_differs_too():
    n = 400
    target = always(0, n, 2)
    target[:4] = 0.9, 0.1
    choices = Choices(np.arange(n), np.ones(n), np.zeros(n, int), np.full((n, 2), 0.5), target)

    assert choices.effective_size == pytest.approx(4 / ((0.9**2 + 0.1**2) / 0.5))


def test_two_policies_are_compared_where_they_differ_not_where_both_leave_the_best():
    """Both want the same other job in most places, so there the answers of one are those of the other."""
    choices = last_places(0.9, n_people=1500, seed=0, epsilon=0.4, n_arms=4)
    n = len(choices.reward)
    wanted, lot = choices.target.argmax(axis=1), np.random.default_rng(0).random(n)
    half, nearly_all = (replace(choices, target=always(np.where(lot < share, wanted, 0), n)) for share in (0.5, 0.98))

    assert snips(choices, seed=0).enough
    assert snips(nearly_all, seed=0).enough
    assert snips_difference(choices, half, seed=0).enough
    assert not snips_difference(choices, nearly_all, seed=0).enough
    assert snips_difference(choices, choices, seed=0).estimate.high == 0


def test_the_size_where_policies_differ_is_needed_of_both():
    n = 400
    half = np.full((n, 2), 0.5)
    choices = Choices(np.arange(n), np.ones(n), np.arange(n) % 2, half, always(0, n, 2))
    hardly = replace(choices, target=np.where(np.arange(n)[:, None] < 5, half[:1], always(0, n, 2)))

    assert snips(choices, seed=0).effective_size == 200
    assert snips_difference(choices, hardly, seed=0).effective_size < 5
    assert snips_difference(hardly, choices, seed=0).effective_size < 5


def test_the_places_that_agree_count_too_where_they_tell_less():
    """The best of the pool was hardly ever logged in one of them, so that place alone weighs as much as a hundred."""
    n = 1001
    logged = np.full((n, 2), 0.5)
    logged[0] = 0.01, 0.99
    target = np.full((n, 2), 0.5)
    target[0] = 1, 0
    choices = Choices(np.arange(n), np.ones(n), np.zeros(n, int), logged, target)

    assert choices.effective_size == pytest.approx(1100**2 / (1000 + 100**2))


def test_a_policy_that_nothing_logged_supports_has_no_size():
    choices = make_choices(10)

    assert effective_size(np.zeros(10)) == 0
    assert not snips(replace(choices, target=np.zeros((10, 4))), seed=0).enough
    impossible = Choices(np.arange(10), np.ones(10), np.zeros(10, int), always(0, 10, 2), np.full((10, 2), 0.5))
    assert impossible.effective_size == 0
    nothing = np.zeros((0, 0))
    assert Choices(np.zeros(0, int), np.zeros(0), np.zeros(0, int), nothing, nothing).effective_size == 0


def test_a_difference_is_taken_on_the_same_choices():
    choices = make_choices(6000)
    alone = replace(choices, target=always(0, 6000))

    found = snips_difference(choices, alone, seed=0)

    assert found.estimate.value == pytest.approx(
        snips(choices, seed=0).estimate.value - snips(alone, seed=0).estimate.value
    )
    assert 0 < found.estimate.low < 0.6 < found.estimate.high
    assert snips_difference(choices, choices, seed=0).estimate.high == 0


def test_rare_choices_that_were_not_drawn_make_no_size():
    """All weights are much alike where the other policy's rare choice never came up, and tell nothing of it."""
    n, rare = 400, 0.001
    logged = np.tile([1 - rare, rare], (n, 1))
    choices = Choices(np.arange(n), np.ones(n), np.zeros(n, int), logged, np.full((n, 2), 0.5))

    assert effective_size(choices.weight) == pytest.approx(n)
    assert choices.effective_size == pytest.approx(n / 250.25, rel=1e-3)
    as_logged = replace(choices, target=logged)
    assert not snips(choices, seed=0).enough
    assert snips(as_logged, seed=0).enough
    assert not snips_difference(choices, as_logged, seed=0).enough
    assert not snips_difference(as_logged, choices, seed=0).enough


def test_rare_choices_that_were_drawn_more_often_than_is_to_be_expected_make_no_size_either():
    """A hundred matches of one lucky person would tell as much as the one that was to be expected."""
    choices = make_choices(2000)
    lucky = replace(choices, chosen=np.full(2000, 3))

    assert effective_size(lucky.weight) == pytest.approx(2000)
    assert lucky.effective_size == pytest.approx(200)


def test_the_expected_size_is_the_one_found_in_many_choices():
    choices = make_choices(50_000)

    assert effective_size(choices.weight) == pytest.approx(5000, rel=0.05)
    assert choices.effective_size == pytest.approx(5000, rel=0.05)


@given(st.integers(1, 5))
@settings(max_examples=5)
def test_intervals_count_people_not_choices(times):
    choices = make_choices(1500, n_people=1500)
    repeated = Choices(
        *(
            np.repeat(array, times, axis=0)
            for array in (choices.person, choices.reward, choices.chosen, choices.logged, choices.target)
        )
    )

    assert ips(repeated, seed=3).estimate.high == pytest.approx(ips(choices, seed=3).estimate.high)
    once, again = (snips_difference(one, replace(one, target=one.logged), seed=3) for one in (choices, repeated))
    assert again.estimate.high == pytest.approx(once.estimate.high)


@pytest.mark.parametrize(
    "change",
    [
        {"logged": np.zeros((2, 3))},
        {"logged": np.full((2, 3), 1.1)},
        {"logged": np.full((2, 3), -0.1)},
        {"logged": np.full((2, 2), 0.5)},
        {"target": np.full((2, 3), -0.1)},
        {"target": np.ones(2)},
        {"reward": np.zeros(3)},
        {"chosen": np.zeros(1, int)},
    ],
)
def test_impossible_probabilities_are_an_error(change):
    given = {
        "person": np.arange(2),
        "reward": np.ones(2),
        "chosen": np.zeros(2, int),
        "logged": np.full((2, 3), 0.3),
        "target": np.full((2, 3), 0.3),
    }
    Choices(**given)

    with pytest.raises(ValueError):
        Choices(**given | change)
