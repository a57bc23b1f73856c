"""Estimates of unrated occupations: known answers by hand, and what must hold for any figures."""

import numpy as np
import pytest

from occupations.arrays import BoolArray, FloatArray
from occupations.estimates import NEAREST, SAME_BROAD_WEIGHT, Estimates, estimate_missing, leave_one_out

NAN = np.nan


def column(*figures: float) -> FloatArray:
    return np.array(figures, np.float32)[:, None]


def half_of(level: FloatArray) -> FloatArray:
    return (1 + level / 2).astype(np.float32)


def estimate(codes: list[str], level: FloatArray, related: dict[str, list[str]] | None = None) -> Estimates:
    """Estimate all that is unrated, with importance 1 + level / 2 and everything relevant."""
    wanted: BoolArray = np.isnan(level[:, 0])
    return estimate_missing(codes, wanted, half_of(level), level, ~np.isnan(level), related or {})


def test_place_in_the_related_list_decides_the_weight():
    codes = ["11-1011.00", "13-2011.00", "15-1252.00"]
    guess = estimate(codes, column(2, 5, NAN), {"15-1252.00": ["13-2011.00", "11-1011.00"]})
    first, second = 1.0, np.exp(-1 / 6)
    level = (first * 5 + second * 2) / (first + second)
    assert guess.rows.tolist() == [2]
    assert guess.level[0, 0] == pytest.approx(level)
    assert guess.importance[0, 0] == pytest.approx(1 + level / 2)
    assert guess.sources == (("13-2011.00", "11-1011.00"),)


def test_links_count_in_both_directions():
    codes = ["11-1011.00", "13-2011.00", "15-1252.00"]
    related = {"15-1252.00": ["13-2011.00", "11-1011.00"], "11-1011.00": ["15-1252.00"]}
    guess = estimate(codes, column(2, 5, NAN), related)
    mutual = np.exp(-1 / 6) + 1
    assert guess.level[0, 0] == pytest.approx((mutual * 2 + 5) / (mutual + 1))
    assert guess.sources == (("11-1011.00", "13-2011.00"),)
    back_only = estimate(codes, column(2, 5, NAN), {"13-2011.00": ["15-1252.00"]})
    assert back_only.level[0, 0] == 5


def test_the_same_broad_group_joins_the_related_list():
    codes = ["11-1011.00", "15-1251.00", "15-1252.00"]
    guess = estimate(codes, column(2, 5, NAN), {"15-1252.00": ["11-1011.00"]})
    assert guess.level[0, 0] == pytest.approx((2 + SAME_BROAD_WEIGHT * 5) / (1 + SAME_BROAD_WEIGHT))


@pytest.mark.parametrize(
    ("codes", "level"),
    [
        (["15-1251.00", "15-1241.00", "15-2031.00", "11-1011.00"], 1),
        (["15-1211.00", "15-1241.00", "15-2031.00", "11-1011.00"], 1.5),
        (["15-2011.00", "15-2021.00", "15-2031.00", "11-1011.00"], 2),
    ],
    ids=["broad", "minor", "major"],
)
def test_without_a_related_one_the_narrowest_group_with_ratings_counts(codes: list[str], level: float):
    guess = estimate([*codes, "15-1252.00"], column(1, 2, 3, 7, NAN))
    assert guess.level[0, 0] == pytest.approx(level)


def test_no_neighbour_no_estimate():
    guess = estimate(["11-1011.00", "15-1252.00", "15-2051.00"], column(2, NAN, NAN))
    assert guess.rows.size == 0
    assert guess.level.shape == (0, 1)
    assert guess.sources == ()


def test_unrated_and_half_rated_ones_are_no_neighbours():
    codes = ["15-1251.00", "15-1252.00", "15-1253.00", "15-1254.00"]
    level = np.array([[1, 1], [NAN, NAN], [7, NAN], [NAN, NAN]], np.float32)
    guess = estimate(codes, level, {"15-1252.00": ["15-1254.00", "15-1253.00", "99-9999.99"]})
    assert guess.rows.tolist() == [1, 3]
    assert guess.level.tolist() == [[1, 1], [1, 1]]
    assert guess.sources == (("15-1251.00",), ("15-1251.00",))


def test_importance_alone_or_level_alone_is_no_rating():
    codes = ["15-1251.00", "15-1252.00", "15-1253.00", "15-1254.00"]
    importance = np.array([[3, NAN], [3, 3], [5, 5], [NAN, NAN]], np.float32)
    level = np.array([[7, 7], [7, NAN], [1, 1], [NAN, NAN]], np.float32)
    wanted = np.array([False, False, False, True])
    guess = estimate_missing(codes, wanted, importance, level, np.ones((4, 2), bool), {})
    assert guess.sources == (("15-1253.00",),)
    assert guess.level.tolist() == [[1, 1]]


