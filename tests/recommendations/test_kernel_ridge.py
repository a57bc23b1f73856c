import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge as Reference

from recommendations.scoring.kernel_ridge import KEEP_ALL, fit_kernel_ridge


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)).astype(np.float32), rng.normal(2, 1, size=(40, 3)).astype(np.float32)


def test_agrees_with_scikit_learn(draws):
    inputs, targets = draws
    mean = targets[:30].mean(axis=0)
    theirs = Reference(alpha=0.3, kernel="rbf", gamma=0.1).fit(inputs[:30], targets[:30] - mean)

    ours = fit_kernel_ridge(inputs[:30], targets[:30], gamma=0.1, alpha=0.3)

    np.testing.assert_allclose(ours.predict(inputs[30:]), theirs.predict(inputs[30:]) + mean, atol=1e-4)


def test_leaving_a_row_out_equals_fitting_without_it(draws):
    inputs, targets = draws
    whole = fit_kernel_ridge(inputs, targets, gamma=0.1, alpha=0.3)
    new = inputs[[4, 9, 30]] + 0.1

    left_out = whole.predict(new, np.array([4, 20, KEEP_ALL]))

    for row, without in ((0, 4), (1, 20)):
        kept = np.delete(np.arange(40), without)
        again = fit_kernel_ridge(inputs[kept], targets[kept], gamma=0.1, alpha=0.3)
        np.testing.assert_allclose(left_out[row], again.predict(new[[row]])[0], atol=1e-4)
    np.testing.assert_allclose(left_out[2], whole.predict(new)[2], atol=1e-6)


def test_far_from_everything_the_mean_is_predicted(draws):
    inputs, targets = draws

    far = fit_kernel_ridge(inputs, targets, gamma=0.1, alpha=0.3).predict(np.full((1, 5), 100, np.float32))

    np.testing.assert_allclose(far[0], targets.mean(axis=0), atol=1e-5)


def test_one_row_is_enough_and_none_is_refused():
    one = fit_kernel_ridge(np.zeros((1, 2)), np.ones((1, 2)), gamma=0.1, alpha=0.3)

    np.testing.assert_allclose(one.predict(np.zeros((1, 2), np.float32)), [[1, 1]])
    with pytest.raises(ValueError, match="one at least"):
        fit_kernel_ridge(np.zeros((0, 2)), np.zeros((0, 2)), gamma=0.1, alpha=0.3)
