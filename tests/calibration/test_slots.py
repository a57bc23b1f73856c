"""Policies on the last places, and what they would have been worth."""

from dataclasses import replace

import numpy as np
import pytest

from calibration import slots
from calibration.curves import offpolicy
from calibration.curves.features import Rung
from calibration.curves.ladder import train
from calibration.curves.samples import folds
from calibration.curves.simulate import simulate
from calibration.dataset import Slots
from tests.calibration.arrays import make_features, random_samples
from tests.calibration.datasets import dataset_of, labels_of, make_dataset, samples_of

NAN = float("nan")


def lots(size=(2, 3), chosen=(1, 0), position=4.0):
    """Two slots, with pools of two and three jobs whose fit is 10, 20, 30."""
    pool = make_features(6, fit=[10, 20, 30, 10, 20, 30]).reshape(2, 3, -1)
    pool[np.arange(3)[None, :] >= np.array(size)[:, None]] = NAN
    return make_dataset(
        [0, 1],
        position=np.full(2, position),
        propensity=np.array([0.05, 0.9]),
        slots=Slots(
            item=np.arange(2),
            chosen=np.array(chosen),
            pool=pool,
            size=np.array(size),
            epsilon=np.full(2, 0.1),
        ),
    )


def test_every_policy_gives_each_pool_a_probability_of_one():
    dataset = lots()
    scores = np.array([[1.0, 2.0, NAN], [3.0, 3.0, 1.0]])
    for policy in (slots.best_by_score(dataset), slots.uniform(dataset), slots.best_of(scores)):
        assert policy.sum(axis=1) == pytest.approx([1, 1])
        assert policy[0, 2] == 0


def test_the_best_of_equals_is_the_first_and_an_unknown_job_is_the_last():
    assert slots.best_of(np.array([[2.0, 2.0], [NAN, 0.1], [NAN, NAN]])).tolist() == [[1, 0], [0, 1], [1, 0]]
    assert slots.best_of(np.zeros((0, 0))).shape == (0, 0)


def test_only_labelled_slots_are_choices_with_what_was_chosen_and_how_likely_it_was():
    dataset = lots()
    chosen = slots.choices(dataset, label=np.array([1, -1]), policy=slots.uniform(dataset))
    assert (chosen.person.tolist(), chosen.reward.tolist(), chosen.chosen.tolist()) == ([0], [1.0], [1])
    assert chosen.logged == pytest.approx(np.array([[0.95, 0.05, 0]]))
    assert chosen.target.tolist() == [[0.5, 0.5, 0]]
    assert chosen.weight == pytest.approx([10])
    both = slots.choices(dataset, label=np.array([1, 0]), policy=slots.uniform(dataset), within=np.array([False, True]))
    assert both.person.tolist() == [1]
    # Of what was chosen, the probability that was kept counts.
    assert both.logged == pytest.approx(np.array([[0.9, 0.1 / 3, 0.1 / 3]]))


class Recorder:
    """A curve that answers with what it was asked: fit in hundredths, and the position."""

    def __init__(self):
        self.positions = []

    def probability(self, features, position=None):
        self.positions += position.tolist()
        return features[:, 0] / 100


def test_a_pool_is_read_at_the_slots_own_position_and_no_further_than_its_size():
    curve = Recorder()
    p = slots.pool_probability(lots(position=7.0), curve)
    assert np.array_equal(p, [[0.1, 0.2, NAN], [0.1, 0.2, 0.3]], equal_nan=True)
    assert curve.positions == [7.0] * 5


def test_a_dataset_without_slots_has_no_choices():
    dataset = make_dataset([0, 1])
    assert len(slots.choices(dataset, label=np.array([1, 0]), policy=slots.best_by_score(dataset)).reward) == 0
    assert slots.pool_probability(dataset, Recorder()).shape == (0, 0)


def test_rewards_are_expected_from_other_people_only():
    """Whoever has the only positives must not learn of them: their own expectation is 0, everybody else's is not."""
    history = simulate(40, 1)
    dataset = dataset_of(history)
    labels = np.where(dataset.person == 3, 1, 0)
    samples = samples_of(dataset, labels)
    expected = slots.expected_rewards(dataset, samples, seed=0)
    own = dataset.person[dataset.slots.item] == 3
    assert (expected[own] == 0).all()
    assert expected[~own].max() > 0


def test_rewards_of_nobody_are_expected_to_be_none():
    dataset = lots()
    expected = slots.expected_rewards(dataset, samples_of(dataset, np.array([-1, -1])), seed=0)
    assert np.array_equal(expected, [[0, 0, NAN], [0, 0, 0]], equal_nan=True)


def test_expected_rewards_rest_on_other_peoples_answers_alone():
    dataset = dataset_of(simulate(200, 3))
    labels = labels_of(dataset)
    samples = samples_of(dataset, labels)
    people = np.unique(dataset.person)
    own = folds(people, slots.N_FOLDS, 0)[np.searchsorted(people, samples.person)] == 0
    lied = replace(samples, label=np.where(own, 1 - samples.label, samples.label))

    honest, with_lies = (slots.expected_rewards(dataset, given, seed=0)[:, 0] for given in (samples, lied))

    here = folds(people, slots.N_FOLDS, 0)[np.searchsorted(people, dataset.person[dataset.slots.item])] == 0
    assert (honest[here] == with_lies[here]).all()
    assert (honest[~here] != with_lies[~here]).all()


def test_where_enough_people_answered_more_than_the_fit_tells_what_to_expect():
    samples = random_samples(0, 500, 2)
    pool = make_features(2, fit=50.0, shortfall=[40.0, 60.0])[None]
    lot = Slots(item=np.zeros(1, int), chosen=np.zeros(1, int), pool=pool, size=np.full(1, 2), epsilon=np.full(1, 0.1))
    dataset = make_dataset(np.arange(500), slots=lot)

    less, more = slots.expected_rewards(dataset, samples, seed=0)[0]

    assert less > more + 0.1


def test_the_uniform_lots_true_value_is_recovered():
    history = simulate(3000, 5, epsilon=0.5)
    dataset = dataset_of(history, epsilon=0.5)
    labels = labels_of(dataset)
    samples = samples_of(dataset, labels)
    truth = history.pool_interest.mean()
    policy = slots.uniform(dataset)
    logged = slots.choices(dataset, label=labels, policy=policy)
    row = np.flatnonzero(slots.labelled(dataset, labels))
    expected = slots.expected_rewards(dataset, samples, seed=0)
    q_logged = expected[row, dataset.slots.chosen[row]]
    values = [
        offpolicy.ips(logged, seed=0),
        offpolicy.snips(logged, seed=0),
        offpolicy.doubly_robust(logged, q_logged, (expected * policy).sum(axis=1)[row], seed=0),
    ]
    for value in values:
        assert value.enough
        assert value.estimate.low < truth < value.estimate.high
        assert value.estimate.high - value.estimate.low < 0.05
    as_logged = slots.choices(dataset, label=labels, policy=slots.best_by_score(dataset))
    assert offpolicy.snips(as_logged, seed=0).estimate.low > values[1].estimate.value


def test_what_a_curve_would_choose_differs_from_the_score():
    dataset = dataset_of(simulate(300, 2))
    samples = samples_of(dataset, labels_of(dataset))
    curve = train(samples, Rung.LOGISTIC, seed=0)
    policy = slots.best_of(slots.pool_probability(dataset, curve))
    first = (policy[:, 0] == 1).mean()
    assert 0.05 < first < 0.95
