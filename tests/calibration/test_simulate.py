import dataclasses

import numpy as np
import pytest

from calibration.curves.features import NAMES
from calibration.curves.labels import Action, Target
from calibration.curves.simulate import simulate
from calibration.curves.world import World
from tests.calibration.studies import samples_of


@pytest.fixture(scope="module")
def history():
    return simulate(6000, 0)


def arrays(history):
    return [value for value in dataclasses.asdict(history).values() if isinstance(value, np.ndarray)]


def test_the_same_seed_gives_the_same_history_and_another_another():
    first, again, other = (arrays(simulate(20, seed)) for seed in (1, 1, 2))

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("target", list(Target))
def test_true_probabilities_are_those_of_the_labels(history, target):
    samples, truth = samples_of(history, target)

    for part in (truth < np.quantile(truth, 0.2), truth > np.quantile(truth, 0.8), np.ones(len(truth), bool)):
        error = np.sqrt((truth[part] * (1 - truth[part])).sum()) / part.sum()
        assert abs(samples.label[part].mean() - truth[part].mean()) < 4 * error


def test_lists_are_what_the_models_store(history):
    rows = np.unique(np.column_stack([history.event, history.occupation]), axis=0)
    assert len(rows) == len(history.event)
    rows = np.unique(np.column_stack([history.event, history.tier, history.position]), axis=0)
    assert len(rows) == len(history.event)


def test_slots_log_their_propensities_exactly(history):
    p, chosen = history.propensity[history.slot], history.chosen

    assert (np.delete(history.propensity, history.slot) == 1).all()
    assert set(p[chosen == 0]) == {1 - 0.2 + 0.2 / 10}
    assert p[chosen > 0] == pytest.approx(0.2 / 10)
    assert (chosen > 0).mean() == pytest.approx(0.2 * 9 / 10, abs=0.01)
    assert (history.features[history.slot] == history.pool[np.arange(len(chosen)), chosen]).all()
    truth = history.answers.interest[history.slot]
    assert history.pool_interest[np.arange(len(chosen)), chosen] == pytest.approx(truth)


def test_attention_falls_with_the_place(history):
    seen = np.zeros(len(history.person), bool)
    seen[history.answers.item[history.answers.action == Action.VIEW]] = True

    by_place = [seen[history.position == place].mean() for place in (1, 2, 3, 4)]

    assert by_place[0] == 1
    assert (np.diff(by_place) < 0).all()


def test_only_what_was_seen_is_answered_and_only_applications_have_outcomes(history):
    answers = history.answers
    of = {action: set(answers.item[answers.action == action].tolist()) for action in Action}

    assert of[Action.OFFER] <= of[Action.INTERVIEW] <= of[Action.APPLY] <= of[Action.VIEW]
    assert (of[Action.SAVE] | of[Action.HIDE]) <= of[Action.VIEW]
    assert not of[Action.HIDE] & (of[Action.SAVE] | of[Action.APPLY])
    assert (answers.happened_days >= history.shown_days[answers.item]).all()
    assert set(answers.action[answers.withdrawn].tolist()) == {Action.SAVE}


def test_some_answer_too_late_and_some_outcomes_come_after_weeks(history):
    answers = history.answers
    delay = answers.happened_days - history.shown_days[answers.item]

    assert 0.01 < (delay[answers.action == Action.APPLY] > 14).mean() < 0.06
    assert (delay[answers.action == Action.INTERVIEW] > 60).mean() == pytest.approx(0.1, abs=0.03)
    assert delay[answers.action == Action.OFFER].min() > 60


def test_taste_for_a_step_up_changes_with_time():
    step_column = NAMES.index("job_zone_diff")
    nothing_else = dict.fromkeys(("fit", "gap", "shortfall", "confidence", "person_sd", "taste_sd", "job_sd"), 0.0)
    history = simulate(3000, 1, world=World(**nothing_else, attention=0.0, zone=-1.0, drift=1.0))
    up = history.features[:, step_column] == 1
    early, late = (up & mask for mask in (history.shown_days < 60, history.shown_days > 290))

    assert history.answers.interest[late].mean() > 1.5 * history.answers.interest[early].mean()
