"""Which jobs of a tier are shown: variety, and the lot within its bounds."""

from types import SimpleNamespace

import numpy as np
import pytest

from recommendations.scoring.diversity import minor_group
from recommendations.scoring.exploration import propensities
from recommendations.scoring_run import Lot, choose


def a_run(n_nurses: int, n_others: int, aware: bool) -> SimpleNamespace:
    """Many nursing jobs, each better than all other jobs, one tier."""
    jobs = [f"29-11{n:02}.00" for n in range(n_nurses)] + [f"{31 + 2 * n}-1000.00" for n in range(n_others)]
    catalogue = SimpleNamespace(
        jobs=SimpleNamespace(codes=tuple(jobs)), row={code: row for row, code in enumerate(jobs)}
    )
    return SimpleNamespace(
        tables=SimpleNamespace(
            catalogue=catalogue, minor_groups=np.array([minor_group(code) for code in jobs], dtype="U4")
        ),
        aware=SimpleNamespace(scores=SimpleNamespace(above_level=np.zeros(len(jobs), bool))) if aware else None,
        unmet={},
        person=SimpleNamespace(current=None),
        tier=np.zeros(len(jobs), np.int8),
        score=np.arange(len(jobs), 0, -1.0),
    )


def test_a_tier_holds_no_more_than_three_of_one_group_among_its_first_ten():
    run = a_run(n_nurses=8, n_others=20, aware=True)
    choice = choose(run, limit=10)
    assert choice.rows["READY_NOW"] == [0, 1, 2, *range(8, 15)]
    assert choice.held_back["READY_NOW"] == {"29-1": 5}
    assert choice.totals["READY_NOW"] == 28
    asked = choose(run, limit=10, more_of=["29-1"])
    assert asked.rows["READY_NOW"] == list(range(10))
    assert asked.held_back["READY_NOW"] == {}
    assert sorted(choose(run, limit=100).rows["READY_NOW"]) == list(range(28))
    assert choose(run, limit=100).rows["READY_NOW"][:10] == choice.rows["READY_NOW"]


def test_a_tier_without_variety_is_short_and_says_what_it_held_back():
    choice = choose(a_run(n_nurses=8, n_others=2, aware=True), limit=10)
    assert choice.rows["READY_NOW"] == [0, 1, 2, 8, 9]
    assert choice.held_back["READY_NOW"] == {"29-1": 5}


def test_the_baseline_is_not_varied():
    choice = choose(a_run(n_nurses=8, n_others=20, aware=False), limit=10)
    assert choice.rows["READY_NOW"] == list(range(10))
    assert choice.held_back["READY_NOW"] == {}


def drawn(run, *, n=300, epsilon=1.0, most=None, **options):
    """Return the jobs that many lots give the last place of the one tier."""
    choices = [choose(run, lot=Lot(epsilon, seed, most), **options) for seed in range(n)]
    assert all(choice.pools == choices[0].pools for choice in choices)
    return {choice.rows["READY_NOW"][-1] for choice in choices}, choices[0].pools["READY_NOW"]


def test_the_lot_keeps_to_three_of_one_group():
    run = a_run(n_nurses=8, n_others=20, aware=True)

    last, pool = drawn(run, limit=10)

    assert pool == list(range(14, 28))
    assert last == set(pool)


def test_the_lot_may_draw_a_group_that_has_room_or_is_asked_for():
    run = a_run(n_nurses=8, n_others=20, aware=True)

    assert set(drawn(run, limit=3)[1]) == set(range(2, 28)), "two are shown above: a third may be any nurse"
    assert set(drawn(run, limit=10, more_of=["29-1"])[1]) == set(range(9, 28))
    assert set(drawn(run, limit=11)[1]) == {*range(3, 8), *range(15, 28)}, "ten are shown: the eleventh is free"


