"""Trainings from the database: what is learnt, what is not, and what stays where one fails or is killed."""

import dataclasses
import json
import re
from datetime import timedelta

import numpy as np
import pytest

from calibration import judging, training
from calibration.curves.simulate import simulate
from calibration.curves.world import World
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.services import (
    SimulatedOnRealError,
    TrainingRunningError,
    calibration_alerts,
    promote,
    settle_stale_trainings,
    train,
    train_unattended,
)
from profiles.models import Profile
from recommendations.models import Curve, Feedback, RecommendedItem
from recommendations.services import UnknownModelError, served_curve
from tests.calibration.stored import AFTER, make_model, store
from tests.children import Children
from tests.locked import held_elsewhere

pytestmark = pytest.mark.django_db

KEEN = World(level=-1.0, fit=1.2)
"""People who answer much and follow the fit, so that few of them suffice."""


def keen(n=150, seed=0, **options):
    return simulate(n, seed, world=KEEN, pool_size=5, **options)


def learn(**options):
    return train(**{"now": AFTER} | options)


def states():
    return {model.version: model.state for model in CalibrationModel.objects.order_by("pk")}


def champion(target="interest"):
    return CalibrationModel.objects.champions().get(target=target)


def test_a_better_curve_is_promoted_and_serves():
    profiles, items = store(keen())

    run = learn()

    version = f"interest-{run.pk}-logistic"
    assert run.state == "done"
    assert states()[version] == "champion"
    assert served_curve("v2_level").version == version
    assert any(f"Interest: {version} passed the gate and is the champion" in sentence for sentence in run.outcome)
    model = champion()
    assert model.run == run
    assert (model.target, model.model_version, model.rung) == ("interest", "v2_level", "logistic")
    assert model.figures["brier_minus_constant_high"] < 0
    assert model.details["n"] == model.figures["items"]
    assert "fit" in model.inputs
    assert 0 < model.base_rate < 1
    # The late quarter of the people was held out; whoever has a final answer was learnt from, one way or the other.
    assert model.n_people <= 0.75 * len(profiles) + 1
    assert TrainedOn.objects.filter(run=run).count() == model.n_profiles == len(profiles)
    assert model.n_items < len(items)


def test_the_row_holds_progress_digest_and_the_report_without_nan():
    store(keen(60))
    said = []

    run = learn(progress=lambda *step: said.append(step))
    run.refresh_from_db()

    assert run.progress == {"what": "Done", "step": 8, "steps": 8}
    assert [done for _, done, _ in said] == list(range(8))
    assert len(run.digest) == 64
    assert run.finished
    assert run.report["counts"]["people"] == 60
    assert [model["version"] for model in run.report["models"]] == list(states())
    json.dumps(run.report, allow_nan=False)


def test_progress_is_on_the_row_while_it_runs():
    store(keen(40))
    seen = []

    def look(what, done, of):
        row = TrainingRun.objects.get()
        seen.append((row.state, row.progress["what"] == what, row.progress["step"]))

    learn(progress=look)

    assert seen == [("running", True, number) for number in range(8)]


def test_shuffled_answers_are_rejected_and_kept_with_reasons():
    history = keen()
    order = np.random.default_rng(1).permutation(len(history.person))
    answers = dataclasses.replace(history.answers, item=order[history.answers.item])
    store(dataclasses.replace(history, answers=answers))

    run = learn()

    assert set(states().values()) == {"rejected"}
    assert not TrainedOn.objects.exists()
    assert served_curve("v2_level") is None
    for model in CalibrationModel.objects.all():
        assert "Brier score is not surely better than the constant's" in " ".join(model.reasons)
    assert "was rejected" in " ".join(run.outcome)


def test_the_same_answers_and_seed_give_the_same_bytes():
    store(keen(120))
    first = learn()
    before = [(curve.target, bytes(curve.artifact)) for curve in Curve.objects.order_by("pk")]
    assert before
    forget()

    again = learn()

    assert [(curve.target, bytes(curve.artifact)) for curve in Curve.objects.order_by("pk")] == before
    assert again.digest == first.digest
    assert learn(seed=1).digest != first.digest


def forget():
    CalibrationModel.objects.all().delete()
    Curve.objects.all().delete()
    TrainingRun.objects.all().delete()


