import numpy as np
import pytest
from scipy.special import expit, logit

from calibration.curves import gate, metrics
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


def test_a_perfectly_told_hold_out_has_no_slope_and_is_rejected():
    label, person, truth = make_case()
    verdict = judge(lambda truth: np.where(label == 1, 0.9, 0.1), case=(label, person, truth))

    assert not verdict.promote
    assert np.isnan(verdict.figures["slope"])
    assert [reason for reason in verdict.reasons if "slope" in reason]


def test_better_than_a_champion_that_is_worse_than_the_constant_is_not_enough():
    verdict = judge(lambda truth: expit(-logit(truth) - 2), champion=lambda truth: 1 - truth)

    assert verdict.figures["brier_minus_champion_high"] < 0 < verdict.figures["brier_minus_constant_low"]
    assert not verdict.promote
    assert "the constant's" in verdict.reasons[0]


def test_what_the_place_alone_tells_has_to_be_beaten_too():
    label, person, truth = make_case()
    told = judge(case=(label, person, truth), place=truth)
    better = judge(case=(label, person, truth), place=flattened(truth))

    assert not told.promote
    assert "not surely better than that of the place in the list alone" in told.reasons[0]
    assert better.promote
    assert better.figures["brier_minus_place_high"] < 0


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


@pytest.mark.parametrize(("slope", "passes"), [(0.69, False), (0.71, True), (1.39, True), (1.41, False)])
def test_the_bounds_of_the_slope(slope, passes):
    label, _, truth = make_case()
    now = metrics.calibration_line(truth, label)[1]

    verdict = judge(lambda truth: expit(now / slope * (logit(truth) + 1) - 1))

    assert verdict.figures["slope"] == pytest.approx(slope, abs=1e-6)
    assert any("Its calibration slope" in reason for reason in verdict.reasons) is not passes


@pytest.mark.parametrize(("error", "passes"), [(0.049, True), (0.051, False)])
def test_the_bound_of_the_calibration_error(error, passes):
    challenger = np.repeat([0.2, 0.6], 2000)
    label = np.concatenate([np.arange(2000) < round((p + error) * 2000) for p in (0.2, 0.6)]).astype(int)

    verdict = judge(lambda _: challenger, case=(label, np.tile(np.arange(200), 20), challenger))

    assert verdict.figures["ece"] == pytest.approx(error)
    assert any("Its calibration error" in reason for reason in verdict.reasons) is not passes


@pytest.mark.parametrize(("people", "n_bins"), [(30, 2), (100, 5), (400, 10)])
def test_the_calibration_error_is_taken_over_bins_of_200_answers(people, n_bins):
    label, _, truth = case = make_case(n_people=people)

    assert judge(case=case).figures["ece"] == metrics.ece(truth, label, n_bins)


def test_the_constant_to_beat_is_that_of_the_training_and_not_of_those_held_out():
    label, person, truth = make_case()

    verdict = gate.judge(label=label, person=person, challenger=truth, champion=None, base_rate=0.45, seed=0)

    assert verdict.figures["brier_of_constant"] == pytest.approx(metrics.brier(np.full(len(label), 0.45), label))


def test_a_curve_against_a_sign_is_rejected_however_good():
    verdict = judge(violations=("shortfall",))

    assert verdict.reasons == ("It works against the sign of shortfall.",)
    assert not verdict.promote


@pytest.mark.parametrize(
    ("difference", "promote", "says"),
    [
        (Value(Estimate(-0.05, -0.09, -0.01), 300.0, True), False, "worth less"),
        (Value(Estimate(-0.01, -0.05, 0.03), 300.0, True), True, "-0.0100 more"),
        (Value(Estimate(-0.03, -0.06, 0.001), 300.0, True), True, "-0.0300 more"),
        (Value(Estimate(-0.03, -0.06, -0.001), 300.0, True), False, "worth less"),
        (Value(Estimate(0.0, 0.0, 0.0), 300.0, True), True, "it would choose the same"),
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

    few_people = judge(case=(label, person % 9, truth))
    assert "9 people" in few_people.reasons[0]
    assert "brier" in judge(case=(label, person % 10, truth)).figures
    nobody = gate.judge(label=label[:0], person=person[:0], challenger=truth[:0], champion=None, base_rate=0.3, seed=0)
    few_positives, enough = (judge(case=(np.where(np.cumsum(label) > n, 0, label), person, truth)) for n in (19, 20))
    assert "brier" in enough.figures

    for verdict in (few_people, nobody, few_positives):
        assert not verdict.promote
        assert "Too few" in verdict.reasons[0]


def test_a_curve_without_an_answer_says_the_constant_whoever_it_is():
    def holed(truth):
        return np.where(np.arange(len(truth)) % 10 == 0, np.nan, truth)

    label, _, truth = make_case()
    constant = np.where(np.isnan(holed(truth)), truth.mean(), truth)

    challenger, champion = judge(holed), judge(champion=holed)

    assert challenger.promote
    assert champion.promote
    assert challenger.figures["brier"] == pytest.approx(metrics.brier(constant, label))
    assert champion.figures["brier_of_champion"] == pytest.approx(metrics.brier(constant, label))
    # Who knows nothing of any job is no better than the constant.
    assert not judge(lambda truth: np.full(len(truth), np.nan)).promote


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


def test_what_was_shown_in_the_first_moment_of_the_hold_out_is_not_learnt_from():
    training, held_out = gate.split(np.array([0, 1, 2, 3, 0]), np.array([0.0, 1.0, 2.0, 3.0, 3.0]))

    assert np.flatnonzero(training).tolist() == [0, 1, 2]
    assert np.flatnonzero(held_out).tolist() == [3]


def test_about_a_quarter_of_the_people_is_held_out_and_no_more():
    training, held_out = gate.split(np.arange(8), np.arange(8.0))

    assert np.flatnonzero(held_out).tolist() == [6, 7]
    assert np.flatnonzero(training).tolist() == [0, 1, 2, 3, 4, 5]


def test_one_day_is_all_hold_out_and_nothing_is_nothing():
    training, held_out = gate.split(np.arange(5), np.zeros(5))
    assert held_out.all()
    assert not training.any()

    assert gate.split(np.array([], int), np.array([]))[0].shape == (0,)
    with pytest.raises(ValueError):
        gate.split(np.arange(5), np.zeros(5), share=1)
