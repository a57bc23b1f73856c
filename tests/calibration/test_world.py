import numpy as np
import pytest
from scipy.special import expit

from calibration.curves.features import NAMES
from calibration.curves.labels import Action, Maturity, Target, label
from calibration.curves.simulate import simulate
from calibration.curves.world import World, label_truth, opened, respond

# Many applications, interviews and offers, so that a few wrong labels show.
WORLD = World(apply_share=0.6, hide=0.3, opens_first=0.7, opens=0.2, interview=2.0, offer=0.9)


@pytest.fixture(scope="module")
def history():
    return simulate(4000, 3)


def answers_of(history, *, maturity=None, acts=0.5):
    n = len(history.position)
    return respond(
        history.features,
        history.position,
        history.shown_days,
        np.full(n, acts),
        WORLD,
        np.random.default_rng(0),
        maturity or Maturity(),
    )


@pytest.mark.parametrize("target", list(Target))
@pytest.mark.parametrize(
    "maturity", [Maturity(), Maturity(3, 20, 10, 300), Maturity(30, 2, 5, 20), Maturity(14, 14, 90, 10)]
)
def test_the_truth_holds_whatever_the_labels_times_are(history, target, maturity):
    """The true probability is the share of positive labels: answers come on time or late by these times."""
    answers = answers_of(history, maturity=maturity, acts=0.9)
    seen = np.zeros(len(history.position), bool)
    seen[answers.item] = True
    labels = label(
        target,
        shown_days=history.shown_days,
        item=answers.item,
        action=answers.action,
        happened_days=answers.happened_days,
        withdrawn=answers.withdrawn,
        now_days=10_000.0,
        seen=seen,
        maturity=maturity,
    )
    truth = (answers.interest if target == Target.INTEREST else answers.outcome)[seen]

    error = np.sqrt((truth * (1 - truth)).sum()) / seen.sum()
    assert abs(labels[seen].mean() - truth.mean()) < 4 * error


def test_the_outcome_is_what_the_world_says_of_applications_and_interviews(history):
    world = World(apply_share=0.6, interview=1.0, interview_shortfall=-2.0, on_time=0.3)
    _, outcome = label_truth(history.features, np.full(len(history.position), 0.5), world)

    missing = history.features[:, NAMES.index("shortfall")] - 2
    assert outcome == pytest.approx(0.5 * 0.6 * expit(1.0 - 2.0 * missing) * 0.3, rel=1e-5)


def test_who_acts_has_mostly_opened_the_job_and_some_open_others(history):
    answers = answers_of(history)
    item, _ = opened(answers, history.shown_days, WORLD, np.random.default_rng(1))
    of = {action: answers.item[answers.action == action] for action in Action}
    acted = np.concatenate([of[Action.SAVE], of[Action.APPLY]])
    others = np.setdiff1d(of[Action.VIEW], acted)

    assert len(np.unique(item)) == len(item)
    assert np.isin(item, of[Action.VIEW]).all()
    assert np.isin(acted, item).mean() == pytest.approx(0.7, abs=0.02)
    assert np.isin(others, item).mean() == pytest.approx(0.2, abs=0.02)
    assert np.isin(of[Action.HIDE], item).mean() == pytest.approx(0.2, abs=0.03)


def test_a_job_is_opened_after_the_list_and_before_the_answer(history):
    answers = answers_of(history)
    item, happened_days = opened(answers, history.shown_days, WORLD, np.random.default_rng(1))
    answered = np.isin(answers.action, (Action.SAVE, Action.APPLY, Action.HIDE))
    at_latest = history.shown_days + WORLD.open_days
    at_latest[answers.item[answered]] = answers.happened_days[answered]

    assert (happened_days >= history.shown_days[item]).all()
    assert (happened_days <= at_latest[item]).all()
