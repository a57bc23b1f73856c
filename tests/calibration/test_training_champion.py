"""Who serves after a training: what passed, or nobody yet, because an operator decides or has decided."""

from datetime import timedelta

import pytest

from calibration.curves.simulate import simulate
from calibration.models import CalibrationModel, TrainingRun
from calibration.services import promote, return_to, take_back
from recommendations.models import Curve
from tests.calibration.stored import AFTER, START, make_curve, make_model, store
from tests.calibration.trainings import NEXT_DAY, answer_anew, at, champion, keen, learn, serving, states

pytestmark = pytest.mark.django_db

LATER = AFTER + timedelta(days=2)


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
    assert serving() is None
    sentence = "passed the gate and waits for promotion: the settings leave that to an operator."
    assert f"interest-{run.pk}-logistic {sentence}" in " ".join(run.outcome)
    words = " ".join(learn(dry_run=True).outcome)
    assert "passed the gate and would wait for promotion: the settings leave that to an operator." in words
    assert "would be the champion" not in words


def test_a_dry_run_takes_nobody_back():
    store(simulate(150, 0))
    promote(make_model("bad", curve=make_curve(2.0), started=START + timedelta(days=150)))
    simulated = make_model("simulated", target="outcome")
    promote(simulated)
    TrainingRun.objects.filter(trained=simulated).update(traffic="simulated")
    promote(make_model("marked", model_version="v1_baseline", n_profiles=1))
    before = list(CalibrationModel.objects.order_by("pk").values("state", "live", "history", "curve__may_serve"))

    run = learn(dry_run=True)

    assert "was taken back" not in " ".join(run.outcome)
    assert list(CalibrationModel.objects.order_by("pk").values(*before[0])) == before
    words = " ".join(learn().outcome)
    assert all(f"{version} was taken back" in words for version in ("bad", "simulated", "marked"))


class TestRefused:
    """A champion whose bytes this installation did not write, or cannot read any more."""

    @pytest.fixture
    def first(self):
        store(keen())
        return learn()

    def test_it_is_not_there_to_be_beaten_and_is_replaced_from_the_same_answers(self, first):
        Curve.objects.update(artifact=b"not ours")

        second = learn(now=NEXT_DAY)

        assert second.digest == first.digest
        assert champion().run == second
        assert "brier_minus_champion" not in champion().figures
        assert "not those that were written here" in " ".join(champion().reasons)
        assert states()[f"interest-{first.pk}-logistic"] == "retired"
        assert serving() == champion().version
        assert "Nothing new" in learn(now=LATER).outcome[-1]

    def test_another_secret_is_mended_by_a_training(self, first, settings):
        settings.SECRET_KEY = "another one, without the old one to fall back on"
        assert serving() is None
        learn(now=NEXT_DAY)
        assert serving() == champion().version

    def test_what_replaces_it_waits_once_where_promotion_is_an_operators(self, first, settings):
        settings.CALIBRATION_AUTO_PROMOTE = False
        Curve.objects.update(artifact=b"not ours")
        second = learn(now=NEXT_DAY)
        assert second.trained.filter(state="candidate").exists()
        assert not learn(now=LATER).trained.exists()
        # What waits and is refused itself replaces nothing.
        Curve.objects.update(artifact=b"not ours")
        assert learn(now=AFTER + timedelta(days=3)).trained.filter(state="candidate").exists()


class TestOperatorTookBack:
    """What an operator took back is not promoted again in another form the next night."""

    @pytest.fixture
    def taken(self):
        store(keen())
        learn()
        taken = champion()
        take_back(taken, "People complained.")
        answer_anew()
        return taken

    def test_the_next_ones_wait_for_a_click(self, taken):
        sentence = (
            f"waits for promotion: an operator took {taken.version} back, and has promoted or returned to none since."
        )
        would = " ".join(learn(now=NEXT_DAY, dry_run=True).outcome)
        assert sentence.replace("waits", "would wait") in would

        run = learn(now=NEXT_DAY)

        assert sentence in " ".join(run.outcome)
        assert "complained" not in " ".join(run.outcome)
        assert serving() is None
        answer_anew()
        assert learn(now=LATER).trained.filter(state="candidate").exists()
        assert serving() is None

    @pytest.mark.parametrize("click", [promote, return_to])
    def test_a_click_ends_it(self, taken, click):
        run = learn(now=NEXT_DAY)
        click(run.trained.get(state="candidate"))
        Curve.objects.filter(serving=True).update(artifact=b"not ours")

        third = learn(now=LATER)

        assert champion().run == third

    def test_other_targets_and_scoring_models_are_free(self, taken):
        CalibrationModel.objects.filter(pk=taken.pk).update(target="outcome")
        run = learn(now=NEXT_DAY)
        assert champion().run == run

    def test_what_was_taken_back_by_itself_holds_nothing_up(self):
        store(keen())
        promote(make_model("simulated"))
        TrainingRun.objects.update(traffic="simulated")

        run = learn()

        assert run.outcome[0].startswith("simulated was taken back: it learnt from simulated people")
        assert champion().run == run


class TestDecidedMeanwhile:
    """An operator decides who serves while a training is at work."""

    def test_what_passed_waits(self):
        store(keen())

        run = learn(progress=at("Storing", lambda: promote(make_model("operators"))))

        assert serving() == "operators"
        assert states()[f"interest-{run.pk}-logistic"] == "candidate"
        sentence = "waits for promotion: somebody changed what serves while this training was at work."
        assert sentence in " ".join(run.outcome)

    def test_a_champion_that_is_replaced_already_is_not_taken_back(self):
        promote(make_model("marked", n_profiles=1))
        run = learn(progress=at("Storing", lambda: promote(make_model("operators"))))
        assert serving() == "operators"
        assert "taken back" not in " ".join(run.outcome)
