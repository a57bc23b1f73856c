"""Which curve serves: promotion, one-click return, and return by itself where the live error passes its limit."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from calibration import registry
from calibration.curves.labels import Target
from calibration.curves.ladder import train as fit
from calibration.curves.simulate import simulate
from calibration.dataset import read_dataset
from calibration.models import CalibrationModel
from calibration.registry import check_live, live_figures
from calibration.services import PromotionError, promote, return_to, serve_champion, take_back
from recommendations.models import Curve, RecommendedItem
from recommendations.services import RefusedCurveError, served_curve
from tests.calibration.stored import AFTER, START, make_curve, make_model, store
from tests.calibration.studies import samples_of
from tests.factories import OccupationFactory, make_event, make_feedback, make_profile

pytestmark = pytest.mark.django_db


def states():
    return dict(CalibrationModel.objects.order_by("pk").values_list("curve__version", "state"))


def serving():
    served = served_curve("v2_level")
    return served.version if served else None


def test_a_promoted_model_serves_and_retires_the_champion():
    first, second = make_model("first"), make_model("second")
    promote(first)
    assert (states(), serving()) == ({"first": "champion", "second": "candidate"}, "first")

    promote(second)

    assert (states(), serving()) == ({"first": "retired", "second": "champion"}, "second")
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.retired
    assert second.promoted
    assert "second replaced it." in first.history[-1]
    # It steps in where the champion's bytes are refused.
    Curve.objects.filter(version="second").update(artifact=b"not ours")
    assert serving() == "first"


def test_each_scoring_model_and_target_has_its_own_champion():
    for version, target, model_version in (
        ("first", "interest", "v2_level"),
        ("second", "outcome", "v2_level"),
        ("third", "interest", "v1_baseline"),
    ):
        promote(make_model(version, target=target, model_version=model_version))
    assert set(states().values()) == {"champion"}
    assert serving() == "first"
    assert served_curve("v1_baseline").version == "third"


def test_a_second_click_changes_nothing():
    model = make_model("only")
    promote(model)
    model.refresh_from_db()
    before = (model.promoted, model.history)
    promote(model)
    model.refresh_from_db()
    assert (model.promoted, model.history) == before
    assert serving() == "only"


def test_what_the_gate_rejected_cannot_serve():
    rejected = make_model("rejected", state="rejected")
    for click in (promote, return_to):
        with pytest.raises(PromotionError, match="The gate has rejected rejected, so it cannot serve"):
            click(rejected)
    assert serving() is None


@pytest.mark.parametrize("target", ["interest", "outcome"])
def test_bytes_that_are_refused_cannot_be_promoted(target, settings):
    settings.CALIBRATION_TARGET = "interest"
    good, bad = make_model("good"), make_model("bad", target=target)
    promote(good)
    Curve.objects.filter(version="bad").update(artifact=b"not ours")
    for click in (promote, return_to):
        with pytest.raises(RefusedCurveError, match="bad are not those that were written here"):
            click(bad)
    assert (states(), serving()) == ({"good": "champion", "bad": "candidate"}, "good")


def test_a_curve_that_reads_other_columns_is_refused():
    model = make_model("old")
    Curve.objects.update(feature_names=["fit"])
    model.refresh_from_db()
    with pytest.raises(RefusedCurveError, match="another version of the program"):
        registry.load(model)


def test_taking_back_lets_the_one_before_serve_again():
    first, second = make_model("first"), make_model("second")
    promote(first)
    promote(second)

    assert take_back(second, "People complained.") == first

    assert (states(), serving()) == ({"first": "champion", "second": "retired"}, "first")
    second.refresh_from_db()
    assert "Taken back: People complained." in second.history[-1]
    # What was taken back does not step in for another.
    Curve.objects.filter(version="first").update(artifact=b"not ours")
    assert serving() is None


def test_the_last_one_taken_back_leaves_none_and_a_second_click_changes_nothing():
    only = make_model("only")
    promote(only)
    assert take_back(only, "It is too old.") is None
    assert take_back(only, "It is too old.") is None
    assert (states(), serving()) == ({"only": "retired"}, None)
    only.refresh_from_db()
    assert len(only.history) == 2


def test_who_was_taken_back_does_not_serve_again_by_itself():
    models = [make_model(f"model-{number}") for number in range(3)]
    for model in models:
        promote(model)
    take_back(models[2], "No.")
    assert take_back(models[1], "Neither.") == models[0]
    assert take_back(models[0], "Nor this.") is None
    promote(models[2])
    assert serving() == "model-2"
    assert take_back(models[2], "No again.") is None


def test_refused_bytes_are_passed_over_when_another_is_taken_back():
    models = [make_model(f"model-{number}") for number in range(3)]
    for model in models:
        promote(model)
    Curve.objects.filter(version="model-1").update(artifact=b"not ours")
    assert take_back(models[2], "No.") == models[0]
    assert serving() == "model-0"


def test_one_click_returns_to_an_older_model():
    first, second = make_model("first"), make_model("second")
    promote(first)
    promote(second)

    return_to(first)

    assert (states(), serving()) == ({"first": "champion", "second": "retired"}, "first")
    assert not Curve.objects.get(version="second").may_serve
    assert take_back(first, "No.") is None
    return_to(second)
    assert serving() == "second"


def test_the_settings_say_whose_champion_is_applied(settings):
    promote(make_model("of-interest"))
    promote(make_model("of-outcome", target="outcome"))
    assert serving() == "of-interest"

    settings.CALIBRATION_TARGET = "outcome"
    assert serve_champion("v2_level").version == "of-outcome"

    assert serving() == "of-outcome"
    assert Curve.objects.filter(may_serve=True).count() == 1
    settings.CALIBRATION_TARGET = "interest"
    take_back(CalibrationModel.objects.get(target="interest"), "No.")
    serve_champion("v2_level")
    assert serving() is None


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_champion():
    models = [make_model(f"model-{number}") for number in range(4)]
    if connection.vendor == "sqlite":
        # In memory there is but one connection; SQLite lets one write at a time.
        for model in models:
            promote(model)
    else:
        threads = [threading.Thread(target=_click, args=(model,)) for model in models]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    champions = CalibrationModel.objects.champions()
    assert champions.count() == 1
    assert serving() == champions.get().version
    assert Curve.objects.filter(serving=True).count() == 1


def _click(model):
    try:
        promote(model)
    finally:
        connection.close()


class TestLive:
    """The champion, judged by what people answered since its training."""

    TRAINED = START + timedelta(days=150)

    @pytest.fixture
    def good(self):
        """A curve of people who came before."""
        samples, _ = samples_of(simulate(400, 99))
        return fit(samples, 2, seed=0)

    @pytest.fixture
    def dataset(self):
        store(simulate(150, 0))
        return read_dataset(model_version="v2_level", traffic="person", now=AFTER)

    def check(self, dataset):
        return check_live(dataset, Target.INTEREST, model_version="v2_level")

    def test_a_good_champion_stays_and_its_figures_are_kept(self, dataset, good):
        model = make_model("good", curve=good, started=self.TRAINED)
        promote(model)

        assert self.check(dataset) == ""

        model.refresh_from_db()
        assert model.state == "champion"
        assert model.live["within"] is True
        assert model.live["ece"] < 0.1
        later = dataset.shown_days > self.TRAINED.timestamp() / 86400
        assert model.live["items"] == int((later & (dataset.labels(Target.INTEREST) >= 0)).sum())
        assert 20 <= model.live["people"] < 150
        assert 0 < model.live["base_rate"] < 1

    def test_a_bad_champion_is_taken_back_and_the_good_one_before_it_serves_again(self, dataset, good):
        for version, curve in (("worst", make_curve(3.0)), ("good", good), ("bad", make_curve(2.0))):
            promote(make_model(version, curve=curve, started=self.TRAINED))

        sentence = self.check(dataset)

        assert sentence.startswith("bad was taken back: its calibration error on")
        assert sentence.endswith("above 0.1. good serves again.")
        assert (states(), serving()) == ({"worst": "retired", "good": "champion", "bad": "retired"}, "good")
        bad = CalibrationModel.objects.get(curve__version="bad")
        assert bad.live["within"] is False
        assert "Taken back: its calibration error" in bad.history[-1]
        assert self.check(dataset) == ""

    def test_none_serves_where_the_one_before_it_is_bad_too(self, dataset):
        for version in ("before", "bad"):
            promote(make_model(version, curve=make_curve(2.0), started=self.TRAINED))
        assert self.check(dataset).endswith("No calibration serves in its place.")
        assert (states(), serving()) == ({"before": "retired", "bad": "retired"}, None)

    def test_the_limit_is_a_setting(self, dataset, settings):
        settings.CALIBRATION_LIVE_MAX_ERROR = 0.9
        promote(make_model("bad", curve=make_curve(2.0), started=self.TRAINED))
        assert self.check(dataset) == ""
        assert serving() == "bad"

    def test_few_newer_answers_give_no_verdict(self, dataset):
        model = make_model("bad", curve=make_curve(2.0), started=START + timedelta(days=340))
        promote(model)
        assert self.check(dataset) == ""
        model.refresh_from_db()
        assert model.live["enough"] is False
        assert model.live["ece"] is None
        assert 0 < model.live["items"] < 200

    def test_many_answers_of_few_people_give_no_verdict(self):
        store(simulate(19, 3, events_per_person=2, per_tier=6))
        dataset = read_dataset(model_version="v2_level", traffic="person", now=AFTER)
        model = make_model("bad", curve=make_curve(2.0), started=START - timedelta(days=1))
        figures = live_figures(dataset, model)
        assert figures["items"] >= 200
        assert figures["people"] == 19
        assert figures["enough"] is False

    def test_without_a_champion_or_with_refused_bytes_there_is_nothing_to_check(self, dataset):
        assert self.check(dataset) == ""
        promote(make_model("bad", curve=make_curve(2.0), started=self.TRAINED))
        Curve.objects.update(artifact=b"not ours")
        assert self.check(dataset) == ""
        assert states() == {"bad": "champion"}

    def test_young_answers_do_not_count(self):
        model = make_model("any", started=START)
        (item,) = make_event(
            make_profile(traffic="person"),
            codes=(OccupationFactory.create().code,),
            created_at=AFTER - timedelta(days=5),
            model_version="v2_level",
        ).items.all()
        make_feedback(item, "save", happened_at=AFTER - timedelta(days=4))
        RecommendedItem.objects.update(features={"fit": 50})
        for days, items in ((0, 0), (20, 1)):
            dataset = read_dataset(model_version="v2_level", traffic="person", now=AFTER + timedelta(days=days))
            assert live_figures(dataset, model)["items"] == items
