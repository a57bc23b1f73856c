"""Small synthetic catalogues and people for tests of the pure scoring modules."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from occupations.arrays import JobArrays, RatedElements
from recommendations.scoring.person import Person


def make_elements(importance: ArrayLike, level: ArrayLike, domain: str = "2.B", **overrides: Any) -> RatedElements:
    """Build ratings of jobs (rows) on elements (columns); relevant and not suppressed unless overridden."""
    importance = np.array(importance, dtype=np.float32)
    level = np.array(level, dtype=np.float32)
    fields = {
        "ids": tuple(f"{domain}.{column}" for column in range(importance.shape[1])),
        "importance": importance,
        "level": level,
        "relevant": ~(np.isnan(importance) | np.isnan(level)),
        "suppressed": np.zeros(importance.shape, dtype=bool),
    }
    return RatedElements(**{**fields, **overrides})


def make_jobs(skills: RatedElements, knowledge: RatedElements | None = None, **overrides: Any) -> JobArrays:
    """Build a catalogue in zone 3; unless given, one knowledge area that asks nothing of anybody (level 0)."""
    n_jobs = len(skills.importance)
    fields = {
        "codes": tuple(f"11-{row:04d}.00" for row in range(n_jobs)),
        "zones": np.full(n_jobs, 3, dtype=np.int8),
        "scored": np.ones(n_jobs, dtype=bool),
        "estimated": np.zeros(n_jobs, dtype=bool),
        "skills": skills,
        "knowledge": knowledge or make_elements(np.full((n_jobs, 1), 4), np.zeros((n_jobs, 1)), "2.C"),
        "task_vectors": np.zeros((n_jobs, 1), dtype=np.float32),
        "title_vectors": np.zeros((n_jobs, 1), dtype=np.float32),
    }
    return JobArrays(**{**fields, **overrides})


def make_person(ratings: ArrayLike, knowledge_ratings: ArrayLike = (0,), **overrides: Any) -> Person:
    """Build a person of zone 3 who knows what `make_jobs` asks by default."""
    fields = {
        "ratings": np.asarray(ratings),
        "knowledge_ratings": np.asarray(knowledge_ratings),
        "education_zone": 3,
    }
    return Person(**{**fields, **overrides})


def random_elements(rng: np.random.Generator, n_jobs: int, n_elements: int, domain: str = "2.B") -> RatedElements:
    """Draw figures with two decimals as O*NET publishes them, with gaps, irrelevant and suppressed ones."""
    shape = (n_jobs, n_elements)
    importance = rng.integers(100, 501, shape) / 100
    level = rng.integers(0, 701, shape) / 100
    # Whole multiples of a rating's level and equal importances, to sit on bounds and in ties.
    level = np.where(rng.random(shape) < 0.3, 1.5 * rng.integers(0, 5, shape), level)
    importance = np.where(rng.random(shape) < 0.3, rng.integers(1, 6, shape), importance)
    missing = rng.random(shape) < 0.03
    importance[missing] = level[missing] = np.nan
    return make_elements(
        importance,
        level,
        domain,
        relevant=~missing & (rng.random(shape) < 0.9),
        suppressed=rng.random(shape) < 0.1,
    )


def random_jobs(rng: np.random.Generator, n_jobs: int = 12, n_skills: int = 12, n_knowledge: int = 10) -> JobArrays:
    return make_jobs(
        random_elements(rng, n_jobs, n_skills),
        random_elements(rng, n_jobs, n_knowledge, "2.C"),
        zones=rng.integers(0, 6, n_jobs).astype(np.int8),
        scored=rng.random(n_jobs) < 0.9,
    )


def random_person(rng: np.random.Generator, jobs: JobArrays) -> Person:
    """Draw anyone: all or some or nothing rated, high or low, with and without jobs and education."""
    n_jobs = len(jobs.codes)

    def ratings(n_elements: int) -> np.ndarray:
        given = rng.integers(rng.integers(0, 4), 5, n_elements)
        return np.where(rng.random(n_elements) < rng.choice([0, 0.2, 0.5, 1.0]), -1, given)

    return make_person(
        ratings(len(jobs.skills.ids)),
        ratings(len(jobs.knowledge.ids)),
        current=None if rng.random() < 0.5 else int(rng.integers(n_jobs)),
        past=tuple(int(row) for row in rng.integers(0, n_jobs, rng.integers(0, 3))),
        education_zone=int(rng.integers(0, 6)),
    )


def random_licence_months(rng: np.random.Generator, jobs: JobArrays) -> np.ndarray:
    return rng.choice([0, 0, 0, 0, 12, 18, 19, 48], len(jobs.codes)).astype(float)
