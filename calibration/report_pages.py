"""What the pages of a training and of a model show beside their tables: charts and sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibration import charts
from calibration.reports import ALL, LARGEST_SHARE, STEPS
from calibration.tables import ESTIMATOR_WORDS, FEATURE_WORDS, SEEN, STEP_WORDS, tier_words, zone_words

MOST_SEEN = 10


def training_charts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a training's page shows of its report; nothing where there is none."""
    if not report:
        return {}
    exposure, drift, maturity = report["exposure"], report["drift"], report["maturity"]
    return {
        "funnel": _funnel_charts(report["funnel"]),
        "waits": ", ".join(f"{STEP_WORDS[step].lower()} {maturity[step]:g}" for step in STEPS if maturity[step]),
        "exposure": exposure,
        "gini": _gini_words(exposure),
        "most_seen": charts.bar_chart(
            "The occupations seen in most lists",
            [
                (row["title"], row["of_lists"], f"{100 * row['of_lists']:.1f} %", row["alert"] is True)
                for row in exposure["rows"][:MOST_SEEN]
            ],
            most=max(1.2 * LARGEST_SHARE, exposure["largest_share"] or 0.0),
            mark=LARGEST_SHARE,
        ),
        "drift": drift,
        "drift_charts": _drift_charts(drift["months"]),
        "worth": _worth_charts(report["off_policy"]),
    }


def model_charts(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model's page shows of how it was judged; nothing where it was too small to judge."""
    if not details:
        return {}
    effects = details["effects"]
    top = max((max(effect["mean"]) for effect in effects), default=0.0)
    return {
        "reliability": charts.reliability_chart(details["reliability"]),
        "roc": charts.roc_chart(details["roc"]),
        "gains": charts.gains_chart(details["gains"]),
        "effects": [
            charts.effect_chart(effect, FEATURE_WORDS.get(effect["feature"], effect["feature"]), top=top)
            for effect in effects
        ],
    }


def _funnel_charts(rows: Sequence[Mapping[str, Any]]) -> list[charts.BarChart]:
    """Return the bars of each tier and of each zone, all on one scale: what was seen early enough is the whole."""
    made = []
    for row in rows:
        if ALL not in (row["tier"], row["zone"]) or not row["seen"]:
            continue
        title = zone_words(row["zone"]) if row["tier"] == ALL and row["zone"] != ALL else tier_words(row["tier"])
        bars = [(SEEN, 1.0, f"{row['seen']:,}", False)]
        for step in STEPS:
            share, did, of = row["shares"][step], row["did"][step], row["of"][step]
            if step == "view" and did == of:
                # Nothing had to be taken as seen: the bar would say the same again.
                continue
            figure = "too early to say" if share is None else f"{did:,} of {of:,} = {100 * share:.1f} %"
            bars.append((STEP_WORDS[step], share or 0.0, figure, False))
        chart = charts.bar_chart(title, bars, most=1.0)
        if chart:
            made.append(chart)
    return made


def _gini_words(exposure: Mapping[str, Any]) -> str:
    if exposure["gini"] is None:
        return "Nothing was seen yet."
    return (
        f"{len(exposure['rows']):,} of {exposure['jobs']:,} occupations that could be shown were seen, "
        f"{exposure['total']:,} times in all. Gini coefficient over all of them: {exposure['gini']:.3f} "
        "(0: all alike, near 1: one has all)."
    )


def _drift_charts(months: Sequence[Mapping[str, Any]]) -> list[charts.XYChart]:
    """Return the chart of each figure of which something is known, the probability's first."""
    of_names = {name: [row["psi"][name] for row in months] for name in (months[0]["psi"] if months else ())}
    known = {name: psi for name, psi in of_names.items() if any(value is not None for value in psi)}
    top = max((value for psi in known.values() for value in psi if value is not None), default=0.0)
    return [
        charts.drift_chart([row["month"] for row in months], psi, FEATURE_WORDS.get(name, name), top=top)
        for name, psi in sorted(known.items(), key=lambda pair: pair[0] != "probability")
    ]


def _worth_charts(rows: Sequence[Mapping[str, Any]]) -> list[charts.XYChart]:
    """Return the intervals of each policy of which there is a verdict, all on one scale."""
    told = [row for row in rows if row["value"] is not None]
    top = max((row["high"] for row in told), default=0.0)
    policies = dict.fromkeys(row["policy"] for row in told)
    return [_worth_chart(name, [row for row in told if row["policy"] == name], top) for name in policies]


def _worth_chart(policy: str, rows: Sequence[Mapping[str, Any]], top: float) -> charts.XYChart:
    ticks = tuple((number, ESTIMATOR_WORDS.get(row["estimator"], row["estimator"])) for number, row in enumerate(rows))
    dots = charts.Series(
        range(len(rows)),
        [row["value"] for row in rows],
        joined=False,
        low=[row["low"] for row in rows],
        high=[row["high"] for row in rows],
    )
    across = charts.Axis(-0.6, len(rows) - 0.4, ticks, "Estimator")
    # The axis is named inside the field, above the intervals.
    return charts.xy_chart(policy, [dots], across, charts.percent_axis(1.1 * top, "Share of positives"))