def test_the_lot_has_room_for_all_of_a_group_that_is_asked_for():
    run = a_run(n_nurses=15, n_others=5, aware=True)

    last, pool = drawn(run, limit=10, more_of=["29-1"])

    assert pool == list(range(9, 20)), "nine nurses are shown above, and six more may be drawn"
    assert last == set(pool)
    assert drawn(run, limit=10)[1] == [19], "three nurses and four others are shown above: one is left"


def test_the_baselines_lot_knows_no_groups():
    last, pool = drawn(a_run(n_nurses=8, n_others=20, aware=False), limit=5)

    assert pool == list(range(4, 28))
    assert last == set(pool)


def test_the_lot_never_draws_what_a_licence_bars():
    run = a_run(n_nurses=8, n_others=20, aware=True)
    run.unmet = {10: (), 11: (), 14: ()}

    last, pool = drawn(run, limit=6)

    assert pool == [12, 13, *range(15, 28)], "not even the best: the sixth is behind a licence"
    assert last == set(pool)


def test_the_last_place_by_lot_is_never_folded_away():
    """Jobs below the person's level are in a closed list: whether the place is seen must not depend on the draw."""
    run = a_run(n_nurses=2, n_others=20, aware=True)
    run.aware.scores.above_level[[1, 5, 8, 12]] = True

    last, pool = drawn(run, limit=6, most=4)

    assert pool == [6, 7, 9, 10], "not even the best: the sixth is folded away"
    assert last == set(pool)
    shown = choose(run, limit=6, lot=Lot(0.4, 1, 4))
    assert shown.rows["READY_NOW"][:5] == [0, 1, 2, 3, 4], "above the last place they stay where they were"
    p = [propensities(len(pool), 0.4)[pool.index(shown.rows["READY_NOW"][-1])]]
    assert shown.propensity["READY_NOW"] == [1, 1, 1, 1, 1, *p]
    without = choose(run, limit=6).rows["READY_NOW"]
    assert without == list(range(6)), "without a lot the best are shown, whatever their level"


def test_where_all_the_rest_is_folded_away_there_is_no_lot():
    run = a_run(n_nurses=2, n_others=20, aware=True)
    run.aware.scores.above_level[4:] = True

    last, pool = drawn(run, limit=6, n=20)

    assert (last, pool) == ({5}, [])


def test_each_tier_draws_a_lot_of_its_own():
    run = a_run(n_nurses=0, n_others=30, aware=False)
    run.tier = np.arange(30, dtype=np.int8) % 3

    drawn_places = []
    for seed in range(20):
        choice = choose(run, limit=2, lot=Lot(1.0, seed, None))
        assert [len(pool) for pool in choice.pools.values()] == [9, 9, 9]
        drawn_places.append([pool.index(choice.rows[tier][-1]) for tier, pool in choice.pools.items()])

    assert any(len(set(places)) > 1 for places in drawn_places)


def test_the_pool_is_cut_to_its_best():
    last, pool = drawn(a_run(n_nurses=2, n_others=20, aware=True), limit=6, most=4)

    assert pool == [5, 6, 7, 8]
    assert last == set(pool)


@pytest.mark.parametrize("aware", [True, False])
def test_without_a_lot_there_is_no_pool(aware):
    last, pool = drawn(a_run(n_nurses=2, n_others=20, aware=aware), limit=6, epsilon=0.0, n=20)

    assert last == {5}
    assert pool == []


def test_a_calibration_orders_before_variety_and_lot():
    run = a_run(n_nurses=8, n_others=20, aware=True)

    def reorder(best):
        return {name: rows[::-1] for name, rows in best.items()}

    choice = choose(run, limit=10, reorder=reorder, lot=Lot(1.0, 3, 5))

    assert choice.rows["READY_NOW"][:9] == list(range(27, 18, -1))
    assert choice.pools["READY_NOW"] == list(range(18, 13, -1))
    assert choice.totals["READY_NOW"] == 28
