"""How good probabilities are: sharpness, ranking, calibration, drift, and how evenly occupations are shown.

Everywhere p has shape (n,), 0-1, and label shape (n,), 0 or 1; without samples the figures raise ValueError.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logit, stdtrit
from scipy.stats import rankdata

from calibration.curves.features import Floats, Ints
from calibration.curves.logistic import NotConvergedError, fit_logistic
from calibration.curves.resampling import Estimate, bootstrap, ratio

N_BINS = 10
ITEMS_PER_BIN = 200
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability diagram.

    Args:
        low, high: The least and the largest probability in it.
        mean: The mean probability.
        rate: The observed share of positives.
        n: Number of items.
        positives: Number of positive ones.
    """

    low: float
    high: float
    mean: float
    rate: float
    n: int
    positives: int


def brier(p: Floats, label: Ints) -> float:
    """Return the mean squared error of probabilities (Brier 1950), 0-1, lower is better."""
    _require_some(label)
    return float(np.mean((p - label) ** 2))


def brier_skill(p: Floats, label: Ints) -> float:
    """Return 1 - Brier / the best constant's Brier: above 0 is better than any constant. NaN if that is never wrong."""
    _require_some(label)
    constant = brier(np.full(len(label), label.mean()), label)
    return 1 - brier(p, label) / constant if constant > 0 else float("nan")


def brier_difference(challenger: Floats, champion: Floats, label: Ints, person: Ints, *, seed: int) -> Estimate:
    """Return the challenger's Brier score minus the champion's, with a cluster-bootstrap 95 % interval by person.

    Below 0, the challenger is better.
    """
    _require_some(label)
    worse = (challenger - label) ** 2 - (champion - label) ** 2
    return bootstrap(person, np.column_stack([worse, np.ones(len(label))]), ratio, seed=seed)


def log_loss(p: Floats, label: Ints) -> float:
    """Return the mean negative log likelihood in nats; probabilities are held 1e-12 off 0 and 1."""
    _require_some(label)
    held = np.clip(p, SMALLEST, 1 - SMALLEST)
    return float(-np.mean(np.where(label == 1, np.log(held), np.log1p(-held))))


