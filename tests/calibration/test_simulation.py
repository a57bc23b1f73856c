import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db.models import F
from scipy.special import expit

from calibration.curves.features import NAMES, matrix
from calibration.curves.labels import Maturity, Target
from calibration.curves.world import People, World, interest, label_truth
from calibration.dataset import read_dataset
from calibration.services import promote
from calibration.simulation import SimulationError, simulate_feedback
from profiles.models import HeldJob, Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.calibration.stored import make_model
from tests.factories import make_event, make_profile, make_world

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 12
# People who are all alike and look at nothing of a job but its step up and its place.
PLAIN = dict.fromkeys(("fit", "gap", "shortfall", "confidence", "person_sd", "taste_sd", "job_sd"), 0.0)

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return make_world()


@pytest.fixture(autouse=True)
def _few_per_tier(settings):
    # The small world has a dozen jobs: with lists of two a lot has something to draw from.
    settings.LIMIT_PER_BUCKET = 2
    settings.EXPLORATION_EPSILON = 0.5


def simulate(tmp_path, *, name="truth.json", **overrides):
    """Simulate a few people, and return what is told of it and the truth."""
    truth = tmp_path / name
    told = simulate_feedback(**{"people": PEOPLE, "seed": 1, "until": UNTIL, "truth": truth, **overrides})
    return told, json.loads(truth.read_text())


def stored():
    """Return all lists in order of time, with what was answered, without keys that are drawn anew each time."""
    lists = []
    for event in RecommendationEvent.objects.order_by("created_at"):
        items = event.items.order_by("tier", "position")
        feedback = (
            Feedback.objects.filter(item__event=event)
            .select_related("item")
            .order_by("item__tier", "item__position", "happened_at")
        )
        lists.append(
            (
                event.created_at,
                event.inputs,
                event.seed,
                event.pools,
                list(items.values_list("tier", "position", "occupation", "propensity", "is_exploration")),
                [(one.item.occupation_id, one.action, one.happened_at, one.withdrawn_at is None) for one in feedback],
            )
        )
    return lists


def test_people_are_marked_as_simulated_and_use_every_kind_of_answer(release, tmp_path):
    world = World(level=1.0, take_back=0.5, hide=0.5, apply_share=0.7, interview=2.0)
    told, _ = simulate(tmp_path, world=world)

    assert set(Profile.objects.values_list("traffic", flat=True)) == {"simulated"}
    assert Profile.objects.count() == told.people == PEOPLE
    assert RecommendationEvent.objects.count() == told.lists > PEOPLE
    assert RecommendedItem.objects.count() == told.items
    assert RecommendedItem.objects.filter(is_exploration=True).exists()
    for action in Feedback.Action.values:
        assert Feedback.objects.filter(action=action).count() == told.actions[action] > 0
    assert Feedback.objects.exclude(withdrawn_at=None).count() == told.actions["undo"]
    assert HeldJob.objects.count() < PEOPLE, "some do not say what their job is"


def test_answers_come_after_the_list_and_before_the_end(release, tmp_path):
    simulate(tmp_path)

    assert not Feedback.objects.filter(happened_at__lt=F("item__event__created_at")).exists()
    assert not Feedback.objects.filter(happened_at__gt=UNTIL).exists()
    shown = sorted(RecommendationEvent.objects.values_list("created_at", flat=True))
    assert UNTIL - timedelta(days=365) <= shown[0] < UNTIL - timedelta(days=330)
    assert UNTIL - timedelta(days=35) < shown[-1] <= UNTIL


def test_only_what_was_seen_is_answered(release, tmp_path):
    simulate(tmp_path)

    seen = set(Feedback.objects.filter(action="view").values_list("item", flat=True))
    assert set(Feedback.objects.values_list("item", flat=True)) == seen
    assert len(seen) < RecommendedItem.objects.count()


