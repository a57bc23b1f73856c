"""Which last places tell what came of a choice: those of which the lot decided nothing but the job."""

import numpy as np
import pytest

from calibration.curves.labels import NO_LABEL, Action, Target
from calibration.dataset import Slots
from calibration.slots import choice_labels, choices, labelled, uniform
from tests.calibration.arrays import make_features
from tests.calibration.datasets import make_dataset

IN_FORCE, TAKEN_BACK = 0, 1
N_POOL = 10
EPSILON = 0.1


def slots_of(n, chosen=None):
    """As many slots, one for each item, with a pool of ten jobs each."""
    return Slots(
        item=np.arange(n),
        chosen=np.zeros(n, int) if chosen is None else chosen,
        pool=np.stack([make_features(N_POOL, fit=50.0)] * n),
        size=np.full(n, N_POOL),
        epsilon=np.full(n, EPSILON),
    )


def of_one_person(days, *feedback, happened=None, occupation=None):
    """The choices' labels of lists of one job, shown to one person on these days; feedback as in `make_dataset`."""
    n = len(days)
    views = [(number, Action.VIEW, IN_FORCE) for number in range(n)]
    happened_days = [*days, *(happened or [days[item] for item, *_ in feedback])]
    dataset = make_dataset(
        np.arange(n) if occupation is None else occupation,
        [*views, *feedback],
        person=np.zeros(n, int),
        shown_days=np.array(days, float),
        happened_days=np.array(happened_days, float),
        slots=slots_of(n),
    )
    return choice_labels(dataset, Target.INTEREST).tolist()


def test_of_lists_that_come_close_together_the_first_counts():
    assert of_one_person([0, 0.1, 13, 27]) == [0, NO_LABEL, NO_LABEL, 0]
    assert of_one_person([27, 0, 13]) == [0, 0, NO_LABEL]


def test_an_answer_belongs_to_its_own_list_alone():
    """The same job is saved in the second list: the first one's place was turned down all the same."""
    assert of_one_person([0, 1], (1, Action.SAVE, IN_FORCE), occupation=[0, 0]) == [0, NO_LABEL]
    assert of_one_person([0, 1], (0, Action.SAVE, IN_FORCE), occupation=[0, 0]) == [1, NO_LABEL]


@pytest.mark.parametrize("action", [Action.SAVE, Action.APPLY, Action.HIDE])
@pytest.mark.parametrize("state", [IN_FORCE, TAKEN_BACK])
def test_after_a_decision_no_list_counts(action, state):
    assert of_one_person([0, 30, 60], (1, action, state))[2] == NO_LABEL
    assert of_one_person([0, 30, 60], (1, Action.CLICK, state)) == [0, 0, 0]


def test_a_decision_that_comes_later_on_an_older_list_changes_nothing():
    assert of_one_person([0, 30], (0, Action.APPLY, IN_FORCE), happened=[40]) == [0, 0]


def test_items_that_are_no_slots_have_none():
    dataset = make_dataset([0, 1], [(0, Action.VIEW, IN_FORCE), (1, Action.VIEW, IN_FORCE)], event=np.array([0, 0]))
    assert choice_labels(dataset, Target.INTEREST).tolist() == [NO_LABEL, NO_LABEL]


def test_whether_a_place_counts_hangs_on_nothing_that_the_lot_decided():
    """Lists in one sitting: the best of the pool comes back in each, a job by lot does not, and all are turned down.

    The labels of a curve's samples keep the last showing of each pair, so most that they keep are jobs by lot.
    """
    rng = np.random.default_rng(0)
    n_people, n_lists = 400, 3
    n = n_people * n_lists
    person = np.repeat(np.arange(n_people), n_lists)
    by_lot = rng.random(n) < EPSILON
    chosen = np.where(by_lot, rng.integers(0, N_POOL, n), 0)
    dataset = make_dataset(
        chosen,
        [(item, Action.VIEW, IN_FORCE) for item in range(n)],
        person=person,
        codes=tuple(f"11-{number:04d}.00" for number in range(N_POOL)),
        shown_days=np.tile(np.arange(n_lists) / 288, n_people),
        happened_days=np.tile(np.arange(n_lists) / 288, n_people),
        propensity=np.where(chosen == 0, 1 - EPSILON, 0) + EPSILON / N_POOL,
        slots=slots_of(n, chosen),
    )

    def mean_weight(label):
        weight = choices(dataset, label=label, policy=uniform(dataset)).weight
        return weight.mean(), 3 * weight.std() / np.sqrt(len(weight))

    of_choices = choice_labels(dataset, Target.INTEREST)
    assert labelled(dataset, of_choices).sum() == n_people
    found, noise = mean_weight(of_choices)
    assert found == pytest.approx(1, abs=noise)
    biased, _ = mean_weight(dataset.labels(Target.INTEREST))
    assert biased > 1 + 2 * noise
