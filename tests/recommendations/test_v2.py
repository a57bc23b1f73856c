import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recommendations.scoring import batch, demand, v2
from recommendations.scoring.thresholds import Tier, V2Thresholds
from tests.recommendations import oracle
from tests.recommendations.arrays import (
    make_elements,
    make_jobs,
    make_person,
    random_jobs,
    random_licence_months,
    random_person,
)

seeds = st.integers(0, 2**32)
FIELDS = [field.name for field in dataclasses.fields(v2.V2Scores)]


def score(person, jobs, **options):
    return v2.score(person, v2.build_tables(jobs), **options)


def one_skill(level, importance=4.0, **overrides):
    """A catalogue of jobs that ask for one skill each, at these levels."""
    level = np.atleast_1d(level)[:, None]
    return make_jobs(make_elements(np.full(level.shape, importance), level), **overrides)


def test_worked_example():
    # i = 1, .5, .25, so w = 4/7, 2/7, 1/7; levels 3, 3, 0 against 4, 2, 1.
    # A = 100 (4/7 * 3/4 + 2/7 * 1 + 1/7 * 0) = 500/7; worst is short by 1 level.
    jobs = make_jobs(make_elements([[5, 3, 2]], [[4, 2, 1]]))

    scores = score(make_person([2, 2, 0]), jobs)

    assert scores.readiness.item() == pytest.approx(500 / 7, abs=1e-9)
    assert scores.shortfall.item() == 1.0
    assert scores.knowledge.item() == 100.0
    assert scores.known_share.item() == scores.knowledge_known_share.item() == 1.0
    assert scores.tier.item() == Tier.TRAINABLE


def test_core_is_what_matters_and_at_least_eight():
    importance = np.array([[5, 4, 3, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4, 2.3], [4] * 9 + [2.9]])
    elements = make_elements(importance, np.ones((2, 10)))

    assert demand.core(elements).tolist() == [[True] * 8 + [False] * 2, [True] * 9 + [False]]


def test_core_leaves_out_irrelevant_suppressed_and_worthless_elements():
    elements = make_elements(
        [[5, 5, 1, 2, np.nan]],
        [[5, 5, 5, 5, np.nan]],
        relevant=np.array([[False, True, True, True, False]]),
        suppressed=np.array([[False, True, False, False, False]]),
    )

    assert demand.core(elements).tolist() == [[False, False, False, True, False]]


def test_core_takes_ties_for_the_eighth_place():
    assert demand.core(make_elements([[2.5] * 7 + [2] * 3 + [1.5]], np.ones((1, 11)))).sum() == 10


