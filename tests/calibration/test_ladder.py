import hashlib
import io
import os
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from calibration.curves import ladder
from calibration.curves.features import NAMES, SIGNS, NoFeatureError, Rung
from calibration.curves.linear import LinearCurve
from calibration.curves.samples import OneClassError, Samples
from tests.calibration.arrays import dumped, make_samples, random_samples

RUNGS = [Rung.PLATT, Rung.LOGISTIC, Rung.BOOSTING]
FIT = NAMES.index("fit")


@pytest.fixture(scope="module")
def samples():
    return random_samples(0, position_weight=-0.8, weights={"fit": 1.0, "shortfall": -0.5, "readiness": 0.3})


@pytest.fixture(scope="module", params=RUNGS, ids=lambda rung: rung.name)
def curve(request, samples):
    return ladder.train(samples, request.param, seed=0)


def of_people(positive, negative, per_person=3):
    """Samples in which so many people have a positive label, and so many others only negative ones."""
    n = positive + negative
    label = np.zeros((n, per_person), int)
    label[:positive] = 1
    return make_samples(label.ravel(), person=np.repeat(np.arange(n), per_person), fit=np.arange(n * per_person))


@pytest.mark.parametrize(
    ("people", "rung"),
    [
        (19, Rung.NONE),
        (20, Rung.PLATT),
        (99, Rung.PLATT),
        (100, Rung.LOGISTIC),
        (999, Rung.LOGISTIC),
        (1000, Rung.BOOSTING),
    ],
)
def test_rungs_begin_where_the_design_says_by_people_of_the_rarer_class(people, rung):
    assert ladder.rung_of(of_people(people, 2000)) == rung
    assert ladder.rung_of(of_people(2000, people)) == rung


def test_many_items_of_few_people_carry_no_rung():
    assert ladder.rung_of(of_people(19, 19, per_person=500)) == Rung.NONE


def test_too_few_samples_carry_no_rung():
    few = of_people(24, 24, per_person=1)

    assert ladder.rung_of(few) == Rung.NONE
    assert ladder.rung_of(few, ladder.Steps(samples=48)) == Rung.PLATT
    with pytest.raises(ladder.TooFewError):
        ladder.climb(few, seed=0)
    with pytest.raises(ValueError):
        ladder.Steps(platt=200)


def test_the_top_rung_brings_the_logistic_curve_too(samples):
    steps = ladder.Steps(boosting=100)

    assert [curve.rung for curve in ladder.climb(samples, seed=0, steps=steps)] == [Rung.LOGISTIC, Rung.BOOSTING]
    assert [curve.rung for curve in ladder.climb(samples, seed=0)] == [Rung.LOGISTIC]


def test_a_worse_place_lowers_a_probability_and_no_place_means_the_usual_one(curve, samples):
    features = samples.features[:50]
    usual = curve.probability(features)
    reference = np.full(50, curve.reference_position)

    assert curve.reference_position == pytest.approx(np.exp(np.log(samples.position).mean()))
    assert usual == pytest.approx(curve.probability(features, reference))
    if curve.rung == Rung.PLATT:
        assert (curve.probability(features, reference * 2) == usual).all()
    else:
        assert (curve.probability(features, reference * 2) < usual).all()


def test_the_place_at_which_jobs_are_read_never_changes_their_order(curve, samples):
    features = samples.features[:300]

    at_top, far_down = (curve.probability(features, np.full(300, place)) for place in (1.0, 8.0))

    assert spearmanr(at_top, far_down).statistic == pytest.approx(1)


def test_signs_hold_even_when_the_labels_say_the_opposite():
    opposite = {name: -0.6 * sign for name, sign in zip(NAMES, SIGNS, strict=True)}
    samples = random_samples(3, weights=opposite, position_weight=0.8)

    for rung in RUNGS:
        curve = ladder.train(samples, rung, seed=0)
        assert ladder.monotonicity_violations(curve, samples.features[:100]) == ()
        if isinstance(curve, LinearCurve):
            assert (curve.coefficients[1:-1] * curve.inputs.signs >= 0).all()
        places = [curve.probability(samples.features[:100], np.full(100, place)) for place in (1.0, 2.0, 4.0, 8.0)]
        assert (np.diff(places, axis=0) <= 0).all()


def test_no_feature_moves_a_probability_against_its_sign(curve, samples):
    assert ladder.monotonicity_violations(curve, samples.features[:200]) == ()


def test_a_curve_that_works_against_a_sign_is_found(samples):
    curve = ladder.train(samples, Rung.LOGISTIC, seed=0)
    flipped = curve.coefficients.copy()
    flipped[1 + curve.inputs.names.index("shortfall")] *= -1

    broken = LinearCurve(
        curve.rung,
        curve.inputs,
        flipped,
        curve.covariance,
        curve.reference_position,
        0.5,
        curve.n_items,
        curve.n_people,
    )

    assert ladder.monotonicity_violations(broken, samples.features[:100]) == ("shortfall",)


