"""Geometry of the report's charts, as strings that no locale can put commas into.

A chart is drawn at its natural size in pixels and shrinks with the page, so that its text stays readable at 360 px.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 290, 250
SMALL_WIDTH, SMALL_HEIGHT = 215, 155
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 12, 44
SMALLEST_DOT, LARGEST_DOT = 2.5, 5.5
# The usual bounds of a population stability index: below the first nothing changed, above the second it drifted.
PSI_BOUNDS = (0.1, 0.25)

Figures = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one cloud of dots, in the chart's own units.

    Args:
        x, y: Of the same length; a line breaks where y is None.
        style: The class that the template gives it: main, ideal or bound.
        dots: Whether points are drawn as dots.
        joined: Whether they are joined by a line.
        low, high: Ends of each point's whisker; empty where there are none.
        weight: Of each dot, for its size; empty where all are alike.
    """

    x: Sequence[float]
    y: Figures
    style: str = "main"
    dots: bool = False
    joined: bool = True
    low: Figures = ()
    high: Figures = ()
    weight: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale.

    Args:
        low, high: Its ends, low below high.
        ticks: Where it is marked, with what is written there.
        name: What it shows.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in pixels; low_y and high_y are empty where it has no whisker."""

    x: str
    y: str
    r: str
    low_y: str
    high_y: str


@dataclass(frozen=True, slots=True)
class Line:
    """Stretches of a line, each the `points` of a polyline in pixels."""

    style: str
    stretches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class XYChart:
    """Lines and dots over two axes, all in pixels.

    Args:
        title: One sentence: what is shown.
        width, height: Of the whole.
        left, right, top, bottom: Of the field inside the axes.
        centre_x, centre_y: Its middle, where the axes' names stand.
        x_ticks, y_ticks: Where, and what is written there.
        x_name, y_name: What the axes show.
        lines: Lines, the first at the back.
        dots: Dots above them.
    """

    title: str
    width: str
    height: str
    left: str
    right: str
    top: str
    bottom: str
    centre_x: str
    centre_y: str
    x_ticks: tuple[tuple[str, str], ...]
    y_ticks: tuple[tuple[str, str], ...]
    x_name: str
    y_name: str
    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; the width is a percentage."""

    name: str
    figure: str
    width: str
    alert: bool


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars one below the other; mark_x is the percentage at which a limit stands, empty where there is none."""

    title: str
    bars: tuple[Bar, ...]
    mark_x: str


def xy_chart(title: str, series: Iterable[Series], x: Axis, y: Axis, *, small: bool = False) -> XYChart:
    """Return the geometry of series over two axes; what lies outside of an axis is drawn at its end.

    Args:
        title: One sentence: what is shown.
        series: From back to front.
        x, y: The axes.
        small: One of many beside each other.
    """
    width, height = (SMALL_WIDTH, SMALL_HEIGHT) if small else (WIDTH, HEIGHT)
    right, bottom = width - RIGHT, height - BOTTOM

    def place_x(value: float) -> str:
        return _px(LEFT + _share(value, x) * (right - LEFT))

    def place_y(value: float | None) -> str:
        return "" if value is None else _px(bottom - _share(value, y) * (bottom - TOP))

    lines, dots = [], []
    for one in series:
        points = [
            f"{place_x(at)},{place_y(value)}" if value is not None else ""
            for at, value in zip(one.x, one.y, strict=True)
        ]
        if one.joined:
            lines.append(Line(one.style, _stretches(points)))
        if one.dots or not one.joined:
            largest = max(one.weight, default=0)
            for number, value in enumerate(one.y):
                if value is None:
                    continue
                weight = math.sqrt(one.weight[number] / largest) if largest else 0.0
                dots.append(
                    Dot(
                        place_x(one.x[number]),
                        place_y(value),
                        _px(SMALLEST_DOT + weight * (LARGEST_DOT - SMALLEST_DOT)),
                        place_y(one.low[number]) if one.low else "",
                        place_y(one.high[number]) if one.high else "",
                    )
                )
    return XYChart(
        title=title,
        width=str(width),
        height=str(height),
        left=str(LEFT),
        right=str(right),
        top=str(TOP),
        bottom=str(bottom),
        centre_x=_px((LEFT + right) / 2),
        centre_y=_px((TOP + bottom) / 2),
        x_ticks=tuple((place_x(at), words) for at, words in x.ticks),
        y_ticks=tuple((place_y(at), words) for at, words in y.ticks),
        x_name=x.name,
        y_name=y.name,
        lines=tuple(lines),
        dots=tuple(dots),
    )


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> XYChart | None:
    """Return predicted against observed, with the diagonal, whiskers of 95 % and dots that grow with their number."""
    if not bins:
        return None
    top = max(max(one["mean"], one["rate_high"]) for one in bins)
    x, y = percent_axis(top, "Predicted"), percent_axis(top, "Observed")
    return xy_chart(
        "Reliability: what was predicted against what was observed",
        [
            Series((0, x.high), (0, x.high), style="ideal"),
            Series(
                [one["mean"] for one in bins],
                [one["rate"] for one in bins],
                dots=True,
                low=[one["rate_low"] for one in bins],
                high=[one["rate_high"] for one in bins],
                weight=[one["n"] for one in bins],
            ),
        ],
        x,
        y,
    )


def roc_chart(roc: Mapping[str, Any]) -> XYChart | None:
    """Return the ROC curve with the diagonal of pure chance."""
    if not roc["fpr"]:
        return None
    return xy_chart(
        "ROC: jobs that were wanted against jobs that were not, as the bound falls",
        [Series((0, 1), (0, 1), style="ideal"), Series(roc["fpr"], roc["tpr"])],
        percent_axis(1, "Of those not wanted"),
        percent_axis(1, "Of those wanted"),
    )


def gains_chart(gains: Mapping[str, Any]) -> XYChart | None:
    """Return the share of positives found among the best jobs, with the diagonal of pure chance."""
    if not gains["share"]:
        return None
    return xy_chart(
        "Gains: how many of the wanted jobs are among the best",
        [Series((0, 1), (0, 1), style="ideal"), Series(gains["share"], gains["found"])],
        percent_axis(1, "Best jobs"),
        percent_axis(1, "Wanted jobs found"),
    )


def effect_chart(effect: Mapping[str, Any], name: str, *, top: float) -> XYChart:
    """Return how the mean probability follows one feature.

    Args:
        effect: Values and mean.
        name: The feature in words.
        top: The largest probability of all of the curve's effects, so that they share a scale.
    """
    values = effect["values"]
    return xy_chart(
        f"Effect of {name}",
        [Series(values, effect["mean"], dots=len(values) == 1)],
        nice_axis(min(values), max(values), name, most=4),
        percent_axis(top, "Probability"),
        small=True,
    )


def drift_chart(months: Sequence[str], psi: Figures, name: str, *, top: float) -> XYChart:
    """Return one figure's population stability index over the months, with the usual bounds.

    Args:
        months: As "2026-01", without a gap.
        psi: Of each month; None where there is no verdict.
        name: The figure in words.
        top: The largest index of all figures, so that they share a scale.
    """
    last = len(months) - 1
    every = last // 3 + 1
    across = (-0.3, last + 0.3)
    return xy_chart(
        f"Drift of {name} by month",
        [
            *(Series(across, (bound, bound), style="bound") for bound in PSI_BOUNDS),
            Series(range(len(months)), psi, dots=True),
        ],
        Axis(*across, tuple((number, months[number][2:]) for number in range(0, last + 1, every)), name),
        _drift_axis(top),
        small=True,
    )


def bar_chart(
    title: str,
    rows: Iterable[tuple[str, float, str, bool]],
    *,
    most: float | None = None,
    mark: float | None = None,
) -> BarChart | None:
    """Return bars from 0; None without rows.

    Args:
        title: One sentence: what is shown.
        rows: Name, length (at least 0), its figure in words, whether it alerts.
        most: The length of a whole bar; the largest row where None.
        mark: A length at which a limit stands.
    """
    rows = list(rows)
    if not rows:
        return None
    whole = most or max(max(row[1] for row in rows), mark or 0.0) or 1.0
    bars = tuple(Bar(name, figure, _percent(length / whole), alert) for name, length, figure, alert in rows)
    return BarChart(title, bars, "" if mark is None else _percent(mark / whole))


def nice_axis(low: float, high: float, name: str, *, most: int = 5) -> Axis:
    """Return an axis over a range, marked at round numbers, at most so many."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / most)
    digits = _digits(step)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = tuple((number * step, f"{number * step:.{digits}f}") for number in range(first, last + 1))
    return Axis(low, high, ticks, name)


