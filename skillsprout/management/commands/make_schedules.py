import json
from typing import Any

from django.core.management.base import BaseCommand
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from occupations.services import web_services_configured

WITH_KEY = None  # enabled where there is a key for the Web Services when it is made

# name, task, crontab, arguments, enabled
SCHEDULES: list[tuple[str, str, dict[str, str], dict[str, str], bool | None]] = [
    (
        "Clear old sessions",
        "profiles.tasks.clear_sessions",
        {"minute": "30", "hour": "3"},
        {},
        True,
    ),
    (
        "Check for a new O*NET release",
        "occupations.tasks.check_for_new_release",
        {"minute": "0", "hour": "4", "day_of_week": "1"},
        {},
        WITH_KEY,
    ),
    (
        "Sync with O*NET",
        "occupations.tasks.sync",
        {"minute": "0", "hour": "5", "day_of_month": "1"},
        {"source": "auto"},
        WITH_KEY,
    ),
]


class Command(BaseCommand):
    help = "Make the schedules that are not there yet; what an operator retimed or switched off stays so."

    def handle(self, *args: Any, **options: Any) -> None:
        made, with_key = 0, web_services_configured()
        for name, task, timing, arguments, enabled in SCHEDULES:
            if PeriodicTask.objects.filter(name=name).exists():
                continue
            crontab = CrontabSchedule.objects.filter(**{"timezone": "UTC", **CRONTAB, **timing}).first()
            crontab = crontab or CrontabSchedule.objects.create(**{"timezone": "UTC", **CRONTAB, **timing})
            PeriodicTask.objects.create(
                name=name,
                task=task,
                crontab=crontab,
                kwargs=json.dumps(arguments),
                enabled=with_key if enabled is WITH_KEY else enabled,
            )
            made += 1
        self.stdout.write(f"Made {made} schedules; {len(SCHEDULES) - made} were there.")


CRONTAB = {"minute": "*", "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
