"""Load an official O*NET text release."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from occupations.import_summary import progress_bar, summary
from occupations.importing import ImportFailedError, ImportRunningError, ReleaseError, import_release


class Command(BaseCommand):
    help = "Load an official O*NET text release; the same release again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="The release: a zip, a folder, or a URL such as https://…/db_30_3_text.zip.")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        started = time.monotonic()
        try:
            with progress_bar() as progress:
                result = import_release(source, progress=progress)
        except (ReleaseError, ImportRunningError, ImportFailedError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped; nothing was changed.", returncode=130) from error
        release = result.release
        if not result.changed:
            self.stdout.write(f"O*NET {release.version} is already loaded; nothing changed.")
            return
        for line in summary(release.counts, release.report):
            self.stdout.write(line)
        self.stdout.write(
            self.style.SUCCESS(f"O*NET {release.version} is loaded, in {time.monotonic() - started:.1f} s.")
        )
