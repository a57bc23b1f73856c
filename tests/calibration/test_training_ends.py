"""How trainings end: failed, stopped, killed, and two at once."""

import re

import pytest

from calibration import training
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.services import TrainingRunningError, promote, settle_stale_trainings, train_unattended
from recommendations.models import Curve
from recommendations.services import served_curve
from tests.calibration.stored import AFTER, make_model, store
from tests.calibration.trainings import at, champion, keen, learn
from tests.children import Children
from tests.locked import held_elsewhere

pytestmark = pytest.mark.django_db


def test_a_failure_is_one_sentence_on_the_row_and_nothing_is_half_stored(monkeypatch):
    store(keen())

    def fail(model, **options):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(training.registry, "promote", fail)
    with pytest.raises(RuntimeError):
        learn()

    run = TrainingRun.objects.get()
    assert (run.state, run.error) == ("failed", "The training failed: RuntimeError: out of luck")
    assert run.finished
    assert not Curve.objects.exists()
    assert not CalibrationModel.objects.exists()
    assert not TrainedOn.objects.exists()
    assert served_curve("v2_level") is None
    monkeypatch.undo()
    assert learn().state == "done"
    assert served_curve("v2_level")


def stop():
    raise KeyboardInterrupt


def test_what_was_taken_back_before_it_was_stopped_stays_and_is_on_the_row():
    promote(make_model("marked", model_version="v1_baseline", n_profiles=1))

    with pytest.raises(KeyboardInterrupt):
        learn(progress=at("Writing the report", stop))

    run = TrainingRun.objects.get(digest="", error__gt="")
    assert (run.state, run.error) == ("failed", "The training was stopped.")
    assert "marked was taken back" in run.outcome[0]
    assert not CalibrationModel.objects.champions().exists()


def test_one_that_is_stopped_when_all_is_stored_is_done(monkeypatch):
    store(keen())
    store_all = training._store

    def store_and_stop(*arguments):
        store_all(*arguments)
        stop()

    monkeypatch.setattr(training, "_store", store_and_stop)
    with pytest.raises(KeyboardInterrupt):
        learn()

    assert TrainingRun.objects.get().state == "done"
    assert champion()


@pytest.mark.django_db(transaction=True)
def test_two_trainings_at_once_are_one():
    store(keen(12))
    with held_elsewhere("training"):
        at_work = TrainingRun.objects.create(model_version="v2_level", started=AFTER)
        sentence = f"A training is at work since {AFTER:%Y-%m-%d %H:%M} UTC; start this one when it is over."
        with pytest.raises(TrainingRunningError, match=re.escape(sentence)):
            learn()
        with pytest.raises(TrainingRunningError):
            learn(dry_run=True)
        assert train_unattended() == sentence
        settle_stale_trainings()
        assert TrainingRun.objects.get() == at_work
        assert TrainingRun.objects.get().state == "running"

    assert learn().state == "done"
    at_work.refresh_from_db()
    assert (at_work.state, at_work.error) == ("failed", "The training ended before it was whole.")


def test_a_row_without_a_process_is_settled_when_somebody_looks():
    dead = TrainingRun.objects.create(model_version="v2_level")
    settle_stale_trainings()
    dead.refresh_from_db()
    assert (dead.state, dead.error) == ("failed", "The training ended before it was whole.")
    assert dead.finished


# What the child process runs: it stands still with everything stored that is not committed yet.
STUCK = """
import time
from datetime import datetime
import sys
import django
django.setup()
from calibration import judging, training
def stop(model_version):
    print("half way", flush=True)
    time.sleep(60)
training.registry.serve_champion = stop
training.train(now=datetime.fromisoformat(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_leaves_nothing_half_stored_and_the_next_training_works(tmp_path):
    store(keen())
    children = Children(tmp_path, CALIBRATION_TARGET="outcome")
    with children.start(STUCK, AFTER.isoformat()) as child:
        assert child.stdout.readline() == "half way\n"
        children.kill(child)
    children.look()

    assert [run.state for run in TrainingRun.objects.all()] == ["running"]
    assert not Curve.objects.exists()
    assert not TrainedOn.objects.exists()

    run = learn()

    assert [(one.state, one.error) for one in TrainingRun.objects.order_by("pk")] == [
        ("failed", "The training ended before it was whole."),
        ("done", ""),
    ]
    assert champion().run == run