def auc(p: Floats, label: Ints, person: Ints) -> Estimate:
    """Return the area under the ROC curve with a 95 % interval that counts people; all NaN with one class only.

    The chance that a positive has the larger probability, ties counting half, with the variance for clustered data
    of Obuchowski 1997, eq. 4-7 (DeLong's components summed by person). That variance is itself known only as well as
    so many people tell it, so Student's t takes the normal's place, with as many people as would be worth as much if
    all had equally many items (Kish 1965), less one. One person tells nothing of others: the interval is 0 to 1.
    """
    _require_some(label)
    positive = label == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    ranks = rankdata(p)
    component = np.empty(len(p))
    component[positive] = (ranks[positive] - rankdata(p[positive])) / n
    component[~positive] = 1 - (ranks[~positive] - rankdata(p[~positive])) / m
    value = float(component[positive].mean())
    people, index, n_items = np.unique(person, return_inverse=True, return_counts=True)
    if len(people) == 1:
        return Estimate(value, 0.0, 1.0)
    deviation = component - value
    of_positives = np.bincount(index[positive], deviation[positive], minlength=len(people))
    of_negatives = np.bincount(index[~positive], deviation[~positive], minlength=len(people))
    inflation = len(people) / (len(people) - 1)
    variance = inflation * float(((of_positives / m + of_negatives / n) ** 2).sum())
    effective = len(p) ** 2 / int((n_items**2).sum())
    half = float(stdtrit(effective - 1, 0.975) * np.sqrt(variance))
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def n_bins_of(n: int) -> int:
    """Return how many bins so many items carry: 2 to 10, of 200 items or more where there are enough."""
    return int(np.clip(n // ITEMS_PER_BIN, 2, N_BINS))


def equal_mass_bins(p: Floats, n_bins: int = N_BINS) -> Ints:
    """Return each item's bin, shape (n,), rising with p from 0; ties share a bin, so there may be fewer bins."""
    rank = rankdata(p, method="min") - 1
    bins = (rank * n_bins // len(p)).astype(np.int64)
    result: Ints = np.unique(bins, return_inverse=True)[1]
    return result


def reliability(p: Floats, label: Ints, n_bins: int = N_BINS) -> tuple[Bin, ...]:
    """Return the bins of a reliability diagram, about equally many items in each, from low to high."""
    _require_some(label)
    bins = equal_mass_bins(p, n_bins)
    return tuple(
        Bin(
            low=float(p[inside].min()),
            high=float(p[inside].max()),
            mean=float(p[inside].mean()),
            rate=float(label[inside].mean()),
            n=int(inside.sum()),
            positives=int(label[inside].sum()),
        )
        for inside in (bins == number for number in range(int(bins.max()) + 1))
    )


def ece(p: Floats, label: Ints, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error over equal-mass bins, 0-1 (Naeini, Cooper, Hauskrecht 2015, eq. 1).

    Chance alone makes it positive: by about 0.8 sqrt(rate (1 - rate) n_bins / n).
    """
    return sum(bin_.n * abs(bin_.rate - bin_.mean) for bin_ in reliability(p, label, n_bins)) / len(p)


def ece_interval(p: Floats, label: Ints, person: Ints, n_bins: int = N_BINS, *, seed: int) -> Estimate:
    """Return the expected calibration error with a 95 % interval over resampled people, its ends at least 0.

    Resampled errors are too large as much as the error itself is, once more, because chance alone makes both positive.
    So their own quantiles would prove a perfect curve wrong; the basic bootstrap interval mirrors them about the error
    and thereby takes that off again (Davison & Hinkley 1997, section 5.2).
    """
    _require_some(label)
    bins = equal_mass_bins(p, n_bins)
    in_bins = np.where(bins[:, None] == np.arange(bins.max() + 1), (p - label)[:, None], 0.0)
    found = bootstrap(
        person,
        np.column_stack([in_bins, np.ones(len(p))]),
        lambda sums: np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1],
        seed=seed,
    )
    return Estimate(found.value, max(0.0, 2 * found.value - found.high), max(0.0, 2 * found.value - found.low))


def calibration_line(p: Floats, label: Ints) -> tuple[float, float]:
    """Return intercept and slope of the labels' logistic regression on logit(p) (Cox 1958): 0 and 1 are ideal.

    A slope below 1 means that probabilities are too extreme. Both are NaN where the samples do not determine them.
    """
    _require_some(label)
    z = logit(np.clip(p, SMALLEST, 1 - SMALLEST))
    nan = float("nan")
    if np.ptp(z) < 1e-9 or label.min() == label.max():
        return nan, nan
    try:
        intercept, slope = fit_logistic(
            np.column_stack([np.ones(len(z)), z]),
            label.astype(np.float64),
            penalty=np.zeros(2),
            lower=np.full(2, -np.inf),
            upper=np.full(2, np.inf),
        )
    except NotConvergedError:
        return nan, nan
    return float(intercept), float(slope)


def roc(p: Floats, label: Ints) -> tuple[Floats, Floats]:
    """Return false and true positive rates from (0, 0) to (1, 1), one point per distinct probability."""
    _require_some(label)
    order = np.argsort(-p, kind="stable")
    last_of_tie = np.append(np.diff(p[order]) != 0, True)
    true = np.cumsum(label[order])[last_of_tie]
    false = np.cumsum(1 - label[order])[last_of_tie]
    return np.append(0, false) / max(int(false[-1]), 1), np.append(0, true) / max(int(true[-1]), 1)


def gains(p: Floats, label: Ints) -> tuple[Floats, Floats]:
    """Return the share of items, best first, and the share of all positives among them, from 0 to 1."""
    _require_some(label)
    order = np.argsort(-p, kind="stable")
    found = np.cumsum(label[order])
    return np.arange(len(p) + 1) / len(p), np.append(0, found) / max(int(found[-1]), 1)


def psi(before: Floats, now: Floats, n_bins: int = N_BINS) -> float:
    """Return the population stability index between two samples of a figure; above 0.25 is usually called drift.

    sum((a - b) ln(a / b)) over bins (Siddiqi 2006): one per value where both samples together have no more values than
    `n_bins`, else such as hold equal shares of `before`, where a value that fills one alone has it to itself; and one
    for what is unknown (NaN). Each share is counted with half an item more, so that a bin that is empty on one side is
    no infinity.

    Raises:
        ValueError: A sample is empty.
    """
    if len(before) == 0 or len(now) == 0:
        raise ValueError("drift needs samples on both sides")
    # NaN sorts behind everything, so the last bin is that of the unknown.
    edges = np.append(_drift_edges(before[~np.isnan(before)], now[~np.isnan(now)], n_bins), np.inf)
    counts = np.array(
        [
            np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1)
            for sample in (before, now)
        ]
    )
    counts = counts[:, counts.any(axis=0)] + 0.5
    a, b = counts / counts.sum(axis=1, keepdims=True)
    return float(((a - b) * np.log(a / b)).sum())


def _drift_edges(before: Floats, now: Floats, n_bins: int) -> Floats:
    """Return the values at which the bins of two known samples begin; what lies below the first is a bin too."""
    values = np.unique(np.concatenate([before, now]))
    if len(values) <= n_bins:
        return values
    quantiles = np.quantile(before if len(before) else now, np.linspace(0, 1, n_bins + 1))
    alone = quantiles[1:][np.diff(quantiles) == 0]
    return np.unique(np.concatenate([quantiles[1:-1], np.nextafter(alone, np.inf)]))


def gini(exposure: Floats) -> float:
    """Return the Gini coefficient of exposure, shape (n,), at least 0: 0 all alike, near 1 one has all; NaN for none.

    Raises:
        ValueError: An exposure is negative.
    """
    if (exposure < 0).any():
        raise ValueError("exposure cannot be negative")
    total = exposure.sum()
    if total == 0:
        return float("nan")
    n = len(exposure)
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ np.sort(exposure) / (n * total))


def _require_some(label: Ints) -> None:
    if len(label) == 0:
        raise ValueError("there are no samples")
