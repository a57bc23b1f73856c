"""A simulated history, and what is learnt from it: made once, changed by nobody."""

import pytest

from calibration.curves.features import Rung
from calibration.curves.ladder import train
from calibration.curves.simulate import simulate
from tests.calibration.datasets import dataset_of, labels_of, samples_of


@pytest.fixture(scope="session")
def history():
    return simulate(1500, 3, epsilon=0.5)


@pytest.fixture(scope="session")
def dataset(history):
    return dataset_of(history, epsilon=0.5)


@pytest.fixture(scope="session")
def labels(dataset):
    return labels_of(dataset)


@pytest.fixture(scope="session")
def samples(dataset, labels):
    return samples_of(dataset, labels)


@pytest.fixture(scope="session")
def curves(samples):
    return {rung: train(samples, rung, seed=0) for rung in (Rung.PLATT, Rung.LOGISTIC, Rung.BOOSTING)}
