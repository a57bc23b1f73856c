"""The champion is watched: by what people answer after its training it may be taken back by itself."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from calibration.curves.labels import Action, Target
from calibration.curves.ladder import train as fit
from calibration.curves.simulate import simulate
from calibration.dataset import read_dataset
from calibration.live import check_live, live_figures
from calibration.models import CalibrationModel
from calibration.services import promote
from recommendations.models import Curve, RecommendedItem
from tests.calibration.datasets import make_dataset
from tests.calibration.stored import AFTER, START, make_curve, make_model, store
from tests.calibration.studies import samples_of
from tests.calibration.trainings import serving, states
from tests.factories import OccupationFactory, make_event, make_feedback, make_profile

pytestmark = pytest.mark.django_db


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

    def test_the_one_before_it_is_judged_by_the_same_jobs(self, dataset, good):
        # Nothing was shown after its own training, so by that alone it would have no verdict.
        promote(make_model("good", curve=good, started=AFTER))
        promote(make_model("bad", curve=make_curve(2.0), started=self.TRAINED))
        assert self.check(dataset).endswith("good serves again.")

    def test_the_limit_is_a_setting(self, dataset, settings):
        bad = make_model("bad", curve=make_curve(-0.6), started=self.TRAINED)
        figures = live_figures(dataset, bad)
        assert figures["within"]
        assert figures["ece_low"] > 0.01
        settings.CALIBRATION_LIVE_MAX_ERROR = 1.1 * figures["ece_low"]
        promote(bad)
        assert self.check(dataset) == ""
        assert serving() == "bad"
        settings.CALIBRATION_LIVE_MAX_ERROR = 0.9 * figures["ece_low"]
        assert "its calibration error" in self.check(dataset)

    @pytest.mark.parametrize(("target", "log_odds", "off"), [("outcome", -1.5, "fewer"), ("interest", -3.0, "more")])
    def test_a_curve_that_is_surely_off_by_half_is_taken_back_however_small_its_error(
        self, dataset, settings, target, log_odds, off
    ):
        settings.CALIBRATION_LIVE_MAX_ERROR = 0.9
        model = make_model("bad", target=target, curve=make_curve(log_odds), started=self.TRAINED - timedelta(days=100))
        promote(model)

        sentence = check_live(dataset, Target[target.upper()], model_version="v2_level")

        model.refresh_from_db()
        assert model.live["within"] is False
        assert f"{model.live['times']:.2f} times as many were positive as it says" in sentence
        if off == "more":
            assert model.live["times"] > model.live["times_low"] > 1.5
        else:
            assert model.live["times"] < model.live["times_high"] < 1 / 1.5

    def test_where_few_positive_answers_are_to_be_expected_none_prove_nothing(self, dataset):
        model = make_model("low", target="outcome", curve=make_curve(-5.0), started=self.TRAINED)
        promote(model)
        assert check_live(dataset, Target.OUTCOME, model_version="v2_level") == ""
        model.refresh_from_db()
        assert (model.live["enough"], model.live["times"], model.live["within"]) == (True, None, True)

    def test_an_error_that_chance_may_explain_takes_nothing_back_but_brings_nothing_back_either(
        self, dataset, good, settings
    ):
        model = make_model("good", curve=good, started=self.TRAINED)
        settings.CALIBRATION_LIVE_MAX_ERROR = 0.8 * live_figures(dataset, model)["ece"]
        promote(model)

        assert self.check(dataset) == ""

        model.refresh_from_db()
        assert model.live["ece_low"] < settings.CALIBRATION_LIVE_MAX_ERROR < model.live["ece"]
        assert (model.live["within"], serving()) == (True, "good")
        promote(make_model("bad", curve=make_curve(2.0), started=self.TRAINED))
        assert self.check(dataset).endswith("No calibration serves in its place.")

    def test_few_newer_answers_give_no_verdict(self, dataset):
        model = make_model("bad", curve=make_curve(2.0), started=START + timedelta(days=340))
        promote(model)
        assert self.check(dataset) == ""
        model.refresh_from_db()
        assert model.live["enough"] is False
        assert model.live["ece"] is None
        assert 0 < model.live["items"] < 200

    def test_many_answers_of_few_people_give_no_verdict(self):
        store(simulate(49, 3, events_per_person=2, per_tier=6))
        dataset = read_dataset(model_version="v2_level", traffic="person", now=AFTER)
        model = make_model("bad", curve=make_curve(2.0), started=START - timedelta(days=1))
        figures = live_figures(dataset, model)
        assert figures["items"] >= 200
        assert figures["people"] == 49
        assert figures["enough"] is False

    @pytest.mark.parametrize(("items", "people", "enough"), [(200, 50, True), (199, 50, False), (200, 49, False)])
    def test_two_hundred_answers_of_fifty_people_are_enough(self, items, people, enough):
        shown = START.timestamp() / 86400 + 1
        dataset = make_dataset(
            np.arange(items),
            [(item, Action.VIEW, 0) for item in range(items)],
            person=np.arange(items) % people,
            shown_days=np.full(items, shown),
            happened_days=np.full(items, shown),
            now_days=shown + 100,
        )
        figures = live_figures(dataset, make_model("any", curve=make_curve(-1.0), started=START))
        assert (figures["items"], figures["people"], figures["enough"]) == (items, people, enough)

    def test_people_count_by_how_evenly_they_answered(self, dataset):
        """Of the same answers, said by so many alike, enough; said mostly by one, not."""
        model = make_model("any", curve=make_curve(-1.0), started=START - timedelta(days=1))
        assert live_figures(dataset, model)["enough"] is True
        talker = np.where(np.arange(len(dataset)) % 3, dataset.person[0], dataset.person)
        figures = live_figures(replace(dataset, person=talker), model)
        assert figures["people"] >= 50
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
        for action in ("view", "save"):
            make_feedback(item, action, happened_at=AFTER - timedelta(days=4))
        RecommendedItem.objects.update(features={"fit": 50})
        for days, items in ((0, 0), (20, 1)):
            dataset = read_dataset(model_version="v2_level", traffic="person", now=AFTER + timedelta(days=days))
            assert live_figures(dataset, model)["items"] == items
