"""Trainings from the database: what is learnt, and what is not."""

import dataclasses
import json
import re
from datetime import timedelta

import numpy as np
import pytest

from calibration import judging
from calibration.curves.simulate import simulate
from calibration.curves.world import World
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from profiles.models import Profile
from recommendations.models import Curve, Feedback, RecommendedItem
from recommendations.services import UnknownModelError, served_curve
from tests.calibration.stored import AFTER, store
from tests.calibration.trainings import NEXT_DAY, answer_anew, champion, keen, learn, states
from tests.factories import make_user

pytestmark = pytest.mark.django_db


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
    model = CalibrationModel.objects.get(target="interest")
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
    assert learn(seed=1, dry_run=True).digest != first.digest


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
    answer_anew()
    assert len(states()) == len(known)
    learn(now=AFTER + timedelta(days=3))
    assert len(states()) > len(known)


def test_another_feature_of_one_job_is_something_new():
    store(keen(60))
    first = learn()
    job = Feedback.objects.filter(action="apply").first().item
    job.features["fit"] += 1
    job.save()

    second = learn(now=NEXT_DAY)

    assert second.digest != first.digest
    assert CalibrationModel.objects.filter(run=second).exists()


def test_another_least_number_of_answers_is_something_new(settings):
    store(keen(60))
    settings.MODEL_TRAINING_MIN_SAMPLES = 10**6
    assert "1,000,000 are needed" in learn().outcome[0]
    settings.MODEL_TRAINING_MIN_SAMPLES = 50

    second = learn(now=NEXT_DAY)

    assert "Nothing new" not in " ".join(second.outcome)
    assert CalibrationModel.objects.filter(run=second).exists()


def test_two_people_who_turn_out_to_be_one_are_something_new():
    profiles, _ = store(keen(3))
    first = learn()
    Profile.objects.filter(pk__in=profiles[:2]).update(user=make_user())

    assert learn(now=NEXT_DAY).digest != first.digest


def test_too_little_to_learn_from_is_said_each_time():
    store(keen(3))
    first = learn()
    assert [re.sub(r"\d+", "n", sentence) for sentence in first.outcome] == [
        f"{target}: of n jobs it is known what came of them; n are needed." for target in ("Interest", "Outcome")
    ]
    assert learn(now=NEXT_DAY).outcome == first.outcome


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
    store(simulate(100, 2, world=CLIFF, pool_size=5))

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


@pytest.mark.parametrize("traffic", ["demo", "test", "staff"])
def test_nothing_is_ever_learnt_from_other_traffic(traffic):
    with pytest.raises(ValueError, match=traffic):
        learn(traffic=traffic)


def test_an_unknown_model_is_told():
    with pytest.raises(UnknownModelError, match="v9"):
        learn(model_version="v9")
    assert not TrainingRun.objects.exists()
