"""The reports' tables: each column holds what it is named for, and a page shows the whole range."""

from itertools import pairwise

import pytest

from calibration.reports import STEPS
from calibration.tables import (
    Column,
    Table,
    csv_rows,
    details_tables,
    figures_table,
    live_table,
    report_tables,
)
from recommendations.models import Feedback

# All figures differ, so that none can stand for another.
BIN = {
    "low": 0.10,
    "high": 0.19,
    "mean": 0.14,
    "rate": 0.15,
    "rate_low": 0.11,
    "rate_high": 0.18,
    "n": 200,
    "positives": 30,
}


def effect(feature, n=21, *, sign=1, coefficient=0.5, low=0.4, high=0.6):
    values, mean = [float(value) for value in range(n)], [value / 100 for value in range(n)]
    return {
        "feature": feature,
        "sign": sign,
        "values": values,
        "mean": mean,
        "coefficient": coefficient,
        "low": low,
        "high": high,
    }


def details(**overrides):
    steps = [number / 100 for number in range(101)]
    found = {
        "reliability": [BIN],
        "roc": {"fpr": [step**2 for step in steps], "tpr": steps, "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8},
        "gains": {"share": [step**2 for step in steps], "found": steps},
        "effects": [effect("fit"), effect("shortfall", sign=-1, coefficient=-0.2, low=-0.3, high=-0.1)],
    }
    return found | overrides


def table(tables, name):
    return next(table for table in tables if table.name == name)


def by_words(table):
    """The rows of a table by what the page calls their columns."""
    return [dict(zip([column.words for column in table.columns], row, strict=True)) for row in table.rows]


def by_key(table):
    header, *rows = csv_rows(table)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_reliability_names_what_was_predicted_and_what_was_observed():
    found = table(details_tables(details()), "reliability")
    assert by_key(found) == [BIN]
    assert [(column.key, column.words) for column in found.columns] == [
        ("low", "From"),
        ("high", "to"),
        ("mean", "Predicted"),
        ("rate", "Observed"),
        ("rate_low", "95 % from"),
        ("rate_high", "to"),
        ("n", "Jobs"),
        ("positives", "Positive"),
    ]
    cells = [cell.words for cell in found.shown[0]]
    assert cells == ["10.0 %", "19.0 %", "14.0 %", "15.0 %", "11.0 %", "18.0 %", "200", "30"]


def test_roc_and_gains_name_their_axes():
    made = details()
    roc, gains = (table(details_tables(made), name) for name in ("roc", "gains"))
    last = -20
    assert by_words(roc)[last] == {
        "Of those not wanted": made["roc"]["fpr"][last],
        "Of those wanted": made["roc"]["tpr"][last],
    }
    assert by_key(roc)[last] == {name: made["roc"][name][last] for name in ("fpr", "tpr")}
    assert by_words(gains)[last] == {
        "Best jobs": made["gains"]["share"][last],
        "Wanted jobs found": made["gains"]["found"][last],
    }
    assert by_key(gains)[last] == {name: made["gains"][name][last] for name in ("share", "found")}


@pytest.mark.parametrize("name", ["roc", "gains"])
def test_a_page_shows_a_line_over_its_whole_range_and_the_file_all_of_it(name):
    found = table(details_tables(details()), name)
    shown = [float(row[1].words.split()[0]) for row in found.shown]
    assert (len(shown), shown[0], shown[-1]) == (20, 0, 100)
    assert max(after - before for before, after in pairwise(shown)) <= 6
    assert (found.left_out, len(csv_rows(found))) == (81, 102)


def test_a_page_shows_the_low_the_middle_and_the_high_effect_of_each_feature_and_the_file_all():
    made = [effect("fit"), effect("position", 2), effect("knowledge", 1), effect("readiness", 9)]
    found = table(details_tables(details(effects=made)), "effects")
    assert [(row[0].words, row[1].words) for row in found.shown] == [
        ("fit (0-100)", "0.0000"),
        ("fit (0-100)", "10.0"),
        ("fit (0-100)", "20.0"),
        ("place in the list", "0.0000"),
        ("place in the list", "1.0000"),
        ("knowledge (0-100)", "0.0000"),
        ("readiness (0-100)", "0.0000"),
        ("readiness (0-100)", "4.0000"),
        ("readiness (0-100)", "8.0000"),
    ]
    assert len(by_key(found)) == 33
    assert by_key(found)[10] == {"feature": "fit (0-100)", "value": 10.0, "mean": 0.1}


def test_lines_and_effects_of_nothing_are_empty_tables():
    nothing = details(reliability=[], roc={"fpr": [], "tpr": []}, gains={"share": [], "found": []}, effects=[])
    assert [(found.shown, found.left_out) for found in details_tables(nothing)] == [([], 0)] * 5


def test_coefficients_stand_with_their_intervals_and_none_is_sure_at_its_bound():
    made = [
        effect("fit"),
        effect("knowledge", coefficient=0.0, low=None, high=None),
        effect("shortfall", sign=-1, coefficient=None, low=None, high=None),
    ]
    found = table(details_tables(details(effects=made)), "coefficients")
    rows = [tuple(row.values()) for row in by_key(found)]
    assert rows == [
        ("fit (0-100)", "raise", 0.5, 0.4, 0.6, ""),
        ("knowledge (0-100)", "raise", 0.0, "", "", "held at 0 by its sign"),
        ("worst shortfall (levels)", "lower", "", "", "", ""),
    ]
    assert [column.key for column in found.columns] == ["feature", "sign", "coefficient", "low", "high", "note"]
    assert [cell.words for cell in found.shown[1]][2:] == ["0.0000", "–", "–", "held at 0 by its sign"]


def test_figures_stand_with_their_intervals():
    gate = {"brier": 0.2, "brier_minus_constant": -0.05, "brier_minus_constant_low": -0.06}
    figures = gate | {"brier_minus_constant_high": -0.04, "brier_of_place": 0.21, "slope": 0.9, "intercept": 0.1}
    rows = {row["figure"]: row for row in by_key(figures_table(figures, details(log_loss=0.4)))}
    interval = {name: row for name, row in rows.items() if row["low"] != ""}
    assert [tuple(row.values())[1:] for row in interval.values()] == [(-0.05, -0.06, -0.04), (0.7, 0.6, 0.8)]
    assert list(interval) == ["Brier score minus the constant's", "Area under the ROC curve"]
    told = {"Brier score": 0.2, "Calibration slope": 0.9, "Calibration intercept": 0.1, "Log loss (nats)": 0.4}
    told["Brier score of the place in the list alone"] = 0.21
    assert {name: rows[name]["value"] for name in told} == told


def test_live_figures_tell_the_least_error():
    rows = {row["figure"]: row["value"] for row in by_key(live_table({"ece": 0.2, "ece_low": 0.15, "within": False}))}
    assert rows == {
        "Expected calibration error": 0.2,
        "Expected calibration error, 95 % from": 0.15,
        "Not surely off": False,
    }


# A training's report

FUNNEL = {"tier": "READY_NOW", "zone": 4, "shown": 900, "seen": 800}
FUNNEL |= {step: 700 - number for number, step in enumerate(STEPS)}
FUNNEL["of"] = {step: 600 - number for number, step in enumerate(STEPS)}
FUNNEL["did"] = {step: 500 - number for number, step in enumerate(STEPS)}
FUNNEL["shares"] = {step: number / 10 for number, step in enumerate(STEPS)}
EXPOSED = {"code": "1", "title": "Cooks", "shown": 9, "share": 0.2, "of_lists": 0.4, "alert": True}
WAITS = {"save": 14, "apply": 20, "interview": 60, "offer": 90}


def report(**overrides):
    counts = {"slots": 30, "slots_changed": 20, "slots_labelled": 10, "samples": {}}
    month = {"month": "2026-01", "n": 300, "people": 70, "labelled": 200, "base_rate": 0.3}
    policy = {"policy": "By lot", "estimator": "snips", "slots": 90, "value": 0.5, "low": 0.4, "high": 0.6}
    found = {
        "counts": counts,
        "funnel": [FUNNEL],
        "maturity": dict.fromkeys(STEPS, 0) | WAITS,
        "exposure": {"rows": [EXPOSED]},
        "drift": {"months": [month | {"psi": {"fit": 0.05, "shortfall": None}}]},
        "off_policy": [policy | {"effective_size": 120.0, "enough": True}],
    }
    return found | overrides


def test_places_open_to_a_lot_are_told_apart_from_those_that_it_changed():
    rows = {row["count"]: row["value"] for row in by_key(table(report_tables(report()), "counts"))}
    assert rows["Last places open to a lot"] == 30
    assert rows["Of them another than the best"] == 20
    assert rows["Last places open to a lot, with a label"] == 10


def test_the_funnel_holds_each_step_with_what_its_share_is_of():
    found = table(report_tables(report()), "funnel")
    (row,) = by_key(found)
    assert (row["tier"], row["zone"], row["shown"], row["seen"]) == ("Ready now", "Zone 4", 900, 800)
    for step in STEPS:
        assert (row[step], row[f"{step}_share"]) == (FUNNEL[step], FUNNEL["shares"][step])
        of, did = row.get(f"{step}_of"), row.get(f"{step}_did")
        assert (of, did) == ((FUNNEL["of"][step], FUNNEL["did"][step]) if step in WAITS else (None, None))
    words = {column.key: column.words for column in found.columns}
    assert (words["offer"], words["offer_of"], words["offer_did"]) == ("Offer", "Seen 90+ days ago", "Of these: offer")


def test_what_was_seen_on_screen_and_what_is_taken_as_seen_have_names_of_their_own():
    tables = report_tables(report())
    words = {column.key: column.words for column in table(tables, "funnel").columns}
    assert (words["seen"], words["view"]) == ("Seen (or taken as seen)", Feedback.Action.VIEW.label)
    counts = [row["count"] for row in by_key(table(tables, "counts"))]
    assert {"Of them seen (or taken as seen)", "Seen on screen"} < set(counts)


def test_exposure_drift_and_policies_stand_under_their_names():
    tables = report_tables(report())
    assert by_words(table(tables, "exposure")) == [
        {"Code": "1", "Occupation": "Cooks", "Seen": 9, "Of all seen": 0.2, "In lists": 0.4, "Too often": True}
    ]
    assert by_words(table(tables, "drift")) == [
        {
            "Month": "2026-01",
            "Jobs": 300,
            "People": 70,
            "Labelled": 200,
            "Positive": 0.3,
            "fit (0-100)": 0.05,
            "worst shortfall (levels)": None,
        }
    ]
    assert by_words(table(tables, "off_policy")) == [
        {
            "Policy": "By lot",
            "Estimator": "SNIPS",
            "Places": 90,
            "Share of positives": 0.5,
            "95 % from": 0.4,
            "to": 0.6,
            "Effective size": 120.0,
            "Verdict": "enough",
        }
    ]
    (row,) = by_key(table(tables, "off_policy"))
    assert (row["value"], row["low"], row["high"]) == (0.5, 0.4, 0.6)


def test_too_little_explored_is_no_negative_verdict():
    (row,) = report()["off_policy"]
    found = table(report_tables(report(off_policy=[row | {"enough": False, "value": None}])), "off_policy")
    assert found.shown[0][-1].words == "not enough to say"


def test_a_page_shows_the_occupations_shown_most_often():
    rows = [EXPOSED | {"code": str(n)} for n in range(30)]
    found = table(report_tables(report(exposure={"rows": rows})), "exposure")
    assert [row[0].words for row in found.shown] == [str(number) for number in range(20)]
    assert found.left_out == 10


# CSV


@pytest.mark.parametrize("text", ["=1+1", "+49", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_text_is_never_a_formula_in_a_file(text):
    found = Table("t", "T", (Column("a", "A", "text"), Column("b", "B")), ((text, -1.5),))
    assert csv_rows(found)[1] == [f"'{text}", -1.5]


def test_plain_text_figures_and_nothing_stay_what_they_are():
    columns = tuple(Column(name, name) for name in "abcd")
    assert csv_rows(Table("t", "T", columns, (("2026-01", -1, None, True),)))[1] == ["2026-01", -1, "", True]
