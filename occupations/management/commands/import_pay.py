from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from occupations.pay import PayFileError, import_pay, read_pay


class Command(BaseCommand):
    help = "Load pay and outlook by SOC code from two CSV tables of the U.S. Bureau of Labor Statistics."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wages", type=Path, required=True, help="the OEWS national table")
        parser.add_argument("--projections", type=Path, required=True, help="the employment projections")
        parser.add_argument("--wage-year", type=int, help="default: the year in the name of the wages file")
        parser.add_argument("--wage-source", default="", help="default: U.S. Bureau of Labor Statistics, OEWS May YEAR")
        parser.add_argument("--outlook-years", default="", help="default: from the columns employment_YEAR")
        parser.add_argument(
            "--outlook-source",
            default="",
            help="default: U.S. Bureau of Labor Statistics, Employment Projections",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("wages", "projections", "wage_year", "wage_source", "outlook_years", "outlook_source")
        try:
            rows = read_pay(**{name: options[name] for name in names})
        except PayFileError as error:
            raise CommandError(str(error)) from error
        counts = import_pay(rows)
        paid = next(row for row in rows if row.wage_source)
        projected = next((row for row in rows if row.outlook_source), paid)
        self.stdout.write(f"Wages of {paid.wage_year}: {paid.wage_source}")
        self.stdout.write(f"Outlook of {projected.outlook_years}: {projected.outlook_source}")
        self.stdout.write(
            f"Pay and outlook of {sum(counts):,} SOC codes: {counts.created:,} new, {counts.updated:,} changed, "
            f"{counts.unchanged:,} as before."
        )
