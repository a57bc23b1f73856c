"""The ladder: which curve the people who answered can carry, and its training.

Counted by n, the number of distinct people with a mature label of the rarer class: under 20 none, the baseline stays
and says that it is not calibrated; from 20 Platt's two parameters; from 100 the signed L2 logistic curve; from 1,000
also monotone gradient boosting, which has to beat the logistic one at the gate.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from calibration.curves.boosting import BoostedCurve, fit_boosted
from calibration.curves.features import FEATURES, Floats, Rung, TrainingError
from calibration.curves.linear import LinearCurve, fit_platt, fit_signed
from calibration.curves.samples import Samples, people_of_rarer_class, require_both_classes

Curve = LinearCurve | BoostedCurve


class TooFewError(TrainingError):
    """Too few people answered for any curve."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Where the rungs begin.

    Args:
        samples: Labels below which nothing is tried.
        platt, logistic, boosting: People of the rarer class from which a rung is used.

    Raises:
        ValueError: A rung begins before the one below it.
    """

    samples: int = 50
    platt: int = 20
    logistic: int = 100
    boosting: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.platt <= self.logistic <= self.boosting:
            raise ValueError("steps must satisfy 1 <= platt <= logistic <= boosting")


DEFAULT_STEPS = Steps()


def rung_of(samples: Samples, steps: Steps = DEFAULT_STEPS) -> Rung:
    """Return the highest rung that the samples can carry."""
    if len(samples) < steps.samples:
        return Rung.NONE
    people = people_of_rarer_class(samples)
    if people < steps.platt:
        return Rung.NONE
    if people < steps.logistic:
        return Rung.PLATT
    return Rung.LOGISTIC if people < steps.boosting else Rung.BOOSTING


def train(samples: Samples, rung: Rung, *, seed: int) -> Curve:
    """Return the curve of one rung; the same samples and seed give the same curve, byte for byte.

    On one thread: sums split over threads round differently, so the bytes would hang on the machine's load; and threads
    that build a tree's histograms wait for each other at every node, which costs more than it gains on a busy machine.

    Args:
        samples: What to learn from.
        rung: PLATT, LOGISTIC or BOOSTING.
        seed: Of the folds, and of the bins of boosting.

    Raises:
        TooFewError: The rung is NONE.
        OneClassError: All labels are alike.
        NoFeatureError: No feature of the rung varies.
        NotConvergedError: The samples do not determine a curve.
    """
    if rung == Rung.NONE:
        raise TooFewError("Too few people have answered for a curve.")
    require_both_classes(samples.label)
    with threadpool_limits(1):
        if rung == Rung.PLATT:
            return fit_platt(samples)
        return fit_signed(samples) if rung == Rung.LOGISTIC else fit_boosted(samples, seed)


def climb(samples: Samples, *, seed: int, steps: Steps = DEFAULT_STEPS) -> tuple[Curve, ...]:
    """Return the curves to bring to the gate, the plainest first: at the top rung two, else one.

    Raises:
        TooFewError: The samples carry no rung.
        TrainingError: See `train`.
    """
    rung = rung_of(samples, steps)
    rungs = (Rung.LOGISTIC, Rung.BOOSTING) if rung == Rung.BOOSTING else (rung,)
    return tuple(train(samples, of_rung, seed=seed) for of_rung in rungs)


def effect(curve: Curve, features: Floats, column: int, values: Floats) -> Floats:
    """Return how probabilities follow one feature, all else as it is: shape (len(values), n).

    Its mean over n is the partial dependence (Friedman 2001, section 8.2).

    Args:
        curve: The curve.
        features: Shape (n, len(FEATURES)), the jobs to vary.
        column: The feature, as in `FEATURES`.
        values: The values to give it.
    """
    n = len(features)
    varied = np.tile(features, (len(values), 1))
    varied[:, column] = np.repeat(values, n)
    return curve.probability(varied).reshape(len(values), n)


def monotonicity_violations(curve: Curve, features: Floats, *, n_values: int = 41) -> tuple[str, ...]:
    """Return the features along which some job's probability moves against their sign: none, if all is well.

    Every signed feature is swept from its least to its largest value while the rest of each job stays as it is, so
    what is judged is what the curve answers, whatever it is made of. Boosted curves are steps: the sweep takes
    `n_values` quantiles.

    Args:
        curve: The curve.
        features: Shape (n, len(FEATURES)), jobs to try it on; some hundreds suffice.
        n_values: Number of values per feature.
    """
    broken = []
    for column, feature in enumerate(FEATURES):
        values = features[:, column]
        values = values[~np.isnan(values)]
        if feature.sign == 0 or len(values) == 0:
            continue
        swept = effect(curve, features, column, np.quantile(values, np.linspace(0, 1, n_values)))
        if (np.diff(swept, axis=0) * feature.sign < -1e-12).any():
            broken.append(feature.name)
    return tuple(broken)