def test_people_open_jobs_before_they_act_on_them(release, tmp_path):
    simulate(tmp_path, world=World(level=1.0, opens_first=1.0, opens=0.0, hide=0.0))

    opened = dict(Feedback.objects.filter(action="click").values_list("item", "happened_at"))
    acted = dict(Feedback.objects.filter(action__in=("save", "apply")).values_list("item", "happened_at"))
    assert set(acted) <= set(opened)
    assert all(opened[item] <= happened_at for item, happened_at in acted.items())
    # Who would have acted after the end has opened the job all the same; nobody else has.
    assert len(opened) < len(acted) + 5


def test_what_people_open_changes_nothing_else(release, tmp_path):
    simulate(tmp_path, world=World(opens_first=0.0, opens=0.0))
    shut = stored()
    shut_labels = labels()
    Profile.objects.all().delete()
    simulate(tmp_path, world=World(opens_first=0.9, opens=0.5))

    assert any(action == "click" for *_, feedback in stored() for _, action, _, _ in feedback)
    assert without_clicks(stored()) == shut
    assert labels() == shut_labels
    assert any(1 in of_target for of_target in shut_labels)


def without_clicks(lists):
    return [(*rest, [told for told in feedback if told[1] != "click"]) for *rest, feedback in lists]


def labels():
    """Return the labels of interest and of outcome of all items."""
    dataset = read_dataset(model_version="v2_level", traffic="simulated", now=UNTIL)
    return [dataset.labels(target).tolist() for target in Target]


def test_the_truth_agrees_with_the_database(release, tmp_path):
    told, truth = simulate(tmp_path)

    assert (truth["seed"], len(truth["people"]), len(truth["lists"])) == (1, PEOPLE, told.lists)
    assert {person["profile"] for person in truth["people"]} == set(
        map(str, Profile.objects.values_list("pk", flat=True))
    )
    events = {str(event.pk): event for event in RecommendationEvent.objects.all()}
    assert {of_list["event"] for of_list in truth["lists"]} == set(events)
    for of_list in truth["lists"]:
        event = events[of_list["event"]]
        assert str(event.profile_id) == truth["people"][of_list["person"]]["profile"]
        jobs = of_list["jobs"]
        shown = [(job["tier"], job["position"], job["code"]) for job in jobs if job["shown"]]
        assert shown == list(event.items.order_by("tier", "position").values_list("tier", "position", "occupation"))
        for tier, pool in event.pools.items():
            last = max(job["position"] for job in jobs if job["tier"] == tier and job["shown"])
            in_pool = {job["code"] for job in jobs if job["tier"] == tier and job["position"] == last}
            assert in_pool == set(pool["codes"])
        assert all(0 < job["outcome"] < job["interest"] < 1 for job in jobs)


def test_a_job_has_one_truth_whether_it_is_drawn_or_not(release, tmp_path, settings):
    """Under another share of lots other jobs are shown, and the same ones are as likely to be saved."""
    settings.EXPLORATION_EPSILON = 0.001
    _, best = simulate(tmp_path, people=3)
    Profile.objects.all().delete()
    settings.EXPLORATION_EPSILON = 1.0
    _, drawn = simulate(tmp_path, people=3)

    best_jobs, drawn_jobs = first_lists(best), first_lists(drawn)
    assert {key for key, job in best_jobs.items() if job["shown"]} != {
        key for key, job in drawn_jobs.items() if job["shown"]
    }
    assert {key: job["interest"] for key, job in best_jobs.items()} == {
        key: job["interest"] for key, job in drawn_jobs.items()
    }


def test_the_written_truth_moves_with_time_and_place_and_counts_only_answers_that_come_in_time(
    release, tmp_path, settings
):
    settings.LABEL_MATURITY = {"save_days": 2.0, "apply_days": 5.0, "interview_days": 60.0, "offer_days": 90.0}
    _, truth = simulate(tmp_path, world=World(**PLAIN, level=-1.0, zone=-1.0, drift=2.0, attention=0.5))

    in_time = 0.4 * (1 - np.exp(-5 / 4)) + 0.6 * 0.97 * (1 - np.exp(-2 / 4))
    steps_up = {}
    for of_list, job, features in shown(truth):
        years = (datetime.fromisoformat(of_list["shown_at"]) - UNTIL) / timedelta(days=365) + 1
        step = max(features["job_zone_diff"] or 0, 0)
        expected = job["position"] ** -0.5 * expit(-1 + (2 * years - 1) * step) * in_time
        assert job["interest"] == pytest.approx(expected, abs=1e-5)
        if (step, job["position"]) == (1, 1):
            steps_up[years] = job["interest"]
    assert steps_up[max(steps_up)] > 1.5 * steps_up[min(steps_up)]


