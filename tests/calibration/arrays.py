"""Small samples for the tests of the mathematics."""

import io

import joblib
import numpy as np
from scipy.special import expit

from calibration.curves.features import NAMES, matrix
from calibration.curves.samples import Samples


def dumped(curve):
    file = io.BytesIO()
    joblib.dump(curve, file)
    return file.getvalue()


def make_features(n=1, **columns):
    return matrix({name: np.broadcast_to(np.asarray(values, float), n) for name, values in columns.items()}, n)


def make_samples(label, *, position=1.0, person=None, shown_days=0.0, **columns):
    label = np.asarray(label)
    n = len(label)
    return Samples(
        make_features(n, **columns),
        np.broadcast_to(np.asarray(position, float), n).copy(),
        np.arange(n) if person is None else np.asarray(person),
        np.broadcast_to(np.asarray(shown_days, float), n).copy(),
        label,
    )


def random_samples(seed, n_people=400, per_person=5, *, weights=None, position_weight=0.0, **fixed):
    """Samples whose log odds are linear in standardised features: (name, weight) in `weights`."""
    rng = np.random.default_rng(seed)
    n = n_people * per_person
    weights = {"fit": 1.0, "shortfall": -0.5} if weights is None else weights
    z = {name: rng.normal(size=n) for name in NAMES}
    position = rng.integers(1, 9, n).astype(float)
    odds = sum(weight * z[name] for name, weight in weights.items()) + position_weight * np.log(position)
    columns = {name: 50 + 10 * values for name, values in z.items()} | fixed
    return make_samples(
        (rng.random(n) < expit(odds - 0.5)).astype(int),
        position=position,
        person=np.repeat(np.arange(n_people), per_person),
        shown_days=np.repeat(np.sort(rng.uniform(0, 300, n_people)), per_person),
        **columns,
    )
