"""What is said of a curve that was judged: figures, points of charts and effects, as the registry keeps them."""

from typing import Any

import numpy as np

from calibration.curves import metrics
from calibration.curves.features import FEATURES, Floats
from calibration.curves.ladder import Curve, effect
from calibration.curves.linear import LinearCurve
from calibration.curves.resampling import binned_intervals
from calibration.curves.samples import Samples
from calibration.json_values import json_ready

MOST_POINTS = 101
N_VALUES = 21
JOBS_VARIED = 500


def model_details(curve: Curve, samples: Samples, p: Floats, *, seed: int) -> dict[str, Any]:
    """Return the figures of a judged curve on the samples that were held out.

    Args:
        curve: The curve.
        samples: What was held out; n of them.
        p: Shape (n,), the curve's probabilities at the positions shown; where NaN, the sample is left out.
        seed: Of the jobs on which effects are tried.

    Returns:
        - reliability: bins from low to high: low, high, mean, rate, rate_low, rate_high, n, positives. The rate's 95 %
          interval counts people.
        - roc: fpr, tpr, at most 101 points; auc, auc_low, auc_high.
        - gains: share of items, best first, and the share of positives found among them.
        - effects: per feature: feature, sign, values, mean (the mean probability of held-out jobs if all had that
          value: Friedman 2001, section 8.2), and of a linear curve the coefficient, low, high, in log odds per standard
          deviation; low and high are null where its sign holds the coefficient at 0, of which no interval is known.
          "position" stands for the place in the list, its coefficient for the logarithm of it.
        - brier, brier_skill (over the best constant of the samples), log_loss, ece, intercept, slope, base_rate, n,
          people.
    """
    known = ~np.isnan(p)
    samples, p = samples.take(known), p[known]
    n, label = len(samples), samples.label
    details: dict[str, Any] = {
        "reliability": [],
        "roc": {"fpr": [], "tpr": [], "auc": None, "auc_low": None, "auc_high": None},
        "gains": {"share": [], "found": []},
        "effects": [],
        **dict.fromkeys(("brier", "brier_skill", "log_loss", "ece", "intercept", "slope", "base_rate")),
        "n": n,
        "people": len(np.unique(samples.person)),
    }
    if n == 0:
        return details
    n_bins = metrics.n_bins_of(n)
    area = metrics.auc(p, label, samples.person)
    intercept, slope = metrics.calibration_line(p, label)
    details |= {
        "reliability": _reliability(p, samples, n_bins),
        "roc": {
            **_thinned(("fpr", "tpr"), metrics.roc(p, label)),
            "auc": area.value,
            "auc_low": area.low,
            "auc_high": area.high,
        },
        "gains": _thinned(("share", "found"), metrics.gains(p, label)),
        "effects": _effects(curve, samples, seed),
        "brier": metrics.brier(p, label),
        "brier_skill": metrics.brier_skill(p, label),
        "log_loss": metrics.log_loss(p, label),
        "ece": metrics.ece(p, label, n_bins),
        "intercept": intercept,
        "slope": slope,
        "base_rate": label.mean(),
    }
    ready: dict[str, Any] = json_ready(details)
    return ready


def _reliability(p: Floats, samples: Samples, n_bins: int) -> list[dict[str, Any]]:
    bins = metrics.equal_mass_bins(p, n_bins)
    _, below, above = binned_intervals(p, samples.label, samples.person, bins)
    return [
        {
            "low": one.low,
            "high": one.high,
            "mean": one.mean,
            "rate": one.rate,
            "rate_low": one.rate - below[number],
            "rate_high": one.rate + above[number],
            "n": one.n,
            "positives": one.positives,
        }
        for number, one in enumerate(metrics.reliability(p, samples.label, n_bins))
    ]


def _thinned(names: tuple[str, str], line: tuple[Floats, Floats]) -> dict[str, Any]:
    kept = np.unique(np.round(np.linspace(0, len(line[0]) - 1, MOST_POINTS)).astype(int))
    return {name: points[kept] for name, points in zip(names, line, strict=True)}


def _effects(curve: Curve, samples: Samples, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    n = len(samples)
    tried = samples.features[np.sort(rng.choice(n, JOBS_VARIED, replace=False)) if n > JOBS_VARIED else slice(None)]
    coefficients = {name: figures for name, *figures in curve.effects()} if isinstance(curve, LinearCurve) else {}
    rows = []
    for column in (int(column) for column in curve.inputs.columns):
        feature = FEATURES[column]
        values = samples.features[:, column]
        values = values[~np.isnan(values)]
        if not len(values):
            continue
        values = np.unique(np.quantile(values, np.linspace(0, 1, N_VALUES)))
        rows.append(
            {
                "feature": feature.name,
                "sign": feature.sign,
                "values": values,
                "mean": np.nanmean(effect(curve, tried, column, values), axis=1),
                **_coefficient(coefficients.get(feature.name)),
            }
        )
    places = np.arange(1.0, min(samples.position.max(), N_VALUES) + 1)
    at_places = [np.nanmean(curve.probability(tried, np.full(len(tried), place))) for place in places]
    if np.ptp(at_places) > 0:
        rows.append(
            {
                "feature": "position",
                "sign": -1,
                "values": places,
                "mean": at_places,
                **_coefficient(coefficients.get("log_position")),
            }
        )
    return rows


def _coefficient(figures: list[float] | None) -> dict[str, float | None]:
    coefficient, low, high = figures or (None, None, None)
    if coefficient == low == high == 0:
        # At its bound it does not vary, which is no certainty of it.
        low = high = None
    return {"coefficient": coefficient, "low": low, "high": high}
