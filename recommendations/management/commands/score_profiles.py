"""Score a CSV file of people against all jobs."""

import io
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from occupations.services import NoReleaseError
from recommendations.scoring_file import BadHeaderError, Writable, score_file
from recommendations.services import MODELS

STANDARD = "-"


class Command(BaseCommand):
    help = (
        "Score people against all jobs but the one they hold. IN.csv has profile_id, current_occupation and one "
        "column per element id of a skill or knowledge area: 0-4, or blank. OUT.csv has the best jobs of each, by "
        "the model's score and then by code, with six decimals. A bad row is reported and skipped; the exit status "
        "is then 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="IN.csv", help="A path, or - for standard input.")
        parser.add_argument("target", metavar="OUT.csv", help="A path, or - for standard output.")
        parser.add_argument("--model", default=settings.MODEL_VERSION, choices=MODELS)
        parser.add_argument("--top", type=int, default=10, metavar="N", help="The most jobs of a person.")

    def handle(self, *, source: str, target: str, model: str, top: int, **options: Any) -> None:
        if top < 1:
            raise CommandError("--top must be 1 or more.")
        if STANDARD not in (source, target) and Path(source).resolve() == Path(target).resolve():
            raise CommandError("IN.csv and OUT.csv are the same file.")
        try:
            with _open_source(source) as lines, self._open_target(target) as output:
                count = score_file(lines, output, model_version=model, top=top, report=self._report)
        except OSError as error:
            raise CommandError(f"{error.filename or target}: {error.strerror}.") from error
        except (BadHeaderError, NoReleaseError) as error:
            raise CommandError(str(error)) from error
        if target != STANDARD:
            self.stdout.write(f"{count.scored} people scored by {model}, {count.skipped} rows skipped.")
        if count.skipped:
            raise CommandError(f"{count.skipped} of {count.scored + count.skipped} rows were skipped.")

    def _report(self, line: int, sentence: str) -> None:
        self.stderr.write(f"line {line}: {sentence}")

    @contextmanager
    def _open_target(self, target: str) -> Iterator[Writable]:
        if target == STANDARD:
            yield self.stdout
            return
        with Path(target).open("w", encoding="utf-8", newline="") as output:
            yield output


@contextmanager
def _open_source(source: str) -> Iterator[TextIO]:
    # What is not UTF-8 becomes a bad row, not the end of the run.
    if source == STANDARD:
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape", newline="")
        return
    with Path(source).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        yield lines
