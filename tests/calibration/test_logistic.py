import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from calibration.curves.logistic import NotConvergedError, covariance_by_person, fit_logistic

FREE = np.inf


def draw(seed, n=500, k=3):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, k))])
    label = (rng.random(n) < expit(design @ rng.normal(size=k + 1))).astype(float)
    return design, label


def fit(design, label, penalty=1.0, lower=-FREE, upper=FREE):
    k = design.shape[1]
    return fit_logistic(
        design,
        label,
        penalty=np.append(0.0, np.full(k - 1, penalty)),
        lower=np.append(-FREE, np.full(k - 1, lower)),
        upper=np.append(FREE, np.full(k - 1, upper)),
    )


def test_agrees_with_scikit_learn():
    design, label = draw(0)
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(design[:, 1:], label)

    b = fit(design, label, penalty=2.0)

    assert b[0] == pytest.approx(reference.intercept_[0], abs=1e-5)
    assert b[1:] == pytest.approx(reference.coef_[0], abs=1e-5)


@given(st.integers(0, 10**6))
@settings(max_examples=30)
def test_bounded_coefficients_meet_the_conditions_of_a_minimum(seed):
    design, label = draw(seed, n=120)

    b = fit(design, label, lower=0.0)

    gradient = design.T @ (expit(design @ b) - label) + np.append(0.0, b[1:])
    on_bound = np.append(False, b[1:] == 0.0)
    assert (b[1:] >= 0).all()
    assert np.abs(gradient[~on_bound]).max(initial=0) < 1e-4
    assert (gradient[on_bound] >= -1e-4).all()


def test_separable_labels_without_a_penalty_are_an_error_not_a_runaway_slope():
    design = np.column_stack([np.ones(20), np.arange(20.0)])

    with pytest.raises(NotConvergedError):
        fit(design, (np.arange(20) > 9).astype(float), penalty=0.0)


def test_covariance_of_independent_people_is_about_the_textbook_one():
    design, label = draw(1, n=4000)
    b = fit(design, label, penalty=0.0)
    p = expit(design @ b)

    covariance = covariance_by_person(
        design, label, b, penalty=np.zeros(4), free=np.ones(4, bool), person=np.arange(4000)
    )

    textbook = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    assert np.diag(covariance) == pytest.approx(np.diag(textbook), rel=0.15)


def test_covariance_of_an_intercept_by_hand():
    # 3 of 10 people: the variance of the log odds is 1 / (10 * 0.3 * 0.7), times 10 / 9.
    label = (np.arange(10) < 3).astype(float)
    covariance = covariance_by_person(
        np.ones((10, 1)),
        label,
        np.array([np.log(0.3 / 0.7)]),
        penalty=np.zeros(1),
        free=np.ones(1, bool),
        person=np.arange(10),
    )

    assert covariance.item() == pytest.approx(10 / 9 / 2.1)


def test_answers_given_three_times_over_count_once():
    design, label = draw(2, n=300)
    b = fit(design, label, penalty=0.0)
    options = {"penalty": np.zeros(4), "free": np.ones(4, bool)}

    once = covariance_by_person(design, label, b, person=np.arange(300), **options)
    tripled = covariance_by_person(
        np.repeat(design, 3, axis=0), np.repeat(label, 3), b, person=np.repeat(np.arange(300), 3), **options
    )

    assert tripled == pytest.approx(once)


def test_a_coefficient_on_its_bound_counts_as_known():
    design, label = draw(3)
    b = fit(design, label, lower=0.0, upper=0.0)

    covariance = covariance_by_person(
        design, label, b, penalty=np.zeros(4), free=np.array([True, False, False, False]), person=np.arange(500)
    )

    assert covariance[0, 0] > 0
    assert (covariance[1:] == 0).all()
