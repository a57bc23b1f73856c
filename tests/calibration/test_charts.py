"""Where the report's charts put what they show."""

import pytest

from calibration import charts
from calibration.charts import Axis, Series


def axis(low, high):
    return Axis(low, high, ((low, "low"), (high, "high")), "an axis")


def test_the_ends_of_the_axes_are_the_corners_of_the_field():
    chart = charts.xy_chart("A chart", [Series((2, 4), (10, 30))], axis(2, 4), axis(10, 30))
    assert chart.lines[0].stretches == (f"{chart.left}.0,{chart.bottom}.0 {chart.right}.0,{chart.top}.0",)
    assert [at for at, _ in chart.x_ticks] == [f"{chart.left}.0", f"{chart.right}.0"]
    assert [at for at, _ in chart.y_ticks] == [f"{chart.bottom}.0", f"{chart.top}.0"]


def test_what_lies_outside_is_drawn_at_the_end():
    inside = charts.xy_chart("A chart", [Series((0, 1), (0, 1))], axis(0, 1), axis(0, 1))
    outside = charts.xy_chart("A chart", [Series((-9, 9), (-9, 9))], axis(0, 1), axis(0, 1))
    assert outside.lines == inside.lines


def test_a_line_breaks_where_there_is_no_figure_and_a_lone_point_is_a_dot():
    chart = charts.xy_chart("A chart", [Series(range(6), (1, 2, None, 3, None, 4), dots=True)], axis(0, 5), axis(0, 5))
    assert [len(stretch.split()) for stretch in chart.lines[0].stretches] == [2]
    assert len(chart.dots) == 4


def bins(*rows):
    return [
        {"mean": mean, "rate": rate, "rate_low": rate - 0.02, "rate_high": rate + 0.02, "n": n}
        for mean, rate, n in rows
    ]


def place(chart, x, y):
    """Where a point stands, in pixels, if both are shares of the whole field."""
    left, right, top, bottom = (float(end) for end in (chart.left, chart.right, chart.top, chart.bottom))
    return f"{left + x * (right - left):.1f},{bottom - y * (bottom - top):.1f}"


def test_reliability_has_the_predicted_across_and_the_observed_upwards():
    # Both axes end at 30 %.
    chart = charts.reliability_chart([{"mean": 0.3, "rate": 0.1, "rate_low": 0.04, "rate_high": 0.2, "n": 9}])
    (dot,) = chart.dots
    assert (chart.x_name, chart.y_name) == ("Predicted", "Observed")
    assert (chart.x_ticks[-1][1], chart.y_ticks[-1][1]) == ("30 %", "30 %")
    assert f"{dot.x},{dot.y}" == place(chart, 1, 1 / 3)
    assert f"{dot.x},{dot.low_y}" == place(chart, 1, 0.04 / 0.3)
    assert f"{dot.x},{dot.high_y}" == place(chart, 1, 0.2 / 0.3)


def test_reliability_has_a_dot_with_whiskers_per_bin_on_equal_axes():
    chart = charts.reliability_chart(bins((0.1, 0.1, 100), (0.3, 0.2, 400)))
    assert len(chart.dots) == 2
    first, second = chart.dots
    for dot in chart.dots:
        assert float(dot.high_y) < float(dot.y) < float(dot.low_y)
    assert float(first.r) < float(second.r) == charts.LARGEST_DOT
    # The first lies on the diagonal, the second was predicted too high and lies below it.
    across = (float(chart.right) - float(chart.left)) / (float(chart.bottom) - float(chart.top))
    for dot, on in ((first, True), (second, False)):
        beside, above = float(dot.x) - float(chart.left), float(chart.bottom) - float(dot.y)
        assert (beside == pytest.approx(above * across, abs=0.2)) == on
    assert [words for _, words in chart.x_ticks] == [words for _, words in chart.y_ticks]


def test_nothing_gives_no_chart():
    assert charts.reliability_chart([]) is None
    assert charts.roc_chart({"fpr": [], "tpr": []}) is None
    assert charts.gains_chart({"share": [], "found": []}) is None
    assert charts.bar_chart("Bars", []) is None


