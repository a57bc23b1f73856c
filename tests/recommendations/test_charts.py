"""The charts' geometry: known answers, bounds, order."""

import pytest

from recommendations.charts import range_chart, requirement_chart


def percent(value: str) -> float:
    assert value.endswith("%")
    return float(value[:-1])


class TestRequirementChart:
    def test_the_ends_of_the_scale_leave_a_margin(self):
        none, all_ = requirement_chart([("A", 0.0, 0.0, False), ("B", 7.0, 7.0, True)]).marks
        assert (none.need_x, none.have_x) == ("1.50%", "1.50%")
        assert (all_.need_x, all_.have_x) == ("98.50%", "98.50%")
        assert (none.assumed, all_.assumed) == (False, True)

    def test_only_what_is_short_has_a_gap(self):
        short, enough, unknown = requirement_chart(
            [("A", 1.5, 3.0, False), ("B", 4.5, 3.0, False), ("C", None, 3.0, False)]
        ).marks
        assert percent(short.gap_x) + percent(short.gap_width) == pytest.approx(percent(short.need_x), abs=0.011)
        assert (enough.gap_x, enough.gap_width) == ("", "")
        assert (unknown.have_x, unknown.gap_x) == ("", "")

    def test_rows_lie_below_each_other_inside_the_height(self):
        chart = requirement_chart([(name, 2.0, 3.0, False) for name in "ABCDE"])
        middles = [int(mark.track_y) for mark in chart.marks]
        assert middles == sorted(set(middles))
        assert middles[-1] < int(chart.foot_y) < int(chart.height)

    def test_ticks_stand_at_the_levels_of_the_ratings(self):
        chart = requirement_chart([("A", None, 4.5, False)])
        assert [rating for _, rating in chart.ticks] == ["0", "1", "2", "3", "4"]
        assert chart.ticks[3][0] == chart.marks[0].need_x

    def test_levels_off_the_scale_stay_on_the_chart(self):
        assert requirement_chart([("A", 9.0, -1.0, False)]).marks[0].have_x == "98.50%"


class TestRangeChart:
    def test_known_answer(self):
        chart = range_chart(25, 50, 100)
        assert (chart.start_x, chart.middle_x, chart.width) == ("25.75%", "50.00%", "72.75%")

    @pytest.mark.parametrize("figures", [(3, 2, 4), (1, 5, 4), (-1, 2, 3), (0, 0, 0)])
    def test_figures_out_of_order_are_refused(self, figures):
        with pytest.raises(ValueError, match="not a range"):
            range_chart(*figures)
