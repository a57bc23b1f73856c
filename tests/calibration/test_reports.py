"""The figures of all that was shown."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calibration import reports
from calibration.curves.features import NAMES, Rung
from calibration.curves.labels import Action, Target
from occupations.models import Occupation
from tests.calibration.arrays import make_features
from tests.calibration.datasets import as_json, make_dataset, samples_of
from tests.factories import CASHIER, COOK, NURSE, make_world

NAN = float("nan")
IN_FORCE, TAKEN_BACK = 0, 1


# Counts


def test_what_was_taken_back_is_counted_apart():
    dataset = make_dataset(
        [0, 0, 1],
        [(0, Action.VIEW, IN_FORCE), (1, Action.SAVE, TAKEN_BACK), (2, Action.SAVE, IN_FORCE)],
        person=np.array([0, 0, 1]),
    )
    counts = reports.counts(dataset, np.array([1, 0, -1]), np.full(3, -1))
    assert (counts["samples"]["view"], counts["samples"]["save"], counts["withdrawn"]) == (1, 1, 1)
    assert (counts["items"], counts["people"], counts["labelled"], counts["base_rate"]) == (3, 2, 2, 0.5)


def test_last_places_open_to_a_lot_are_more_than_those_that_it_changed(dataset, labels):
    of_choices = np.full(len(dataset), -1)
    of_choices[dataset.slots.item[:5]] = 0, 0, 1, 0, -1
    counts = reports.counts(dataset, labels, of_choices)
    assert counts["slots_labelled"] == 4
    assert counts["slots"] == len(dataset.slots.item)
    assert counts["slots_changed"] == (dataset.slots.chosen != 0).sum()
    assert 0 < counts["slots_changed"] < counts["slots"]


# Exposure


def exposure_of(dataset, n_jobs=0):
    return reports.exposure(dataset, titles=[f"Job {code}" for code in dataset.codes], n_jobs=n_jobs)


def test_gini_and_shares_have_known_answers():
    found = exposure_of(make_dataset([0] * 150 + [1] * 50))
    assert [(row["shown"], row["share"]) for row in found["rows"]] == [(150, 0.75), (50, 0.25)]
    # Two jobs with shares of 1/4 and 3/4: (2 * 2 - 3) * 3/4 / 2 - 1/4 / 2.
    assert found["gini"] == pytest.approx(0.25)
    # With two more that were never shown: (1 * 1/4 + 3 * 3/4) / 4.
    assert exposure_of(make_dataset([0] * 150 + [1] * 50), n_jobs=4)["gini"] == pytest.approx(0.625)


def lists(n_lists, jobs_of):
    """So many lists, each of another person, with the jobs that a function of its number returns."""
    jobs = [np.asarray(jobs_of(number), int) for number in range(n_lists)]
    each = np.repeat(np.arange(n_lists), [len(row) for row in jobs])
    return make_dataset(np.concatenate(jobs), event=each, person=each)


def test_a_job_in_every_list_alerts():
    """Though it is but a fifteenth of all that was seen, as large a share of it as a job can have."""
    found = exposure_of(lists(200, lambda number: np.append(0, 1 + (14 * number + np.arange(14)) % 400)), n_jobs=879)
    first = found["rows"][0]
    assert (first["code"], first["title"]) == ("11-0000.00", "Job 11-0000.00")
    assert (first["share"], first["of_lists"]) == (pytest.approx(1 / 15), 1)
    assert (found["alert"], found["largest_share"], found["lists"]) == (True, 1, 200)
    assert {row["alert"] for row in found["rows"][1:]} == {False}


def test_an_even_spread_over_few_jobs_does_not_alert():
    found = exposure_of(lists(100, lambda number: (15 * number + np.arange(15)) % 100))
    assert (found["largest_share"], found["gini"], found["alert"]) == (0.15, pytest.approx(0), False)


@pytest.mark.parametrize(
    ("n_jobs", "of_a_hundred_lists", "alert"), [(879, 10, False), (879, 11, True), (10, 29, False), (10, 30, True)]
)
def test_more_than_a_tenth_of_the_lists_alerts_where_it_is_three_times_the_even_share(
    n_jobs, of_a_hundred_lists, alert
):
    found = exposure_of(
        lists(100, lambda number: [0 if number < of_a_hundred_lists else 1 + number % 9]), n_jobs=n_jobs
    )
    assert {row["code"]: row["alert"] for row in found["rows"]}["11-0000.00"] is alert


def test_too_few_lists_or_people_alert_nobody():
    assert exposure_of(make_dataset([0] * 99), n_jobs=100)["alert"] is None
    assert exposure_of(make_dataset([0] * 100), n_jobs=100)["alert"] is True
    assert exposure_of(make_dataset([0] * 100))["alert"] is False
    for n_people, alert in ((49, None), (50, True)):
        assert exposure_of(make_dataset([0] * 100, person=np.arange(100) % n_people), n_jobs=100)["alert"] is alert
    # Many jobs, but of few lists.
    assert exposure_of(lists(99, lambda number: np.arange(15)), n_jobs=879)["alert"] is None
    assert exposure_of(make_dataset([]))["gini"] is None


def test_impressions_count_where_a_list_has_them_and_all_of_it_where_not():
    dataset = make_dataset(
        [0, 1, 1, 2],
        [(0, Action.VIEW, IN_FORCE), (2, Action.SAVE, IN_FORCE)],
        event=np.array([0, 0, 1, 1]),
    )
    rows = exposure_of(dataset)["rows"]
    assert {row["code"]: (row["shown"], row["share"], row["of_lists"]) for row in rows} == dict.fromkeys(
        ("11-0000.00", "11-0001.00", "11-0002.00"), (1, 1 / 3, 1 / 2)
    )


# Drift


def monthly(fits, *, people_per_month=120):
    """A year begins: in each month 120 people, each shown one job, whose fit is drawn from 0-1 plus the month's."""
    rng = np.random.default_rng(0)
    n = people_per_month * len(fits)
    month = np.repeat(np.arange(len(fits)), people_per_month)
    fit = rng.uniform(0, 1, n) + np.array(fits, float)[month]
    days = 31.0 * month + rng.uniform(0, 27, n)
    return make_dataset(np.zeros(n, int), shown_days=days, features=make_features(n, fit=fit))


