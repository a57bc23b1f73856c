import json
from typing import Any

from django.core.management.base import BaseCommand
from django_celery_beat.models import CrontabSchedule, PeriodicTask

NEWEST_RELEASE = "https://www.onetcenter.org/dl_files/database/db_31_0_text.zip"

# name, task, crontab, arguments, enabled
SCHEDULES: list[tuple[str, str, dict[str, str], dict[str, str], bool]] = [
    (
        "Clear old sessions",
        "profiles.tasks.clear_sessions",
        {"minute": "30", "hour": "3"},
        {},
        True,
    ),
    (
        "Import the newest O*NET release",
        "occupations.tasks.import_release",
        {"minute": "0", "hour": "4", "day_of_month": "1"},
        {"location": NEWEST_RELEASE},
        False,
    ),
]


class Command(BaseCommand):
    help = "Make the schedules that are not there yet; what an operator retimed or switched off stays so."

    def handle(self, *args: Any, **options: Any) -> None:
        made = 0
        for name, task, timing, arguments, enabled in SCHEDULES:
            if PeriodicTask.objects.filter(name=name).exists():
                continue
            crontab = CrontabSchedule.objects.filter(**{"timezone": "UTC", **CRONTAB, **timing}).first()
            crontab = crontab or CrontabSchedule.objects.create(**{"timezone": "UTC", **CRONTAB, **timing})
            PeriodicTask.objects.create(
                name=name, task=task, crontab=crontab, kwargs=json.dumps(arguments), enabled=enabled
            )
            made += 1
        self.stdout.write(f"Made {made} schedules; {len(SCHEDULES) - made} were there.")


CRONTAB = {"minute": "*", "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
