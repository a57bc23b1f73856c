"""The figures of a curve that was judged, and figures as JSON values."""

import numpy as np
import pytest

from calibration.curves import metrics
from calibration.curves.features import Rung
from calibration.curves.ladder import train
from calibration.details import model_details
from calibration.json_values import json_ready
from tests.calibration.arrays import make_samples
from tests.calibration.datasets import as_json

NAN = float("nan")


def details_of(curve, samples):
    return model_details(curve, samples, curve.probability(samples.features, samples.position), seed=0)


@pytest.mark.parametrize("rung", [Rung.PLATT, Rung.LOGISTIC, Rung.BOOSTING])
def test_the_details_are_json_and_say_what_the_metrics_say(curves, samples, rung):
    details = details_of(curves[rung], samples)
    as_json(details)
    p = curves[rung].probability(samples.features, samples.position)
    assert details["brier"] == pytest.approx(metrics.brier(p, samples.label))
    assert details["ece"] == pytest.approx(metrics.ece(p, samples.label))
    assert details["log_loss"] == pytest.approx(metrics.log_loss(p, samples.label))
    assert (details["intercept"], details["slope"]) == pytest.approx(metrics.calibration_line(p, samples.label))
    area = metrics.auc(p, samples.label, samples.person)
    assert [details["roc"][name] for name in ("auc_low", "auc", "auc_high")] == [area.low, area.value, area.high]
    assert sum(row["n"] for row in details["reliability"]) == len(samples) == details["n"]
    for row in details["reliability"]:
        assert row["low"] <= row["mean"] <= row["high"]
        assert 0 <= row["rate_low"] <= row["rate"] <= row["rate_high"] <= 1
        assert row["positives"] == round(row["rate"] * row["n"])
    for line, (x, y), whole in (
        ("roc", ("fpr", "tpr"), metrics.roc(p, samples.label)),
        ("gains", ("share", "found"), metrics.gains(p, samples.label)),
    ):
        assert len(details[line][x]) == len(details[line][y]) <= 101
        assert set(zip(details[line][x], details[line][y], strict=True)) <= set(zip(*whole, strict=True))
        assert (details[line][x][0], details[line][y][0]) == (0, 0)
        assert (details[line][x][-1], details[line][y][-1]) == (1, 1)


def test_effects_follow_their_signs_and_only_linear_curves_have_coefficients(curves, samples):
    for rung, curve in curves.items():
        effects = {row["feature"]: row for row in details_of(curve, samples)["effects"]}
        assert set(effects) - {"position"} == set(curve.inputs.names)
        for row in effects.values():
            assert len(row["values"]) == len(row["mean"])
            assert (np.diff(row["mean"]) * row["sign"] >= -1e-12).all()
            assert (row["coefficient"] is None) == (rung == Rung.BOOSTING)
        if rung == Rung.LOGISTIC:
            fit = effects["fit"]
            assert ("fit", fit["coefficient"], fit["low"], fit["high"]) in curve.effects()
            assert fit["low"] < fit["coefficient"] < fit["high"]
        assert ("position" in effects) == (rung != Rung.PLATT)


def test_a_coefficient_that_its_sign_holds_at_0_has_no_interval():
    """The worse the fit, the more often people say yes: the fit may only raise."""
    fit = np.linspace(0, 100, 200)
    samples = make_samples((np.arange(200) % 10 < np.where(fit > 50, 2, 6)).astype(int), fit=fit)
    (row,) = details_of(train(samples, Rung.PLATT, seed=0), samples)["effects"]
    assert (row["feature"], row["coefficient"], row["low"], row["high"]) == ("fit", 0, None, None)


def test_samples_without_a_probability_are_left_out_and_none_at_all_give_nulls(curves, samples):
    p = curves[Rung.PLATT].probability(samples.features)
    p[: len(p) - 100] = NAN
    assert model_details(curves[Rung.PLATT], samples, p, seed=0)["n"] == 100
    nothing = model_details(curves[Rung.PLATT], samples, np.full(len(p), NAN), seed=0)
    as_json(nothing)
    assert (nothing["n"], nothing["brier"], nothing["reliability"]) == (0, None, [])


def test_one_class_only_has_no_auc_and_no_slope_but_is_json(curves):
    samples = make_samples([0] * 60, fit=np.linspace(1, 99, 60))
    details = details_of(curves[Rung.LOGISTIC], samples)
    as_json(details)
    assert details["roc"]["auc"] is details["slope"] is details["brier_skill"] is None
    assert details["base_rate"] == 0


def test_the_same_samples_and_seed_give_the_same_details(curves, samples):
    assert details_of(curves[Rung.LOGISTIC], samples) == details_of(curves[Rung.LOGISTIC], samples)


def test_json_has_neither_nan_nor_numpy():
    found = json_ready({1: (np.float64(NAN), np.int64(2)), "b": np.array([np.inf, 1.0]), "c": [True, None, "x"]})
    assert found == {"1": [None, 2], "b": [None, 1.0], "c": [True, None, "x"]}
    assert type(found["1"][1]) is int
