"""Plots of an evaluation as SVG; the same figures give the same bytes."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

# Okabe & Ito 2008: told apart by people who are colour-blind too.
BLUE, ORANGE, GREEN, VERMILION, GREY, LIGHT = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#767676", "#c4c4c4"
TIERS = (
    ("ready_now", "Ready now", GREEN),
    ("trainable", "Trainable", ORANGE),
    ("long_reskill", "Long-term reskill", LIGHT),
)
# What each line of the recall plot looks like; scenarios that are not here are drawn only if none that is was run.
LINES = {
    ("v2_level", "honest", True): (BLUE, "-"),
    ("v2_level", "noisy", True): (BLUE, "--"),
    ("v2_level", "honest", False): (VERMILION, "-"),
    ("v2_level", "noisy", False): (VERMILION, "--"),
    ("v1_baseline", "honest", True): (GREY, "-"),
}
# Ids come from the salt, so that the same figures give the same bytes.
styled = partial(
    mpl.rc_context,
    {"svg.hashsalt": "skillsprout", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False},
)


def recall_plot(curves: Sequence[dict[str, Any]], *, chance: float) -> str:
    """Draw recall by how many jobs are shown.

    Args:
        curves: model, raters, has_job and recall at 1, 2, ...; None where no rater has a related job.
        chance: Recall of a random order at 1.
    """
    drawn = [curve for curve in curves if _of(curve) in LINES] or curves
    with styled():
        figure = Figure(figsize=(7, 4.6), layout="constrained")
        axes = figure.add_subplot()
        for curve in drawn:
            colour, dashes = LINES.get(_of(curve), (None, "-"))
            recall = [float("nan") if value is None else value for value in curve["recall"]]
            axes.plot(range(1, len(recall) + 1), recall, dashes, color=colour, label=_label(curve))
        longest = max(len(curve["recall"]) for curve in drawn)
        axes.plot([1, longest], [chance, min(1, chance * longest)], ":", color="black", label="chance")
        axes.set(xlabel="jobs shown", ylabel="share of O*NET's ten related jobs found", xlim=(1, longest), ylim=(0, 1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(alpha=0.3)
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
        return _svg(figure)


def tier_plot(results: Sequence[dict[str, Any]]) -> str:
    """Draw the shares of tiers for related and unrelated pairs, honest raters with a job (or who was simulated).

    Args:
        results: model, raters, has_job, zone and measures.
    """
    whole = [result for result in results if result["zone"] == 0]
    shown = [result for result in whole if (result["raters"], result["has_job"]) == ("honest", True)]
    bars = [(result, pairs) for result in shown or whole for pairs in ("closest", "unrelated")]
    with styled():
        figure = Figure(figsize=(7, 0.9 + 0.5 * len(bars)), layout="constrained")
        axes = figure.add_subplot()
        labels = [f"{result['model'].split('_')[0]}, {pairs} pairs" for result, pairs in bars]
        start = [0.0] * len(bars)
        for tier, name, colour in TIERS:
            shares = [result["measures"][f"{pairs}_{tier}"]["value"] or 0 for result, pairs in bars]
            axes.barh(range(len(bars)), shares, left=start, color=colour, label=name, height=0.7)
            for row, (left, share) in enumerate(zip(start, shares, strict=True)):
                if share >= 0.05:
                    axes.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", color="black")
            start = [left + share for left, share in zip(start, shares, strict=True)]
        axes.set_yticks(range(len(bars)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        figure.legend(loc="outside upper center", ncols=len(TIERS), frameon=False)
        return _svg(figure)


def _of(curve: dict[str, Any]) -> tuple[str, str, bool]:
    return curve["model"], curve["raters"], curve["has_job"]


def _label(curve: dict[str, Any]) -> str:
    return f"{curve['model'].split('_')[0]}, {curve['raters']}{'' if curve['has_job'] else ', no job'}"


def _svg(figure: Figure) -> str:
    packed = io.StringIO()
    figure.savefig(packed, format="svg", metadata={"Date": None, "Creator": None})
    return packed.getvalue()