def percent_axis(top: float, name: str) -> Axis:
    """Return an axis from 0 to a round share at or above `top`, at most 1, marked in percent."""
    step = _round_step(max(top, 0.001) / 4)
    steps = min(math.ceil(max(top, 0.001) / step - 1e-9), max(math.floor(1 / step + 1e-9), 1))
    digits = _digits(100 * step)
    ticks = tuple((number * step, f"{number * step * 100:.{digits}f} %") for number in range(steps + 1))
    return Axis(0.0, steps * step, ticks, name)


def _drift_axis(top: float) -> Axis:
    high = max(top * 1.05, 0.35)
    ticks = [(bound, f"{bound:g}") for bound in PSI_BOUNDS]
    if high > 0.5:
        # Beside so large an index the two bounds stand too close to be named both.
        tenths = math.floor(top * 10 + 1e-9)
        ticks = [ticks[1], (tenths / 10, f"{tenths / 10:.1f}")]
    return Axis(0.0, high, ((0.0, "0"), *ticks), "PSI")


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5 or 5 times a power of ten that is not below `least`, which is above 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def _digits(step: float) -> int:
    """Return how many digits after the point tell multiples of a step apart."""
    return next(digits for digits in range(12) if math.isclose(round(step, digits), step, rel_tol=1e-9))


def _stretches(points: Sequence[str]) -> tuple[str, ...]:
    stretches: list[list[str]] = [[]]
    for point in points:
        if point:
            stretches[-1].append(point)
        elif stretches[-1]:
            stretches.append([])
    return tuple(" ".join(stretch) for stretch in stretches if len(stretch) > 1)


def _share(value: float, axis: Axis) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _px(value: float) -> str:
    return f"{value:.1f}"


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"