def test_nothing_new_gives_no_new_models_and_says_so():
    store(keen(60))
    first = learn()
    known = states()

    second = learn(now=AFTER + timedelta(days=1))

    assert states() == known
    assert second.state == "done"
    assert second.outcome == [
        f"Nothing new since {first} of {AFTER:%Y-%m-%d %H:%M} UTC: it would learn the same again."
    ]
    assert not TrainedOn.objects.filter(run=second).exists()
    assert learn(now=AFTER + timedelta(days=2)).outcome == second.outcome
    Feedback.objects.filter(action="save").first().delete()
    assert len(states()) == len(known)
    learn(now=AFTER + timedelta(days=3))
    assert len(states()) > len(known)


def test_a_dry_run_stores_nothing():
    store(keen())

    run = learn(dry_run=True)

    assert run.pk is None
    assert run.state == "done"
    assert any("would be the champion" in sentence for sentence in run.outcome)
    assert run.report["models"][0]["version"] == "interest-logistic"
    assert not TrainingRun.objects.exists()
    assert not Curve.objects.exists()


def test_passed_curves_wait_where_promotion_is_an_operators(settings):
    settings.CALIBRATION_AUTO_PROMOTE = False
    store(keen())

    run = learn()

    assert states()[f"interest-{run.pk}-logistic"] == "candidate"
    assert served_curve("v2_level") is None
    assert any("waits for promotion" in sentence for sentence in run.outcome)


def test_the_next_challenger_has_to_beat_the_champion():
    store(keen())
    first = learn()
    store(keen(40, seed=5), seed=5)

    second = learn(now=AFTER + timedelta(days=1))

    challenger = CalibrationModel.objects.get(run=second, target="interest")
    assert "brier_minus_champion" in challenger.figures
    assert champion().run in (first, second)
    assert CalibrationModel.objects.champions().filter(target="interest").count() == 1


def test_boosting_has_to_beat_the_logistic_curve(monkeypatch):
    steps = judging.ladder.Steps
    monkeypatch.setattr(judging.ladder, "Steps", lambda **options: steps(**options, logistic=40, boosting=40))
    store(simulate(200, 0, world=CLIFF, pool_size=5))

    learn()

    logistic, boosting = CalibrationModel.objects.filter(target="interest").order_by("pk")
    assert (logistic.rung, boosting.rung) == ("logistic", "boosting")
    assert "champion" not in " ".join(logistic.figures)
    assert boosting.figures["brier_of_champion"] == logistic.figures["brier"]
    assert "the logistic curve of this training" in " ".join(boosting.reasons)
    assert (logistic.state, boosting.state) == ("candidate", "champion")
    assert served_curve("v2_level").version == boosting.version


CLIFF = World(cliff=6.0, level=0.5, gap=0.0, person_sd=0.2, job_sd=0.1)
"""People who turn away at once where much is missing: no line can follow them."""


@pytest.mark.parametrize(
    ("people", "change", "sentence"),
    [
        (
            12,
            lambda: RecommendedItem.objects.filter(position__gt=1).delete(),
            r"of \d+ jobs it is known .* 50 are needed",
        ),
        (
            60,
            lambda: Feedback.objects.exclude(action="view").delete(),
            r"All [\d,]+ final answers are negative; both kinds are needed",
        ),
        (
            60,
            lambda: RecommendedItem.objects.update(features={"fit": 50, "gap_severity": 2}),
            "Every feature that this curve could read is constant or unknown",
        ),
        (
            60,
            lambda: RecommendedItem.objects.update(features={"fit": None}),
            "Every feature that this curve could read is constant or unknown",
        ),
        (24, lambda: None, r"\d+ people gave the rarer kind of answer .* 20 are needed"),
        (12, lambda: Profile.objects.update(traffic="demo"), "of 0 jobs it is known .* 50 are needed"),
    ],
    ids=["few samples", "one class", "constant features", "unknown features", "few people", "no people"],
)
def test_what_is_nothing_to_learn_from_is_said(people, change, sentence):
    store(keen(people))
    change()

    run = learn()

    assert run.state == "done"
    assert not CalibrationModel.objects.exists()
    assert not TrainedOn.objects.exists()
    assert [one.split(": ")[0] for one in run.outcome] == ["Interest", "Outcome"]
    assert re.search(sentence, run.outcome[0])


def test_lists_before_a_moment_are_left_out():
    store(keen(30))
    start = AFTER - timedelta(days=600 - 200)
    run = learn(since=start)
    shown = RecommendedItem.objects.filter(event__created_at__gte=start)
    assert run.report["counts"]["items"] == shown.count() < RecommendedItem.objects.count()


def test_simulated_people_teach_only_where_no_list_of_a_real_one_is():
    store(keen(30), traffic="simulated")
    assert learn().report["counts"]["items"] == 0
    assert learn(traffic="simulated").report["counts"]["items"] == 30 * 12

    store(keen(2, seed=1), seed=1)

    with pytest.raises(SimulatedOnRealError, match="scratch"):
        learn(traffic="simulated")
    assert TrainingRun.objects.count() == 2


