"""What issue 5 asks of learning from feedback, at small size; `make bench` runs the same at full size."""

import pytest

from calibration.curves.features import Rung
from calibration.curves.labels import Target
from tests.calibration import studies


@pytest.fixture(scope="module")
def others():
    return studies.held_out_people()


@pytest.mark.parametrize(("target", "people", "serve"), [(Target.INTEREST, 200, 5), (Target.OUTCOME, 500, 3)])
def test_what_serves_beats_the_constant_and_the_uncalibrated_score_from_200_people_on(target, people, serve):
    unseen, _ = studies.held_out_people(8000, target=target)
    gains = [studies.calibration_gain(people, seed, unseen, target=target) for seed in range(8)]
    serving = [gain for gain in gains if gain]

    assert len(serving) >= serve
    for gain in serving:
        assert gain["calibrated"] < gain["constant"]
        assert gain["calibrated"] < gain["uncalibrated"]


def test_what_serves_at_2000_people_has_its_calibration_error_within_bounds(others):
    gains = [studies.calibration_gain(2000, seed, others[0]) for seed in range(3)]

    assert all(gain["ece"] <= 0.05 for gain in gains)
    assert all(gain["rung"] in ("LOGISTIC", "BOOSTING") for gain in gains)


def test_50_people_do_no_harm(others):
    found = studies.harm_at(50, range(40), *others)

    # Some must serve, or this would tell nothing.
    assert found["promoted"] > 0
    assert found["harmful"] == 0


def test_shuffled_labels_are_rejected():
    assert studies.shuffled_rejected(200, range(40)) >= 39
    assert studies.shuffled_rejected(2000, range(4), make_challenger=studies.rung(Rung.LOGISTIC)) == 4


def test_the_luck_of_a_few_people_who_answer_alike_is_rejected():
    found = studies.luck_of_people(range(40))

    assert found["promoted"] == 0
    assert found["surely better"] <= 3


def test_a_curve_that_knows_nothing_but_places_is_rejected():
    found = studies.places_promoted(range(12))

    # Or there would be no place to know.
    assert found["surely better"] >= 10
    assert found["promoted"] <= 1


def test_a_better_challenger_is_promoted():
    assert studies.better_promoted(2000, range(5), challenger=Rung.LOGISTIC, champion=Rung.PLATT) >= 4


def test_a_challenger_with_trees_is_promoted_where_no_line_can_follow():
    promoted = studies.better_promoted(
        2000, range(2), challenger=Rung.BOOSTING, champion=Rung.LOGISTIC, world=studies.STEEP
    )
    assert promoted == 2


@pytest.mark.parametrize(
    ("people", "options"),
    [
        (1500, {"policy": studies.by_what_is_missing, "epsilon": 0.5}),
        # Another job at nearly every place, always the same one, as a curve would choose: a tenth of the lots match.
        (700, {"policy": studies.least_missing, "epsilon": 0.5, "pool_size": 5, "per_tier": 1}),
    ],
    ids=["soft", "best of the pool"],
)
def test_estimators_recover_the_value_of_another_policy(people, options):
    found = studies.recovered(people, range(20), n_truth=10_000, **options)

    assert found["least size"] > 100
    assert min(found[name] for name in ("ips", "snips", "dr", "difference")) >= 17


@pytest.mark.parametrize("policy", [studies.by_what_is_missing, studies.least_missing])
def test_few_slots_give_no_verdict(policy):
    assert studies.verdicts_on_few(300, range(4), policy=policy) == {"few": 4, "verdicts": 0}
