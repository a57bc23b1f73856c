"""Fill a scratch database with simulated people whose truth is known."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from calibration.simulation import DAYS, SimulationError, simulate_feedback
from occupations.services import NoReleaseError
from recommendations.models import Feedback


class Command(BaseCommand):
    help = (
        "Let simulated people use the recommendations and answer by a known truth, over the past year. They are marked "
        "as simulated. Only for a database of its own (DATABASE_URL or VAR_DIR): one with real people is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", metavar="N", type=int, required=True, help="How many, at least 1.")
        parser.add_argument("--seed", metavar="S", type=int, default=0, help="Of everything; 0 or more.")
        parser.add_argument("--truth", metavar="FILE", type=Path, help="Write the true probabilities there, as JSON.")
        parser.add_argument("--days", type=_days, default=DAYS, help="Length of the simulated time (%(default)s).")
        parser.add_argument(
            "--until", metavar="DATE", type=_moment, help="Its end, such as 2026-01-31; now by default."
        )
        parser.add_argument(
            "--use-calibration",
            action="store_true",
            help="Order the lists by the promoted calibration, if there is one.",
        )

    def handle(self, **options: Any) -> None:
        with tqdm(
            total=options["people"], file=sys.stderr, disable=not sys.stderr.isatty(), leave=False, unit="person"
        ) as bar:
            try:
                simulated = simulate_feedback(
                    people=options["people"],
                    seed=options["seed"],
                    truth=options["truth"],
                    days=options["days"],
                    until=options["until"],
                    use_calibration=options["use_calibration"],
                    progress=bar.update,
                )
            except (SimulationError, NoReleaseError) as error:
                raise CommandError(str(error)) from error
        did = ", ".join(f"{simulated.actions[action]:,} {action}" for action in Feedback.Action.values)
        self.stdout.write(
            f"{simulated.people:,} simulated people were shown {simulated.items:,} jobs in {simulated.lists:,} lists."
        )
        self.stdout.write(f"What they did: {did}.")
        if options["truth"]:
            self.stdout.write(f"The truth is in {options['truth']}.")


def _days(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no number of days. Give one such as {DAYS}.") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date. Give one such as 2026-01-31.") from error
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
