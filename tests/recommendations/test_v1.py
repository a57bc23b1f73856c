"""The baseline is fixed by golden tests: it must stay exactly as first described."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.scoring import v1
from recommendations.scoring.thresholds import TIER_NAMES, Tier, V1Thresholds
from tests.recommendations.arrays import make_elements, make_jobs, make_person, random_jobs


def first_description(match: float, gap: float) -> str:
    """Design 3.1, written out for whole numbers as it was first given (50-74, 26-55)."""
    if match >= 75 and gap <= 25:
        return "READY_NOW"
    if match in range(50, 75) or gap in range(26, 56):
        return "TRAINABLE"
    return "LONG_RESKILL"


def hundredths(low: int, high: int) -> list[Fraction]:
    return [Fraction(value, 100) for value in range(low, high + 1)]


def jobs_with(importance, level=None, **overrides):
    importance = np.atleast_2d(np.array(importance, dtype=float))
    return make_jobs(make_elements(importance, importance if level is None else np.atleast_2d(level)), **overrides)


def test_weight_is_the_published_whole_number_for_every_importance():
    importances = hundredths(100, 500)

    weight = v1.weights(jobs_with([float(im) for im in importances]))

    assert weight[0].tolist() == [math.floor((im - 1) / 4 * 100 + Fraction(1, 2)) for im in importances]
    assert v1.weights(jobs_with([1, 3.1, 3.12, 4.06, 5])).tolist() == [[0, 53, 53, 77, 100]]


def test_weight_counts_irrelevant_and_suppressed_skills_and_nothing_where_there_is_no_figure():
    elements = make_elements(
        [[3, 3, np.nan], [3, 3, 3]],
        np.ones((2, 3)),
        relevant=np.array([[False, True, False]] * 2),
        suppressed=np.array([[False, True, False]] * 2),
    )
    jobs = make_jobs(elements, scored=np.array([True, False]))

    assert v1.weights(jobs).tolist() == [[50, 50, 0], [0, 0, 0]]


def test_unrated_skill_takes_the_nearest_rating_of_the_current_job_for_every_level():
    levels = hundredths(0, 700)
    jobs = jobs_with(np.full(len(levels), 3), [float(level) for level in levels])

    ratings, assumed = v1.capability_ratings(make_person(np.full(len(levels), -1), current=0), jobs)

    nearest = [min(4, math.floor(level / Fraction(3, 2) + Fraction(1, 2))) for level in levels]
    assert ratings.tolist() == nearest
    assert assumed.all()


def test_rating_wins_over_the_current_job_and_past_jobs_do_not_count():
    jobs = jobs_with([[3, 3, 3], [3, 3, 3]], [[4.5, 4.5, np.nan], [6, 6, 6]])

    ratings, assumed = v1.capability_ratings(make_person([1, -1, -1], current=0, past=(1,)), jobs)

    assert ratings.tolist() == [1, 3, 0]
    assert assumed.tolist() == [False, True, False]


def test_unrated_skill_without_a_current_job_counts_as_nothing():
    ratings, assumed = v1.capability_ratings(make_person([2, -1], past=(0,)), jobs_with([3, 3], [6, 6]))

    assert ratings.tolist() == [2, 0]
    assert not assumed.any()


def test_worked_example():
    # Weights 100, 50, 25, 75 = 250; capabilities 1, .5, .25, 0.
    # match = 100 (100 + 25 + 6.25) / 250 = 52.5; gap = 100 (25 + 75) / 250 = 40.
    weight = v1.weights(jobs_with([5, 3, 2, 4]))

    match, gap = v1.score(np.array([[4, 2, 1, 0]]), weight)

    assert (match.item(), gap.item()) == (52.5, 40.0)
    assert v1.tier(match, gap).item() == Tier.TRAINABLE


@given(
    ratings=st.lists(st.integers(0, 4), min_size=35, max_size=35),
    weight=st.lists(st.integers(0, 100), min_size=35, max_size=35).filter(any),
    bound=st.integers(0, 1000),
)
def test_figures_are_the_nearest_floats_so_bounds_are_exact(ratings, weight, bound):
    match, gap = v1.score(np.array([ratings]), np.array([weight]))

    exact_match = Fraction(25 * sum(w * r for w, r in zip(weight, ratings, strict=True)), sum(weight))
    exact_gap = Fraction(100 * sum(w for w, r in zip(weight, ratings, strict=True) if r <= 1), sum(weight))
    assert (match.item(), gap.item()) == (float(exact_match), float(exact_gap))
    assert (match.item() >= bound / 10) == (exact_match >= Fraction(bound, 10))
    assert (gap.item() <= bound / 10) == (exact_gap <= Fraction(bound, 10))


@pytest.mark.parametrize("weight", [[1], [7, 7, 7], [1, 3, 9, 27], list(range(1, 36)), [100] * 35])
def test_match_of_exactly_75_is_ready(weight):
    match, gap = v1.score(np.full((1, len(weight)), 3), np.array([weight]))

    assert match.item() == 75.0
    assert v1.tier(match, gap).item() == Tier.READY_NOW


def test_every_pair_of_whole_numbers():
    match, gap = np.meshgrid(np.arange(101.0), np.arange(101.0), indexing="ij")

    tiers = v1.tier(match, gap)

    assert TIER_NAMES == ("READY_NOW", "TRAINABLE", "LONG_RESKILL")
    got = [TIER_NAMES[tier] for tier in tiers.ravel()]
    assert got == [first_description(m, g) for m, g in zip(match.ravel(), gap.ravel(), strict=True)]


@pytest.mark.parametrize(
    ("match", "gap", "tier"),
    [
        (75.0, 25.0, Tier.READY_NOW),
        (74.999, 25.0, Tier.TRAINABLE),
        (75.0, 25.001, Tier.TRAINABLE),
        (100.0, 55.0, Tier.TRAINABLE),
        (100.0, 55.001, Tier.LONG_RESKILL),
        (50.0, 100.0, Tier.TRAINABLE),
        (49.999, 55.001, Tier.LONG_RESKILL),
        (49.999, 55.0, Tier.TRAINABLE),
        (49.999, 25.0, Tier.LONG_RESKILL),
        (math.nan, 0.0, Tier.NONE),
    ],
)
def test_bounds_between_whole_numbers_are_half_open(match, gap, tier):
    assert v1.tier(np.array(match), np.array(gap)) == tier


def test_thresholds_are_settings():
    strict = V1Thresholds(ready_match=90, ready_gap=10, trainable_match=80, trainable_gap=20)

    assert v1.tier(np.array([90.0, 89.0, 79.0]), np.array([10.0, 10.0, 10.0]), strict).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="match thresholds"):
        V1Thresholds(ready_match=40)
    with pytest.raises(ValueError, match="gap thresholds"):
        V1Thresholds(trainable_gap=101)


def test_known_fault_raising_a_rating_can_worsen_the_tier():
    weight = np.array([[50, 50, 50, 50]])

    before, after = (v1.tier(*v1.score(np.array([r]), weight)).item() for r in ([2, 2, 1, 1], [2, 2, 2, 1]))

    assert (before, after) == (Tier.TRAINABLE, Tier.LONG_RESKILL)


def test_job_without_weight_gets_no_figures():
    weight = np.array([[0, 0], [10, 10]])

    match, gap = v1.score(np.array([[4, 4]]), weight)

    assert np.isnan([match[0, 0], gap[0, 0]]).all()
    assert v1.tier(match, gap).tolist() == [[Tier.NONE, Tier.READY_NOW]]


@given(st.integers(0, 2**32))
def test_score_is_bounded_monotone_indifferent_to_order_and_leaves_its_arguments(seed):
    rng = np.random.default_rng(seed)
    weight = v1.weights(random_jobs(rng))
    ratings = rng.integers(0, 4, (5, weight.shape[1])).astype(np.int8)
    kept = ratings.copy(), weight.copy()

    match, gap = v1.score(ratings, weight)

    scored = weight.any(axis=1)
    assert ((match >= 0) & (match <= 100) & (gap >= 0) & (gap <= 100))[:, scored].all()
    order = rng.permutation(weight.shape[1])
    np.testing.assert_array_equal(v1.score(ratings[:, order], weight[:, order]), (match, gap))
    better_match, smaller_gap = v1.score(ratings + 1, weight)
    assert ((better_match >= match) & (smaller_gap <= gap))[:, scored].all()
    assert np.array_equal(ratings, kept[0])
    assert np.array_equal(weight, kept[1])


@pytest.mark.parametrize("ratings", [[[5, 0]], [[-1, 0]], [[1.0, 2.0]], [[1, 2, 3]], [1, 2]])
def test_score_refuses_what_is_no_full_set_of_ratings(ratings):
    with pytest.raises(ValueError, match=r"ratings|axes"):
        v1.score(np.array(ratings), np.array([[10, 10]]))
