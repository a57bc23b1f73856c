import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from calibration.curves.world import World
from calibration.simulation import SimulationError, TruthFileError, simulate_feedback
from profiles.models import HeldJob, Profile
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.factories import NURSE, make_event, make_profile, make_world

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 12

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
    told, _ = simulate(tmp_path, people=25, world=World(level=1.0, take_back=0.5, hide=0.3, apply_share=0.6))

    assert set(Profile.objects.values_list("traffic", flat=True)) == {"simulated"}
    assert Profile.objects.count() == told.people == 25
    assert RecommendationEvent.objects.count() == told.lists > 25
    assert RecommendedItem.objects.count() == told.items
    assert RecommendedItem.objects.filter(is_exploration=True).exists()
    for action in ("view", "save", "apply", "hide", "interview", "offer", "undo"):
        assert Feedback.objects.filter(action=action).count() == told.actions[action] > 0
    assert Feedback.objects.exclude(withdrawn_at=None).count() == told.actions["undo"]
    assert HeldJob.objects.count() < 25, "some do not say what their job is"


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


def first_lists(truth):
    """Return the jobs of each person's first list, by person and code."""
    first = {of_list["person"]: of_list["jobs"] for of_list in reversed(truth["lists"])}
    return {(person, job["code"]): job for person, jobs in first.items() for job in jobs}


def test_people_answer_by_the_truth(release, tmp_path):
    """The share of jobs that people who saw them acted on is what the truth says, within its noise."""
    _, truth = simulate(tmp_path, people=40, world=World(level=1.0))
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


def test_the_baseline_model_has_a_truth_too(release, tmp_path, settings):
    settings.MODEL_VERSION = "v1_baseline"
    told, truth = simulate(tmp_path, people=5)

    assert told.items > 0
    assert truth["model_version"] == "v1_baseline"


def test_a_database_with_lists_of_real_people_is_refused(release, tmp_path):
    make_event(make_profile(traffic="person"), codes=(NURSE,))

    with pytest.raises(SimulationError, match="a database of its own: set DATABASE_URL or VAR_DIR"):
        simulate(tmp_path)
    assert Profile.objects.count() == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"people": 0}, "at least 1 person"),
        ({"seed": -1}, "0 or more"),
        ({"days": 0}, "longer than 0 days"),
        ({"days": 4000}, "five years"),
        ({"until": datetime(2100, 1, 1, tzinfo=UTC)}, "future"),
    ],
)
def test_bad_numbers_are_refused_before_anything_is_written(release, tmp_path, overrides, sentence):
    with pytest.raises(SimulationError, match=sentence):
        simulate(tmp_path, **overrides)
    assert not Profile.objects.exists()
    assert not list(tmp_path.iterdir())


def test_a_truth_file_that_cannot_be_written_is_refused_before_anything_is_written(release, tmp_path):
    with pytest.raises(TruthFileError, match="no folder"):
        simulate(tmp_path, name="missing/truth.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TruthFileError, match="is a folder"):
        simulate(tmp_path, name="folder")
    assert not Profile.objects.exists()


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


def test_the_command_says_what_was_done(release, tmp_path, capsys):
    truth = tmp_path / "truth.json"
    call_command("simulate_feedback", people=2, truth=truth, until=UNTIL)

    said = capsys.readouterr().out
    assert "2 simulated people were shown" in said
    assert f"The truth is in {truth}." in said


def test_the_command_explains_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match="seed_demo"):
        call_command("simulate_feedback", people=2)
    with pytest.raises(CommandError, match="at least 1 person"):
        call_command("simulate_feedback", people=0)


@pytest.mark.parametrize("word", ["yesterday", "2026-13-01"])
def test_the_command_refuses_a_date_that_is_none(word):
    with pytest.raises(CommandError, match="--until"):
        call_command("simulate_feedback", "--people", "2", "--until", word)