def drift_of(dataset, label=None, curve=None):
    label = np.full(len(dataset), -1) if label is None else label
    return reports.drift(dataset, label, samples_of(dataset, label), curve, seed=0)


def test_a_month_that_differs_drifts_and_one_that_does_not_does_not():
    found = drift_of(monthly([0, 0, 5]))
    assert [row["month"] for row in found["months"]] == ["1970-01", "1970-02", "1970-03"]
    psi = [row["psi"]["fit"] for row in found["months"]]
    assert psi[0] == 0
    assert psi[1] < 0.25 < 1 < psi[2]
    # Nobody knows the other features, and there is no curve.
    assert found["months"][2]["psi"]["readiness"] is None
    assert "probability" not in found["months"][2]["psi"]


def test_the_training_period_ends_where_the_hold_out_begins():
    dataset = monthly([0, 0, 0, 5])
    found = drift_of(dataset, np.arange(len(dataset)) % 2)
    assert (found["since"][:7], found["until"][:7], found["n"]) == ("1970-01", "1970-03", 360)
    assert [row["base_rate"] for row in found["months"]] == [0.5] * 4


def test_a_month_with_under_a_hundred_jobs_has_no_verdict_and_an_empty_one_neither():
    dataset = monthly([0, 0, 0], people_per_month=99)
    gap = replace(dataset, shown_days=np.where(dataset.shown_days > 31, dataset.shown_days + 31, dataset.shown_days))
    months = drift_of(gap, np.zeros(len(gap), int))["months"]
    assert [(row["n"], row["labelled"], row["base_rate"], row["psi"]["fit"]) for row in months] == [
        (99, 99, None, None),
        (0, 0, None, None),
        (99, 99, None, None),
        (99, 99, None, None),
    ]


@pytest.mark.parametrize(("month", "told"), [(0, [False, False, False]), (2, [True, True, False])])
def test_so_many_jobs_of_few_people_have_no_verdict(month, told):
    """What one person is shown hangs together: few people differ from others by chance. In the first month, the
    training period, they can tell of no month."""
    dataset = monthly([0, 0, 5])
    for n_people, expected in ((49, told), (50, [True, True, True])):
        person = np.arange(len(dataset))
        inside = person // 120 == month
        person[inside] = person[inside].min() + np.arange(120) % n_people
        found = drift_of(replace(dataset, person=person))
        assert [row["psi"]["fit"] is not None for row in found["months"]] == expected
        assert found["months"][month]["people"] == n_people
        assert found["people"] == (n_people if month == 0 else 120)


