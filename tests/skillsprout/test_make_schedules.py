"""Schedules are made once, and only such as the admin would take."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_celery_beat.models import CrontabSchedule, PeriodicTask

pytestmark = pytest.mark.django_db


def make_schedules() -> str:
    out = StringIO()
    call_command("make_schedules", stdout=out)
    return out.getvalue()


def test_every_schedule_is_one_that_the_admin_would_take():
    assert make_schedules() == "Made 4 schedules; 0 were there.\n"
    for row in (*CrontabSchedule.objects.all(), *PeriodicTask.objects.all()):
        row.full_clean()


def test_what_an_operator_retimed_stays():
    make_schedules()
    PeriodicTask.objects.update(enabled=False)
    assert make_schedules() == "Made 0 schedules; 4 were there.\n"
    assert not PeriodicTask.objects.filter(enabled=True).exists()


@pytest.mark.parametrize(
    "bad",
    [
        "5-1 * * * *",
        "0 5-1 * * *",
        "0 2 * * 5-1",
        f"{','.join(['1'] * 200)} * * * *",
        f"0 2 * {','.join(['1'] * 40)} *",
    ],
)
def test_a_schedule_that_the_admin_would_refuse_is_told_and_none_is_made(settings, bad):
    settings.PERIODIC_TRAINING_CRON = bad
    with pytest.raises(CommandError, match=r"PERIODIC_TRAINING_CRON is .* five fields.* short and its ranges rising"):
        make_schedules()
    assert not PeriodicTask.objects.exists()
    assert not CrontabSchedule.objects.exists()
