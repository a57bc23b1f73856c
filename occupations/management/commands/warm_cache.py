import time
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser

from occupations.arrays import BoolArray
from occupations.services import (
    SYNC_ERRORS,
    Catalogue,
    NoReleaseError,
    get_catalogue,
    refresh_occupations,
    web_services_configured,
)


class Command(BaseCommand):
    help = (
        "Build the catalogue and print what is ready, for all occupations or for those named. Where there is a key, "
        "those named are fetched from the Web Services first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("codes", nargs="*", metavar="CODE", help="O*NET-SOC codes, such as 29-1141.00")

    def handle(self, *args: Any, codes: list[str], **options: Any) -> None:
        if codes and web_services_configured():
            try:
                self.stdout.write(f"Fetched {', '.join(codes)} from {refresh_occupations(codes).location}.")
            except (NoReleaseError, *SYNC_ERRORS) as error:
                self.stderr.write(f"{error} What is loaded stays.")
        started = time.perf_counter()
        try:
            catalogue = get_catalogue()
        except NoReleaseError as error:
            raise CommandError(str(error)) from error
        seconds = time.perf_counter() - started
        unknown = sorted(set(codes).difference(catalogue.row))
        if unknown:
            raise CommandError(f"There is no occupation with the code {', '.join(unknown)} in the loaded release.")
        jobs = catalogue.jobs
        rated = int((~jobs.estimated & has_figures(catalogue)).sum())
        self.stdout.write(
            f"{catalogue.release} is ready in {seconds:.2f} s: {len(jobs.codes):,} occupations, {rated:,} rated, "
            f"{int(jobs.estimated.sum()):,} estimated."
        )
        for code in codes:
            self.stdout.write(described(catalogue, code))


def has_figures(catalogue: Catalogue) -> BoolArray:
    """Return which occupations have skill ratings, O*NET's or ours, hidden ones too."""
    return np.asarray(~np.isnan(catalogue.jobs.skills.importance).all(axis=1))


def described(catalogue: Catalogue, code: str) -> str:
    row = catalogue.row[code]
    jobs = catalogue.jobs
    figures = "estimated" if jobs.estimated[row] else "rated" if has_figures(catalogue)[row] else "no data"
    zone = f"job zone {jobs.zones[row]}" if jobs.zones[row] else "no job zone"
    hidden = ", hidden by a curator" if code in catalogue.hidden else ""
    return f"{code}  {catalogue.titles[row]}: {zone}, {figures}{hidden}"