def test_exactly_a_hundred_jobs_of_fifty_people_have_a_verdict():
    dataset = monthly([0, 0, 5], people_per_month=100)
    number = np.arange(len(dataset))
    found = drift_of(replace(dataset, person=number // 100 * 100 + number % 50))
    assert [(row["n"], row["people"], row["psi"]["fit"] is not None) for row in found["months"]] == [
        (100, 50, True)
    ] * 3


def test_what_becomes_unknown_or_known_drifts():
    dataset = monthly([0, 0, 0])
    features = dataset.features.copy()
    last_month = np.arange(len(dataset)) >= 240
    features[last_month, NAMES.index("fit")] = NAN
    features[last_month, NAMES.index("knowledge")] = 60.0
    months = drift_of(replace(dataset, features=features))["months"]
    assert months[1]["psi"]["knowledge"] is None
    assert months[1]["psi"]["fit"] < 0.25 < 5 < min(months[2]["psi"]["fit"], months[2]["psi"]["knowledge"])
    assert months[2]["psi"]["readiness"] is None


def test_much_is_compared_by_lot_and_without_a_bias(dataset, labels):
    """Items stand in the order of places in lists, and better jobs stand higher: every second one would be biased."""
    moved = replace(dataset, shown_days=np.where(dataset.person < 1000, 0.0, 40.0))
    found = drift_of(moved, np.where(dataset.person < 1000, labels, np.maximum(labels, 0)))
    assert reports.ITEMS_COMPARED < found["n"] == 12_000
    assert [row["n"] for row in found["months"]] == [12_000, 6_000]
    assert max(row["psi"]["fit"] for row in found["months"]) < 0.02


def test_the_probability_drifts_with_what_the_curve_reads(dataset, labels, samples, curves):
    moved = dataset.features.copy()
    late = dataset.shown_days > 300
    moved[late, NAMES.index("fit")] = 99.0
    months = drift_of(replace(dataset, features=moved), labels, curves[Rung.PLATT])["months"]
    assert months[1]["psi"]["probability"] < 0.1
    assert months[-1]["psi"]["probability"] > 0.25


# Off-policy


def test_the_simulators_truth_is_recovered(dataset, history, labels, samples, curves):
    rows = {
        (row["policy"], row["estimator"]): row
        for row in reports.off_policy(dataset, labels, samples, curves[Rung.LOGISTIC], seed=0)
    }
    truths = {
        reports.BY_SCORE: history.pool_interest[:, 0].mean(),
        reports.BY_LOT: history.pool_interest.mean(),
    }
    for policy, truth in truths.items():
        for estimator in ("ips", "snips", "dr"):
            row = rows[policy, estimator]
            assert row["enough"]
            assert row["low"] < truth < row["high"], (policy, estimator)
    ours = rows[reports.BY_CALIBRATION, "snips"]
    assert ours["slots"] < rows[reports.BY_SCORE, "snips"]["slots"] / 3


def test_under_an_effective_size_of_a_hundred_there_is_no_verdict(dataset, labels, curves):
    few = np.isin(dataset.person, np.arange(40))
    label = np.where(few, labels, -1)
    rows = reports.off_policy(dataset, label, samples_of(dataset, label), curves[Rung.LOGISTIC], seed=0)
    assert len(rows) == 9
    for row in rows:
        if row["effective_size"] < 100:
            assert not row["enough"]
            assert np.isnan(row["value"])
    assert not any(row["enough"] for row in rows if row["policy"] == reports.BY_CALIBRATION)


# The whole


@pytest.mark.django_db
def test_the_whole_report_is_json_and_names_the_jobs(dataset, curves, django_assert_max_num_queries):
    make_world()
    Occupation.objects.filter(pk=COOK).update(curated_title="Kitchen people", curated_zone=4)
    of_world = replace(dataset, occupation=dataset.occupation % 3, codes=(CASHIER, COOK, NURSE))
    with django_assert_max_num_queries(1):
        report = reports.build_report(of_world, target=Target.INTEREST, curve=curves[Rung.LOGISTIC], seed=0)
    assert json.loads(as_json(report)) == report
    assert report["made_at"] == "1972-09-27T00:00:00+00:00"
    assert {row["title"] for row in report["exposure"]["rows"]} >= {"Cashiers", "Kitchen people"}
    assert report["exposure"]["jobs"] == 12
    assert report["exposure"]["alert"] is True
    assert {row["zone"] for row in report["funnel"]} == {"all", 2, 3, 4}
    assert report["counts"]["labelled"] > 1000


@pytest.mark.django_db
def test_the_funnel_of_a_report_waits_as_long_as_the_settings_say(dataset, settings):
    make_world()
    settings.LABEL_MATURITY = {"save_days": 1, "apply_days": 2, "interview_days": 3, "offer_days": 5000}
    of_world = replace(dataset, occupation=dataset.occupation % 3, codes=(CASHIER, COOK, NURSE))
    report = reports.build_report(of_world, target=Target.INTEREST, curve=None, seed=0)
    waits = {"save": 1, "apply": 2, "interview": 3, "offer": 5000}
    assert report["maturity"] == dict.fromkeys(("view", "click", "hide"), 0) | waits
    assert report["funnel"][0]["of"]["interview"] == report["funnel"][0]["seen"]
    assert report["funnel"][0]["of"]["offer"] == 0


@pytest.mark.django_db
def test_a_report_of_nothing_is_json_too():
    report = reports.build_report(make_dataset([]), target=Target.OUTCOME, curve=None, seed=0)
    as_json(report)
    assert report["counts"]["items"] == 0
    assert report["drift"]["months"] == report["off_policy"] == report["exposure"]["rows"] == []
