from typing import Any

from django.core.management.base import BaseCommand, CommandError

from occupations.importing import ImportFailedError, ImportRunningError
from occupations.models import Release
from occupations.starter import seed


class Command(BaseCommand):
    help = "Load the starter set, our words and licences; leaves an official release and curated values alone."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            seeded = seed()
        except (ImportRunningError, ImportFailedError) as error:
            raise CommandError(str(error)) from error
        release, counts = seeded.release, seeded.release.counts
        if seeded.loaded:
            self.stdout.write(
                f"Loaded the starter set: {counts['occupations']:,} occupations of O*NET {release.version}, "
                f"{counts['rated']:,} rated and {counts['estimated']:,} estimated."
            )
        elif release.source == Release.Source.STARTER:
            self.stdout.write(f"The starter set of O*NET {release.version} is loaded already.")
        else:
            self.stdout.write(f"{release} is loaded; the starter set leaves its data alone.")
        for number, what in (
            (seeded.pay, "SOC codes were given pay and outlook"),
            (seeded.elements, "skills and knowledge areas were given our words"),
            (seeded.licences, "licences were made"),
        ):
            if number:
                self.stdout.write(f"{number:,} {what}.")
        if not seeded.changed:
            self.stdout.write("Nothing changed.")
