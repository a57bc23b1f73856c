"""What a person has told us, and the skill and knowledge levels that follow from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, IntArray, RatedElements

Floats = npt.NDArray[np.float64]

UNRATED = -1
MAX_RATING = 4
# Five ratings span the useful part of O*NET's 0-7 level scale: 0, 1.5, 3, 4.5, 6.
LEVEL_PER_RATING = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's answers. Rows index the JobArrays that the person is scored against.

    Args:
        ratings: Shape (n_skills,), 0-4; -1 where not rated or "not sure".
        knowledge_ratings: Shape (n_knowledge,), the same.
        current: Row of the current job, if any.
        past: Rows of past jobs.
        education_zone: Job zone (1-5) that the person's education answers to; 0 where not given.
        licences: Ids of the licences held.

    Raises:
        ValueError: A rating is outside -1 to 4 or no whole number, or a row or the zone is out of range.
    """

    ratings: IntArray
    knowledge_ratings: IntArray
    current: int | None = None
    past: tuple[int, ...] = ()
    education_zone: int = 0
    licences: frozenset[int | str] = frozenset()

    def __post_init__(self) -> None:
        for name, ratings in (("ratings", self.ratings), ("knowledge_ratings", self.knowledge_ratings)):
            if ratings.ndim != 1:
                raise ValueError(f"{name} must have one axis, not {ratings.ndim}")
            check_ratings(ratings, least=UNRATED)
        if not 0 <= self.education_zone <= 5:
            raise ValueError(f"education zone {self.education_zone} is outside 0-5")
        if any(row < 0 for row in self.held):
            raise ValueError("rows of held jobs must not be negative")

    @property
    def held(self) -> tuple[int, ...]:
        """Rows of the current and the past jobs, each once, in rising order."""
        current = () if self.current is None else (self.current,)
        return tuple(sorted({*current, *self.past}))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said that a score could rest on."""
        return not self.held and not (self.ratings >= 0).any()

    @property
    def is_uniform(self) -> bool:
        """Whether five or more skills were rated, and all the same: a sign of clicking through."""
        given = self.ratings[self.ratings >= 0]
        return given.size >= 5 and bool((given == given[0]).all())


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A person's levels in one domain.

    Args:
        values: Shape (n_elements,), 0-7 on O*NET's level scale; NaN where unknown.
        assumed: Shape (n_elements,); True where the level comes from a held job, not from a rating.
    """

    values: Floats
    assumed: BoolArray


def check_ratings(ratings: IntArray, *, least: int = 0) -> None:
    """Raise ValueError unless all ratings are whole numbers from `least` to 4."""
    if not np.issubdtype(ratings.dtype, np.integer):
        raise ValueError(f"ratings must be whole numbers, not {ratings.dtype}")
    if ratings.size and (ratings.min() < least or ratings.max() > MAX_RATING):
        raise ValueError(f"ratings must lie between {least} and {MAX_RATING}")


def job_levels(elements: RatedElements) -> Floats:
    """Return the level that each job asks of its people: (n_jobs, n_elements), 0-7.

    An element that is not relevant to a job asks nothing (0); NaN where there is no figure.
    """
    # O*NET publishes two decimals and our estimates keep at most four: what float32 adds beyond is noise,
    # and would decide comparisons that are exact on paper.
    level = np.round(elements.level.astype(np.float64), 4)
    return np.where(elements.relevant | np.isnan(level), level, 0.0)


def held_levels(of_jobs: Floats, held: tuple[int, ...]) -> Floats:
    """Return the highest level (n_elements,) that the held jobs ask for; NaN where none has a figure.

    Args:
        of_jobs: Result of `job_levels`, shape (n_jobs, n_elements).
        held: Rows of the jobs.

    Raises:
        IndexError: A row is out of range.
    """
    if not held:
        return np.full(of_jobs.shape[1], np.nan)
    return np.fmax.reduce(of_jobs[list(held)], axis=0)


def levels(ratings: IntArray, of_jobs: Floats, held: tuple[int, ...]) -> Levels:
    """Return a person's levels in one domain (design 3.2).

    A rating r means level 1.5 r. An element without a rating takes the highest level of the held jobs, and
    is marked assumed; with neither it is unknown.

    Args:
        ratings: Shape (n_elements,), -1 to 4.
        of_jobs: Result of `job_levels` for the same elements.
        held: Rows of the jobs held.

    Raises:
        ValueError: The element axes differ.
    """
    if ratings.shape != of_jobs.shape[1:]:
        raise ValueError(f"element axes differ: {ratings.shape} and {of_jobs.shape}")
    from_jobs = held_levels(of_jobs, held)
    rated = ratings >= 0
    return Levels(
        values=np.where(rated, LEVEL_PER_RATING * ratings, from_jobs),
        assumed=~rated & ~np.isnan(from_jobs),
    )


def rating_of(level: float) -> int:
    """Return the highest rating (0-4) whose level, 1.5 per rating, does not exceed a level (0-7)."""
    return min(MAX_RATING, int(level // LEVEL_PER_RATING))


def rating_for(level: float) -> int:
    """Return the smallest rating whose level reaches a level (0-7); 4 where none does."""
    return min(MAX_RATING, -int(-level // LEVEL_PER_RATING))


def zone(person: Person, zones: IntArray) -> int:
    """Return the person's job zone: the highest of the jobs held and of the education; 0 where unknown."""
    return max(person.education_zone, *(int(zones[row]) for row in person.held), 0)
