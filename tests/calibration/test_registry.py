"""Which curve serves: promotion, taking back, and the return to an older model."""

import threading

import pytest
from django.db import connection, transaction

from calibration import registry
from calibration.curves.labels import Target
from calibration.models import CalibrationModel, TrainingRun
from calibration.services import PromotionError, promote, return_to, serve_champion, take_back
from recommendations.models import Curve
from recommendations.services import RefusedCurveError, served_curve
from tests.calibration.stored import make_model
from tests.calibration.trainings import serving, states
from tests.factories import make_event, make_profile
from tests.locked import begin_elsewhere, only_postgresql

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulated():
    """A model that learnt from simulated people."""
    model = make_model("simulated")
    TrainingRun.objects.filter(trained=model).update(traffic="simulated")
    return model


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
    assert second.history[-1].endswith(": Taken back by somebody: People complained.")
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


@pytest.mark.parametrize("click", [promote, return_to])
def test_who_learnt_from_people_who_have_gone_steps_in_for_nothing_any_more(click):
    older = [make_model("whole"), make_model("older", n_profiles=1), make_model("marked", n_profiles=2)]
    for model in older:
        promote(model)
    click(make_model("new"))

    assert states() == {"whole": "retired", "older": "retired", "marked": "retired", "new": "champion"}
    assert set(Curve.objects.filter(may_serve=True).values_list("version", flat=True)) == {"new", "whole"}
    older[1].refresh_from_db()
    assert older[1].taken_back
    assert older[1].history[-1].endswith("Taken back: 1 of the people whom older learnt from have gone.")
    Curve.objects.filter(version="new").update(artifact=b"not ours")
    assert serving() == "whole"


@pytest.mark.parametrize("click", [promote, return_to])
def test_what_was_learnt_from_simulated_people_serves_no_real_ones(click, simulated):
    make_event(make_profile(traffic="simulated"))
    click(simulated)
    assert serving() == "simulated"
    take_back(simulated, "Enough.")

    make_event(make_profile(traffic="person"))

    sentence = "It learnt from simulated people, and real people have lists here, so it cannot serve them."
    with pytest.raises(PromotionError, match=sentence):
        click(simulated)
    assert (states(), serving()) == ({"simulated": "retired"}, None)


def test_what_was_learnt_from_simulated_people_does_not_serve_again_by_itself(simulated):
    real = make_model("real")
    promote(simulated)
    promote(real)
    make_event(make_profile(traffic="person"))
    assert take_back(real) is None
    assert (states(), serving()) == ({"simulated": "retired", "real": "retired"}, None)


def test_what_was_learnt_from_simulated_people_steps_in_for_nothing_that_is_promoted(simulated):
    promote(simulated)
    make_event(make_profile(traffic="person"))
    promote(make_model("real"))
    simulated.refresh_from_db()
    assert simulated.taken_back
    Curve.objects.filter(version="real").update(artifact=b"not ours")
    assert serving() is None


def test_the_history_says_who_acted():
    first, second = make_model("first"), make_model("second")
    promote(first, by="training 12")
    promote(second, by="ada")
    return_to(first, by="ada")
    take_back(first, by="ada")
    promote(second, by="bob")
    take_back(second, "Odd figures.", by="bob")
    told = {}
    for model in (first, second):
        model.refresh_from_db()
        told[model.version] = [sentence.split(": ", 1)[1] for sentence in model.history]
    assert told == {
        "first": [
            "Promoted by training 12.",
            "second replaced it.",
            "ada returned to it.",
            "Taken back by ada; no reason given.",
        ],
        "second": [
            "Promoted by ada.",
            "Taken back: ada returned to first.",
            "Promoted by bob.",
            "Taken back by bob: Odd figures.",
        ],
    }


def test_what_an_operator_took_back_holds_until_somebody_decides_again():
    first, second = make_model("first"), make_model("second")
    for decide in (promote, return_to):
        promote(second)
        take_back(second, "No.")
        assert registry.operator_took_back("v2_level", Target.INTEREST) == second
        assert registry.operator_took_back("v2_level", Target.OUTCOME) is None
        assert registry.operator_took_back("v1_baseline", Target.INTEREST) is None
        decide(first)
        assert registry.operator_took_back("v2_level", Target.INTEREST) is None
    registry.take_back_by_itself(first, "it is old.", may_follow=[])
    assert registry.operator_took_back("v2_level", Target.INTEREST) is None


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


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_who_hands_the_champion_down_waits_for_a_click_that_is_not_stored_yet():
    model = make_model("new")
    with transaction.atomic():
        promote(model)
        other = begin_elsewhere(lambda: serve_champion("v2_level"))
        assert not other.done()
    assert other.result(30) == model
    assert serving() == "new"


def _click(model):
    try:
        promote(model)
    finally:
        connection.close()
