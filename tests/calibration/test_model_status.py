"""What the API says of the models in use."""

import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calibration.curves.features import Rung
from calibration.models import TrainedOn, TrainingRun
from calibration.reports import BY_CALIBRATION
from calibration.services import take_back
from profiles.models import Profile, User
from recommendations.models import Feedback
from tests.calibration.rows import WHEN, make_model, make_report, make_run
from tests.factories import CASHIER, COOK, NURSE, make_event, make_feedback, make_profile, make_world

pytestmark = pytest.mark.django_db

LATER = WHEN + timedelta(days=1)


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture(autouse=True)
def fresh_cache(settings):
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "model status"}}
    cache.clear()


@pytest.fixture
def status(client):
    def read():
        answer = client.get("/api/v1/model/status")
        assert answer.status_code == 200
        return answer.json()

    return read


def test_without_a_model_it_says_not_calibrated_yet(status):
    answer = status()
    assert answer["calibration"] == "not calibrated yet"
    for name in ("champion", "challenger", "verdict", "drift", "effective_sample_size", "last_training"):
        assert answer[name] is None
    assert answer["retrain"] is False
    assert (answer["model_version"], answer["release"], answer["target"]) == ("v2_level", "29.3", "interest")
    assert answer["models"] == ["v1_baseline", "v2_level"]
    assert set(answer["samples"].values()) == {0}


def test_the_champion_is_told_with_all_of_its_figures(status):
    model = make_model("good", state="champion", promoted=WHEN)
    answer = status()
    champion = answer["champion"]
    assert answer["calibration"] == champion["version"] == "good"
    assert champion["brier"] == model.figures["brier"] < champion["brier_of_constant"]
    assert champion["brier_skill"] > 0
    assert champion["log_loss"] == model.details["log_loss"]
    assert champion["auc"]["low"] < champion["auc"]["value"] < champion["auc"]["high"]
    assert (champion["ece"], champion["slope"]) == (model.figures["ece"], model.figures["slope"])
    assert sum(row["n"] for row in champion["reliability"]) == model.details["n"]
    assert champion["inputs"] == model.inputs
    assert champion["state"] == "champion"
    assert answer["challenger"] is None


def test_each_figure_is_that_of_its_name(status):
    """All figures differ, so that none can stand for another."""
    of_gate = {"brier": 0.11, "brier_of_constant": 0.12, "ece": 0.13, "slope": 0.14, "intercept": 0.15}
    of_details = {"brier_skill": 0.21, "log_loss": 0.22}
    roc = {"auc": 0.32, "auc_low": 0.31, "auc_high": 0.33}
    bins = {"low": 0.41, "high": 0.45, "mean": 0.42, "rate": 0.43, "rate_low": 0.405, "rate_high": 0.46}
    make_model(
        "good",
        state="champion",
        figures=of_gate | {"effective_size": 0.16},
        details=of_details | {"roc": roc, "reliability": [bins | {"n": 51, "positives": 50}]},
        base_rate=0.6,
        n_items=71,
        n_people=72,
    )
    champion = status()["champion"]
    for name, figure in (of_gate | of_details | {"base_rate": 0.6, "n_items": 71, "n_people": 72}).items():
        assert champion[name] == figure
    assert champion["effective_sample_size"] == 0.16
    assert champion["auc"] == {"value": 0.32, "low": 0.31, "high": 0.33}
    assert champion["reliability"] == [bins | {"n": 51, "positives": 50}]


@pytest.mark.parametrize("traffic", ["person", "simulated"])
def test_it_tells_whose_answers_a_model_learnt_from(status, traffic):
    make_model("good", state="champion", run=make_run(traffic=traffic))
    make_model("new", run=make_run(traffic=traffic))
    answer = status()
    for name in ("champion", "challenger", "verdict"):
        assert answer[name]["traffic"] == traffic


def test_the_challenger_is_the_newest_after_the_champion(status):
    make_model("old", state="rejected", created=WHEN - timedelta(days=1))
    make_model("good", state="champion", promoted=WHEN)
    assert status()["challenger"] is None
    make_model("newer", state="candidate", created=WHEN + timedelta(hours=1))
    make_model("new", state="rejected", created=LATER, reasons=["It is too bad."], rung=Rung.PLATT)
    answer = status()
    assert (answer["challenger"]["version"], answer["challenger"]["rung"]) == ("new", "platt")
    assert answer["verdict"]["version"] == "new"
    assert (answer["verdict"]["passed"], answer["verdict"]["reasons"]) == (False, ["It is too bad."])
    assert answer["calibration"] == "good"


def test_what_operators_said_is_theirs(status):
    model = make_model("good", state="champion", reasons=["It is better."])
    take_back(model, "maria says: Somebody complained.")
    answer = status()
    assert answer["verdict"]["reasons"] == ["It is better."]
    assert "maria" not in json.dumps(answer)