def test_what_was_learnt_from_simulated_people_is_marked_and_never_serves_real_ones_for_long():
    store(keen(), traffic="simulated")
    learn(traffic="simulated")
    version = served_curve("v2_level").version
    assert version in calibration_alerts()[0]
    # Without a list of a real person it goes on serving for whoever tries it out.
    learn()
    assert served_curve("v2_level").version == version

    store(keen(2, seed=1), seed=1)
    run = learn()

    assert f"{version} was taken back: it learnt from simulated people" in run.outcome[0]
    assert served_curve("v2_level") is None
    assert calibration_alerts() == []


@pytest.mark.parametrize("traffic", ["demo", "test", "staff"])
def test_nothing_is_ever_learnt_from_other_traffic(traffic):
    with pytest.raises(ValueError, match=traffic):
        learn(traffic=traffic)


def test_an_unknown_model_is_told():
    with pytest.raises(UnknownModelError, match="v9"):
        learn(model_version="v9")
    assert not TrainingRun.objects.exists()


def test_a_failure_is_one_sentence_on_the_row_and_nothing_is_half_stored(monkeypatch):
    store(keen())

    def fail(model):
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


class TestTampered:
    """Bytes of the champion that this installation did not write."""

    def test_it_is_not_there_to_be_beaten_and_is_replaced(self):
        store(keen())
        first = learn()
        Curve.objects.update(artifact=b"not ours")
        Feedback.objects.filter(action="save").first().delete()

        second = learn(now=AFTER + timedelta(days=1))

        assert champion().run == second
        assert "brier_minus_champion" not in champion().figures
        assert "not those that were written here" in " ".join(champion().reasons)
        assert states()[f"interest-{first.pk}-logistic"] == "retired"
        assert served_curve("v2_level").version == champion().version


class TestPeopleGone:
    """Whoever deletes their profile takes their answers out of the next calibration."""

    def test_their_deletion_marks_the_models_that_learnt_from_them(self):
        profiles, _ = store(keen())
        learn()
        gone = CalibrationModel.objects.with_people_gone
        assert {model.people_gone for model in gone()} == {0}

        Profile.objects.filter(pk__in=profiles[:3]).delete()

        of_states = {(model.state == "rejected", model.people_gone) for model in gone()}
        assert of_states == {(False, 3), (True, 0)}

    def test_the_next_training_need_not_beat_a_champion_that_learnt_from_them(self):
        profiles, _ = store(keen())
        first = learn()
        Profile.objects.filter(pk__in=profiles[:3]).delete()

        second = learn(now=AFTER + timedelta(days=1))

        assert champion().run == second
        assert "brier_minus_champion" not in champion().figures
        sentence = f"3 of the people whom interest-{first.pk}-logistic learnt from have gone, so it need not be beaten."
        assert sentence in champion().reasons
        before = CalibrationModel.objects.get(run=first, target="interest")
        assert before.state == "retired"
        assert not before.curve.may_serve
        assert CalibrationModel.objects.with_people_gone().champions().get(target="interest").people_gone == 0

    def test_it_is_trained_anew_even_where_the_answers_at_hand_are_the_same(self):
        store(keen())
        since = AFTER - timedelta(days=350)
        learn()
        learn(since=since)
        gone = Profile.objects.filter(events__created_at__lt=since, pk__in=TrainedOn.objects.values("profile"))
        Profile.objects.filter(pk=gone.first().pk).delete()

        run = learn(since=since)

        assert "Nothing new" not in " ".join(run.outcome)
        assert CalibrationModel.objects.filter(run=run).exists()

    def test_it_is_taken_back_where_nothing_can_replace_it(self):
        profiles, _ = store(keen())
        learn()
        Profile.objects.filter(pk__in=profiles[10:]).delete()

        run = learn(now=AFTER + timedelta(days=1))

        assert not CalibrationModel.objects.champions().filter(target="interest").exists()
        assert served_curve("v2_level") is None
        assert re.search(
            r"140 of the people .* have gone.* was taken back. No calibration serves", " ".join(run.outcome)
        )

    def test_one_before_it_that_learnt_from_none_of_them_serves_again(self):
        for version, missed in (("whole", 0), ("also-marked", 1), ("marked", 1)):
            promote(make_model(version, n_profiles=missed))

        run = learn()

        assert champion().version == "whole"
        assert served_curve("v2_level").version == "whole"
        assert "marked was taken back. whole serves again." in " ".join(run.outcome)


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
