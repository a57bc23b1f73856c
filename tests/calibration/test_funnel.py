"""How far people went, and of whom it is too early to say."""

import numpy as np
import pytest

from calibration import reports
from calibration.curves.labels import Action, Maturity
from tests.calibration.datasets import LONG_AFTER, make_dataset

IN_FORCE, TAKEN_BACK = 0, 1
MATURITY = Maturity(save_days=14, apply_days=20, interview_days=60, offer_days=90)


def funnel_of(dataset, zones):
    return {(row["tier"], row["zone"]): row for row in reports.funnel(dataset, zones=zones, maturity=MATURITY)}


def test_the_funnel_counts_people_and_jobs_not_impressions():
    """One person sees one job in two lists and saves it once, then applies from the other list: one pair."""
    dataset = make_dataset(
        [0, 0, 0],
        [
            (0, Action.VIEW, IN_FORCE),
            (1, Action.VIEW, IN_FORCE),
            (0, Action.SAVE, IN_FORCE),
            (1, Action.APPLY, IN_FORCE),
            (2, Action.VIEW, IN_FORCE),
        ],
        person=np.array([7, 7, 8]),
    )
    row = funnel_of(dataset, [2])["all", "all"]
    assert (row["shown"], row["seen"], row["view"], row["save"], row["apply"]) == (2, 2, 2, 1, 1)
    assert row["shares"]["save"] == row["shares"]["apply"] == 0.5


def test_withdrawn_steps_do_not_count_and_later_steps_imply_no_earlier_ones():
    dataset = make_dataset([0, 0], [(0, Action.OFFER, IN_FORCE), (1, Action.APPLY, TAKEN_BACK)])
    row = funnel_of(dataset, [3])["all", "all"]
    assert (row["seen"], row["view"], row["apply"], row["interview"], row["offer"]) == (1, 0, 0, 0, 1)
    assert (row["shares"]["view"], row["shares"]["offer"]) == (0, 1)


def test_the_funnel_has_a_row_per_tier_zone_and_pair_of_them():
    dataset = make_dataset([0, 1, 1], [(0, Action.SAVE, IN_FORCE)], tier=np.array([0, 0, 2]))
    rows = funnel_of(dataset, [None, 4])
    assert set(rows) == {
        ("all", "all"),
        ("READY_NOW", "all"),
        ("LONG_RESKILL", "all"),
        ("all", "unknown"),
        ("all", 4),
        ("READY_NOW", "unknown"),
        ("READY_NOW", 4),
        ("LONG_RESKILL", 4),
    }
    assert rows["READY_NOW", "unknown"]["shares"]["save"] == 1
    assert rows["LONG_RESKILL", 4]["seen"] == 0
    assert rows["LONG_RESKILL", 4]["shares"]["save"] is None


def test_a_pair_that_was_shown_in_two_tiers_is_once_in_the_whole_and_in_both_tiers():
    dataset = make_dataset([0, 0, 1], [(1, Action.SAVE, IN_FORCE)], person=np.zeros(3, int), tier=np.array([0, 1, 2]))
    rows = funnel_of(dataset, [2, 2])
    assert [rows[tier, "all"]["shown"] for tier in ("all", "READY_NOW", "TRAINABLE", "LONG_RESKILL")] == [2, 1, 1, 1]
    assert [rows[tier, 2]["save"] for tier in ("all", "READY_NOW", "TRAINABLE")] == [1, 0, 1]


def test_what_is_dated_after_the_reading_has_not_happened():
    dataset = make_dataset([0], [(0, Action.OFFER, IN_FORCE)], happened_days=np.array([1001.0]))
    assert funnel_of(dataset, [2])["all", "all"]["offer"] == 0


# Time


def seen_before(days, *, person=None, did=(), **overrides):
    """Pairs that were first seen so many days before the reading; these items have all steps."""
    steps = (Action.SAVE, Action.APPLY, Action.INTERVIEW, Action.OFFER)
    feedback = [(item, Action.VIEW, IN_FORCE) for item in range(len(days))]
    feedback += [(item, step, IN_FORCE) for item in did for step in steps]
    return make_dataset(
        np.zeros(len(days), int),
        feedback,
        shown_days=LONG_AFTER - np.array(days, float),
        happened_days=np.full(len(feedback), LONG_AFTER),
        **({} if person is None else {"person": np.array(person)}) | overrides,
    )


@pytest.mark.parametrize(("step", "days"), [("save", 14), ("apply", 20), ("interview", 60), ("offer", 90)])
def test_a_step_is_a_share_of_what_was_seen_long_enough_ago_for_it(step, days):
    row = funnel_of(seen_before([days, days, days - 0.5, 1], did=[0, 2]), [2])["all", "all"]
    assert (row["seen"], row[step]) == (4, 2)
    assert (row["did"][step], row["of"][step], row["shares"][step]) == (1, 2, 0.5)


@pytest.mark.parametrize("step", ["view", "click", "hide"])
def test_what_is_done_at_once_is_a_share_of_all_that_was_seen(step):
    dataset = make_dataset([0, 0], [(0, Action[step.upper()], IN_FORCE), (1, Action.SAVE, IN_FORCE)])
    dataset.shown_days[:] = LONG_AFTER
    row = funnel_of(dataset, [2])["all", "all"]
    assert (row["did"][step], row["of"][step], row["shares"][step]) == (1, 2, 0.5)


def test_more_people_lately_do_not_look_like_less_success():
    before = funnel_of(seen_before([100] * 10, did=range(5)), [2])["all", "all"]
    grown = funnel_of(seen_before([100] * 10 + [5] * 90, did=range(5)), [2])["all", "all"]
    assert grown["seen"] == 10 * before["seen"]
    assert grown["shares"]["offer"] == before["shares"]["offer"] == 0.5


def test_a_pair_that_is_seen_again_is_as_old_as_its_first_time():
    row = funnel_of(seen_before([100, 5], person=[7, 7], did=[1]), [2])["all", "all"]
    assert (row["did"]["offer"], row["of"]["offer"]) == (1, 1)


def test_where_nothing_is_old_enough_there_is_no_share():
    row = funnel_of(seen_before([30, 30], did=[0]), [2])["all", "all"]
    assert row["shares"] == {
        "view": 1,
        "click": 0,
        "save": 0.5,
        "apply": 0.5,
        "interview": None,
        "offer": None,
        "hide": 0,
    }
    assert (row["offer"], row["of"]["offer"]) == (1, 0)


def test_tiers_and_zones_count_their_own_pairs():
    dataset = seen_before([100, 100, 100, 5], person=[0, 1, 2, 3], did=[0], tier=np.array([0, 0, 1, 1]))
    rows = funnel_of(dataset, [4])
    for key, did, of in ((("READY_NOW", 4), 1, 2), (("TRAINABLE", 4), 0, 1), (("all", 4), 1, 3)):
        assert (rows[key]["did"]["offer"], rows[key]["of"]["offer"]) == (did, of)
