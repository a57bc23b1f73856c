from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.scoring.fit import WEIGHTS, Certainty, certainty, fit, fit_many
from recommendations.scoring.fit_inputs import DOUBTS, Doubt, Source
from recommendations.scoring.fit_tables import Part, build_fit_tables, nearest_ratings
from tests.recommendations.arrays import random_jobs, random_person
from tests.recommendations.families import N_KNOWLEDGE, N_SKILLS, make_families, make_rater

SIZE = 6


@pytest.fixture(scope="module")
def jobs():
    return make_families()


@pytest.fixture(scope="module")
def tables(jobs):
    return build_fit_tables(jobs)


@pytest.fixture(scope="module")
def ratings(jobs):
    return nearest_ratings(jobs.skills.level)


def best(scores, n):
    return np.argsort(-np.nan_to_num(scores.fit, nan=-1), kind="stable")[:n]


def family_share(scores, row):
    return np.mean(best(scores, SIZE) // SIZE == row // SIZE)


@pytest.mark.parametrize("row", [0, 13, 47])
def test_jobs_of_the_own_family_come_first(tables, ratings, row):
    assert family_share(fit(make_rater(ratings[row], current=row), tables), row) == 1


@pytest.mark.parametrize("row", [0, 13, 47])
def test_ratings_alone_find_the_family(tables, ratings, row):
    scores = fit(make_rater(ratings[row]), tables)

    assert family_share(scores, row) >= 0.8
    assert scores.sources[0][Part.SKILLS] is Source.RATED
    assert set(scores.sources[0][1:]) == {Source.PREDICTED}


def test_weighted_parts_sum_to_what_is_shown(tables, ratings):
    scores = fit(make_rater(ratings[3], current=3), tables)

    z = scores.weights @ scores.parts
    np.testing.assert_allclose(scores.fit, 100 / (1 + np.exp(-z)), rtol=1e-4)
    assert scores.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(scores.weights, np.array(WEIGHTS) / sum(WEIGHTS), rtol=1e-5)


def test_each_part_is_standardised_over_the_jobs(tables, ratings):
    parts = fit(make_rater(ratings[3], current=3), tables).parts

    np.testing.assert_allclose(parts.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(parts.std(axis=1), 1, atol=1e-3)


def test_without_text_the_other_parts_take_its_weight(jobs, ratings):
    n = len(jobs.codes)
    bare = replace(jobs, task_vectors=np.zeros((n, 1), np.float32), title_vectors=np.zeros((n, 1), np.float32))

    scores = fit(make_rater(ratings[3], current=3), build_fit_tables(bare))

    np.testing.assert_allclose(scores.weights, np.array([1, 2, 0, 0, 0.5]) / 3.5, rtol=1e-5)
    assert scores.sources[0][Part.TASKS] is Source.NONE
    assert family_share(scores, 3) == 1


@pytest.mark.parametrize("rating", [0, 2, 4])
def test_ratings_that_are_all_the_same_are_left_out_and_said_to_be(tables, rating):
    flat = np.full(N_SKILLS, rating)

    alone = fit(make_rater(flat), tables)
    with_education = fit(make_rater(flat, education_zone=3), tables)
    with_job = fit(make_rater(flat, current=5), tables)

    assert np.isnan(alone.fit).all()
    assert certainty(alone) is Certainty.NONE
    assert with_education.weights.tolist() == [0, 0, 0, 0, 1]
    assert certainty(with_education) is Certainty.LOW
    assert family_share(with_job, 5) == 1
    assert Doubt.ALL_EQUAL in with_job.doubts[0]
    assert with_job.sources[0][Part.SKILLS] is Source.JOB


def test_nobody_gets_a_fit_for_nothing(tables):
    scores = fit(make_rater(), tables)

    assert np.isnan(scores.fit).all()
    assert not scores.weights.any()
    assert certainty(scores) is Certainty.NONE


def test_few_ratings_give_an_unsure_guess(tables, jobs, ratings):
    few = np.full(N_SKILLS, -1)
    top = np.argsort(-jobs.skills.importance[20])[:12]
    few[top] = ratings[20][top]

    scores = fit(make_rater(few), tables)

    assert certainty(scores) is Certainty.LOW
    assert {Doubt.NO_JOB, Doubt.FEW_RATINGS} <= set(scores.doubts[0])
    assert family_share(scores, 20) >= 0.5


def test_a_job_that_is_held_and_fully_rated_is_sure(tables, ratings):
    assert certainty(fit(make_rater(ratings[3], current=3), tables)) is Certainty.HIGH


def test_an_optimist_is_compared_by_shape(tables, ratings):
    generous = np.minimum(ratings[13] + 2, 4)

    scores = fit(make_rater(generous), tables)

    assert family_share(scores, 13) >= 0.5


def test_rated_knowledge_replaces_what_is_predicted(tables, jobs, ratings):
    known = nearest_ratings(jobs.knowledge.level)

    scores = fit(make_rater(ratings[0], known[40]), tables)

    assert scores.sources[0][Part.KNOWLEDGE] is Source.RATED
    assert scores.parts[Part.KNOWLEDGE, 36:42].mean() > 1
    assert scores.parts[Part.KNOWLEDGE].argmax() // SIZE == 40 // SIZE


def test_knowledge_alone_is_something_to_go_by(tables, jobs):
    scores = fit(make_rater(None, nearest_ratings(jobs.knowledge.level)[40]), tables)

    assert scores.weights.tolist() == [0, 1, 0, 0, 0]
    assert best(scores, 1)[0] // SIZE == 40 // SIZE


def test_past_jobs_count_half_beside_the_current_one(tables, ratings):
    both = fit(make_rater(current=0, past=(40,)), tables)
    past_only = fit(make_rater(past=(40,)), tables)

    titles = both.parts[Part.TITLES]
    assert titles[:6].mean() > titles[36:42].mean() > np.delete(titles, np.r_[:6, 36:42]).mean()
    assert Doubt.PAST_JOBS_ONLY in past_only.doubts[0]
    assert family_share(past_only, 40) == 1


def test_a_held_job_without_figures_leaves_the_rest_to_ratings(jobs, ratings):
    unrated = make_families(scored=np.arange(48) != 10)
    unrated.skills.level[10] = unrated.skills.importance[10] = np.nan
    unrated.knowledge.level[10] = unrated.knowledge.importance[10] = np.nan

    scores = fit(make_rater(ratings[11], current=10), build_fit_tables(unrated))

    assert Doubt.JOB_WITHOUT_FIGURES in scores.doubts[0]
    assert scores.sources[0][Part.KNOWLEDGE] is Source.PREDICTED
    assert scores.sources[0][Part.TITLES] is Source.JOB
    assert np.isnan(scores.fit[10])
    assert family_share(scores, 10) >= 0.8


def test_estimated_jobs_are_scored_but_do_not_shape_the_scale(jobs, ratings):
    estimated = np.arange(48) >= 42
    person = make_rater(ratings[3])
    tables = build_fit_tables(replace(jobs, estimated=estimated))
    changed = replace(jobs, estimated=estimated, skills=replace(jobs.skills, level=jobs.skills.level.copy()))
    changed.skills.level[42:] = changed.skills.level[41]

    before, after = fit(person, tables), fit(person, build_fit_tables(changed))

    assert not np.isnan(before.fit).any()
    np.testing.assert_allclose(after.fit[:42], before.fit[:42], rtol=1e-5)
    assert Doubt.JOB_ESTIMATED in fit(make_rater(current=45), tables).doubts[0]


def test_what_is_left_out_is_not_known(jobs, ratings):
    tables = build_fit_tables(jobs)
    without = build_fit_tables(replace(jobs, scored=np.arange(48) != 13))
    person = make_rater(ratings[13])

    left_out = fit_many([person], tables, leave_out=np.array([13])).parts[0, Part.TITLES]
    known = fit(person, tables).parts[Part.TITLES]

    assert left_out[13] < known[13]
    refitted = fit(person, without).parts[Part.TITLES]
    kept = np.arange(48) != 13
    # Standardised over one job less, so equal up to a line.
    assert np.corrcoef(left_out[kept], refitted[kept])[0, 1] > 0.995


def test_education_above_the_jobs_sets_the_zone(tables, jobs):
    low = int(np.flatnonzero(jobs.zones == jobs.zones.min())[0])

    scores = fit(make_rater(current=low, education_zone=5), tables)

    assert scores.sources[0][Part.ZONE] is Source.EDUCATION
    assert fit(make_rater(current=low), tables).sources[0][Part.ZONE] is Source.JOB


def test_order_of_skills_and_of_jobs_does_not_matter(jobs, ratings):
    rng = np.random.default_rng(3)
    skills, rows = rng.permutation(N_SKILLS), rng.permutation(48)
    back = np.argsort(rows)

    def shuffled(elements, columns):
        taken = {
            name: getattr(elements, name)[rows][:, columns]
            for name in ("importance", "level", "relevant", "suppressed")
        }
        return replace(elements, ids=tuple(np.array(elements.ids)[columns]), **taken)

    other = replace(
        jobs,
        codes=tuple(np.array(jobs.codes)[rows]),
        zones=jobs.zones[rows],
        skills=shuffled(jobs.skills, skills),
        knowledge=shuffled(jobs.knowledge, np.arange(N_KNOWLEDGE)),
        task_vectors=jobs.task_vectors[rows],
        title_vectors=jobs.title_vectors[rows],
    )

    for current in (None, 13):
        before = fit(make_rater(ratings[13], current=current), build_fit_tables(jobs))
        after = fit(
            make_rater(ratings[13][skills], current=None if current is None else int(back[current])),
            build_fit_tables(other),
        )
        np.testing.assert_allclose(after.fit[back], before.fit, atol=0.02)


@settings(max_examples=60)
@given(st.integers(0, 10_000))
def test_anyone_in_any_catalogue_gets_bounded_figures_twice_the_same(seed):
    rng = np.random.default_rng(seed)
    jobs = random_jobs(rng, n_jobs=int(rng.integers(1, 12)))
    person = random_person(rng, jobs)

    one, again = fit(person, build_fit_tables(jobs)), fit(person, build_fit_tables(jobs))

    np.testing.assert_array_equal(one.fit, again.fit)
    known = one.fit[jobs.scored]
    assert np.isnan(one.fit[~jobs.scored]).all()
    assert np.isnan(known).all() == (not one.weights.any()) or not known.size
    assert not np.isnan(one.parts).any()
    assert ((known >= 0) & (known <= 100) | np.isnan(known)).all()
    assert one.weights.sum() == pytest.approx(1) or not one.weights.any()
    assert [source is not Source.NONE for source in one.sources[0]] == (one.weights > 0).tolist()


def test_many_people_get_what_each_gets_alone(tables, jobs):
    rng = np.random.default_rng(4)
    people = [random_person(rng, jobs) for _ in range(40)]

    together = fit_many(people, tables)

    for row, person in enumerate(people):
        alone = fit(person, tables)
        np.testing.assert_allclose(together.fit[row], alone.fit, atol=0.01)
        assert together.sources[row] == alone.sources[0]
        assert together.doubts[row] == alone.doubts[0]
        assert certainty(together, row) == certainty(alone)


def test_ratings_on_other_skills_are_refused(tables):
    with pytest.raises(ValueError, match="axes differ"):
        fit(make_rater(np.zeros(3)), tables)


def test_every_doubt_can_be_said_in_words():
    assert set(DOUBTS) == set(Doubt)


def test_nearest_ratings():
    levels = np.array([0, 0.74, 0.75, 2.24, 2.25, 5.24, 5.25, 7, np.nan])

    assert nearest_ratings(levels).tolist() == [0, 0, 1, 1, 2, 3, 4, 4, -1]
