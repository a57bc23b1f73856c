"""Whom is learnt from: people who go, before and while it is stored, and simulated people beside real ones."""

import re
from datetime import timedelta

import pytest

from calibration import training
from calibration.models import CalibrationModel, TrainedOn, TrainingRun
from calibration.services import SimulatedOnRealError, calibration_alerts, promote, serve_champion
from profiles.models import Profile
from recommendations.services import served_curve
from tests.calibration.stored import AFTER, make_model, store
from tests.calibration.trainings import NEXT_DAY, at, champion, keen, learn, serving
from tests.factories import make_event, make_profile
from tests.locked import begin_elsewhere, only_postgresql

pytestmark = pytest.mark.django_db

ONLY_SIMULATED = (
    "This database holds lists of simulated people only; train_calibration --traffic simulated learns from them."
)


def test_simulated_people_teach_only_where_no_list_of_a_real_one_is():
    store(keen(30), traffic="simulated")
    assert learn().report["counts"]["items"] == 0
    assert learn(traffic="simulated").report["counts"]["items"] == 30 * 12

    store(keen(2, seed=1), seed=1)

    with pytest.raises(SimulatedOnRealError, match="scratch"):
        learn(traffic="simulated")
    assert TrainingRun.objects.count() == 2


def test_where_all_lists_are_of_simulated_people_it_says_each_time_how_to_learn_from_them():
    assert ONLY_SIMULATED not in learn().outcome
    store(keen(10), traffic="simulated")
    for _ in range(2):
        hint, interest, outcome = learn().outcome
        assert hint == ONLY_SIMULATED
        assert interest == "Interest: of 0 jobs it is known what came of them; 50 are needed."
        assert outcome.startswith("Outcome: of 0 jobs")
    assert ONLY_SIMULATED in learn(dry_run=True).outcome
    assert ONLY_SIMULATED not in learn(traffic="simulated").outcome
    store(keen(2, seed=1), seed=1)
    assert ONLY_SIMULATED not in learn().outcome


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


def test_what_simulated_people_taught_of_a_target_that_is_not_served_is_no_alert(settings):
    model = make_model("simulated", target="outcome")
    TrainingRun.objects.update(traffic="simulated")
    promote(model)

    assert champion("outcome") == model
    assert calibration_alerts() == []
    settings.CALIBRATION_TARGET = "outcome"
    serve_champion("v2_level")
    assert "simulated" in calibration_alerts()[0]


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
            r"was taken back: 140 of the people .* have gone.* No calibration serves", " ".join(run.outcome)
        )

    def test_one_before_it_that_learnt_from_none_of_them_serves_again(self):
        for version, missed in (("whole", 0), ("also-marked", 1), ("marked", 1)):
            promote(make_model(version, n_profiles=missed))

        run = learn()

        assert champion().version == "whole"
        assert served_curve("v2_level").version == "whole"
        assert run.outcome[-1] == (
            "marked was taken back: 1 of the people whom marked learnt from have gone, and training anew gave nothing "
            "that could replace it. whole serves again."
        )

    def test_what_replaces_it_waits_once_where_promotion_is_an_operators(self, settings):
        profiles, _ = store(keen())
        marked = learn().trained.get(state="champion")
        settings.CALIBRATION_AUTO_PROMOTE = False
        Profile.objects.filter(pk__in=profiles[:3]).delete()

        second = learn(now=NEXT_DAY)
        third = learn(now=AFTER + timedelta(days=2))

        assert third.digest == second.digest
        assert third.outcome[-1].startswith(f"Nothing new since {second}")
        assert not third.trained.exists()
        assert champion() == marked
        (waiting,) = second.trained.filter(state="candidate")
        promote(waiting)
        marked.refresh_from_db()
        assert not marked.curve.may_serve

    def test_who_goes_between_the_reading_and_the_storing_is_missed(self):
        profiles, _ = store(keen())

        run = learn(progress=at("Storing", Profile.objects.get(pk=profiles[0]).delete))

        assert TrainedOn.objects.filter(run=run).count() == len(profiles) - 1
        assert CalibrationModel.objects.with_people_gone().champions().get(run=run).people_gone == 1

    @only_postgresql
    @pytest.mark.django_db(transaction=True)
    def test_who_goes_while_it_is_stored_waits_for_it_and_is_missed(self, monkeypatch):
        profiles, _ = store(keen())
        lock, begun = training.registry.lock, []

        def let_somebody_go(model_version):
            if not begun:
                begun.append(begin_elsewhere(Profile.objects.get(pk=profiles[0]).delete))
                assert not begun[0].done()
            lock(model_version)

        monkeypatch.setattr(training.registry, "lock", let_somebody_go)
        run = learn()

        begun[0].result(30)
        assert not Profile.objects.filter(pk=profiles[0]).exists()
        assert CalibrationModel.objects.with_people_gone().champions().get(run=run).people_gone == 1


class TestOtherScoringModels:
    """Whoever asks for another scoring model is served by its champion, from whose lists nobody learns."""

    def test_their_champions_are_taken_back_where_people_have_gone(self):
        for version, missed in (("whole", 0), ("also-marked", 1), ("marked", 1)):
            promote(make_model(version, model_version="v1_baseline", n_profiles=missed))
        promote(make_model("marked-too", target="outcome", model_version="v1_baseline", n_profiles=2))
        promote(make_model("in-use"))

        run = learn()

        assert set(run.outcome[:2]) == {
            f"{version} was taken back: {missed} of the people whom {version} learnt from have gone, and v1_baseline "
            f"is not the scoring model in use, so it is not learnt anew. {serves}"
            for version, missed, serves in (
                ("marked", 1, "whole serves again."),
                ("marked-too", 2, "No calibration serves in its place."),
            )
        }
        assert serving("v1_baseline") == "whole"
        assert serving() == "in-use"
        assert "taken back" not in " ".join(learn().outcome)

    def test_the_one_in_use_is_learnt_anew_instead(self):
        promote(make_model("in-use", n_profiles=1))
        learn(model_version="v1_baseline")
        assert serving() == "in-use"

    def test_what_simulated_people_taught_is_taken_back_where_real_ones_are(self):
        model = make_model("simulated", model_version="v1_baseline")
        TrainingRun.objects.update(traffic="simulated")
        promote(model)
        learn()
        assert serving("v1_baseline") == "simulated"
        make_event(make_profile(traffic="person"), codes=())

        run = learn()

        assert run.outcome[0].startswith("simulated was taken back: it learnt from simulated people")
        assert serving("v1_baseline") is None
