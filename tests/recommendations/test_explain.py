import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.scoring import v1, v2
from recommendations.scoring.change import Step, smallest_change
from recommendations.scoring.explain import Code, explain
from recommendations.scoring.person import rating_for, rating_of
from recommendations.scoring.points import element_reasons_v1, gaps, shown_points, strengths
from recommendations.scoring.thresholds import V2_DEFAULTS, Tier, V2Thresholds
from tests.recommendations.arrays import (
    make_elements,
    make_jobs,
    make_person,
    random_jobs,
    random_licence_months,
    random_person,
)

seeds = st.integers(0, 2**32)


def reasons_for(person, jobs, row=0, licence_months=0.0, thresholds=V2_DEFAULTS):
    tables = v2.build_tables(jobs, thresholds)
    scores = v2.score(person, tables, licence_months=licence_months, thresholds=thresholds)
    return explain(person, scores, tables, row, thresholds)


def codes(conditions):
    return [condition.code for condition in conditions]


def test_worked_example():
    # Weights 4/7, 2/7, 1/7; levels 3, 3, 0 against 4, 2, 1.
    reasons = reasons_for(make_person([2, 2, 0]), make_jobs(make_elements([[5, 3, 2]], [[4, 2, 1]])))

    assert [(r.element_id, r.rating_have, r.rating_needed) for r in reasons.skills] == [
        ("2.B.0", 2, 3),
        ("2.B.1", 2, 2),
        ("2.B.2", 0, 1),
    ]
    assert [r.points for r in reasons.skills] == pytest.approx([100 / 7, 0, 100 / 7])
    assert [r.points_possible for r in reasons.skills] == pytest.approx([400 / 7, 200 / 7, 100 / 7])
    assert [r.element_id for r in reasons.strengths] == ["2.B.1"]
    assert {r.element_id for r in reasons.gaps} == {"2.B.0", "2.B.2"}
    assert reasons.tier == Tier.TRAINABLE
    (failing,) = reasons.failing[Tier.READY_NOW]
    assert (failing.code, failing.needed) == (Code.READINESS, 85.0)
    assert failing.have == pytest.approx(500 / 7)


