"""Geometry of the pages' charts, as strings that no locale can put commas into."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_LEVEL = 7.0
LEVEL_PER_RATING = 1.5
ROW_PX = 54
MARGIN_PERCENT = 1.5


@dataclass(frozen=True, slots=True)
class Mark:
    """One element of a job beside the person's. All x are percentages of the width, all y are pixels.

    Args:
        name: What is shown above the track.
        name_y, track_y: Baseline of the name, middle of the track.
        need_x: Where the job's level lies.
        have_x: Where the person's lies; empty where unknown.
        gap_x, gap_width: The stretch between the two where the person's is lower; empty where it is not.
        assumed: The person's level is assumed.
    """

    name: str
    name_y: str
    track_y: str
    need_x: str
    have_x: str
    gap_x: str
    gap_width: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class RequirementChart:
    """Marks one below the other, and the ticks of the ratings 0 to 4 at the foot."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[str, str], ...]
    foot_y: str
    height: str


@dataclass(frozen=True, slots=True)
class RangeChart:
    """A range with its middle, as percentages of the width."""

    start_x: str
    width: str
    middle_x: str


def requirement_chart(rows: Iterable[tuple[str, float | None, float, bool]]) -> RequirementChart:
    """Return the chart of what a job asks for beside what a person has.

    Args:
        rows: Name, the person's level (0-7, None where unknown), the job's level (0-7), whether assumed.
    """
    marks = []
    for number, (name, have, need, assumed) in enumerate(rows):
        top = number * ROW_PX
        short = have is not None and have < need
        marks.append(
            Mark(
                name=name,
                name_y=str(top + 18),
                track_y=str(top + 33),
                need_x=_percent(_position(need)),
                have_x="" if have is None else _percent(_position(have)),
                gap_x=_percent(_position(have)) if have is not None and short else "",
                gap_width=_percent(_position(need) - _position(have)) if have is not None and short else "",
                assumed=assumed,
            )
        )
    bottom = len(marks) * ROW_PX
    ticks = tuple((_percent(_position(rating * LEVEL_PER_RATING)), str(rating)) for rating in range(5))
    return RequirementChart(tuple(marks), ticks, foot_y=str(bottom + 14), height=str(bottom + 22))


def range_chart(low: float, middle: float, high: float) -> RangeChart:
    """Return a range on a scale from 0 to its upper end.

    Raises:
        ValueError: The three are not in order, or the upper end is not positive.
    """
    if not 0 <= low <= middle <= high or high == 0:
        raise ValueError(f"not a range: {low}, {middle}, {high}")
    scale = (100 - 2 * MARGIN_PERCENT) / high
    start = MARGIN_PERCENT + low * scale
    return RangeChart(_percent(start), _percent((high - low) * scale), _percent(MARGIN_PERCENT + middle * scale))


def _position(level: float) -> float:
    share = min(max(level / MOST_LEVEL, 0.0), 1.0)
    return MARGIN_PERCENT + share * (100 - 2 * MARGIN_PERCENT)


def _percent(value: float) -> str:
    return f"{value:.2f}%"
