import numpy as np
import pytest

from calibration.curves.samples import Samples, folds
from tests.calibration.arrays import make_features


@pytest.mark.parametrize(
    "change",
    [
        {"position": np.zeros(4)},
        {"position": np.full(4, np.nan)},
        {"label": np.full(4, -1)},
        {"person": np.zeros(3, int)},
        {"features": np.zeros((4, 2))},
        {"features": make_features(4, fit=np.inf)},
    ],
)
def test_samples_that_make_no_sense_are_an_error(change):
    given = {
        "features": make_features(4),
        "position": np.ones(4),
        "person": np.arange(4),
        "shown_days": np.zeros(4),
        "label": np.zeros(4, int),
    }
    Samples(**given)

    with pytest.raises(ValueError):
        Samples(**given | change)


def test_folds_keep_people_together_and_are_even():
    person = np.random.default_rng(7).integers(0, 101, 2000)

    fold = folds(person, 5, 0)

    assert all(len(set(fold[person == number].tolist())) == 1 for number in range(101))
    sizes = [len(np.unique(person[fold == number])) for number in range(5)]
    assert max(sizes) - min(sizes) <= 1
    assert (folds(person, 5, 1) != fold).any()
