import numpy as np
import pytest

from recommendations.scoring.smoothing import RATING_NOISE, SHIFT_LEAST, build_smoother, informative
from tests.recommendations.families import N_SKILLS, make_families


@pytest.fixture(scope="module")
def levels():
    return make_families(n_families=30, size=5).skills.level.astype(float)


@pytest.fixture(scope="module")
def smoother(levels):
    return build_smoother(levels)


def test_two_skills_that_go_together_share_their_errors():
    # Covariance [[1, c], [c, 1]] with c = 0.8, observed (1, unknown): the known formulas of a Gaussian.
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal([3, 3], [[1, 0.8], [0.8, 1]], 4000)
    smoother = build_smoother(drawn)
    variance, shared = smoother.covariance[0]

    found = smoother.smooth(np.array([[smoother.mean[0] + 1, np.nan]]))

    np.testing.assert_allclose(found[0], np.array([variance, shared]) / (variance + RATING_NOISE), rtol=1e-4)


def test_a_complete_profile_takes_the_short_way_to_the_same_result(levels, smoother):
    complete = levels[:3]
    with_an_unknown = complete.copy()
    with_an_unknown[1, 0] = np.nan

    alone, mixed = smoother.smooth(complete), smoother.smooth(with_an_unknown)

    np.testing.assert_allclose(mixed[[0, 2]], alone[[0, 2]], atol=1e-9)
    gain = np.linalg.solve(smoother.covariance + RATING_NOISE * np.eye(N_SKILLS), smoother.covariance).T
    np.testing.assert_allclose(alone, (complete - smoother.mean) @ gain.T, atol=1e-9)


def test_nothing_known_is_no_profile(smoother):
    assert not smoother.smooth(np.full((1, N_SKILLS), np.nan)).any()


def test_noise_is_drawn_in(levels, smoother):
    noisy = levels + np.random.default_rng(1).normal(0, 0.3, levels.shape)

    error_before = np.abs(noisy - levels).mean()
    error_after = np.abs(smoother.smooth(noisy) + smoother.mean - levels).mean()

    assert error_after < error_before


def test_a_shift_of_all_ratings_is_found_and_honest_people_show_none(levels, smoother):
    rated = np.ones(levels.shape, bool)

    np.testing.assert_array_equal(smoother.shift(levels, rated), 0)
    np.testing.assert_allclose(smoother.shift(levels + 2, rated), 2, atol=0.8)
    np.testing.assert_allclose(smoother.shift(levels - 2, rated), -2, atol=0.8)
    assert (np.abs(smoother.shift(levels + 2, rated)) > SHIFT_LEAST).all()


def test_no_shift_is_looked_for_in_few_ratings(levels, smoother):
    rated = np.zeros(levels.shape, bool)
    rated[:, :20] = True

    np.testing.assert_array_equal(smoother.shift(levels + 3, rated), 0)


def test_a_shift_is_found_among_almost_all_ratings_too(levels, smoother):
    rated = np.ones(levels.shape, bool)
    rated[:, 3] = False
    shifted = levels + np.where(rated, 2, 0)

    np.testing.assert_allclose(smoother.shift(shifted, rated), 2, atol=0.8)


def test_ratings_that_are_all_the_same_say_nothing():
    ratings = np.array([[2, 2, 2, 2], [2, 2, 2, 3], [2, 2, -1, -1], [2, 2, 2, -1], [-1, -1, -1, -1]], np.int8)

    said = informative(ratings)

    assert said.sum(axis=1).tolist() == [0, 4, 2, 0, 0]
