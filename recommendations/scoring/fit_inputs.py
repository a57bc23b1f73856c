"""What a person brings to fit: rated where they have told us, else of their jobs, else predicted from skills."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, FloatArray
from recommendations.scoring.fit_tables import FitTables, Part, centre_rows
from recommendations.scoring.kernel_ridge import KEEP_ALL
from recommendations.scoring.person import LEVEL_PER_RATING, Floats, Person, held_levels, zone
from recommendations.scoring.smoothing import informative

PAST_JOB_WEIGHT = 0.5
FEW_RATINGS = 20


class Source(StrEnum):
    """What a part of the fit rests on."""

    NONE = "none"
    RATED = "rated"
    JOB = "job"
    EDUCATION = "education"
    PREDICTED = "predicted"


class Doubt(StrEnum):
    """What makes a fit less sure."""

    ALL_EQUAL = "all_equal"
    NO_JOB = "no_job"
    PAST_JOBS_ONLY = "past_jobs_only"
    JOB_WITHOUT_FIGURES = "job_without_figures"
    JOB_ESTIMATED = "job_estimated"
    NO_RATINGS = "no_ratings"
    FEW_RATINGS = "few_ratings"
    SHIFTED = "shifted"


DOUBTS = {
    Doubt.ALL_EQUAL: "The skills are all rated the same, so the ratings point to no kind of job and are left out.",
    Doubt.NO_JOB: "Without a job held, tasks, titles, zone and unrated knowledge are guessed from the ratings.",
    Doubt.PAST_JOBS_ONLY: "There is no current job; past jobs stand in for it.",
    Doubt.JOB_WITHOUT_FIGURES: "O*NET has no skill figures for the job held.",
    Doubt.JOB_ESTIMATED: "The figures of a job held are our estimate.",
    Doubt.NO_RATINGS: "No skill is rated.",
    Doubt.FEW_RATINGS: f"Fewer than {FEW_RATINGS} skills are rated.",
    Doubt.SHIFTED: "The ratings are all higher, or all lower, than those of any job; only their shape is used.",
}


@dataclass(frozen=True, slots=True, eq=False)
class FitInputs:
    """What is compared with the jobs, for many people.

    Args:
        vectors: Skills, knowledge, tasks and titles, each (n_people, n_features); all zero where unknown.
        zone: Shape (n_people,), job zone, whole or predicted; NaN where unknown.
        sources: Per person, what each `Part` rests on.
        doubts: Per person.
    """

    vectors: tuple[FloatArray, ...]
    zone: Floats
    sources: list[list[Source]]
    doubts: tuple[tuple[Doubt, ...], ...]


def fit_inputs(people: Sequence[Person], tables: FitTables, leave_out: npt.NDArray[np.intp] | None = None) -> FitInputs:
    """Return what people bring to fit.

    What is rated counts as rated; what is not comes from the jobs held, where they have it; what is missing
    then is predicted from the skills. Ratings that are all the same over more than half of a domain are
    ignored.

    Args:
        people: Who is scored.
        tables: The catalogue's tables.
        leave_out: Shape (n_people,), rows of jobs (-1 for none) that predictions must know nothing of.

    Raises:
        ValueError: A person's elements are not the tables'.
        IndexError: A held job is not among the jobs.
    """
    ratings = _stacked([person.ratings for person in people], tables.skill_levels.shape[1])
    rated = informative(ratings)
    held_skills = np.array([held_levels(tables.skill_levels, person.held) for person in people])
    levels = np.where(rated, LEVEL_PER_RATING * ratings, held_skills)
    shift = tables.smoother.shift(levels, rated)
    skills = tables.smoother.smooth(levels - np.where(rated, shift[:, None], 0))

    held = [_of_jobs(person, tables) for person in people]
    parts = [skills, *(np.array(part) for part in zip(*held, strict=True))]
    have = np.array([part.any(axis=1) for part in parts]).T
    sources = [[Source.JOB if there else Source.NONE for there in row] for row in have]
    _predict_missing(parts, have, sources, tables, leave_out)

    knowledge = _stacked([person.knowledge_ratings for person in people], tables.knowledge.shape[2])
    known = informative(knowledge)
    if known.any():
        level = (LEVEL_PER_RATING * knowledge - tables.knowledge_mean[0]) / tables.knowledge_spread[0]
        stated = np.concatenate([level, level * tables.importance_slope], axis=1)
        parts[Part.KNOWLEDGE] = np.where(np.tile(known, 2), stated, parts[Part.KNOWLEDGE])
    parts[Part.KNOWLEDGE] = centre_rows(parts[Part.KNOWLEDGE])

    some_rated, some_known = np.asarray(rated.any(axis=1)), np.asarray(known.any(axis=1))
    doubts = []
    for i, person in enumerate(people):
        if some_rated[i]:
            sources[i][Part.SKILLS] = Source.RATED
        if some_known[i]:
            sources[i][Part.KNOWLEDGE] = Source.RATED
        if person.education_zone > max((tables.zones[row] for row in person.held), default=0):
            sources[i][Part.ZONE] = Source.EDUCATION
        n_rated = int(np.count_nonzero(ratings[i] >= 0))
        doubts.append(tuple(_doubts(person, tables, n_rated, bool(some_rated[i]), bool(shift[i]))))
    zones = parts[Part.ZONE][:, 0]
    return FitInputs(
        vectors=tuple(part.astype(np.float32) for part in parts[: Part.ZONE]),
        zone=np.where(zones > 0, zones, np.nan),
        sources=sources,
        doubts=tuple(doubts),
    )


def _stacked(ratings: list[npt.NDArray[np.int8]], n_elements: int) -> npt.NDArray[np.int8]:
    for row in ratings:
        if row.shape != (n_elements,):
            raise ValueError(f"element axes differ: {row.shape} and {(n_elements,)}")
    return np.array(ratings).reshape(len(ratings), n_elements)


def _of_jobs(person: Person, tables: FitTables) -> tuple[Floats, FloatArray, FloatArray, list[int]]:
    """Return knowledge (standardised), tasks, titles and zone of the jobs held; zeros where they have none."""
    rows = list(person.held)
    if not rows:
        return (
            np.zeros(tables.knowledge_mean.size),
            np.zeros(tables.task_vectors.shape[1], np.float32),
            np.zeros(tables.title_vectors.shape[1], np.float32),
            [person.education_zone],
        )
    highest = np.fmax.reduce(tables.knowledge[rows], axis=0)
    standardised = (highest - tables.knowledge_mean) / tables.knowledge_spread
    weights = np.array([1 if row == person.current else PAST_JOB_WEIGHT for row in rows], np.float32)
    return (
        np.where(np.isnan(standardised), 0, standardised).reshape(-1),
        weights @ tables.task_vectors[rows],
        weights @ tables.title_vectors[rows],
        [zone(person, tables.zones)],
    )


def _predict_missing(
    parts: list[npt.NDArray[np.floating]],
    have: BoolArray,
    sources: list[list[Source]],
    tables: FitTables,
    leave_out: npt.NDArray[np.intp] | None,
) -> None:
    """Fill in, for people whose skills are known, the parts that they do not have."""
    asked = np.flatnonzero(have[:, Part.SKILLS] & ~have.all(axis=1))
    if not asked.size or tables.regression is None:
        return
    left_out = None
    if leave_out is not None:
        left_out = np.where(leave_out[asked] < 0, KEEP_ALL, tables.fitted_row[leave_out[asked]])
    inputs = parts[Part.SKILLS][asked] / tables.smoother.spread
    predicted = tables.regression.predict(inputs.astype(np.float32), left_out)
    end = 0
    for part in list(Part)[1:]:
        start, end = end, end + parts[part].shape[1]
        lacking = np.flatnonzero(~have[asked, part])
        if lacking.size:
            guess = predicted[lacking, start:end]
            parts[part] = parts[part].astype(np.float64)
            parts[part][asked[lacking]] = guess
            for i, row in zip(asked[lacking], guess, strict=True):
                sources[i][part] = Source.PREDICTED if row.any() else Source.NONE


def _doubts(person: Person, tables: FitTables, n_rated: int, some_rated: bool, shifted: bool) -> Iterator[Doubt]:
    held = list(person.held)
    if n_rated and not some_rated:
        yield Doubt.ALL_EQUAL
    if not held:
        yield Doubt.NO_JOB
    elif np.isnan(tables.skill_levels[held]).all():
        yield Doubt.JOB_WITHOUT_FIGURES
    elif person.current is None:
        yield Doubt.PAST_JOBS_ONLY
    if held and tables.estimated[held].any():
        yield Doubt.JOB_ESTIMATED
    if n_rated == 0:
        yield Doubt.NO_RATINGS
    elif n_rated < FEW_RATINGS:
        yield Doubt.FEW_RATINGS
    if shifted:
        yield Doubt.SHIFTED