@given(seeds)
@settings(max_examples=150)
def test_agrees_with_the_design_written_out_slowly(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    person, months = random_person(rng, jobs), random_licence_months(rng, jobs)

    scores = score(person, jobs, licence_months=months)

    for row in range(len(jobs.codes)):
        expected = oracle.standing(person, jobs, row, months[row])
        for field in FIELDS:
            got = getattr(scores, field)[row]
            assert got == pytest.approx(expected[field], abs=1e-8, nan_ok=True), (field, row)


@given(seeds)
@settings(max_examples=100)
def test_many_people_at_once_agree_with_one_at_a_time(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    tables = v2.build_tables(jobs)
    people = [random_person(rng, jobs) for _ in range(4)]
    # Enough people with the same jobs for the tables to be used.
    held = people[0]
    for _ in range(9):
        other = random_person(rng, jobs)
        people.append(dataclasses.replace(other, current=held.current, past=held.past))
    months = np.stack([random_licence_months(rng, jobs) for _ in people])

    many = batch.score_many(people, tables, licence_months=months)

    for index, person in enumerate(people):
        one = v2.score(person, tables, licence_months=months[index])
        for field in FIELDS:
            np.testing.assert_allclose(
                getattr(many, field)[index], getattr(one, field), rtol=0, atol=1e-9, err_msg=field
            )


def test_many_people_are_none_at_all():
    scores = batch.score_many([], v2.build_tables(one_skill([3, 4])))

    assert scores.tier.shape == (0, 2)


@given(seeds)
@settings(max_examples=200)
def test_raising_any_rating_never_worsens_a_tier(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    tables = v2.build_tables(jobs)
    person, months = random_person(rng, jobs), random_licence_months(rng, jobs)
    before = v2.score(person, tables, licence_months=months)
    for field in ("ratings", "knowledge_ratings"):
        ratings = getattr(person, field)
        for element in np.flatnonzero((ratings >= 0) & (ratings < 4)):
            raised = ratings.copy()
            raised[element] += 1

            after = v2.score(dataclasses.replace(person, **{field: raised}), tables, licence_months=months)

            assert (after.tier <= before.tier).all()
            assert not (after.readiness < before.readiness).any()
            assert not (after.knowledge < before.knowledge).any()
            assert (after.shortfall <= before.shortfall).all()
            assert (after.known_share == before.known_share).all()


@given(seeds)
def test_figures_stay_in_their_ranges_and_arguments_as_they_were(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    person, months = random_person(rng, jobs), random_licence_months(rng, jobs)
    kept = [a.copy() for a in (person.ratings, person.knowledge_ratings, months, jobs.skills.level, jobs.zones)]

    scores = score(person, jobs, licence_months=months)

    for figure in (scores.readiness, scores.knowledge):
        assert (np.isnan(figure) | ((figure >= 0) & (figure <= 100))).all()
    assert ((scores.known_share >= 0) & (scores.known_share <= 1)).all()
    assert ((scores.shortfall >= 0) & (scores.shortfall <= 7)).all()
    assert scores.tier.dtype == np.int8
    assert set(scores.tier.tolist()) <= {-1, 0, 1, 2}
    assert not scores.firm[scores.tier < 0].any()
    now = (person.ratings, person.knowledge_ratings, months, jobs.skills.level, jobs.zones)
    for before, after in zip(kept, now, strict=True):
        np.testing.assert_array_equal(before, after)


@given(seeds)
def test_order_of_skills_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    person = random_person(rng, jobs)
    order = rng.permutation(len(jobs.skills.ids))
    skills = dataclasses.replace(
        jobs.skills,
        ids=tuple(jobs.skills.ids[column] for column in order),
        **{field: getattr(jobs.skills, field)[:, order] for field in ("importance", "level", "relevant", "suppressed")},
    )

    shuffled = score(
        dataclasses.replace(person, ratings=person.ratings[order]), dataclasses.replace(jobs, skills=skills)
    )

    for field in FIELDS:
        np.testing.assert_allclose(
            getattr(shuffled, field), getattr(score(person, jobs), field), rtol=0, atol=1e-9, err_msg=field
        )


@given(seeds, st.floats(0.5, 1))
def test_scaling_the_importance_of_all_skills_changes_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    importance = rng.uniform(3, 5, (4, 8))
    level = rng.uniform(0, 7, (4, 8))
    person = make_person(rng.integers(0, 5, 8))

    whole = score(person, make_jobs(make_elements(importance, level)))
    scaled = score(person, make_jobs(make_elements(1 + factor * (importance - 1), level)))

    # With eight skills all are core whatever their importance; the figures keep four decimals.
    np.testing.assert_allclose(scaled.readiness, whole.readiness, atol=0.02)


@given(seeds)
def test_holding_a_job_makes_ready_for_it(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng)
    row = int(rng.integers(len(jobs.codes)))
    scores = score(make_person([-1] * 12, [-1] * 10, current=row, education_zone=0), jobs)

    assume(scores.tier[row] != Tier.NONE)
    assert scores.readiness[row] == 100
    assert scores.shortfall[row] == 0
    assert scores.tier[row] == Tier.READY_NOW


def held_level(level):
    """A job at this level to hold, and one that asks for 5 and four other skills that are met."""
    return make_jobs(make_elements([[4] * 5, [4] * 5], [[level, 0, 0, 0, 0], [5, 0, 0, 0, 0]]))


@pytest.mark.parametrize(
    ("level", "tier"),
    [
        # A = 100 (4/5 + L/5 / 5) is 91 at 2.75, where the shortfall is 2.25; so the shortfall decides.
        (2.76, Tier.READY_NOW),
        (2.75, Tier.TRAINABLE),
        (2.01, Tier.TRAINABLE),
        (2.0, Tier.LONG_RESKILL),
    ],
)
def test_shortfall_must_stay_below_its_bound(level, tier):
    assert score(make_person([-1] * 5, current=0), held_level(level)).tier[1] == tier


def test_shortfall_that_is_exact_on_paper_is_exact_here():
    # 4.28 - 2.03 = 2.25, but not in single precision, nor in double.
    jobs = make_jobs(make_elements([[4] * 8, [4] * 8], [[2.03] + [5] * 7, [4.28] + [5] * 7]))

    scores = score(make_person([-1] * 8, current=0), jobs)

    assert scores.shortfall[1] == 2.25
    assert scores.readiness[1] > 85
    assert scores.tier[1] == Tier.TRAINABLE


@pytest.mark.parametrize(
    ("level", "tier"), [(1.7, Tier.READY_NOW), (1.69, Tier.TRAINABLE), (1.3, Tier.TRAINABLE), (1.29, 2)]
)
def test_readiness_may_reach_its_bound(level, tier):
    jobs = make_jobs(make_elements([[4], [4]], [[level], [2]]))

    scores = score(make_person([-1], current=0), jobs)

    assert scores.readiness[1] == pytest.approx(50 * level, abs=1e-9)
    assert scores.tier[1] == tier


@pytest.mark.parametrize(("level", "tier"), [(4.2, Tier.READY_NOW), (4.19, 1), (2.75, 1), (2.74, 2)])
def test_knowledge_may_reach_its_bound(level, tier):
    jobs = make_jobs(make_elements([[4], [4]], [[3], [3]]), make_elements([[4], [4]], [[level], [5]], domain="2.C"))

    scores = score(make_person([2], [-1], current=0), jobs)

    assert scores.knowledge[1] == pytest.approx(20 * level, abs=1e-9)
    assert scores.tier[1] == tier


@pytest.mark.parametrize(
    ("own", "job", "tier"),
    [(3, 3, 0), (4, 3, 0), (3, 4, 1), (2, 4, 2), (1, 2, 1), (5, 5, 0), (4, 5, 2), (3, 5, 2), (0, 5, 0), (3, 0, 0)],
)
def test_zone_steps(own, job, tier):
    scores = score(make_person([2], education_zone=own), one_skill(3, zones=np.array([job], dtype=np.int8)))

    assert scores.tier.item() == tier
    assert np.isnan(scores.zone_steps.item()) == (own == 0 or job == 0)


@pytest.mark.parametrize(("months", "tier"), [(0, 0), (1, 1), (18, 1), (18.5, 2), (60, 2), (math.nan, 2)])
def test_unmet_licence(months, tier):
    assert score(make_person([2]), one_skill(3), licence_months=[months]).tier.item() == tier


def test_above_your_level_by_zone_or_by_skill_and_never_in_the_way():
    jobs = one_skill([3, 3, 1.9, 2], zones=np.array([1, 2, 3, 3], dtype=np.int8))

    scores = score(make_person([3]), jobs)

    # L - R - 1.5 is 1.1 and 1 in the last two.
    assert scores.above_level.tolist() == [True, False, True, False]
    assert (scores.tier == Tier.READY_NOW).all()


def test_firm_when_the_ratings_may_be_somewhat_off():
    jobs = one_skill([3.75, 4.5, 2])

    # Level 4.5, or 3.75 to 5.25.
    assert score(make_person([3]), jobs).firm.tolist() == [True, False, True]


def test_assumed_levels_may_be_further_off_than_rated_ones():
    # 3.75 is 87 % of 4.3; 3.5 is 81 %.
    jobs = one_skill([4.5, 4.3])

    assert score(make_person([3]), jobs).firm[1]
    assert not score(make_person([-1], current=0), jobs).firm[1]


def test_empty_profile_gets_no_tier():
    scores = score(make_person([-1, -1], [-1]), make_jobs(make_elements([[4, 3]], [[3, 3]])))

    assert np.isnan([scores.readiness.item(), scores.knowledge.item()]).all()
    assert scores.tier.item() == Tier.NONE
    assert not scores.firm.item()
    assert not scores.above_level.item()


def test_tier_needs_three_fifths_of_the_weight():
    # Weights 3/5 and 2/5.
    jobs = make_jobs(make_elements([[4, 3]], [[3, 3]]))

    enough, too_little = (score(make_person(ratings), jobs) for ratings in ([2, -1], [-1, 2]))

    assert (enough.tier.item(), too_little.tier.item()) == (Tier.READY_NOW, Tier.NONE)
    assert (enough.known_share.item(), too_little.known_share.item()) == (0.6, 0.4)
    assert too_little.readiness.item() == 100


def test_unknown_knowledge_is_left_out_and_makes_less_sure():
    jobs = make_jobs(make_elements([[4]], [[2]]), make_elements([[4, 4]], [[5, 5]], domain="2.C"))
    strict = V2Thresholds(ready_needs_all_known=True)
    unknown, poor = make_person([2], [-1, -1]), make_person([2], [0, 0])

    assert score(unknown, jobs).tier.item() == Tier.READY_NOW
    assert not score(unknown, jobs).firm.item()
    assert np.isnan(score(unknown, jobs).knowledge.item())
    assert score(unknown, jobs, thresholds=strict).tier.item() == Tier.TRAINABLE
    assert score(poor, jobs).tier.item() == Tier.LONG_RESKILL
    # Half known is too little to count.
    assert score(make_person([2], [0, -1]), jobs).tier.item() == Tier.READY_NOW


def test_knowledge_counts_from_three_fifths_of_its_weight():
    # Weights 3/5 and 2/5; nothing of what is known is met.
    jobs = make_jobs(make_elements([[4]], [[2]]), make_elements([[4, 3]], [[5, 5]], domain="2.C"))

    assert score(make_person([2], [0, -1]), jobs).tier.item() == Tier.LONG_RESKILL
    assert score(make_person([2], [-1, 0]), jobs).tier.item() == Tier.READY_NOW


def test_unknown_zone_is_left_out_and_makes_less_sure():
    person = make_person([3], education_zone=0)

    assert score(person, one_skill(3)).tier.item() == Tier.READY_NOW
    assert not score(person, one_skill(3)).firm.item()
    strict = V2Thresholds(ready_needs_all_known=True)
    assert score(person, one_skill(3), thresholds=strict).tier.item() == Tier.TRAINABLE


def test_hopeless_is_firm_whatever_is_unknown():
    assert score(make_person([0], [-1], education_zone=0), one_skill(6)).firm.item()


def test_job_that_is_not_scored_gets_nothing():
    scores = score(make_person([4]), one_skill([3, 3], scored=np.array([True, False])))

    assert scores.tier.tolist() == [Tier.READY_NOW, Tier.NONE]
    assert np.isnan(scores.readiness).tolist() == [False, True]


def test_bad_arguments_are_refused():
    tables = v2.build_tables(one_skill([3, 3]))
    with pytest.raises(ValueError, match="axes differ"):
        v2.score(make_person([1, 2]), tables)
    with pytest.raises(IndexError):
        v2.score(make_person([1], current=2), tables)
    with pytest.raises(ValueError, match="broadcast"):
        v2.score(make_person([1]), tables, licence_months=[1, 2, 3])
    with pytest.raises(ValueError, match="axes differ"):
        batch.score_many([make_person([1, 2])] * 9, tables)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ready_readiness": 60},
        {"trainable_knowledge": 85},
        {"ready_shortfall": 3.5},
        {"ready_zone_steps": 1},
        {"trainable_zone_steps": -1},
        {"trainable_licence_months": -1},
        {"known_share": 0},
        {"core_size": 0},
        {"rated_error": -1},
    ],
)
def test_thresholds_keep_ready_harder_than_trainable(wrong):
    with pytest.raises(ValueError):
        V2Thresholds(**wrong)


@pytest.mark.parametrize(("education", "tier"), [(3, Tier.READY_NOW), (0, Tier.TRAINABLE)])
def test_what_cannot_be_checked_asks_for_closer_skills(education, tier):
    # Short by 1.6 on one of ten skills: one rating, which is too far where the person's zone is not known.
    jobs = make_jobs(make_elements([[4] * 10], [[4.6] + [0] * 9]), zones=np.array([3]))

    scores = score(make_person([2] + [0] * 9, education_zone=education), jobs)

    assert scores.shortfall[0] == pytest.approx(1.6, abs=1e-6)
    assert scores.tier[0] == tier
