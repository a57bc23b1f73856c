"""The reports' numbers as tables: what a page shows and what a CSV file holds come from the same rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.reports import ALL, STEPS, UNKNOWN_ZONE
from recommendations.models import Feedback, Tier

NOTHING = "–"
SHOWN_ROWS = 20
SHOWN_OF_FEATURE = 3
# What a spreadsheet would take for a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")

FEATURE_WORDS = {
    "fit": "fit (0-100)",
    "base_score": "score (0-100)",
    "gap_severity": "gap severity (0-100)",
    "job_zone_diff": "job zones up",
    "shortfall": "worst shortfall (levels)",
    "knowledge": "knowledge (0-100)",
    "readiness": "readiness (0-100)",
    "match_score": "match (0-100)",
    "confidence": "confidence (0-1)",
    "position": "place in the list",
    "probability": "probability",
}
FIGURE_WORDS = {
    "people": "People held out",
    "items": "Jobs held out",
    "rarer": "Labels of the rarer kind",
    "base_rate": "Share of positives in training",
    "brier": "Brier score",
    "brier_of_constant": "Brier score of the constant",
    "brier_minus_constant": "Brier score minus the constant's",
    "brier_of_place": "Brier score of the place in the list alone",
    "brier_minus_place": "Brier score minus that of the place alone",
    "brier_of_champion": "Brier score of the champion then",
    "brier_minus_champion": "Brier score minus the champion's",
    "brier_skill": "Brier skill over the best constant",
    "log_loss": "Log loss (nats)",
    "auc": "Area under the ROC curve",
    "ece": "Expected calibration error",
    "slope": "Calibration slope",
    "intercept": "Calibration intercept",
    "effective_size": "Effective size of what was explored",
    "snips_difference": "Worth of its choices minus the order's now (SNIPS)",
}
LIVE_WORDS = {
    "items": "Jobs",
    "people": "People",
    "base_rate": "Share of positives",
    "brier": "Brier score",
    "ece": "Expected calibration error",
    "ece_low": "Expected calibration error, 95 % from",
    "times": "Positive answers, times as many as it says",
    "times_low": "Times as many as it says, 95 % from",
    "times_high": "Times as many as it says, 95 % to",
    "slope": "Calibration slope",
    "intercept": "Calibration intercept",
    "enough": "Enough to judge by",
    "within": "Not surely off",
}
# What the shares are of is wider than what a page reported as seen on the screen.
SEEN = "Seen (or taken as seen)"
COUNT_WORDS = {
    "items": "Jobs shown",
    "seen": f"Of them {SEEN[0].lower()}{SEEN[1:]}",
    "people": "People",
    "events": "Lists",
    "labelled": "Jobs with a label",
    "positives": "Of them positive",
    "base_rate": "Share of positives",
    "slots": "Last places open to a lot",
    "slots_changed": "Of them another than the best",
    "slots_labelled": "Last places open to a lot, with a label",
    "withdrawn": "Feedback taken back",
}
STEP_WORDS = {step: str(Feedback.Action(step).label) for step in STEPS}
ENOUGH_WORDS = {True: "enough", False: "not enough to say"}
ESTIMATOR_WORDS = {"ips": "IPS", "snips": "SNIPS", "dr": "Doubly robust"}


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column.

    Args:
        key: Its name in a CSV file.
        words: Its name on a page.
        kind: How a page writes it: text, count, share (0-1, in percent) or figure.
    """

    key: str
    words: str
    kind: str = "figure"

    @property
    def numeric(self) -> bool:
        return self.kind != "text"


@dataclass(frozen=True, slots=True)
class Cell:
    words: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values under columns; None where there is nothing to say.

    Args:
        name: Of its CSV file.
        title: On a page.
        columns: Its columns.
        rows: Each as long as the columns.
        on_page: Which rows a page shows; all where None.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    on_page: Sequence[int] | None = None

    @property
    def shown(self) -> list[list[Cell]]:
        rows = self.rows if self.on_page is None else [self.rows[number] for number in self.on_page]
        return [
            [Cell(_words(value, column.kind), column.numeric) for column, value in zip(self.columns, row, strict=True)]
            for row in rows
        ]

    @property
    def left_out(self) -> int:
        return 0 if self.on_page is None else len(self.rows) - len(self.on_page)


