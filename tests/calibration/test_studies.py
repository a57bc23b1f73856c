"""What issue 5 asks of learning from feedback, at small size; `studies` runs the same at full size."""

import pytest

from calibration.curves.features import Rung
from calibration.curves.labels import Target
from calibration.curves.simulate import simulate
from tests.calibration import studies


@pytest.fixture(scope="module")
def others():
    return studies.held_out_people()


@pytest.mark.parametrize("target", list(Target))
def test_calibrated_beats_constant_and_uncalibrated_from_200_people_on(target):
    unseen, _ = studies.held_out_people(8000, target=target)
    for seed in range(8):
        gain = studies.calibration_gain(200, seed, unseen, target=target)
        assert gain["calibrated"] < gain["constant"]
        assert gain["calibrated"] < gain["uncalibrated"]


def test_calibration_error_is_within_bounds_at_2000_people(others):
    assert all(studies.calibration_gain(2000, seed, others[0])["ece"] <= 0.05 for seed in range(2))


def test_50_people_do_no_harm(others):
    assert studies.harm_at(50, range(40), *others)["harmful"] == 0


def test_shuffled_labels_are_rejected():
    assert studies.shuffled_rejected(200, range(40)) >= 39
    assert studies.shuffled_rejected(2000, range(4), make_challenger=studies.rung(Rung.LOGISTIC)) == 4


def test_a_better_challenger_is_promoted():
    assert studies.better_promoted(2000, range(5)) >= 4


def test_a_challenger_with_trees_is_promoted_where_no_line_can_follow():
    assert studies.better_promoted(
        2000, range(2), challenger=Rung.BOOSTING, champion=Rung.LOGISTIC, world=studies.STEEP
    )


def test_estimators_recover_the_value_of_another_policy():
    found = studies.recovered(1500, range(20), epsilon=0.5, n_truth=10_000)

    assert found["effective_size"] > 100
    assert min(found["ips"], found["snips"], found["dr"]) >= 17


def test_few_slots_give_no_verdict():
    values = studies.estimates(simulate(300, 0, epsilon=0.3), 0)

    assert not any(value.enough for value in values.values())
