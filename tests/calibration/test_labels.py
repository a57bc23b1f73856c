import numpy as np
import pytest

from calibration.curves.labels import NO_LABEL, Action, Maturity, Target, label

VIEW, CLICK, SAVE, APPLY, INTERVIEW, OFFER, HIDE = Action


def labelled(target, *actions, age=1000.0, seen=True, maturity=None):
    """The label of one job shown `age` days ago, after (action, days after it was shown[, withdrawn]) each."""
    actions = [(*given, False)[:3] for given in actions]
    options = {} if maturity is None else {"maturity": maturity}
    return label(
        target,
        shown_days=np.array([50.0]),
        item=np.zeros(len(actions), int),
        action=np.array([given[0] for given in actions], int),
        happened_days=50.0 + np.array([given[1] for given in actions], float),
        withdrawn=np.array([given[2] for given in actions], bool),
        now_days=50.0 + age,
        seen=np.array([seen]),
        **options,
    ).item()


def interest(*actions, **options):
    return labelled(Target.INTEREST, *actions, **options)


def outcome(*actions, **options):
    return labelled(Target.OUTCOME, *actions, **options)


@pytest.mark.parametrize("action", [SAVE, APPLY, INTERVIEW, OFFER])
def test_interest_is_shown_by_saving_and_by_all_that_follows_an_application(action):
    assert interest((VIEW, 0), (action, 3)) == 1


@pytest.mark.parametrize("action", [VIEW, CLICK, HIDE])
def test_looking_and_hiding_show_no_interest(action):
    assert interest((action, 0)) == 0


def test_hiding_outweighs_a_save_and_no_application():
    assert interest((SAVE, 1), (HIDE, 2)) == 0
    assert interest((HIDE, 1), (SAVE, 2)) == 0
    assert interest((APPLY, 1), (HIDE, 2)) == 1
    assert interest((HIDE, 1), (OFFER, 2)) == 1


@pytest.mark.parametrize("action", [INTERVIEW, OFFER])
def test_interviews_and_offers_are_outcomes_even_of_a_hidden_job(action):
    assert outcome((action, 30)) == 1
    assert outcome((action, 30), (HIDE, 1)) == 1


@pytest.mark.parametrize("action", [VIEW, CLICK, SAVE, APPLY, HIDE])
def test_nothing_else_is_an_outcome(action):
    assert outcome((action, 1)) == 0


def test_only_a_job_that_was_seen_has_a_label():
    assert interest(seen=False) == NO_LABEL
    assert outcome(seen=False) == NO_LABEL
    assert interest() == 0
    assert outcome() == 0


def test_what_was_taken_back_never_happened():
    assert interest((VIEW, 0), (APPLY, 1, True)) == 0
    assert interest((SAVE, 1), (HIDE, 2, True)) == 1
    assert interest((APPLY, 1, True)) == 0


@pytest.mark.parametrize(("target", "days"), [(Target.INTEREST, 14), (Target.OUTCOME, 90)])
def test_young_jobs_have_no_label_whatever_happened(target, days):
    for action in Action:
        assert labelled(target, (action, 0), age=days - 0.01) == NO_LABEL
        assert labelled(target, (action, 0), age=days) != NO_LABEL


def test_an_action_after_its_time_counts_as_none():
    assert interest((VIEW, 0), (SAVE, 14)) == 1
    assert interest((VIEW, 0), (SAVE, 14.01)) == 0
    assert interest((VIEW, 0), (APPLY, 14.01)) == 0
    assert interest((SAVE, 1), (HIDE, 14.01)) == 1
    assert outcome((VIEW, 0), (INTERVIEW, 60)) == 1
    assert outcome((VIEW, 0), (INTERVIEW, 60.01)) == 0
    assert outcome((VIEW, 0), (OFFER, 90)) == 1
    assert outcome((VIEW, 0), (OFFER, 90.01)) == 0


def test_a_label_never_changes_once_it_is_there():
    actions = [(VIEW, 0), (SAVE, 3), (HIDE, 20), (INTERVIEW, 70), (OFFER, 80)]

    assert {interest(*actions, age=age) for age in (14, 20, 70, 1000)} == {1}
    assert {outcome(*actions, age=age) for age in (90, 1000)} == {1}