def figures_table(figures: Mapping[str, Any], details: Mapping[str, Any]) -> Table:
    """Return what a model was judged by, with intervals where there are any."""
    roc = details.get("roc", {})
    all_figures = {
        **{name: details.get(name) for name in ("brier_skill", "log_loss", "slope", "intercept", "ece", "brier")},
        **{name: roc.get(name) for name in ("auc", "auc_low", "auc_high")},
        **figures,
    }
    rows = [
        (words, all_figures[name], all_figures.get(f"{name}_low"), all_figures.get(f"{name}_high"))
        for name, words in FIGURE_WORDS.items()
        if all_figures.get(name) is not None
    ]
    columns = (Column("figure", "Figure", "text"), Column("value", "Value"), *_ends())
    return Table("figures", "Figures on the people held out", columns, tuple(rows))


def live_table(live: Mapping[str, Any]) -> Table:
    """Return how a model does on answers newer than its training."""
    rows = [(words, live[name]) for name, words in LIVE_WORDS.items() if live.get(name) is not None]
    columns = (Column("figure", "Figure", "text"), Column("value", "Value"))
    return Table("live", "Live: on answers newer than its training", columns, tuple(rows))


def details_tables(details: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a judged model: reliability, ROC, gains, coefficients and effects."""
    if not details:
        return []
    effects, roc, gains = details["effects"], details["roc"], details["gains"]
    return [
        Table(
            "reliability",
            "Reliability",
            (
                Column("low", "From", "share"),
                Column("high", "to", "share"),
                Column("mean", "Predicted", "share"),
                Column("rate", "Observed", "share"),
                Column("rate_low", "95 % from", "share"),
                Column("rate_high", "to", "share"),
                Column("n", "Jobs", "count"),
                Column("positives", "Positive", "count"),
            ),
            _rows(details["reliability"], "low high mean rate rate_low rate_high n positives"),
        ),
        Table(
            "roc",
            "ROC",
            (Column("fpr", "Of those not wanted", "share"), Column("tpr", "Of those wanted", "share")),
            tuple(zip(roc["fpr"], roc["tpr"], strict=True)),
            on_page=_evenly(len(roc["fpr"]), SHOWN_ROWS),
        ),
        Table(
            "gains",
            "Gains",
            (Column("share", "Best jobs", "share"), Column("found", "Wanted jobs found", "share")),
            tuple(zip(gains["share"], gains["found"], strict=True)),
            on_page=_evenly(len(gains["share"]), SHOWN_ROWS),
        ),
        Table(
            "coefficients",
            "Coefficients",
            (
                Column("feature", "Feature", "text"),
                Column("sign", "May only", "text"),
                Column("coefficient", "Log odds per standard deviation"),
                *_ends(),
                Column("note", "Note", "text"),
            ),
            tuple(
                (
                    FEATURE_WORDS.get(row["feature"], row["feature"]),
                    {1: "raise", -1: "lower", 0: "either"}[row["sign"]],
                    row["coefficient"],
                    row["low"],
                    row["high"],
                    "held at 0 by its sign" if row["coefficient"] == 0 and row["low"] is None else "",
                )
                for row in effects
            ),
        ),
        Table(
            "effects",
            "Effects",
            (Column("feature", "Feature", "text"), Column("value", "Value"), Column("mean", "Probability", "share")),
            tuple(
                (FEATURE_WORDS.get(row["feature"], row["feature"]), value, mean)
                for row in effects
                for value, mean in zip(row["values"], row["mean"], strict=True)
            ),
            on_page=_evenly_of_each([len(row["values"]) for row in effects], SHOWN_OF_FEATURE),
        ),
    ]


def report_tables(report: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a training's report: counts, funnel, exposure, drift and off-policy."""
    if not report:
        return []
    counts = report["counts"]
    return [
        Table(
            "counts",
            "Counts",
            (Column("count", "What", "text"), Column("value", "How many")),
            (
                *((words, counts.get(name)) for name, words in COUNT_WORDS.items()),
                *((words, counts["samples"].get(step)) for step, words in STEP_WORDS.items()),
            ),
        ),
        Table(
            "funnel",
            "How far people went, by tier and job zone",
            (
                Column("tier", "Tier", "text"),
                Column("zone", "Zone", "text"),
                Column("shown", "Shown", "count"),
                Column("seen", SEEN, "count"),
                *(column for step in STEPS for column in _step_columns(step, report["maturity"][step])),
            ),
            tuple(
                (
                    tier_words(row["tier"]),
                    zone_words(row["zone"]),
                    row["shown"],
                    row["seen"],
                    *(value for step in STEPS for value in _step_values(step, report["maturity"][step], row)),
                )
                for row in report["funnel"]
            ),
        ),
        Table(
            "exposure",
            "How often each occupation was seen",
            (
                Column("code", "Code", "text"),
                Column("title", "Occupation", "text"),
                Column("seen", "Seen", "count"),
                Column("share", "Of all seen", "share"),
                Column("of_lists", "In lists", "share"),
                Column("alert", "Too often", "text"),
            ),
            _rows(report["exposure"]["rows"], "code title shown share of_lists alert"),
            on_page=range(min(len(report["exposure"]["rows"]), SHOWN_ROWS)),
        ),
        Table(
            "drift",
            "Population stability index by month",
            (
                Column("month", "Month", "text"),
                Column("n", "Jobs", "count"),
                Column("people", "People", "count"),
                Column("labelled", "Labelled", "count"),
                Column("base_rate", "Positive", "share"),
                *(Column(name, FEATURE_WORDS.get(name, name)) for name in _drift_names(report)),
            ),
            tuple(
                (
                    *(row[key] for key in ("month", "n", "people", "labelled", "base_rate")),
                    *(row["psi"][name] for name in _drift_names(report)),
                )
                for row in report["drift"]["months"]
            ),
        ),
        Table(
            "off_policy",
            "Worth of other ways to fill the last place",
            (
                Column("policy", "Policy", "text"),
                Column("estimator", "Estimator", "text"),
                Column("slots", "Places", "count"),
                Column("value", "Share of positives", "share"),
                Column("low", "95 % from", "share"),
                Column("high", "to", "share"),
                Column("effective_size", "Effective size", "count"),
                Column("enough", "Verdict", "text"),
            ),
            tuple(
                (
                    row["policy"],
                    ESTIMATOR_WORDS.get(row["estimator"], row["estimator"]),
                    *(row[key] for key in ("slots", "value", "low", "high", "effective_size")),
                    ENOUGH_WORDS[row["enough"]],
                )
                for row in report["off_policy"]
            ),
        ),
    ]


def tier_words(tier: str) -> str:
    """Return a tier of the funnel in words."""
    return "All tiers" if tier == ALL else str(Tier(tier).label)


def zone_words(zone: int | str) -> str:
    """Return a job zone of the funnel in words."""
    return {ALL: "All zones", UNKNOWN_ZONE: "Unknown zone"}.get(str(zone), f"Zone {zone}")


def _drift_names(report: Mapping[str, Any]) -> list[str]:
    months = report["drift"]["months"]
    return list(months[0]["psi"]) if months else []


def _step_columns(step: str, days: float) -> Sequence[Column]:
    """Return a step's columns in the funnel; for what is done at once all that was seen counts."""
    count = Column(step, STEP_WORDS[step], "count")
    if not days:
        return count, Column(f"{step}_share", "of seen", "share")
    of = Column(f"{step}_of", f"Seen {days:g}+ days ago", "count")
    did = Column(f"{step}_did", f"Of these: {STEP_WORDS[step].lower()}", "count")
    return count, of, did, Column(f"{step}_share", "share", "share")


def _step_values(step: str, days: float, row: Mapping[str, Any]) -> Sequence[Any]:
    count, share = row[step], row["shares"][step]
    return (count, row["of"][step], row["did"][step], share) if days else (count, share)


def _ends() -> tuple[Column, Column]:
    return Column("low", "95 % from"), Column("high", "to")


def _evenly(n: int, most: int) -> list[int]:
    """Return at most so many of the numbers from 0 to n - 1: evenly over the whole range, with both ends."""
    return [int(number) for number in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def _evenly_of_each(lengths: Sequence[int], most: int) -> list[int]:
    """Return the same within each of some stretches of rows that follow each other."""
    starts = np.cumsum([0, *lengths])
    return [int(start) + row for start, n in zip(starts, lengths, strict=False) for row in _evenly(n, most)]


def _rows(rows: Iterable[Mapping[str, Any]], keys: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row[key] for key in keys.split()) for row in rows)


def _words(value: Any, kind: str) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if kind == "share":
        return f"{100 * value:.1f} %"
    if kind == "count" or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def csv_rows(table: Table) -> Sequence[Sequence[Any]]:
    """Return a table's header and rows for a CSV file: figures in full, and nothing where there is none.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    return [[column.key for column in table.columns], *([_csv_cell(value) for value in row] for row in table.rows)]


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return "" if value is None else value
