import numpy as np
import pytest

from recommendations.scoring import person
from tests.recommendations.arrays import make_elements, make_jobs, make_person


def levels(own, jobs):
    return person.levels(own.ratings, person.job_levels(jobs.skills), own.held)


def test_rating_means_one_and_a_half_levels_a_step():
    jobs = make_jobs(make_elements(np.full((1, 5), 3), np.full((1, 5), 3)))

    have = levels(make_person([0, 1, 2, 3, 4]), jobs)

    assert have.values.tolist() == [0, 1.5, 3, 4.5, 6]
    assert not have.assumed.any()


def test_unrated_skill_takes_the_highest_level_of_the_jobs_held():
    elements = make_elements(
        np.full((3, 4), 3),
        [[2.12, 5.0, np.nan, 2.0], [3.5, 1.0, np.nan, 0.5], [7, 7, 7, 7]],
        relevant=np.array([[True, True, False, False], [True, True, False, True], [True] * 4]),
    )

    have = levels(make_person([-1, -1, -1, -1], current=1, past=(0,)), make_jobs(elements))

    # The last one: 2.0 is not relevant in the past job, so that job suggests nothing.
    np.testing.assert_array_equal(have.values, [3.5, 5.0, np.nan, 0.5])
    assert have.assumed.tolist() == [True, True, False, True]


def test_levels_lose_the_noise_of_single_precision():
    assert person.job_levels(make_elements([[3]], [[4.12]])).item() == 4.12


def test_without_rating_or_job_a_level_is_unknown():
    have = levels(make_person([2, -1]), make_jobs(make_elements([[3, 3]], [[3, 3]])))

    assert np.isnan(have.values).tolist() == [False, True]


def test_zone_is_the_highest_of_jobs_and_education():
    zones = np.array([2, 4, 0], dtype=np.int8)

    assert person.zone(make_person([1], current=0, past=(1,), education_zone=3), zones) == 4
    assert person.zone(make_person([1], current=0, education_zone=5), zones) == 5
    assert person.zone(make_person([1], current=2, education_zone=0), zones) == 0
    assert person.zone(make_person([1], education_zone=0), zones) == 0


def test_empty_and_uniform_answers_are_told_apart():
    assert make_person([-1] * 6).is_empty
    assert not make_person([-1] * 6, past=(0,)).is_empty
    assert not make_person([-1, 0]).is_empty
    assert make_person([2, 2, 2, 2, 2, -1]).is_uniform
    assert not make_person([2, 2, 2, 2, -1, -1]).is_uniform
    assert not make_person([2, 2, 2, 2, 3]).is_uniform


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratings": np.array([5])},
        {"ratings": np.array([-2])},
        {"ratings": np.array([1.0])},
        {"ratings": np.array([[1]])},
        {"knowledge_ratings": np.array([7])},
        {"education_zone": 6},
        {"current": -1},
        {"past": (-3,)},
    ],
)
def test_person_refuses_what_cannot_be(wrong):
    with pytest.raises(ValueError):
        make_person(**{"ratings": [1], **wrong})


def test_element_axes_must_agree():
    with pytest.raises(ValueError, match="axes differ"):
        person.levels(np.array([1, 2]), np.zeros((3, 4)), ())