def test_a_date_a_little_before_the_job_was_shown_counts_and_one_to_come_does_not():
    assert interest((APPLY, -0.5)) == 1
    assert outcome((OFFER, -1)) == 1
    assert interest((VIEW, 0), (APPLY, 5), age=14) == 1
    assert interest((VIEW, 0), (APPLY, 14.5), age=14) == 0
    assert interest((SAVE, 13), (HIDE, 15), age=14) == 1


def test_what_was_decided_long_before_the_list_tells_nothing_of_it():
    assert interest((APPLY, -1.01)) == NO_LABEL
    assert outcome((OFFER, -700), (VIEW, 0)) == NO_LABEL
    assert outcome((SAVE, -30)) == 0
    assert interest((CLICK, -30), (SAVE, 2)) == 1
    assert interest((APPLY, -30, True), (SAVE, 2)) == 1


def of_lists(target, *lists, pair=None):
    """The labels of one job in lists of one person: (day, action, day of it, ...) each; all are seen and mature."""
    actions = [(number, *given[at : at + 2]) for number, given in enumerate(lists) for at in range(1, len(given), 2)]
    return label(
        target,
        shown_days=np.array([given[0] for given in lists], float),
        item=np.array([given[0] for given in actions], int),
        action=np.array([given[1] for given in actions], int),
        happened_days=np.array([given[2] for given in actions], float),
        withdrawn=np.zeros(len(actions), bool),
        now_days=1000.0,
        seen=np.ones(len(lists), bool),
        pair=np.zeros(len(lists), int) if pair is None else np.array(pair),
    ).tolist()


@pytest.mark.parametrize("action", [SAVE, APPLY, INTERVIEW, OFFER])
def test_what_was_wanted_in_one_list_is_not_turned_down_in_the_next(action):
    assert of_lists(Target.INTEREST, (0, action, 1), (2,), (40,)) == [1, NO_LABEL, NO_LABEL]
    assert of_lists(Target.INTEREST, (0, action, 1), (40, SAVE, 41)) == [1, NO_LABEL]


def test_a_save_does_not_decide_what_an_application_leads_to():
    assert of_lists(Target.OUTCOME, (0, SAVE, 1), (40, APPLY, 41, INTERVIEW, 60)) == [0, 1]
    assert of_lists(Target.OUTCOME, (0, APPLY, 1), (40,)) == [0, NO_LABEL]


def test_lists_a_few_days_apart_are_one_showing():
    assert of_lists(Target.INTEREST, (0,), (0.01,), (13.9,)) == [NO_LABEL, NO_LABEL, 0]
    assert of_lists(Target.INTEREST, (0,), (14,)) == [0, 0]
    assert of_lists(Target.OUTCOME, (0,), (1,)) == [NO_LABEL, 0]
    assert of_lists(Target.OUTCOME, (0,), (20,)) == [0, 0]


def test_one_showing_is_a_success_in_the_list_that_the_answer_names():
    assert of_lists(Target.INTEREST, (0,), (0.01, SAVE, 1)) == [NO_LABEL, 1]
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (0.01,)) == [1, NO_LABEL]
    assert of_lists(Target.OUTCOME, (0,), (1, APPLY, 2, INTERVIEW, 30)) == [NO_LABEL, 1]


def test_what_was_saved_in_one_list_and_hidden_in_the_next_was_not_wanted():
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (2, HIDE, 3)) == [0, NO_LABEL]
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (10, HIDE, 14)) == [0, NO_LABEL]
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (10, HIDE, 14.01)) == [1, NO_LABEL]
    assert of_lists(Target.INTEREST, (0, APPLY, 1), (2, HIDE, 3)) == [1, NO_LABEL]
    assert of_lists(Target.INTEREST, (0, HIDE, 1), (40, SAVE, 41)) == [0, 1]
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (2, HIDE, 3), pair=[0, 1]) == [1, 0]


def test_a_save_in_the_moment_of_the_next_list_or_of_the_reading_counts():
    assert of_lists(Target.INTEREST, (0, SAVE, 2), (2,)) == [1, NO_LABEL]
    assert interest((VIEW, 0), (SAVE, 14), age=14) == 1


