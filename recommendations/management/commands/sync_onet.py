"""Bring the newest O*NET in. The command is in this app because its dry run tells whose tiers would change."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from occupations.import_summary import changes, progress_bar, summary
from occupations.services import SYNC_ERRORS, NoReleaseError, Preview, preview, refresh_occupations, sync
from recommendations.tier_changes import tier_changes

LISTED_PEOPLE = 10


class Command(BaseCommand):
    help = (
        "Bring the newest O*NET in, from the Web Services or from the newest text release. What was fetched stays: "
        "an interrupted sync goes on where it stopped. Readers see the old data until the new data is whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--source",
            choices=["auto", "api", "release"],
            default="auto",
            help="api: the Web Services; release: the newest text release; auto: api where there is a key",
        )
        parser.add_argument("--location", default="", help="a text release (URL or path) in place of the newest")
        parser.add_argument(
            "--tables",
            nargs="+",
            default=[],
            metavar="TABLE",
            help="fetch these anew; the others come from what the last sync of this release left on disk",
        )
        parser.add_argument(
            "--occupation", nargs="+", default=[], metavar="CODE", help="only these, from the Web Services"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--force", action="store_true", help="even if the release is older than the loaded one")

    def handle(
        self, *, source: str, location: str, tables: list[str], occupation: list[str], dry_run: bool, **options: Any
    ) -> None:
        if occupation and (dry_run or tables or location or source == "release"):
            raise CommandError("--occupation goes with no other choice: single occupations come from the Web Services.")
        started = time.monotonic()
        wanted: dict[str, Any] = {
            "source": source,
            "location": location,
            "tables": tables,
            "force": options["force"],
        }
        try:
            if occupation:
                refreshed = refresh_occupations(occupation)
                self.stdout.write(f"{', '.join(sorted(occupation))}: now as in O*NET {refreshed.version}.")
                return
            with progress_bar() as progress:
                if dry_run:
                    self._say_difference(preview(progress=progress, **wanted))
                    return
                result = sync(progress=progress, **wanted)
        except (NoReleaseError, *SYNC_ERRORS) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped; the next sync goes on from here.", returncode=130) from error
        release = result.release
        if not result.changed:
            self.stdout.write(f"O*NET {release.version} is already loaded; nothing changed.")
            return
        for line in summary(release.counts, release.report):
            self.stdout.write(line)
        seconds = time.monotonic() - started
        self.stdout.write(self.style.SUCCESS(f"{release} is loaded, in {seconds:.1f} s."))

    def _say_difference(self, found: Preview) -> None:
        if found.catalogue is None:
            self.stdout.write(f"O*NET {found.version} is loaded already; a sync would change nothing.")
            return
        for line in changes(found.report) or [f"No data is loaded; O*NET {found.version} would be."]:
            self.stdout.write(line)
        tiers = tier_changes(found.catalogue)
        self.stdout.write(
            f"{len(tiers.changed):,} of {tiers.people:,} people would be told another tier for a job on their list"
        )
        for profile, number in list(tiers.changed.items())[:LISTED_PEOPLE]:
            self.stdout.write(f"  {profile}: {number:,} jobs")
        self.stdout.write("Nothing was changed. What was fetched stays for the sync.")
