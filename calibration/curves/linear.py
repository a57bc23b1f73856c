"""The ladder's two linear curves: Platt's two parameters on the fit, and a penalised logistic one with signs.

Position. A job lower in the list is seen and read less, so it gets fewer answers than it deserves. The logistic curve
has the logarithm of the position as a further input and, when applied, reads every job at one reference position (Ling
et al. 2017; Haldar et al. 2020): its other coefficients then tell of the job and not of its place. Weighting by inverse
examination probabilities would need those probabilities, which nobody logged: the logged propensities are 1 outside
the exploration slot, so they correct the choice of the slot's job and not the attention it gets. The reference is the
geometric mean position of the training samples, so that a displayed probability means "at a usual place in the list"
and its level matches what is observed. In the log odds the position is a separate summand, so the reference never
changes an order. Platt has two parameters and no position; as it never reorders, the bias in its slope does no harm
to an order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from calibration.curves.features import Floats, Inputs, Ints, Rung, choose_inputs
from calibration.curves.logistic import NotConvergedError, covariance_by_person, fit_logistic
from calibration.curves.samples import Samples, require_both_classes

# A normal prior with standard deviation 0.5 on the log odds per standard deviation of a feature.
PENALTY = 4.0
Z95 = 1.959964


def place_alone(samples: Samples, position: Floats) -> Floats:
    """Return what the place in the list alone tells of the label, shape (n,): a logistic curve of its logarithm.

    The base rate where the samples determine no such curve.

    Args:
        samples: What to learn it from; at least one.
        position: Shape (n,), the places asked about.
    """
    try:
        intercept, slope = fit_logistic(
            np.column_stack([np.ones(len(samples)), np.log(samples.position)]),
            samples.label.astype(np.float64),
            penalty=np.array([0.0, PENALTY]),
            lower=np.full(2, -np.inf),
            upper=np.array([np.inf, 0.0]),
        )
    except NotConvergedError:
        return np.full(len(position), samples.label.mean())
    result: Floats = expit(intercept + slope * np.log(position))
    return result


@dataclass(frozen=True, slots=True, eq=False)
class LinearCurve:
    """A curve whose log odds are linear in its inputs.

    Args:
        rung: PLATT or LOGISTIC.
        inputs: The features that it reads.
        coefficients: Shape (k + 2,): intercept, one per standardised feature, log position (0 for Platt).
        covariance: Shape (k + 2, k + 2), with people as the units.
        reference_position: The position at which jobs are read unless one is given, at least 1.
        base_rate: Share of positive labels in training.
        n_items: Number of training samples.
        n_people: Number of people in them.
    """

    rung: Rung
    inputs: Inputs
    coefficients: Floats
    covariance: Floats
    reference_position: float
    base_rate: float
    n_items: int
    n_people: int

    def probability(self, features: Floats, position: Floats | None = None) -> Floats:
        """Return probabilities, shape (n,); NaN for a job of which the curve knows nothing.

        Args:
            features: Shape (n, len(FEATURES)).
            position: Shape (n,), where the jobs were shown; by default all at the reference position.
        """
        result: Floats = expit(self._design(features, position) @ self.coefficients)
        return result

    def interval(self, features: Floats, probability: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the ends of the 95 % interval of `probability` at the reference position, shapes (n,).

        Delta method on the log odds, with the covariance by person.

        Args:
            features: Shape (n, len(FEATURES)).
            probability: Not needed here; other curves spare themselves the work.
        """
        design = self._design(features, None)
        z = design @ self.coefficients
        error = Z95 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", design, self.covariance, design), 0.0))
        return expit(z - error), expit(z + error)

    def effects(self) -> tuple[tuple[str, float, float, float], ...]:
        """Return each input's name, coefficient in log odds per standard deviation, and 95 % interval."""
        names = (*self.inputs.names, "log_position")[: len(self.coefficients) - 1]
        error = Z95 * np.sqrt(np.diag(self.covariance))
        return tuple(
            (name, float(b), float(b - e), float(b + e))
            for name, b, e in zip(names, self.coefficients[1:], error[1:], strict=True)
        )

    def _design(self, features: Floats, position: Floats | None) -> Floats:
        return _design(self.inputs, features, position, self.reference_position)


def _design(inputs: Inputs, features: Floats, position: Floats | None, reference_position: float) -> Floats:
    design = np.ones((len(features), len(inputs.columns) + 2))
    design[:, 1:-1] = inputs.standardise(features)
    design[:, -1] = 0.0 if position is None else np.log(position / reference_position)
    return design


def platt_targets(label: Ints) -> Floats:
    """Return Platt's targets for labels of shape (n,): a little off 0 and 1, so that no slope runs away.

    (N+ + 1) / (N+ + 2) for positives, 1 / (N- + 2) for negatives (Platt 1999, eq. 13-14).
    """
    positives = int(label.sum())
    return np.where(label == 1, (positives + 1) / (positives + 2), 1 / (len(label) - positives + 2))


def fit_platt(samples: Samples) -> LinearCurve:
    """Return Platt's curve on the fit (Platt 1999, eq. 8), its slope not below 0.

    Raises:
        TrainingError: Neither fit nor base score varies.
    """
    inputs = choose_inputs(samples.features, Rung.PLATT)
    return _fit(samples, Rung.PLATT, inputs, platt_targets, penalty=0.0, with_position=False)


def fit_signed(samples: Samples) -> LinearCurve:
    """Return the L2 logistic curve on the non-collinear features, each coefficient on its side of 0.

    Raises:
        TrainingError: No feature varies.
    """
    inputs = choose_inputs(samples.features, Rung.LOGISTIC)
    varies = bool(samples.position.min() < samples.position.max())
    return _fit(
        samples, Rung.LOGISTIC, inputs, lambda label: label.astype(np.float64), penalty=PENALTY, with_position=varies
    )


def _fit(
    samples: Samples,
    rung: Rung,
    inputs: Inputs,
    targets: Callable[[Ints], Floats],
    *,
    penalty: float,
    with_position: bool,
) -> LinearCurve:
    reference = float(np.exp(np.log(samples.position).mean()))
    design = _design(inputs, samples.features, samples.position, reference)
    known = ~np.isnan(design).any(axis=1)
    design, label, person = design[known], samples.label[known], samples.person[known]
    require_both_classes(label)
    signs = inputs.signs
    lower = np.concatenate([[-np.inf], np.where(signs > 0, 0.0, -np.inf), [-np.inf if with_position else 0.0]])
    upper = np.concatenate([[np.inf], np.where(signs < 0, 0.0, np.inf), [0.0]])
    penalties = np.concatenate([[0.0], np.full(len(signs) + 1, penalty)])
    if not with_position:
        # The coefficient is held at 0; where all positions are one, only a penalty determines it.
        penalties[-1] = 1.0
    b = fit_logistic(design, targets(label), penalty=penalties, lower=lower, upper=upper)
    covariance = covariance_by_person(
        design, label, b, penalty=penalties, free=(b > lower) & (b < upper), person=person
    )
    return LinearCurve(
        rung=rung,
        inputs=inputs,
        coefficients=b,
        covariance=covariance,
        reference_position=reference,
        base_rate=float(label.mean()),
        n_items=len(label),
        n_people=len(np.unique(person)),
    )