@pytest.mark.parametrize(
    ("chart", "names"),
    [
        (charts.roc_chart({"fpr": [0, 0.2, 1], "tpr": [0, 0.7, 1]}), ("Of those not wanted", "Of those wanted")),
        (charts.gains_chart({"share": [0, 0.2, 1], "found": [0, 0.7, 1]}), ("Best jobs", "Wanted jobs found")),
    ],
)
def test_roc_and_gains_lie_over_the_diagonal_of_chance(chart, names):
    ideal, line = chart.lines
    assert (ideal.style, line.style) == ("ideal", "main")
    assert (chart.x_name, chart.y_name) == names
    assert ideal.stretches[0].split() == [place(chart, 0, 0), place(chart, 1, 1)]
    assert line.stretches[0].split() == [place(chart, 0, 0), place(chart, 0.2, 0.7), place(chart, 1, 1)]


def test_an_effect_has_the_values_across_and_the_probability_upwards():
    chart = charts.effect_chart({"values": [10, 20, 30], "mean": [0.1, 0.3, 0.2]}, "the fit", top=0.4)
    assert (chart.x_name, chart.y_name) == ("the fit", "Probability")
    assert chart.lines[0].stretches[0].split() == [place(chart, x, y) for x, y in ((0, 0.25), (0.5, 0.75), (1, 0.5))]


def test_an_effect_of_a_single_value_is_a_dot():
    chart = charts.effect_chart({"values": [3.0], "mean": [0.1]}, "the fit", top=0.2)
    assert len(chart.dots) == 1
    assert chart.lines[0].stretches == ()


def test_drift_has_both_bounds_and_a_gap_for_a_month_without_a_verdict():
    months = [f"2026-{month:02d}" for month in range(1, 8)]
    chart = charts.drift_chart(months, [0, 0.05, None, 0.3, 0.4, 0.2, 0.1], "the fit", top=0.4)
    assert [line.style for line in chart.lines] == ["bound", "bound", "main"]
    assert len(chart.lines[2].stretches) == 2
    assert {"0", "0.1", "0.25"} == {words for _, words in chart.y_ticks}
    assert [words for _, words in chart.x_ticks] == ["26-01", "26-04", "26-07"]
    assert (chart.x_name, chart.y_name) == ("the fit", "PSI")
    # Months stand from -0.3 to 6.3, the index from 0 to 0.42.
    assert f"{chart.dots[3].x},{chart.dots[3].y}" == place(chart, 4.3 / 6.6, 0.4 / 0.42)


@pytest.mark.parametrize("top", [0.2, 0.34, 0.477, 0.53, 0.96, 2.3, 12.34])
def test_the_drift_axis_is_marked_where_its_figures_are(top):
    chart = charts.drift_chart(["2026-01"], [top], "the fit", top=top)
    high = max(1.05 * top, 0.35)
    assert len(chart.y_ticks) == 3
    for at, words in chart.y_ticks:
        assert at == place(chart, 0, float(words) / high).split(",")[1]


def test_a_large_drift_still_fits():
    chart = charts.drift_chart(["2026-01", "2026-02"], [0.0, 3.2], "the fit", top=3.2)
    assert [words for _, words in chart.y_ticks] == ["0", "0.25", "3.2"]
    assert float(chart.dots[1].y) >= float(chart.top)


def test_bars_are_shares_of_the_longest_and_the_limit_stands_where_it_is():
    chart = charts.bar_chart("Bars", [("a", 5, "5 %", False), ("b", 20, "20 %", True)], mark=10)
    assert [(bar.name, bar.figure) for bar in chart.bars] == [("a", "5 %"), ("b", "20 %")]
    assert [bar.width for bar in chart.bars] == ["25.00%", "100.00%"]
    assert chart.mark_x == "50.00%"
    assert [bar.alert for bar in chart.bars] == [False, True]
    assert charts.bar_chart("Bars", [("a", 0, "0", False)]).bars[0].width == "0.00%"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (-1.3, 2.2, ["-1", "0", "1", "2"]),
        (0.12, 0.18, ["0.12", "0.14", "0.16", "0.18"]),
        (4, 4, ["3.6", "3.8", "4.0", "4.2", "4.4"]),
    ],
)
def test_axes_are_marked_at_round_numbers(low, high, words):
    assert [word for _, word in charts.nice_axis(low, high, "x").ticks] == words


@pytest.mark.parametrize(
    ("top", "words"),
    [
        (1, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        (0.33, ["0 %", "10 %", "20 %", "30 %", "40 %"]),
        (0.97, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        (0.09, ["0.0 %", "2.5 %", "5.0 %", "7.5 %", "10.0 %"]),
        (0.012, ["0.0 %", "0.5 %", "1.0 %", "1.5 %"]),
    ],
)
def test_shares_are_marked_in_percent(top, words):
    assert [word for _, word in charts.percent_axis(top, "x").ticks] == words