class Bent:
    """A curve that rises with the fit, but for a small dip somewhere on the way."""

    def __init__(self, dip):
        self.dip = dip

    def probability(self, features, position=None):
        fit = features[:, FIT]
        return 0.2 + fit / 200 - np.where((fit > 45) & (fit < 55), self.dip, 0.0)


@pytest.mark.parametrize(("dip", "broken"), [(0.0, ()), (0.03, ("fit",)), (0.3, ("fit",))])
def test_a_curve_that_works_against_a_sign_only_somewhere_is_found(dip, broken):
    features = make_samples(np.arange(90) % 2, fit=np.linspace(0, 100, 90), shortfall=np.arange(90) % 7).features

    assert ladder.monotonicity_violations(Bent(dip), features) == broken


def test_intervals_hold_the_probability_and_shrink_with_people(curve, samples):
    asked = samples.features[:100]
    more = random_samples(
        0, n_people=3200, position_weight=-0.8, weights={"fit": 1.0, "shortfall": -0.5, "readiness": 0.3}
    )

    low, high = curve.interval(asked)
    narrow = ladder.train(more, curve.rung, seed=0).interval(asked)

    p = curve.probability(asked)
    assert (low >= 0).all()
    assert (low <= p).all()
    assert (p <= high).all()
    assert (high <= 1).all()
    assert np.array_equal(curve.interval(asked, p), (low, high))
    assert (narrow[1] - narrow[0]).mean() < 0.6 * (high - low).mean()


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_is_an_error(rung, label):
    with pytest.raises(OneClassError):
        ladder.train(make_samples(np.full(90, label), fit=np.arange(90)), rung, seed=0)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("columns", [{"fit": 50.0, "readiness": 70.0}, {"fit": np.nan}, {}])
def test_constant_and_unknown_features_are_an_error(rung, columns):
    with pytest.raises(NoFeatureError):
        ladder.train(make_samples(np.arange(90) % 2, **columns), rung, seed=0)


@pytest.mark.parametrize("rung", RUNGS)
def test_some_unknown_features_are_borne(rung, samples):
    features = samples.features.copy()
    features[::3, FIT] = np.nan
    features[::7] = np.nan
    holed = Samples(features, samples.position, samples.person, samples.shown_days, samples.label)

    curve = ladder.train(holed, rung, seed=0)

    p = curve.probability(features)
    assert np.isnan(p[::7]).all()
    known = ~np.isnan(features[:, curve.inputs.columns]).all(axis=1)
    assert np.isfinite(p[known]).all()
    assert np.isnan(curve.interval(features[:1])).all()


@pytest.mark.parametrize("rung", RUNGS)
def test_same_samples_and_seed_give_the_same_bytes(rung, samples):
    first = dumped(ladder.train(samples, rung, seed=3))
    again = dumped(ladder.train(samples.take(np.ones(len(samples), bool)), rung, seed=3))

    assert first == again
    if rung == Rung.BOOSTING:
        assert dumped(ladder.train(samples, rung, seed=4)) != first


ANOTHER_PROCESS = """
import hashlib
from calibration.curves import ladder
from tests.calibration.arrays import dumped, random_samples
print(*(hashlib.sha256(dumped(ladder.train(random_samples(9), rung, seed=0))).hexdigest() for rung in (1, 2, 3)))
"""


def test_another_process_gives_the_same_bytes():
    environment = {**os.environ, "PYTHONHASHSEED": "5"}

    answer = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    curves = (ladder.train(random_samples(9), rung, seed=0) for rung in RUNGS)
    assert answer == [hashlib.sha256(dumped(curve)).hexdigest() for curve in curves]


def test_the_number_of_threads_changes_no_byte():
    many = random_samples(9, n_people=60_000)
    trained = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            trained.append(dumped(ladder.train(many, Rung.PLATT, seed=0)))

    assert trained[0] == trained[1]


def test_a_dumped_curve_answers_the_same(curve, samples):
    restored = joblib.load(io.BytesIO(dumped(curve)))

    assert (restored.probability(samples.features) == curve.probability(samples.features)).all()


def test_training_changes_no_argument(samples):
    before = samples.features.copy(), samples.label.copy(), samples.position.copy()

    for rung in RUNGS:
        ladder.train(samples, rung, seed=0)

    for array, copy in zip((samples.features, samples.label, samples.position), before, strict=True):
        assert np.array_equal(array, copy, equal_nan=True)


def test_a_page_of_jobs_takes_well_under_a_millisecond(curve, samples):
    page = samples.features[:40]
    taken = []
    for _ in range(50):
        started = time.perf_counter()
        curve.probability(page)
        curve.interval(page)
        taken.append(time.perf_counter() - started)

    assert min(taken) < 1e-3


def test_effect_is_the_probability_with_one_feature_changed(curve, samples):
    features = samples.features[:10]
    changed = features.copy()
    changed[:, FIT] = 42.0

    swept = ladder.effect(curve, features, FIT, np.array([42.0, 60.0]))

    assert swept.shape == (2, 10)
    assert (swept[0] == curve.probability(changed)).all()
