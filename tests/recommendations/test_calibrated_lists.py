"""Lists in the order of a calibration: within tiers, with its figures, and only where one is promoted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from occupations.services import get_catalogue
from profiles import services as profile_services
from recommendations import lists, services
from recommendations.curve_store import Served, rank
from recommendations.features import curve_matrix
from recommendations.models import Curve, RecommendationEvent, RecommendedItem
from recommendations.scoring_run import choose, run_model
from tests.factories import CASHIER, SALESPERSON, make_profile, make_world
from tests.recommendations.curves import NAMES, Ramp, make_curve
from tests.recommendations.listed import codes, event_of, everything

V1, V2 = services.MODELS
pytestmark = pytest.mark.django_db
both_models = pytest.mark.parametrize("model", services.MODELS)


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture
def profile():
    return make_profile(CASHIER)


@dataclass(frozen=True)
class KnowsOnly:
    """A curve to which all jobs with a gap below a bound are unknown."""

    bound: float

    def probability(self, features):
        return np.where(features[:, 0] < self.bound, np.nan, features[:, 0] / 100)

    def interval(self, features, probability=None):
        p = self.probability(features)
        return p / 2, np.minimum(2 * p, 1)


def plain(advice):
    return replace(advice, event_id=None, calibration="")


@both_models
def test_not_asked_for_it_changes_nothing(model, profile):
    before = services.make_event(profile, model_version=model)
    make_curve(model_version=model)

    after = services.make_event(profile, model_version=model)

    assert after.calibration == "not asked for"
    assert plain(after) == plain(before)


@both_models
def test_without_a_champion_it_says_so_and_changes_nothing(model, profile):
    asked = services.make_event(profile, model_version=model, use_calibration=True)

    assert asked.calibration == "not calibrated yet"
    assert asked.calibration_target == ""
    assert plain(asked) == plain(services.make_event(profile, model_version=model))
    event = event_of(asked)
    assert (event.use_calibration, event.calibration_version) == (True, "")


@pytest.mark.parametrize("why", ["waits", "withdrawn", "of another model", "tampered"])
def test_a_curve_that_may_not_serve_changes_nothing(why, profile):
    stored = make_curve(model_version=V1 if why == "of another model" else V2, serves=why != "waits")
    if why == "withdrawn":
        services.withdraw_curve(stored)
    if why == "tampered":
        Curve.objects.update(artifact=b"rubbish")

    asked = services.make_event(profile, use_calibration=True)

    assert asked.calibration == "not calibrated yet"
    assert plain(asked) == plain(services.make_event(profile))


@both_models
def test_a_tier_is_in_the_order_of_its_probabilities(model, profile):
    make_curve(model_version=model, target="outcome")
    before = services.make_event(profile, model_version=model, limit_per_bucket=100)

    after = services.make_event(profile, model_version=model, limit_per_bucket=100, use_calibration=True)

    assert (after.calibration, after.calibration_target) == ("ramp-1", "outcome")
    assert any("calibration ramp-1" in note for note in after.notes)
    assert codes(after) != codes(before)
    for tier, items in after.buckets.items():
        assert {item.onet_code for item in items} == {item.onet_code for item in before.buckets[tier]}
        probabilities = [item.calibrated_probability for item in items]
        assert probabilities == sorted(probabilities, reverse=True)
        for item in items:
            assert item.calibrated_probability == pytest.approx(item.gap_severity / 100, abs=1e-6)
            assert item.calibrated_low == pytest.approx(max(item.calibrated_probability - 0.1, 0))
            assert item.calibrated_high == pytest.approx(min(item.calibrated_probability + 0.1, 1))
            assert item.calibration_target == "outcome"
    event = event_of(after)
    assert event.calibration_version == "ramp-1"
    stored = event.items.values_list("occupation_id", "position", "calibrated_probability", "calibrated_low")
    assert set(stored) == {
        (item.onet_code, item.position, item.calibrated_probability, item.calibrated_low) for item in everything(after)
    }


def test_only_the_best_of_a_tier_by_score_change_places(profile, monkeypatch):
    make_curve()
    before = services.make_event(profile, limit_per_bucket=100)
    monkeypatch.setattr(lists, "REORDERED", 3)

    after = services.make_event(profile, limit_per_bucket=100, use_calibration=True)

    moved = 0
    for tier, items in before.buckets.items():
        first = sorted(items[:3], key=lambda item: -item.gap_severity)
        expected = [item.onet_code for item in [*first, *items[3:]]]
        assert [item.onet_code for item in after.buckets[tier]] == expected
        moved += expected != [item.onet_code for item in items]
    assert moved
    assert all(item.calibrated_probability is not None for item in everything(after))


def test_the_first_thirty_of_a_tier_change_places():
    run = run_model(profile_services.Answers(current=CASHIER), get_catalogue(), V2)
    scored = lists.Scored(run, Served("ramp-1", "interest", ["gap_severity"], Ramp()))
    scored.columns = {"gap_severity": np.arange(40.0)}

    order = scored.reorder({"READY_NOW": np.arange(40)})["READY_NOW"].tolist()

    assert order == [*range(29, -1, -1), *range(30, 40)]


def test_what_a_curve_cannot_tell_comes_last_in_its_old_order_and_is_null(profile, client):
    before = services.make_event(profile, limit_per_bucket=100)
    gaps = sorted(item.gap_severity for item in everything(before))
    make_curve(curve=KnowsOnly(gaps[len(gaps) // 2]))

    path = f"/api/v1/user/{profile.pk}/recommendations"
    asked = {"limit_per_bucket": 100, "use_calibration": True}
    answer = client.post(path, asked, content_type="application/json")

    unknown = 0
    for tier, items in answer.json()["buckets"].items():
        told = [item["onet_code"] for item in items if item["calibrated_probability"] is not None]
        assert [item["onet_code"] for item in items][: len(told)] == told
        rest = [item["onet_code"] for item in items[len(told) :]]
        assert rest == [item.onet_code for item in before.buckets[tier] if item.onet_code in rest]
        assert all(item["calibrated_low"] is item["calibrated_high"] is None for item in items[len(told) :])
        unknown += len(rest)
    assert 0 < unknown < len(everything(before))
    assert RecommendedItem.objects.filter(calibrated_probability=None, calibrated_low=None).exists()
    assert answer.json()["calibration"] == "ramp-1"
    assert answer.json()["calibration_target"] == "interest"


def test_equal_probabilities_keep_the_order_of_the_score():
    """However many: sorting that is not stable shuffles more than a handful."""
    rng = np.random.default_rng(0)
    probability = rng.choice([0.1, 0.2, 0.3, np.nan], 400)

    places = rank(probability).tolist()

    assert places == [place for level in (0.3, 0.2, 0.1) for place in np.flatnonzero(probability == level)] + list(
        np.flatnonzero(np.isnan(probability))
    )
    assert rank(np.full(30, 0.5)).tolist() == list(range(30))


@both_models
def test_a_curve_reads_what_is_stored(model, profile):
    """To the digit: applied to the frozen features, it gives the stored probability again."""
    curve = Ramp(1)
    make_curve(curve=curve, model_version=model)
    event = event_of(services.make_event(profile, model_version=model, use_calibration=True))
    for item in event.items.all():
        features = np.array([[item.features[name] for name in NAMES]])
        assert item.calibrated_probability == round(curve.probability(features)[0], 6)


def test_a_column_that_the_model_does_not_have_is_unknown():
    run = run_model(profile_services.Answers(current=CASHIER), get_catalogue(), V1)
    scored = lists.Scored(run)
    assert np.isnan(curve_matrix(scored.columns, ["readiness", "match_score"], [0])).tolist() == [[True, False]]


def test_a_person_of_whom_too_little_is_known_gets_no_tier_calibrated_or_not():
    make_curve()
    advice = services.make_event(make_profile(None, {"2.A.1.a": 4, "2.A.1.b": 3}), use_calibration=True)
    assert everything(advice) == []
    assert advice.calibration == "ramp-1"


def test_the_lot_draws_after_the_calibration(profile, settings):
    settings.EXPLORATION_EPSILON = 1.0
    make_curve()
    made = services.make_event(profile, limit_per_bucket=2, use_calibration=True, enable_exploration=True, seed=1)
    run = run_model(profile_services.answers(profile), get_catalogue(), V2)
    ordered = choose(run, limit=100, reorder=lists.Scored(run, services.served_curve(V2)).reorder).rows
    jobs = get_catalogue().jobs.codes
    for tier, pool in event_of(made).pools.items():
        licensed = [jobs[row] for row in run.unmet]
        assert pool["codes"] == [code for row in ordered[tier][1:] if (code := jobs[row]) not in licensed]


def test_the_pages_make_a_new_list_when_another_curve_serves(profile):
    first = services.latest_advice(profile)
    assert first.calibration == "not calibrated yet"
    stored = make_curve()

    second = services.latest_advice(profile)
    assert (second.calibration, second.calibration_target) == ("ramp-1", "interest")
    assert services.latest_advice(profile) == second
    assert RecommendationEvent.objects.count() == 2

    make_curve("ramp-2")
    third = services.latest_advice(profile)
    assert third.calibration == "ramp-2"
    Curve.objects.filter(version="ramp-2").update(artifact=b"rubbish")
    assert services.latest_advice(profile).calibration == "ramp-1"
    for curve in Curve.objects.all():
        services.withdraw_curve(curve)
    assert stored.version == "ramp-1"
    assert services.latest_advice(profile).calibration == "not calibrated yet"


def test_the_pages_leave_a_calibration_alone_where_the_settings_say_so(profile, settings):
    settings.PAGES_USE_CALIBRATION = False
    make_curve()
    first = services.latest_advice(profile)
    assert first.calibration == "not asked for"
    assert services.latest_advice(profile) == first

    services.make_event(profile, use_calibration=True)
    assert services.latest_advice(profile).calibration == "not asked for"


def test_an_occupation_is_explained_as_the_list_said(profile):
    make_curve(target="outcome")
    advice = services.make_event(profile, use_calibration=True)
    item = next(item for item in everything(advice) if item.onet_code == SALESPERSON)

    assert services.explain_occupation(profile, SALESPERSON, event=event_of(advice)) == item
    assert services.explain_occupation(profile, SALESPERSON).calibrated_probability is None


@pytest.mark.parametrize(
    ("target", "said"), [("interest", "saved it or applied"), ("outcome", "told us of an interview or an offer")]
)
def test_the_pages_say_what_people_did(target, said, profile, client):
    make_curve(target=target)
    session = client.session
    session["profile"] = str(profile.pk)
    session.save()

    page = " ".join(client.get("/results/").content.decode().split())
    sheet = " ".join(client.get(f"/occupations/{SALESPERSON}/").content.decode().split())

    item = RecommendedItem.objects.get(occupation=SALESPERSON)
    badge = f"about {100 * item.calibrated_probability:.0f} {said}"
    assert badge in page
    assert badge in sheet
