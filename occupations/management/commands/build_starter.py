import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from occupations.pay import PayFileError, read_pay
from occupations.release_archive import ReleaseError
from occupations.starter import STARTER
from occupations.starter_choice import build_starter


class Command(BaseCommand):
    help = "Make the files of the starter set anew, from an official text release and two tables of the BLS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release", help="the official text release: a zip, a folder or a URL")
        parser.add_argument(
            "--newly-rated",
            type=Path,
            required=True,
            help="skill ratings from a later release, for occupations that this one does not rate; "
            "its name ends in that release, such as newly_rated_30_3.txt",
        )
        parser.add_argument("--wages", type=Path, required=True, help="the OEWS national table of the BLS")
        parser.add_argument("--projections", type=Path, required=True, help="the employment projections of the BLS")
        parser.add_argument("--size", type=int, default=200, help="how many occupations (200)")
        parser.add_argument("--folder", type=Path, default=STARTER, help="where the files go (fixtures/starter)")

    def handle(self, *args: Any, **options: Any) -> None:
        newly_rated: Path = options["newly_rated"]
        later = re.search(r"(\d{1,3})_(\d{1,3})$", newly_rated.stem)
        if later is None:
            raise CommandError(f"The name of {newly_rated} does not end in a release, such as 30_3.")
        try:
            counts = build_starter(
                options["release"],
                newly_rated,
                f"{later[1]}.{later[2]}",
                read_pay(options["wages"], options["projections"]),
                options["size"],
                options["folder"],
            )
        except (ReleaseError, PayFileError) as error:
            raise CommandError(str(error)) from error
        for name, rows in counts.items():
            size = (options["folder"] / f"{name}.csv").stat().st_size
            self.stdout.write(f"{name}.csv: {rows:,} rows, {size / 1024:,.0f} KB")