def test_what_had_to_beat_the_champion_in_the_same_training_is_a_challenger(status):
    make_model("plainer", state="rejected")
    make_model("good", state="champion")
    assert status()["challenger"] is None
    make_model("trees", state="rejected")
    assert status()["challenger"]["version"] == "trees"


def test_other_targets_and_scoring_models_are_not_told(status):
    make_model("outcomes", target="outcome")
    make_model("other", model_version="v1_baseline")
    assert status()["challenger"] is None


def test_a_model_without_figures_has_nulls(status):
    make_model("few", state="rejected", figures={"people": 3}, details={})
    challenger = status()["challenger"]
    assert challenger["brier"] is challenger["log_loss"] is challenger["auc"]["value"] is None
    assert challenger["reliability"] == []


def test_a_champion_whose_people_have_gone_is_marked(status):
    run = make_run()
    profile = make_profile()
    TrainedOn.objects.create(run=run, profile=profile)
    make_model("good", run=run, state="champion", n_profiles=1)
    assert status()["retrain"] is False
    profile.delete()
    answer = status()
    assert answer["retrain"] is answer["champion"]["retrain"] is True
    assert answer["champion"]["people_gone"] == 1


def test_only_real_peoples_feedback_in_force_counts(status):
    for traffic in Profile.Traffic.values:
        event = make_event(make_profile(traffic=traffic), codes=(CASHIER, COOK, NURSE))
        saved, _, withdrawn = event.items.order_by("position")
        make_feedback(saved)
        make_feedback(withdrawn, withdrawn_at=WHEN)
    employee = User.objects.create_user("employee", password="secret", is_staff=True)
    make_feedback(make_event(make_profile(user=employee, traffic="person"), codes=(CASHIER,)).items.get())
    samples = status()["samples"]
    assert samples["save"] == 1
    assert set(samples) == set(Feedback.Action.values) - {"undo"}


def test_feedback_is_counted_once_a_minute(status):
    make_feedback(make_event(make_profile(traffic="person"), codes=(CASHIER,)).items.get())
    samples = status()["samples"]
    assert samples["save"] == 1
    Feedback.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        assert status()["samples"] == samples
    assert not any(Feedback._meta.db_table in query["sql"] for query in queries)
    cache.clear()
    assert status()["samples"]["save"] == 0


def test_without_the_cache_feedback_is_counted_each_time(status, settings):
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}
    make_feedback(make_event(make_profile(traffic="person"), codes=(CASHIER,)).items.get())
    assert status()["samples"]["save"] == 1
    Feedback.objects.all().delete()
    assert status()["samples"]["save"] == 0


def test_the_last_report_tells_of_drift_and_effective_size(status):
    report = make_report()
    make_run(report=report)
    make_run(started=LATER, state=TrainingRun.State.FAILED, finished=None, error="The disk at /srv is full.")
    answer = status()
    months = {row["month"]: row for row in report["drift"]["months"]}
    told = answer["drift"]
    assert told == {name: months[told["month"]][name] for name in ("month", "n", "people", "psi")}
    assert told["psi"]["probability"] is not None
    sizes = {row["policy"]: row["effective_size"] for row in report["off_policy"]}
    assert answer["effective_sample_size"] == sizes[BY_CALIBRATION]
    assert answer["last_training"]["state"] == "failed"
    assert "/srv" not in str(answer)


def test_drift_is_that_of_the_newest_month_with_a_verdict(status):
    def month(name, psi):
        return {
            "month": name,
            "n": 200,
            "people": 60,
            "labelled": 0,
            "base_rate": None,
            "psi": {"fit": psi, "gap": None},
        }

    report = make_report()
    run = make_run(report=report | {"drift": {"months": [month("2026-01", 0.1), month("2026-02", 0.2)]}})
    assert status()["drift"]["month"] == "2026-02"
    run.report["drift"]["months"].append(month("2026-03", None))
    run.save()
    assert status()["drift"] == {"month": "2026-02", "n": 200, "people": 60, "psi": {"fit": 0.2, "gap": None}}
    run.report["drift"]["months"] = [month("2026-03", None)]
    run.save()
    assert status()["drift"] is None


def test_simulated_trainings_are_not_told(status):
    make_run(traffic=Profile.Traffic.SIMULATED, report=make_report())
    assert status()["last_training"] is status()["drift"] is None


def test_asking_is_cheap(status, django_assert_max_num_queries):
    make_model("good", state="champion")
    make_run(report=make_report())
    status()
    with django_assert_max_num_queries(11):
        status()


def test_the_schema_describes_it(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))
    schema = (tmp_path / "schema.yaml").read_text()
    assert "LearntModel" in schema
