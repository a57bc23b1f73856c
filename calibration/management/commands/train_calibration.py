"""Learn from feedback."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calibration.models import TrainingRun
from calibration.services import SimulatedOnRealError, SinceError, TrainingRunningError, parse_since, train
from profiles.models import Profile
from recommendations.services import UnknownModelError

LARGEST_SEED = 2**31 - 1
NOTHING_STORED = "Stopped; nothing was stored."
STOPPED = (
    "Stopped; nothing that was learnt is stored. What this training took back before stays taken back; its row in the "
    "admin says so."
)
FIGURES = {
    "brier": "Brier",
    "brier_of_constant": "of the constant",
    "brier_of_champion": "of the champion",
    "ece": "calibration error",
    "slope": "slope",
    "effective_size": "effective size of exploration",
}


class Command(BaseCommand):
    help = (
        "Learn calibration curves from what people did with their recommendations, judge them, and let the better ones "
        "serve if the settings say so. Where there is too little to learn from, it says so; the exit status is then 0."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be learnt, and store nothing")
        parser.add_argument("--since", metavar="D", help="leave out lists before this day (2026-01-31) or moment, UTC")
        parser.add_argument("--report", type=Path, metavar="FILE", help="write all figures here, as JSON")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="of folds, bins and intervals")
        parser.add_argument(
            "--model-version",
            default=settings.MODEL_VERSION,
            metavar="V",
            help="the scoring model whose lists to learn from; by default the one in use",
        )
        parser.add_argument(
            "--traffic",
            choices=[Profile.Traffic.PERSON.value, Profile.Traffic.SIMULATED.value],
            default=Profile.Traffic.PERSON.value,
            help="simulated: only in a scratch database, which holds no list of a real person",
        )

    def handle(
        self,
        *,
        dry_run: bool,
        since: str | None,
        report: Path | None,
        seed: int,
        model_version: str,
        traffic: str,
        **options: Any,
    ) -> None:
        if not 0 <= seed <= LARGEST_SEED:
            raise CommandError(f"--seed must be 0 to {LARGEST_SEED}.")
        try:
            moment = parse_since(since) if since else None
        except SinceError as error:
            raise CommandError(f"--since {error}") from error
        if report:
            _require_writable(report)
        try:
            run = train(
                traffic=traffic,
                model_version=model_version,
                since=moment,
                seed=seed,
                dry_run=dry_run,
                progress=self._say_step if options["verbosity"] > 1 else _nothing,
            )
        except (TrainingRunningError, SimulatedOnRealError, UnknownModelError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError(NOTHING_STORED if dry_run else STOPPED, returncode=130) from error
        self._say(run)
        if report:
            try:
                _write(report, run)
            except OSError as error:
                stored = "Nothing was stored." if dry_run else "What was learnt is stored."
                raise CommandError(f"{report}: {error.strerror}. {stored}") from error
            self.stdout.write(f"All figures are in {report}.")
        if dry_run:
            self.stdout.write("Nothing was stored.")

    def _say_step(self, what: str, done: int, of: int) -> None:
        self.stderr.write(f"{done + 1} of {of}: {what}")

    def _say(self, run: TrainingRun) -> None:
        counts = run.report["counts"]
        self.stdout.write(
            f"{run.model_version}: {counts['items']:,} jobs in {counts['events']:,} lists were shown to "
            f"{counts['people']:,} people; {counts['labelled']:,} have a final answer."
        )
        for sentence in run.outcome:
            self.stdout.write(sentence)
        for model in run.report["models"]:
            self.stdout.write(f"{model['version']} ({model['rung']}): {'passed' if model['passed'] else 'rejected'}")
            self.stdout.write(f"  {_figures(model['figures'])}")


def _figures(figures: Mapping[str, float | None]) -> str:
    known = [
        f"{words} {figures[name]:.4g}" for name, words in FIGURES.items() if isinstance(figures.get(name), float | int)
    ]
    return ", ".join([*known, f"on {figures['items']:,} answers of {figures['people']:,} people"])


def _nothing(what: str, done: int, of: int) -> None:
    """Say nothing."""


def _require_writable(path: Path) -> None:
    try:
        was_there = path.exists()
        with path.open("a"):
            pass
        if not was_there:
            path.unlink()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}. Nothing was learnt; name another file.") from error


def _write(path: Path, run: TrainingRun) -> None:
    figures = {
        "training": run.pk,
        "model_version": run.model_version,
        "traffic": run.traffic,
        "since": run.since.isoformat() if run.since else None,
        "seed": run.seed,
        "digest": run.digest,
        "outcome": run.outcome,
        **run.report,
    }
    path.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
