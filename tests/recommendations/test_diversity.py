from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.scoring.diversity import full_groups, minor_group, vary

GROUPS = ("15-1", "29-1", "43-4", "51-4")
code = st.builds(lambda group, number: f"{group}{number:03d}.00", st.sampled_from(GROUPS), st.integers(100, 999))


def make_codes(*groups):
    return [f"{group}{number:03d}.00" for number, group in enumerate(groups)]


def test_the_fourth_of_a_group_gives_way_to_the_next_group():
    codes = make_codes(*["15-1"] * 5, *["29-1"] * 2)

    varied = vary(np.arange(7), codes, first=5)

    assert varied.rows.tolist() == [0, 1, 2, 5, 6, 3, 4]
    assert varied.n_first == 5
    assert varied.held_back == {"15-1": 2}


def test_a_group_that_is_wanted_is_not_limited():
    codes = make_codes(*["15-1"] * 5, *["29-1"] * 2)

    varied = vary(np.arange(7), codes, first=5, wanted={"15-1"})

    assert varied.rows.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert varied.held_back == {}


def test_a_tier_of_one_group_shows_three_first_and_the_rest_behind():
    varied = vary(np.array([4, 2, 0, 1, 3]), make_codes(*["15-1"] * 5))

    assert varied.rows.tolist() == [4, 2, 0, 1, 3]
    assert varied.n_first == 3
    assert varied.held_back == {"15-1": 2}


def test_an_empty_tier_stays_empty():
    varied = vary(np.array([], dtype=np.intp), [])

    assert varied.rows.tolist() == []
    assert varied.n_first == 0


def test_a_group_is_full_once_it_has_three():
    codes = make_codes("15-1", "29-1", "15-1", "29-1", "15-1", "29-1", "43-4")

    assert full_groups(np.array([0, 2, 4, 1, 3]), codes) == {"15-1"}
    assert full_groups(np.arange(7), codes) == {"15-1", "29-1"}
    assert full_groups(np.arange(7), codes, wanted={"15-1"}) == {"29-1"}
    assert full_groups(np.arange(7), codes, most=1) == {"15-1", "29-1", "43-4"}
    assert full_groups(np.array([], dtype=np.intp), codes) == set()


def test_limits_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        vary(np.arange(2), make_codes("15-1", "29-1"), most=0)


@given(st.lists(code, max_size=40), st.integers(1, 12), st.integers(1, 4), st.sets(st.sampled_from(GROUPS)))
def test_what_always_holds(codes, first, most, wanted):
    varied = vary(np.arange(len(codes)), codes, first=first, most=most, wanted=wanted)

    head, rest = varied.rows[: varied.n_first], varied.rows[varied.n_first :]
    counts = Counter(minor_group(codes[row]) for row in head)
    assert sorted(varied.rows) == list(range(len(codes)))
    assert varied.n_first <= first
    assert all(count <= most or group in wanted for group, count in counts.items())
    assert head.tolist() == sorted(head)
    assert rest.tolist() == sorted(rest)
    if varied.n_first < min(first, len(codes)):
        assert all(counts[minor_group(codes[row])] >= most for row in rest)
