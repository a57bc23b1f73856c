import json
from typing import Any

from celery.schedules import ParseException, crontab
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
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
        schedules = [*SCHEDULES, ("Train the calibration", "calibration.tasks.train", training_timing(), {}, True)]
        made, with_key = 0, web_services_configured()
        for name, task, timing, arguments, enabled in schedules:
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
        self.stdout.write(f"Made {made} schedules; {len(schedules) - made} were there.")


def training_timing() -> dict[str, str]:
    """Return the crontab of PERIODIC_TRAINING_CRON by field.

    Raises:
        CommandError: It is none.
    """
    values = settings.PERIODIC_TRAINING_CRON.split()
    try:
        timing = dict(zip(FIELDS, values, strict=True))
        crontab(**timing)
        CrontabSchedule(timezone="UTC", **timing).full_clean()
    except (ParseException, ValueError, ValidationError) as error:
        raise CommandError(
            f"PERIODIC_TRAINING_CRON is {settings.PERIODIC_TRAINING_CRON!r}. It must have five fields, minute, hour, "
            "day of the month, month and day of the week, each of them short and its ranges rising, such as "
            "0 2 * * 1-5 for Monday to Friday at 02:00 UTC."
        ) from error
    return timing


FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
CRONTAB = {"minute": "*", "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