def test_the_file_tells_all_that_the_truth_is_made_of(release, tmp_path):
    world = World(job_sd=0.0, interview=0.5, interview_shortfall=-1.0, offer=0.6, on_time=0.7, opens=0.3)
    _, truth = simulate(tmp_path, world=world)

    told = World(**truth["world"])
    people = People(*(np.array([person[name] for person in truth["people"]]) for name in ("level", "taste")))
    jobs = shown(truth)
    features = matrix({name: [of_job.get(name) for *_, of_job in jobs] for name in NAMES}, len(jobs))
    begin = datetime.fromisoformat(truth["start"])
    days = [(datetime.fromisoformat(of_list["shown_at"]) - begin) / timedelta(days=1) for of_list, *_ in jobs]
    acts = interest(
        features,
        np.array([job["position"] for _, job, _ in jobs], float),
        np.array(days),
        np.array([of_list["person"] for of_list, *_ in jobs]),
        people,
        told,
        np.zeros(len(jobs)),
    )
    interested, outcome = label_truth(features, acts, told, Maturity(**truth["maturity"]))
    assert interested == pytest.approx([job["interest"] for _, job, _ in jobs], abs=1e-5)
    assert outcome == pytest.approx([job["outcome"] for _, job, _ in jobs], abs=1e-5)
    assert 0 < told.opens < told.opens_first < 1
    assert told.offer == 0.6


def shown(truth):
    """Return each job that was shown with its list, both as the truth tells them, and with its stored features."""
    stored_features = {
        (str(event), code): features
        for event, code, features in RecommendedItem.objects.values_list("event", "occupation", "features")
    }
    return [
        (of_list, job, stored_features[of_list["event"], job["code"]])
        for of_list in truth["lists"]
        for job in of_list["jobs"]
        if job["shown"]
    ]


def test_interviews_and_offers_come_within_the_labels_times_of_the_settings(release, tmp_path, settings):
    settings.LABEL_MATURITY = {"save_days": 14.0, "apply_days": 14.0, "interview_days": 20.0, "offer_days": 30.0}
    simulate(tmp_path, world=World(level=2.0, apply_share=1.0, interview=3.0, offer=0.8, delay_days=0.5, on_time=1.0))

    after = {
        action: [
            (happened_at - shown_at) / timedelta(days=1)
            for happened_at, shown_at in Feedback.objects.filter(action=action).values_list(
                "happened_at", "item__event__created_at"
            )
        ]
        for action in ("interview", "offer")
    }
    assert 0.3 * 20 <= min(after["interview"]) < max(after["interview"]) <= 20
    assert (0.3 * 20 + 0.6 * 30) <= min(after["offer"]) < max(after["offer"]) <= 20 + 30


def first_lists(truth):
    """Return the jobs of each person's first list, by person and code."""
    first = {of_list["person"]: of_list["jobs"] for of_list in reversed(truth["lists"])}
    return {(person, job["code"]): job for person, jobs in first.items() for job in jobs}


