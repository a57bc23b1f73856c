import numpy as np
import pytest
from scipy.special import expit, logit

from calibration.curves import gate
from calibration.curves.offpolicy import NOTHING, Value
from calibration.curves.resampling import Estimate


def make_case(seed=0, n_people=200, per_person=10):
    """Labels of people, and the probabilities that made them."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_people), per_person)
    truth = expit(rng.normal(-1, 1.2, len(person)))
    return (rng.random(len(person)) < truth).astype(int), person, truth


def judge(challenger=lambda truth: truth, champion=None, *, case=None, **options):
    label, person, truth = case or make_case()
    return gate.judge(
        label=label,
        person=person,
        challenger=challenger(truth),
        champion=champion(truth) if champion else None,
        base_rate=float(truth.mean()),
        seed=0,
        **options,
    )


def flattened(truth):
    return expit(0.3 * logit(truth) - 0.7)


def test_the_truth_is_promoted_and_says_why():
    verdict = judge()

    assert verdict.promote
    assert "better than the constant's" in verdict.reasons[0]
    assert verdict.figures["brier_minus_constant_high"] < 0
    assert verdict.figures["ece"] < 0.05
    assert verdict.figures["slope"] == pytest.approx(1, abs=0.2)


def test_the_truth_beats_a_worse_champion():
    verdict = judge(champion=flattened)

    assert verdict.promote
    assert "better than the champion's" in verdict.reasons[0]


def test_a_constant_is_rejected():
    verdict = judge(lambda truth: np.full(len(truth), truth.mean()))

    assert not verdict.promote
    assert "the constant's" in verdict.reasons[0]
    assert np.isnan(verdict.figures["slope"])


def test_no_better_than_the_champion_is_rejected_for_that_alone():
    (reason,) = (verdict := judge(champion=lambda truth: truth)).reasons

    assert not verdict.promote
    assert "not surely better than the champion's" in reason


def test_better_by_chance_is_not_surely_better():
    verdict = judge(champion=lambda truth: expit(logit(truth) * 1.15), case=make_case(n_people=30))

    assert verdict.figures["brier_minus_champion"] < 0 < verdict.figures["brier_minus_champion_high"]
    assert not verdict.promote


def test_a_shifted_curve_is_rejected_for_its_calibration():
    verdict = judge(lambda truth: expit(logit(truth) + 0.5))

    assert not verdict.promote
    assert [reason for reason in verdict.reasons if "Its calibration error" in reason]


@pytest.mark.parametrize("stretch", [0.6, 1.7])
def test_too_extreme_and_too_timid_curves_are_rejected_for_their_slope(stretch):
    verdict = judge(lambda truth: expit(stretch * (logit(truth) + 1) - 1))

    assert not verdict.promote
    assert [reason for reason in verdict.reasons if "Its calibration slope" in reason]


def test_a_curve_against_a_sign_is_rejected_however_good():
    verdict = judge(violations=("shortfall",))

    assert verdict.reasons == ("It works against the sign of shortfall.",)
    assert not verdict.promote


@pytest.mark.parametrize(
    ("difference", "promote", "says"),
    [
        (Value(Estimate(-0.05, -0.09, -0.01), 300.0, True), False, "worth less"),
        (Value(Estimate(-0.01, -0.05, 0.03), 300.0, True), True, "-0.0100 more"),
        (Value(NOTHING, 40.0, False), True, "Too little was explored"),
        (None, True, "Nothing was explored"),
    ],
)
def test_off_policy_bars_only_what_is_shown_to_be_worse(difference, promote, says):
    verdict = judge(snips_difference=difference)

    assert verdict.promote is promote
    assert says in verdict.reasons[-1]


def test_too_few_people_or_positives_cannot_be_judged_by():
    label, person, truth = make_case()

    few_people = judge(case=(label[:90], person[:90], truth[:90]))
    nobody = gate.judge(label=label[:0], person=person[:0], challenger=truth[:0], champion=None, base_rate=0.3, seed=0)
    few_positives = judge(case=(np.where(np.cumsum(label) > 19, 0, label), person, truth))

    for verdict in (few_people, nobody, few_positives):
        assert not verdict.promote
        assert "Too few" in verdict.reasons[0]


def test_a_curve_without_an_answer_is_rejected_and_a_champion_without_one_says_the_constant():
    assert not judge(lambda truth: np.where(truth > 0.5, np.nan, truth)).promote
    assert judge(champion=lambda truth: np.full(len(truth), np.nan)).promote


def test_arrays_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match="challenger"):
        judge(lambda truth: truth[:-1])


def test_the_hold_out_is_later_and_holds_other_people():
    rng = np.random.default_rng(0)
    person = rng.integers(0, 80, 1000)
    days = rng.uniform(0, 300, 80)[person] + rng.exponential(30, 1000)

    training, held_out = gate.split(person, days)

    assert not set(person[training]) & set(person[held_out])
    assert days[training].max() < days[held_out].min()
    assert len(set(person[held_out])) == pytest.approx(20, abs=1)
    assert training.sum() > 300
    # What those who came early were shown late is in neither.
    assert (training.sum() + held_out.sum()) < 1000


def test_one_day_is_all_hold_out_and_nothing_is_nothing():
    training, held_out = gate.split(np.arange(5), np.zeros(5))
    assert held_out.all()
    assert not training.any()

    assert gate.split(np.array([], int), np.array([]))[0].shape == (0,)
    with pytest.raises(ValueError):
        gate.split(np.arange(5), np.zeros(5), share=1)
