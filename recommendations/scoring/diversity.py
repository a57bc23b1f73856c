"""Variety: not all of a tier's first ten from one corner of the world of work."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MINOR_GROUP = 4  # characters of a code that name its SOC minor group: 15-1
FIRST = 10
MOST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Varied:
    """One tier's jobs in the order to show them.

    Args:
        rows: Shape (n,), the jobs given, in a new order.
        n_first: How many of them to show first: fewer than asked for where variety allows no more. The rest
            follow in the order given.
        held_back: Minor groups that would have had more jobs among the first, and how many more.
    """

    rows: npt.NDArray[np.intp]
    n_first: int
    held_back: dict[str, int]


def minor_group(code: str) -> str:
    """Return the SOC minor group of an O*NET-SOC code: "15-1" of "15-1252.00"."""
    return code[:MINOR_GROUP]


def full_groups(
    rows: npt.NDArray[np.intp], codes: Sequence[str], *, most: int = MOST, wanted: Collection[str] = ()
) -> set[str]:
    """Return the minor groups that have no room for another job beside these.

    Args:
        rows: Shape (n,), jobs that are shown.
        codes: O*NET-SOC codes of all jobs, which `rows` index.
        most: The most jobs of one group.
        wanted: Minor groups that are not limited.
    """
    taken = Counter(minor_group(codes[row]) for row in rows)
    return {group for group, number in taken.items() if number >= most and group not in wanted}


def vary(
    rows: npt.NDArray[np.intp],
    codes: Sequence[str],
    *,
    first: int = FIRST,
    most: int = MOST,
    wanted: Collection[str] = (),
) -> Varied:
    """Return a tier's jobs so that the first ten hold no more than three of one minor group.

    Args:
        rows: Shape (n,), the tier's jobs, best first.
        codes: O*NET-SOC codes of all jobs, which `rows` index.
        first: How many places are meant.
        most: The most jobs of one group in them.
        wanted: Minor groups that the person asked to see more of: they are not limited.

    Raises:
        ValueError: A limit is below 1.
    """
    if first < 1 or most < 1:
        raise ValueError(f"limits must be at least 1: first {first}, most {most}")
    taken: Counter[str] = Counter()
    shown: list[int] = []
    for place, row in enumerate(rows):
        if len(shown) == first:
            break
        group = minor_group(codes[row])
        if group in wanted or taken[group] < most:
            taken[group] += 1
            shown.append(place)
    chosen = np.zeros(len(rows), bool)
    chosen[shown] = True
    places = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)])
    passed_over = Counter(minor_group(codes[rows[place]]) for place in np.flatnonzero(~chosen[:first]))
    return Varied(np.asarray(rows)[places], len(shown), dict(sorted(passed_over.items())))