@given(seeds)
@settings(max_examples=100)
def test_points_lost_sum_to_what_the_scores_lack(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    person = random_person(rng, jobs)
    tables = v2.build_tables(jobs)
    scores = v2.score(person, tables)
    for row in np.flatnonzero(jobs.scored):
        reasons = explain(person, scores, tables, row)
        for score, elements in (
            (scores.readiness[row], reasons.skills),
            (scores.knowledge[row], reasons.knowledge),
        ):
            if not np.isnan(score):
                assert math.fsum(e.points for e in elements) == pytest.approx(100 - score, abs=1e-9)
                assert math.fsum(e.points_possible for e in elements) == pytest.approx(100, abs=1e-9)
            for e in elements:
                assert 0 <= e.points <= e.points_possible * (1 + 1e-12)
                assert e.is_unknown or e.is_met or e.points > 0
                assert e.is_unknown or (e.rating_have >= e.rating_needed) >= e.is_met


@given(seeds)
@settings(max_examples=100)
def test_conditions_fail_exactly_for_the_tiers_that_are_missed(seed):
    rng = np.random.default_rng(seed)
    thresholds = V2Thresholds(ready_needs_all_known=bool(rng.integers(2)))
    jobs = random_jobs(rng)
    person, months = random_person(rng, jobs), random_licence_months(rng, jobs)
    tables = v2.build_tables(jobs)
    scores = v2.score(person, tables, licence_months=months, thresholds=thresholds)
    for row in np.flatnonzero(scores.tier >= 0):
        reasons = explain(person, scores, tables, row, thresholds)

        assert list(reasons.failing) == [better for better in Tier if 0 <= better < reasons.tier]
        assert all(reasons.failing.values())
        if scores.firm[row] and reasons.tier != Tier.LONG_RESKILL:
            assert not reasons.unchecked


def one_job(level=3.0, **overrides):
    return make_jobs(make_elements([[4.0]], [[level]]), **overrides)


@pytest.mark.parametrize(
    ("person", "jobs", "months", "ready", "trainable"),
    [
        (make_person([2]), one_job(4), 0, [("READINESS", 75, 85)], None),
        (
            make_person([0]),
            one_job(3),
            0,
            [("READINESS", 0, 85), ("SHORTFALL", 3, 2.25)],
            [("READINESS", 0, 65), ("SHORTFALL", 3, 3)],
        ),
        (
            make_person([2]),
            make_jobs(make_elements([[4]], [[3]]), make_elements([[4]], [[6]], domain="2.C")),
            0,
            [("KNOWLEDGE", 0, 84)],
            [("KNOWLEDGE", 0, 55)],
        ),
        (make_person([2]), one_job(zones=np.array([4])), 0, [("ZONE", 3, 4)], None),
        (make_person([2], education_zone=1), one_job(), 0, [("ZONE", 1, 3)], [("ZONE", 1, 2)]),
        (make_person([2]), one_job(zones=np.array([5])), 0, [("ZONE", 3, 5)], [("ZONE5", 3, 5)]),
        (make_person([2]), one_job(), 12, [("LICENCE", 12, 0)], None),
        (make_person([2]), one_job(), 24, [("LICENCE", 24, 0)], [("LICENCE", 24, 18)]),
    ],
)
def test_failing_conditions_name_their_figures(person, jobs, months, ready, trainable):
    reasons = reasons_for(person, jobs, licence_months=[months])

    figures = {tier: [(c.code, c.have, c.needed) for c in conditions] for tier, conditions in reasons.failing.items()}
    expected = {Tier.READY_NOW: ready} | ({} if trainable is None else {Tier.TRAINABLE: trainable})
    assert figures == expected


def test_shortfalls_name_their_skills_the_worst_first():
    reasons = reasons_for(make_person([0, 0, 2]), make_jobs(make_elements([[3] * 3], [[2.5, 5, 3]])))

    short = [c for c in reasons.failing[Tier.READY_NOW] if c.code == Code.SHORTFALL]
    assert [(c.element_id, c.have) for c in short] == [("2.B.1", 5.0), ("2.B.0", 2.5)]


def test_without_a_tier_the_known_share_is_the_reason():
    reasons = reasons_for(make_person([2, -1]), make_jobs(make_elements([[3, 4]], [[3, 3]])))

    ((failing,),) = reasons.failing.values()
    assert (failing.code, failing.have, failing.needed) == (Code.KNOWN_SHARE, 0.4, 0.6)
    assert smallest_change(reasons) is None


def test_unknown_and_assumed_elements_are_marked():
    jobs = make_jobs(make_elements([[4, 4, 4], [4, 4, np.nan]], [[3, 3, 3], [2, 2, np.nan]]))

    reasons = reasons_for(make_person([2, -1, -1], current=1), jobs)

    assert [(r.is_unknown, r.assumed) for r in reasons.skills] == [
        (False, False),
        (False, True),
        (True, False),
    ]
    assert reasons.skills[2].points_possible == 0
    assert [r.element_id for r in reasons.strengths] == ["2.B.0"]


def test_what_was_not_checked_is_said():
    jobs = make_jobs(make_elements([[4]], [[3]]))
    reasons = reasons_for(make_person([2], [-1], education_zone=0), jobs)

    assert reasons.tier == Tier.READY_NOW
    assert codes(reasons.unchecked) == [Code.KNOWLEDGE_UNKNOWN, Code.ZONE_UNKNOWN]

    strict = V2Thresholds(ready_needs_all_known=True)
    reasons = reasons_for(make_person([2], [-1], education_zone=0), jobs, thresholds=strict)
    assert codes(reasons.failing[Tier.READY_NOW]) == [Code.KNOWLEDGE_UNKNOWN, Code.ZONE_UNKNOWN]
    assert codes(smallest_change(reasons, thresholds=strict).barriers) == codes(reasons.unchecked)


def test_unknown_things_keep_from_ready_alone():
    strict = V2Thresholds(ready_needs_all_known=True)

    reasons = reasons_for(make_person([0], [-1]), one_job(6), thresholds=strict)

    assert Code.KNOWLEDGE_UNKNOWN in codes(reasons.failing[Tier.READY_NOW])
    assert Code.KNOWLEDGE_UNKNOWN not in codes(reasons.failing[Tier.TRAINABLE])


@pytest.mark.parametrize(("ratings", "failing", "unchecked"), [([0, -1], True, False), ([-1, 0], False, True)])
def test_knowledge_is_either_held_against_a_person_or_not_checked(ratings, failing, unchecked):
    # Weights 3/5 and 2/5.
    jobs = make_jobs(make_elements([[4]], [[6]]), make_elements([[4, 3]], [[5, 5]], domain="2.C"))

    reasons = reasons_for(make_person([0], ratings), jobs)

    assert (Code.KNOWLEDGE in codes(reasons.failing[Tier.READY_NOW])) == failing
    assert (Code.KNOWLEDGE_UNKNOWN in codes(reasons.unchecked)) == unchecked


def test_assumed_level_that_meets_the_need_shows_a_rating_that_does():
    jobs = make_jobs(make_elements([[4, 4], [4, 4]], [[4, 4], [4, 4.1]]))

    met, missed = reasons_for(make_person([-1, -1], current=0), jobs, row=1).skills

    assert (met.rating_have, met.rating_needed, met.is_met) == (3, 3, True)
    assert (missed.rating_have, missed.rating_needed, missed.is_met) == (2, 3, False)


def test_ratings_and_levels_answer_to_each_other():
    assert [rating_of(level) for level in (0, 1.49, 1.5, 4.5, 5.99, 6, 7)] == [0, 0, 1, 3, 3, 4, 4]
    assert [rating_for(level) for level in (0, 0.01, 1.5, 1.51, 6, 6.01, 7)] == [0, 1, 1, 2, 4, 4, 4]


def fewest_steps_by_trying(person, jobs, target, months):
    """Raise known skills in every possible way and return the fewest steps that reach the tier, if any do."""
    tables = v2.build_tables(jobs)
    reasons = explain(person, v2.score(person, tables, licence_months=months), tables, 0)
    now = {r.element_id: r.rating_have for r in reasons.skills if not r.is_unknown}
    columns = [jobs.skills.ids.index(element_id) for element_id in now]
    best = None
    for raised in itertools.product(*(range(rating, 5) for rating in now.values())):
        steps = sum(raised) - sum(now.values())
        if best is not None and steps >= best:
            continue
        ratings = person.ratings.copy()
        for column, before, after in zip(columns, now.values(), raised, strict=True):
            if after != before:
                ratings[column] = after
        after = v2.score(dataclasses.replace(person, ratings=ratings), tables, licence_months=months)
        if after.tier[0] <= target:
            best = steps
    return best


@given(seeds)
@settings(max_examples=150)
def test_smallest_change_is_the_smallest_there_is(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng, n_jobs=3, n_skills=4, n_knowledge=3)
    jobs = dataclasses.replace(jobs, scored=np.ones(3, dtype=bool))
    person, months = random_person(rng, jobs), random_licence_months(rng, jobs)
    tables = v2.build_tables(jobs)
    reasons = explain(person, v2.score(person, tables, licence_months=months), tables, 0)
    for target in reasons.failing:
        change = smallest_change(reasons, target)
        if change is None:
            assert reasons.tier == Tier.NONE
            continue
        fewest = fewest_steps_by_trying(person, jobs, target, months)
        if change.barriers:
            assert fewest is None
        else:
            assert change.n_steps == fewest
            ratings = person.ratings.copy()
            for step in change.steps:
                assert 0 <= step.rating_from < step.rating_to <= 4
                ratings[jobs.skills.ids.index(step.element_id)] = step.rating_to
            lifted = v2.score(dataclasses.replace(person, ratings=ratings), tables, licence_months=months)
            assert lifted.tier[0] <= target


def test_smallest_change_names_the_skill():
    # Weights 2/3 and 1/3; the first at 3 of 4 costs 50/3 points, the second at 3 of 3.5 less than 5.
    jobs = make_jobs(make_elements([[5, 3]], [[4, 3.5]]))

    change = smallest_change(reasons_for(make_person([2, 2]), jobs))

    assert (change.target, change.barriers) == (Tier.READY_NOW, ())
    assert change.steps == (Step("2.B.0", 2, 3),)


def test_first_step_from_an_assumed_level_may_gain_little():
    # The heavy skill is assumed at 2.9 of 4.5: the first step gains a tenth of a level, the second the rest.
    jobs = make_jobs(make_elements([[4, 3], [4, 3]], [[2.9, 3.0], [4.5, 3.2]]))

    change = smallest_change(reasons_for(make_person([-1, -1], current=0), jobs, row=1))

    assert change.steps == (Step("2.B.0", 1, 3),)


def test_no_step_more_than_the_bound_needs():
    thresholds = V2Thresholds(ready_readiness=75)

    reasons = reasons_for(make_person([1]), one_job(4), thresholds=thresholds)
    change = smallest_change(reasons, Tier.READY_NOW, thresholds)

    assert change.steps == (Step("2.B.0", 1, 2),)


def test_change_reaches_further_than_the_next_tier_when_asked():
    reasons = reasons_for(make_person([0]), one_job(3))

    assert smallest_change(reasons).steps == (Step("2.B.0", 0, 2),)
    assert smallest_change(reasons, Tier.READY_NOW).target == Tier.READY_NOW


def test_skills_alone_will_not_do():
    reasons = reasons_for(make_person([2]), one_job(4, zones=np.array([4])), licence_months=[12])

    change = smallest_change(reasons)

    assert codes(change.barriers) == [Code.ZONE, Code.LICENCE]
    assert change.steps == (Step("2.B.0", 2, 3),)


def test_need_beyond_every_rating_is_a_barrier():
    thresholds = V2Thresholds(ready_readiness=95, ready_shortfall=1)

    change = smallest_change(
        reasons_for(make_person([3]), one_job(7), thresholds=thresholds), Tier.READY_NOW, thresholds
    )

    assert [(c.code, c.needed) for c in change.barriers] == [(Code.READINESS, 95), (Code.SHORTFALL, 1)]
    assert change.barriers[0].have == pytest.approx(600 / 7)
    assert change.steps == ()


def test_ready_has_nothing_to_change():
    reasons = reasons_for(make_person([2]), one_job(3))

    assert reasons.failing == {}
    assert smallest_change(reasons) is None
    assert smallest_change(reasons_for(make_person([2]), one_job(4)), Tier.TRAINABLE) is None


@given(seeds)
def test_points_of_the_baseline_sum_to_what_its_match_lacks(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    weight = v1.weights(jobs)
    ratings, assumed = v1.capability_ratings(random_person(rng, jobs), jobs)
    match, gap = (figure[0] for figure in v1.score(ratings[None], weight))
    for row in np.flatnonzero(weight.any(axis=1)):
        reasons = element_reasons_v1(ratings, assumed, weight, jobs.skills.ids, row)

        assert math.fsum(r.points for r in reasons) == pytest.approx(100 - match[row], abs=1e-9)
        severe = math.fsum(r.points_possible for r in reasons if r.rating_have <= 1)
        assert severe == pytest.approx(gap[row], abs=1e-9)
        assert len(gaps(reasons)) + len(strengths(reasons)) == len(reasons)


def test_baseline_names_the_weightiest_skill_first():
    reasons = element_reasons_v1(np.array([2, 4]), np.array([False, True]), np.array([[25, 75]]), ("a", "b"), 0)

    assert [(r.element_id, r.points, r.assumed) for r in reasons] == [("b", 0, True), ("a", 12.5, False)]


def test_baseline_says_nothing_of_a_job_that_is_not_scored():
    assert element_reasons_v1(np.array([1]), np.array([False]), np.array([[0]]), ("2.B.0",), 0) == ()


@given(st.lists(st.floats(0, 30), min_size=1, max_size=20), st.integers(0, 2))
def test_shown_points_sum_to_the_shown_total(points, decimals):
    total = round(math.fsum(points), decimals)

    shown = shown_points(points, total, decimals)

    assert math.fsum(shown) == pytest.approx(total, abs=1e-9)
    assert all(abs(s - p) <= 10**-decimals + 1e-9 for s, p in zip(shown, points, strict=True))