def test_people_answer_by_the_truth(release, tmp_path):
    """The share of jobs that people who saw them acted on is what the truth says, within its noise."""
    _, truth = simulate(tmp_path, people=40, world=World(level=1.0, opens_first=0.0, opens=0.0, interview=-9.0))
    expected = {
        (of_list["event"], job["code"]): job["interest"]
        for of_list in truth["lists"]
        for job in of_list["jobs"]
        if job["shown"]
    }
    mature = UNTIL - timedelta(days=14)
    items = RecommendedItem.objects.filter(feedback__action="view", event__created_at__lt=mature)
    p = np.array([expected[str(event), code] for event, code in items.values_list("event", "occupation")])
    positive = Feedback.objects.in_force().filter(
        item__in=items, action__in=("save", "apply"), happened_at__lte=F("item__event__created_at") + timedelta(days=14)
    )
    deviation = (positive.count() - p.sum()) / np.sqrt((p * (1 - p)).sum())

    assert len(p) > 150
    assert abs(deviation) < 3


def test_the_same_arguments_give_the_same_people_lists_and_truth(release, tmp_path):
    _, first_truth = simulate(tmp_path, people=6)
    first = stored()
    Profile.objects.all().delete()
    _, second_truth = simulate(tmp_path, people=6)
    second = stored()
    Profile.objects.all().delete()
    simulate(tmp_path, people=6, seed=2)

    assert second == first
    assert stored() != first
    for truth in (first_truth, second_truth):
        for person in truth["people"]:
            del person["profile"]
        for of_list in truth["lists"]:
            del of_list["event"]
    assert second_truth == first_truth


def test_who_comes_back_is_not_shown_what_they_have_hidden(release, tmp_path):
    simulate(tmp_path, people=15, world=World(hide=0.9))

    second_lists = [event for event in RecommendationEvent.objects.all() if event.left_out]
    assert second_lists
    for event in second_lists:
        hidden = Feedback.objects.filter(
            item__event__profile=event.profile, action="hide", happened_at__lte=event.created_at
        )
        assert set(event.left_out) == set(hidden.values_list("item__occupation", flat=True))


@pytest.mark.parametrize(("asked", "version"), [(True, "promoted"), (False, "")])
def test_lists_are_in_the_order_of_the_promoted_calibration_where_that_is_asked_for(release, tmp_path, asked, version):
    promote(make_model("promoted"))
    told, _ = simulate(tmp_path, people=3, use_calibration=asked)

    lists = RecommendationEvent.objects.filter(use_calibration=asked, calibration_version=version)
    assert lists.count() == told.lists > 0


def test_the_baseline_model_has_a_truth_too(release, tmp_path, settings):
    settings.MODEL_VERSION = "v1_baseline"
    told, truth = simulate(tmp_path, people=5)

    assert told.items > 0
    assert truth["model_version"] == "v1_baseline"


@pytest.mark.parametrize("with_list", [True, False])
def test_a_database_with_real_people_is_refused(tmp_path, with_list):
    person = make_profile(traffic="person")
    if with_list:
        make_event(person)

    with pytest.raises(SimulationError, match=r"holds real people.*a database of its own: set DATABASE_URL"):
        simulate(tmp_path)
    assert Profile.objects.count() == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"people": 0}, "at least 1 person"),
        ({"people": 10**12}, "at most 100,000"),
        ({"seed": -1}, "0 or more"),
        ({"days": 0}, "longer than 0 days"),
        ({"days": 4000}, "five years"),
        ({"days": 99999999999}, "five years"),
        ({"days": float("inf")}, "five years"),
        ({"days": float("nan")}, "longer than 0 days"),
        ({"until": datetime.min.replace(tzinfo=UTC)}, "begin more than five years ago"),
        ({"until": datetime.max.replace(tzinfo=UTC)}, "future"),
        ({"until": datetime(2100, 1, 1, tzinfo=UTC)}, "future"),
    ],
)
def test_bad_numbers_are_refused_before_anything_is_read_or_written(tmp_path, overrides, sentence):
    with pytest.raises(SimulationError, match=sentence):
        simulate(tmp_path, **overrides)
    assert not Profile.objects.exists()
    assert not list(tmp_path.iterdir())


def test_what_fails_on_the_way_leaves_nothing(release, tmp_path):
    came = []

    def stumble():
        came.append(1)
        if len(came) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, progress=stumble)
    assert not Profile.objects.exists()
    assert not list(tmp_path.iterdir())
