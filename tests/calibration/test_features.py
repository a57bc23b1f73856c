import numpy as np
import pytest

from calibration.curves.features import NAMES, SIGNS, NoFeatureError, Rung, choose_inputs, matrix
from tests.calibration.arrays import make_features


def noise(n=400, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def test_matrix_has_a_column_per_feature_and_nan_for_what_is_missing():
    features = matrix({"fit": [1.0, 2.0], "unheard_of": [9.0, 9.0]}, 2)

    assert features.shape == (2, len(NAMES))
    assert features[:, NAMES.index("fit")].tolist() == [1.0, 2.0]
    assert np.isnan(features).sum() == 2 * (len(NAMES) - 1)


def test_signs_are_those_of_the_table():
    signs = dict(zip(NAMES, SIGNS.tolist(), strict=True))

    assert {name for name, sign in signs.items() if sign == 1} == {
        "fit",
        "base_score",
        "knowledge",
        "readiness",
        "match_score",
    }
    assert {name for name, sign in signs.items() if sign == -1} == {"gap_severity", "job_zone_diff", "shortfall"}
    assert signs["confidence"] == 0


def test_platt_reads_the_fit_and_where_there_is_none_the_base_score():
    both = make_features(400, fit=noise(), base_score=noise(seed=1), readiness=noise(seed=2))
    assert choose_inputs(both, Rung.PLATT).names == ("fit",)

    without = make_features(400, base_score=noise(seed=1), readiness=noise(seed=2))
    assert choose_inputs(without, Rung.PLATT).names == ("base_score",)


def test_logistic_leaves_out_what_earlier_features_tell_and_boosting_only_copies():
    fit, readiness = noise(), noise(seed=1)
    features = make_features(
        400, fit=fit, base_score=fit, readiness=readiness, match_score=readiness + 0.3 * noise(seed=2)
    )

    assert choose_inputs(features, Rung.LOGISTIC).names == ("fit", "readiness")
    assert choose_inputs(features, Rung.BOOSTING).names == ("fit", "readiness", "match_score")


@pytest.mark.parametrize(("r2", "enters"), [(0.79, True), (0.81, False)])
def test_logistic_takes_what_is_told_to_four_fifths_at_most(r2, enters):
    fit, other = np.tile([1.0, 1, -1, -1], 10), np.tile([1.0, -1, 1, -1], 10)
    features = make_features(40, fit=fit, readiness=np.sqrt(r2) * fit + np.sqrt(1 - r2) * other)

    assert ("readiness" in choose_inputs(features, Rung.LOGISTIC).names) == enters


def test_logistic_sees_collinearity_of_three():
    # readiness correlates little with either of the others (-0.3 and 0.3), and is told by both.
    fit = noise()
    gap = 0.8 * fit + 0.6 * noise(seed=1)
    features = make_features(400, fit=fit, gap_severity=gap, readiness=fit - gap + 0.1 * noise(seed=2))

    assert choose_inputs(features, Rung.LOGISTIC).names == ("fit", "gap_severity")


def test_constant_and_mostly_unknown_features_never_enter():
    mostly_unknown = np.where(np.arange(400) < 201, np.nan, noise(seed=1))
    features = make_features(400, fit=noise(), knowledge=70.0, readiness=mostly_unknown)

    assert choose_inputs(features, Rung.BOOSTING).names == ("fit",)


@pytest.mark.parametrize("rung", [Rung.PLATT, Rung.LOGISTIC, Rung.BOOSTING])
@pytest.mark.parametrize("columns", [{}, {"fit": 50.0, "readiness": 80.0}])
def test_nothing_that_varies_is_an_error(rung, columns):
    with pytest.raises(NoFeatureError):
        choose_inputs(make_features(40, **columns), rung)


def test_unknown_values_count_as_the_median_and_unknown_jobs_stay_unknown():
    features = make_features(5, fit=[1.0, 2.0, 3.0, 4.0, np.nan], readiness=[5.0, 1.0, 4.0, 1.0, np.nan])
    inputs = choose_inputs(features, Rung.LOGISTIC)
    assert inputs.names == ("fit", "readiness")
    asked = make_features(3, fit=[2.5, np.nan, np.nan], readiness=[3.0, 3.0, np.nan])

    z = inputs.standardise(asked)

    assert z[1].tolist() == z[0].tolist()  # 2.5 is the median
    assert np.isnan(z[2]).all()
