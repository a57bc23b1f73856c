"""Logistic regression with a penalty and with bounds on coefficients, and its covariance by person."""

import numpy as np
from scipy.special import expit

from calibration.curves.features import Bools, Floats, Ints, TrainingError

MAX_STEPS = 100
TOLERANCE = 1e-9  # of the mean gradient
SEPARATED = 1e-7  # mean loss below which labels are told without fault, and a slope would grow for ever


class NotConvergedError(TrainingError):
    """The samples do not determine a curve, as where labels are told apart without fault."""


def fit_logistic(design: Floats, target: Floats, *, penalty: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return the coefficients that minimise the penalised log loss within bounds, shape (k,).

    They minimise sum(log(1 + exp(z)) - target * z) + sum(penalty * b²) / 2 with z = design @ b, by the projected
    Newton method (Bertsekas 1982, "Projected Newton Methods for Optimization Problems with Simple Constraints",
    eq. 32-38): no randomness, and a coefficient on its bound is exactly there.

    Args:
        design: Shape (n, k), with a column of ones for the intercept.
        target: Shape (n,), 0 to 1.
        penalty: Shape (k,), at least 0.
        lower: Shape (k,), -inf where there is none.
        upper: Shape (k,), inf where there is none.

    Raises:
        NotConvergedError: There is no minimum.
    """
    n = len(design)

    def loss(b: Floats) -> float:
        z = design @ b
        return float(np.mean(np.logaddexp(0.0, z) - target * z) + penalty @ (b * b) / (2 * n))

    b = np.clip(np.zeros(design.shape[1]), lower, upper)
    here = loss(b)
    for _ in range(MAX_STEPS):
        p = expit(design @ b)
        gradient = design.T @ (p - target) / n + penalty * b / n
        free = ~(((b <= lower) & (gradient > 0)) | ((b >= upper) & (gradient < 0)))
        if not free.any() or np.abs(gradient[free]).max() < TOLERANCE:
            if here < SEPARATED:
                break
            return b
        hessian = hessian_of(design, p, penalty)[np.ix_(free, free)] / n
        step = np.zeros_like(b)
        try:
            step[free] = np.linalg.solve(hessian, gradient[free])
        except np.linalg.LinAlgError:
            break
        length = 1.0
        while length > 1e-8:
            there = np.clip(b - length * step, lower, upper)
            value = loss(there)
            # What rounding alone changes must not count as a failure to descend.
            if value <= here - 1e-4 * gradient @ (b - there) + 1e-14:
                break
            length /= 2
        b, here = there, value
    raise NotConvergedError("The samples do not determine a curve: its slopes would grow for ever.")


def hessian_of(design: Floats, p: Floats, penalty: Floats) -> Floats:
    """Return the second derivatives of the penalised log loss, shape (k, k), at probabilities p, shape (n,)."""
    result: Floats = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
    return result


def covariance_by_person(
    design: Floats, label: Ints, b: Floats, *, penalty: Floats, free: Bools, person: Ints
) -> Floats:
    """Return the sandwich covariance of coefficients, shape (k, k), with people as the units.

    Liang & Zeger 1986, eq. 8 with independent working correlation, times G / (G - 1): one person's answers hang
    together, so items are not counted as independent. Coefficients on a bound count as known.

    Args:
        design: Shape (n, k).
        label: Shape (n,), 0 or 1.
        b: Shape (k,), fitted.
        penalty: Shape (k,).
        free: Shape (k,); False for a coefficient on its bound.
        person: Shape (n,).
    """
    p = expit(design @ b)
    people, index = np.unique(person, return_inverse=True)
    residual = label - p
    scores = np.column_stack(
        [np.bincount(index, residual * column, minlength=len(people)) for column in design.T[free]]
    )
    bread = np.linalg.pinv(hessian_of(design, p, penalty)[np.ix_(free, free)])
    covariance = np.zeros((len(b), len(b)))
    inflation = len(people) / max(len(people) - 1, 1)
    covariance[np.ix_(free, free)] = bread @ (scores.T @ scores) @ bread * inflation
    return covariance