def test_relevance_goes_by_weighted_majority():
    codes = ["11-1011.00", "13-2011.00", "15-1252.00"]
    level = np.array([[3, 3], [3, 3], [NAN, NAN]], np.float32)
    relevant = np.array([[True, False], [False, True], [False, False]])
    wanted = np.array([False, False, True])
    guess = estimate_missing(codes, wanted, level, level, relevant, {"15-1252.00": ["11-1011.00", "13-2011.00"]})
    assert guess.relevant.tolist() == [[True, False]]


def test_only_the_nearest_count():
    many = [f"{major}-1011.00" for major in range(11, 41)]
    codes = [*many, "51-1011.00"]
    level = column(*range(30), NAN) / 5
    guess = estimate(codes, level, {"51-1011.00": many})
    assert guess.sources == (tuple(many[:NEAREST]),)
    assert guess.level[0, 0] < level[NEAREST, 0]


class TestAnyFigures:
    @pytest.fixture
    def world(self):
        rng = np.random.default_rng(7)
        codes = [f"{major}-{minor}0{number}1.00" for major in (11, 15, 29) for minor in (1, 2) for number in range(9)]
        level = rng.uniform(0, 7, (len(codes), 5)).astype(np.float32)
        level[rng.choice(len(codes), 12, replace=False)] = NAN
        related = {code: rng.choice(codes, 8, replace=False).tolist() for code in codes}
        return codes, level, related

    def test_estimates_stay_within_what_was_rated(self, world):
        codes, level, related = world
        guess = estimate(codes, level, related)
        assert guess.rows.tolist() == np.flatnonzero(np.isnan(level[:, 0])).tolist()
        assert (guess.level >= np.nanmin(level, axis=0)).all()
        assert (guess.level <= np.nanmax(level, axis=0)).all()

    def test_the_order_of_occupations_does_not_matter(self, world):
        codes, level, related = world
        order = np.random.default_rng(1).permutation(len(codes))
        guess = estimate(codes, level, related)
        other = estimate([codes[at] for at in order], level[order], related)
        place = {codes[at]: number for number, at in enumerate(guess.rows)}
        same = [place[codes[order[at]]] for at in other.rows]
        np.testing.assert_allclose(other.level, guess.level[same], rtol=1e-5)

    def test_nothing_given_is_changed(self, world):
        codes, level, related = world
        before = level.copy()
        estimate(codes, level, related)
        np.testing.assert_array_equal(level, before)


class TestLeaveOneOut:
    def test_hides_each_occupation_from_its_own_estimate(self):
        codes = ["11-1011.00", "11-1021.00", "11-1031.00"]
        level = column(1, 2, 6)
        error = leave_one_out(codes, 1 + level / 2, level, np.ones((3, 1), bool), {"11-1011.00": ["11-1021.00"]})
        # 11-1021 and 11-1011 point at each other; 11-1031 has neither, and takes the mean of its minor group.
        assert error.occupations == 3
        assert error.level == pytest.approx((1 + 1 + 4.5) / 3)
        assert error.importance == pytest.approx(error.level / 2)
        assert error.mean_level == pytest.approx((3 + 1.5 + 4.5) / 3)
        assert error.mean_importance == pytest.approx(error.mean_level / 2)
        assert error.relevant == 1

    def test_beats_the_overall_mean_where_related_ones_are_alike(self):
        codes = [f"{major}-1011.00" for major in range(11, 31)]
        level = np.repeat(np.linspace(0, 6, 10, dtype=np.float32), 2)[:, None]
        related = {code: [codes[at ^ 1]] for at, code in enumerate(codes)}
        error = leave_one_out(codes, 1 + level / 2, level, np.ones_like(level, bool), related)
        assert error.level == 0
        assert error.mean_level > 1

    def test_unrated_ones_stay_out(self):
        level = column(1, NAN, 3)
        codes = ["11-1011.00", "11-1021.00", "11-1031.00"]
        assert leave_one_out(codes, 1 + level / 2, level, ~np.isnan(level), {}).occupations == 2

    def test_too_little_to_leave_out(self):
        with pytest.raises(ValueError, match="at least two"):
            leave_one_out(["11-1011.00"], column(1), column(1), np.ones((1, 1), bool), {})
        with pytest.raises(ValueError, match="neighbour"):
            leave_one_out(["11-1011.00", "13-1011.00"], column(1, 2), column(1, 2), np.ones((2, 1), bool), {})