def test_other_jobs_and_other_people_are_not_touched():
    assert of_lists(Target.INTEREST, (0, SAVE, 1), (2,), pair=[0, 1]) == [1, 0]


@pytest.mark.parametrize("target", list(Target))
def test_many_lists_at_once_are_labelled_as_each_pair_alone(target):
    rng = np.random.default_rng(2)
    n, m = 400, 300
    shown, pair, seen = rng.uniform(0, 120, n), rng.integers(0, 120, n), rng.random(n) < 0.9
    item = rng.integers(0, n, m)
    columns = {
        "action": rng.integers(0, len(Action), m),
        "happened_days": shown[item] + rng.uniform(-3, 40, m),
        "withdrawn": rng.random(m) < 0.2,
    }
    together = label(target, shown_days=shown, item=item, now_days=300.0, seen=seen, pair=pair, **columns)
    assert set(together) == {0, 1, NO_LABEL}
    for number in np.unique(pair):
        rows = np.flatnonzero(pair == number)
        inside = np.isin(item, rows)
        alone = label(
            target,
            shown_days=shown[rows],
            item=np.searchsorted(rows, item[inside]),
            now_days=300.0,
            seen=seen[rows],
            pair=pair[rows],
            **{name: column[inside] for name, column in columns.items()},
        )
        assert alone.tolist() == together[rows].tolist()


def test_maturity_is_a_setting():
    short = Maturity(save_days=1, apply_days=2, interview_days=3, offer_days=4)

    assert interest((SAVE, 1.5), maturity=short) == 0
    assert interest((APPLY, 1.5), maturity=short) == 1
    assert interest((APPLY, 1), maturity=short, age=1.9) == NO_LABEL
    assert outcome((INTERVIEW, 3.5), maturity=short) == 0
    assert outcome((OFFER, 3.5), maturity=short) == 1
    with pytest.raises(ValueError):
        Maturity(save_days=0)


def test_a_job_is_mature_once_the_longer_of_its_two_times_is_over():
    quick_offers = Maturity(save_days=20, apply_days=10, interview_days=40, offer_days=30)

    assert interest((APPLY, 1), maturity=quick_offers, age=19.9) == NO_LABEL
    assert interest((APPLY, 1), maturity=quick_offers, age=20) == 1
    assert outcome((OFFER, 1), maturity=quick_offers, age=39.9) == NO_LABEL
    assert outcome((OFFER, 1), maturity=quick_offers, age=40) == 1


def test_hiding_has_the_time_of_a_save():
    long_applying = Maturity(save_days=10, apply_days=20)
    long_saving = Maturity(save_days=20, apply_days=10)

    assert interest((SAVE, 1), (HIDE, 15), maturity=long_applying) == 1
    assert interest((SAVE, 1), (HIDE, 15), maturity=long_saving) == 0


def test_labels_belong_to_their_own_jobs():
    result = label(
        Target.INTEREST,
        shown_days=np.array([0.0, 0.0, 0.0, 95.0, 0.0]),
        item=np.array([2, 0, 1, 3]),
        action=np.array([SAVE, VIEW, APPLY, SAVE]),
        happened_days=np.array([1.0, 0.0, 30.0, 96.0]),
        withdrawn=np.zeros(4, bool),
        now_days=100.0,
        seen=np.array([True, True, True, True, False]),
    )

    assert result.tolist() == [0, 0, 1, NO_LABEL, NO_LABEL]


@pytest.mark.parametrize("item", [-1, 1])
def test_feedback_about_no_job_is_an_error(item):
    with pytest.raises(ValueError, match="about jobs"):
        label(
            Target.INTEREST,
            shown_days=np.zeros(1),
            item=np.array([item]),
            action=np.array([SAVE]),
            happened_days=np.zeros(1),
            withdrawn=np.zeros(1, bool),
            now_days=100.0,
            seen=np.ones(1, bool),
        )


def test_the_mask_of_what_was_seen_has_the_shape_of_the_jobs():
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="seen"):
        label(
            Target.INTEREST,
            shown_days=np.zeros(2),
            item=nothing,
            action=nothing,
            happened_days=np.zeros(0),
            withdrawn=np.zeros(0, bool),
            now_days=100.0,
            seen=np.ones(1, bool),
        )
