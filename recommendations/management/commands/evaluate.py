"""Measure how well the models serve simulated people on the loaded release."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from occupations.services import NoReleaseError
from recommendations.evaluation import NoYardstickError, evaluate_release, slug
from recommendations.models import Evaluation
from recommendations.scoring.yardstick import ALL_ZONES, SCENARIOS

NAMES = {slug(scenario): scenario for scenario in SCENARIOS}
MOST_SEED = 2**31 - 1
MISSING = "-"

RANKING = (("recall@10", "recall_at_10"), ("recall@20", "recall_at_20"), ("nDCG@10", "ndcg_at_10"), ("AUC", "auc"))
TIERS = (
    ("own READY %", "own_job_ready"),
    ("closest READY %", "closest_ready_now"),
    ("unrelated READY %", "unrelated_ready_now"),
    ("tier flips %", "tier_flips"),
)
OTHER_TIERS = ("trainable", "long_reskill", "none")


class Command(BaseCommand):
    help = (
        "Simulate one person per rated occupation and judge each model by O*NET's related occupations, which no "
        "score ever sees. A run of all scenarios is stored for the method page; it takes a minute or two."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", default="table", choices=("table", "json"))
        parser.add_argument("--seed", type=int, default=0, help="Of noise and bootstrap; 0 or more.")
        parser.add_argument("--plots", metavar="DIR", type=Path, help="Write recall.svg and tiers.svg there.")
        parser.add_argument("--no-save", action="store_true", help="Do not store the result for the method page.")
        parser.add_argument(
            "--scenario",
            action="append",
            choices=tuple(NAMES),
            help="Simulate these people only (may be repeated); nothing is stored then.",
        )
        parser.add_argument(
            "--no-licences",
            action="store_true",
            help="Judge as if no job asked for a licence; nothing is stored then.",
        )

    def handle(self, **options: Any) -> None:
        if not 0 <= options["seed"] <= MOST_SEED:
            raise CommandError(f"--seed must be between 0 and {MOST_SEED}.")
        wanted = options["scenario"]
        try:
            evaluation = evaluate_release(
                seed=options["seed"],
                scenarios=[NAMES[name] for name in dict.fromkeys(wanted)] if wanted else SCENARIOS,
                licences=not options["no_licences"],
                save=not (options["no_save"] or wanted or options["no_licences"]),
                tell=self._tell,
            )
        except (NoReleaseError, NoYardstickError) as error:
            raise CommandError(str(error)) from error
        if options["plots"]:
            _write_plots(evaluation, options["plots"])
        if options["format"] == "json":
            about = {
                "release": evaluation.release.version,
                "created": evaluation.created.isoformat(),
                "seed": evaluation.seed,
                "options": evaluation.options,
            }
            self.stdout.write(json.dumps(about | evaluation.figures, indent=1, allow_nan=False))
            return
        for line in _lines(evaluation):
            self.stdout.write(line)
        self.stdout.write(
            "Stored for the method page." if evaluation.pk else "Not stored: the method page shows the last full run."
        )

    def _tell(self, line: str) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"{line} ...")


def _write_plots(evaluation: Evaluation, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recall.svg").write_text(evaluation.recall_plot, encoding="utf-8")
        (folder / "tiers.svg").write_text(evaluation.tier_plot, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.") from error


def _lines(evaluation: Evaluation) -> Iterator[str]:
    figures, options = evaluation.figures, evaluation.options
    yield f"{evaluation.release}, {figures['raters']} simulated people per scenario, seed {evaluation.seed}"
    yield (
        f"{options['licensed']} occupations ask for a licence; nobody holds one but that of their present job"
        if options["licensed"]
        else "No licence counts"
    )
    yield "Intervals in brackets hold 95 % of 1,000 bootstrap draws of the occupations"
    yield "* Trainable / Long-term reskill / no tier, percent"
    yield from ("", "Targets of v2_level")
    for target in figures["targets"]:
        yield "  " + _target(target)
    yield from ("", "A rating raised by one, and what it did to a tier")
    for row in figures["monotonicity"]:
        job = "current job" if row["has_job"] else "no job"
        yield f"  {row['model']:12} {job:12} {row['worse']:>10,} of {row['checked']:,} pairs got a worse tier"
    for scenario in SCENARIOS:
        chosen = [row for row in figures["results"] if _is_of(row, scenario.raters, scenario.has_job)]
        if chosen:
            yield from ("", scenario.name[0].upper() + scenario.name[1:])
            yield from _ranking(chosen)
            yield ""
            yield from _tiers(chosen)
    if figures["halves"]:
        yield from ("", "The weights were chosen on half A of the occupations; half B had no part in it (v2_level)")
        yield _row("scenario", "half", [name for name, _ in (*RANKING, *TIERS)])
        for result in figures["halves"]:
            scenario_name = f"{result['raters']}, {'job' if result['has_job'] else 'no job'}"
            yield _row(scenario_name, result["half"], [_estimate(result, key) for _, key in (*RANKING, *TIERS)])
    yield ""


def _is_of(result: dict[str, Any], raters: str, has_job: bool) -> bool:
    return bool(result["raters"] == raters and result["has_job"] == has_job)


def _ranking(results: list[dict[str, Any]]) -> Iterator[str]:
    yield _row("model", "zone", [*(name for name, _ in RANKING), "ever in a top ten", "most frequent %"])
    for result in results:
        distinct = f"{result['measures']['distinct_in_top_10']['value']:.0f}"
        frequent = _percent(result, "most_frequent_share")
        yield _row(
            result["model"], _zone(result), [*(_estimate(result, key) for _, key in RANKING), distinct, frequent]
        )


def _tiers(results: list[dict[str, Any]]) -> Iterator[str]:
    yield _row(
        "model",
        "zone",
        [*(name for name, _ in TIERS), "closest other *", "unrelated other *", "people"],
    )
    for result in results:
        others = [
            " / ".join(_percent(result, f"{pairs}_{tier}") for tier in OTHER_TIERS)
            for pairs in ("closest", "unrelated")
        ]
        people = str(result["measures"]["own_job_ready"]["n"])
        yield _row(result["model"], _zone(result), [*(_estimate(result, key) for _, key in TIERS), *others, people])


def _row(first: str, second: str, cells: list[str]) -> str:
    return f"  {first:15} {second:4} " + " ".join(f"{cell:20}" for cell in cells).rstrip()


def _zone(result: dict[str, Any]) -> str:
    return "all" if result["zone"] == ALL_ZONES else str(result["zone"])


def _estimate(result: dict[str, Any], key: str) -> str:
    figure = result["measures"].get(key)
    if figure is None or figure["value"] is None:
        return MISSING
    shown = "{:.3f}" if key in dict(RANKING).values() else "{:.1%}"
    value, low, high = (shown.format(figure[name]).rstrip("%") for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _percent(result: dict[str, Any], key: str) -> str:
    value = result["measures"][key]["value"]
    return MISSING if value is None else f"{value:.1%}".rstrip("%")


def _target(target: dict[str, Any]) -> str:
    shown = "{:.4f}" if isinstance(target["bound"], float) else "{:,}"
    value = "not measured" if target["value"] is None else shown.format(target["value"])
    side = "at least" if target["at_least"] else "at most"
    line = f"{target['name']:42} {value:>12}   {side:8} {shown.format(target['bound']):>6}"
    if target["met"] is not None:
        line += f"   {'met' if target['met'] else 'MISSED'}"
    if target["tried_met"] is not None:
        line += f"; tried for {target['try_for']:g}, {'reached' if target['tried_met'] else 'not reached'}"
    return line
