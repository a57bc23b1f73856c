"""`train_calibration`, the task and the schedule, as people and the worker call them."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from calibration import tasks, training
from calibration.curves.simulate import simulate
from calibration.models import CalibrationModel, TrainingRun
from recommendations.services import served_curve
from tests.calibration.stored import AFTER, store
from tests.calibration.trainings import keen
from tests.locked import held_elsewhere

pytestmark = pytest.mark.django_db


def run(*arguments):
    output = StringIO()
    call_command("train_calibration", *arguments, stdout=output)
    return output.getvalue()


def test_it_says_what_was_learnt_and_writes_all_figures(tmp_path):
    store(keen())
    file = tmp_path / "report.json"

    said = run("--report", str(file))

    version = served_curve("v2_level").version
    assert "v2_level: 1,800 jobs in 150 lists were shown to 150 people" in said
    assert f"Interest: {version} passed the gate and is the champion from now on." in said
    assert f"{version} (logistic): passed\n  Brier 0." in said
    assert f"All figures are in {file}." in said
    written = json.loads(file.read_text())
    assert written["models"][0]["version"] == version
    assert written["digest"] == TrainingRun.objects.get().digest
    assert written["counts"]["people"] == 150


def test_a_dry_run_says_the_same_and_stores_nothing():
    store(keen(60))
    said = run("--dry-run")
    assert "interest-platt (platt)" in said
    assert said.endswith("Nothing was stored.\n")
    assert not TrainingRun.objects.exists()


def test_a_dry_run_says_who_would_wait(settings):
    settings.CALIBRATION_AUTO_PROMOTE = False
    store(keen())
    said = run("--dry-run")
    assert "interest-logistic passed the gate and would wait for promotion" in said
    assert "would be the champion" not in said


def test_too_little_to_learn_from_is_said_and_no_error():
    said = run()
    assert "Interest: of 0 jobs it is known what came of them; 50 are needed." in said
    assert TrainingRun.objects.get().state == "done"
    assert "--traffic simulated" not in said


def test_where_all_lists_are_of_simulated_people_it_says_how_to_learn_from_them():
    store(keen(10), traffic="simulated")
    assert "--traffic simulated learns from them" in run()
    assert "--traffic simulated learns from them" not in run("--traffic", "simulated")


def test_steps_are_said_where_asked(capsys):
    run("--verbosity", "2")
    assert capsys.readouterr().err.splitlines()[:2] == [
        "1 of 8: Reading what was shown",
        "2 of 8: Judging what serves by newer answers",
    ]


def test_options_are_the_trainings(tmp_path):
    store(keen(30), traffic="simulated", model_version="v1_baseline")
    day = (AFTER - timedelta(days=400)).date()
    file = tmp_path / "report.json"
    run(
        *("--traffic", "simulated", "--model-version", "v1_baseline", "--seed", "7"),
        *("--since", str(day), "--report", str(file)),
    )
    row = TrainingRun.objects.get()
    assert (row.traffic, row.model_version, row.seed) == ("simulated", "v1_baseline", 7)
    assert f"{row.since:%Y-%m-%d %H:%M %Z}" == f"{day} 00:00 UTC"
    assert 0 < row.report["counts"]["people"] < 30
    assert json.loads(file.read_text())["since"] == row.since.isoformat()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "yesterday"], r"^--since yesterday is not a day; write it as 2026-01-31\.$"),
        (["--since", "2026-02-30"], r"^--since 2026-02-30 is not a day"),
        (["--since", "0001-01-01T00:00+14:00"], r"^--since 0001-01-01T00:00\+14:00 is not a day"),
        (["--since", "9999-12-31T23:59-14:00"], r"^--since 9999-12-31T23:59-14:00 is not a day"),
        (["--since", str(timezone.now().date() + timedelta(days=2))], "lies in the future"),
        (["--seed", "-1"], r"^--seed must be 0 to 2147483647\.$"),
        (["--seed", str(2**31)], r"^--seed must be"),
        (["--model-version", "v9"], r"^There is no model v9\. There are: "),
        (["--traffic", "demo"], "invalid choice: 'demo'"),
    ],
)
def test_bad_options_are_told_and_nothing_is_trained(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
    assert not TrainingRun.objects.exists()


def test_a_file_that_cannot_be_written_is_told_before_the_training(tmp_path):
    for path in (tmp_path / "missing" / "report.json", tmp_path, tmp_path / ("long" * 75)):
        with pytest.raises(CommandError, match=r"Nothing was learnt; name another file\.$"):
            run("--report", str(path))
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [([], "What was learnt is stored."), (["--dry-run"], "Nothing was stored.")],
    ids=["stored", "dry run"],
)
def test_a_file_that_cannot_be_written_in_the_end_is_told(options, sentence, tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    file = tmp_path / "report.json"
    with pytest.raises(CommandError) as told:
        run("--report", str(file), *options)
    assert str(told.value) == f"{file}: No space left on device. {sentence}"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            [],
            "Stopped; nothing that was learnt is stored. What this training took back before stays taken back; its "
            "row in the admin says so.",
        ),
        (["--dry-run"], "Stopped; nothing was stored."),
    ],
    ids=["stored", "dry run"],
)
def test_a_training_that_is_stopped_says_what_stays(options, sentence, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "learn_target", stop)
    with pytest.raises(CommandError) as told:
        run(*options)
    assert (str(told.value), told.value.returncode) == (sentence, 130)
    assert list(TrainingRun.objects.values_list("state", "error")) == (
        [] if options else [("failed", "The training was stopped.")]
    )


def test_a_file_that_was_there_stays_where_nothing_is_trained(tmp_path):
    store(simulate(2, 0))
    there, other = tmp_path / "there.json", tmp_path / "other.json"
    there.write_text("old")
    for file in (there, other):
        with pytest.raises(CommandError, match="real people"):
            run("--report", str(file), "--traffic", "simulated")
    assert there.read_text() == "old"
    assert not other.exists()


@pytest.mark.django_db(transaction=True)
def test_while_another_training_is_at_work_the_command_fails_and_the_task_lets_it_be():
    with held_elsewhere("training"):
        with pytest.raises(CommandError, match="A training is at work"):
            run()
        assert tasks.train().startswith("A training is at work")


def test_the_task_returns_what_came_of_it():
    store(keen(30))
    sentences = tasks.train(since="2020-01-01T00:00:00+00:00", seed=3)
    row = TrainingRun.objects.get()
    assert sentences == " ".join(row.outcome)
    assert (row.seed, row.since.year, row.traffic) == (3, 2020, "person")
    assert not CalibrationModel.objects.champions().exists()


@pytest.mark.parametrize("since", ["2024-03-01", "2024-03-01T00:00", "2024-03-01T09:00+09:00"])
def test_the_task_and_the_command_mean_the_same_moment(since, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    tasks.train(since=since)
    run("--since", since)
    assert list(TrainingRun.objects.values_list("since", flat=True)) == 2 * [datetime(2024, 3, 1, tzinfo=UTC)]


def test_the_task_refuses_what_is_no_moment():
    with pytest.raises(ValueError, match="someday is not a day"):
        tasks.train(since="someday")
    assert not TrainingRun.objects.exists()


def test_training_is_scheduled_as_the_settings_say(settings):
    settings.PERIODIC_TRAINING_CRON = "30 4 * * 1-5"
    call_command("make_schedules", stdout=StringIO())
    row = PeriodicTask.objects.get(task="calibration.tasks.train")
    assert (row.name, row.enabled) == ("Train the calibration", True)
    crontab = row.crontab
    assert (crontab.minute, crontab.hour, crontab.day_of_month) == ("30", "4", "*")
    assert (crontab.month_of_year, crontab.day_of_week) == ("*", "1-5")


@pytest.mark.parametrize("bad", ["", "0 2 * *", "0 2 * * * *", "61 2 * * *", "@daily", "0 2 * * someday"])
def test_a_bad_schedule_is_told(settings, bad):
    settings.PERIODIC_TRAINING_CRON = bad
    with pytest.raises(CommandError, match=r"PERIODIC_TRAINING_CRON is .* It must have five fields"):
        call_command("make_schedules", stdout=StringIO())
    assert not PeriodicTask.objects.filter(task="calibration.tasks.train").exists()
