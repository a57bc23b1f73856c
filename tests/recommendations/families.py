"""Catalogues of job families: jobs of one family ask for like skills and knowledge, and read alike."""

from typing import Any

import numpy as np

from occupations.arrays import JobArrays
from recommendations.scoring.person import Person
from tests.recommendations.arrays import make_elements, make_jobs

N_SKILLS, N_KNOWLEDGE = 35, 33


def make_families(n_families: int = 8, size: int = 6, seed: int = 0, **overrides: Any) -> JobArrays:
    """Build a catalogue in which rows 0 to size - 1 are the first family, and so on."""
    rng = np.random.default_rng(seed)
    n_jobs = n_families * size

    def elements(n_elements: int, domain: str) -> Any:
        centre = np.repeat(rng.uniform(0.5, 5.5, (n_families, n_elements)), size, axis=0)
        level = np.clip(centre + rng.normal(0, 0.5, (n_jobs, n_elements)), 0, 7).round(2)
        return make_elements(np.clip(1 + level * 4 / 7, 1, 5).round(2), level, domain)

    def vectors(k: int) -> np.ndarray:
        rows = np.repeat(rng.normal(size=(n_families, k)), size, axis=0) + rng.normal(0, 0.4, (n_jobs, k))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    fields = {
        "zones": np.repeat(rng.integers(1, 6, n_families), size).astype(np.int8),
        "task_vectors": vectors(12),
        "title_vectors": vectors(10),
    }
    return make_jobs(elements(N_SKILLS, "2.A"), knowledge=elements(N_KNOWLEDGE, "2.C"), **{**fields, **overrides})


def make_rater(ratings: Any = None, knowledge_ratings: Any = None, **overrides: Any) -> Person:
    """Build a person who has rated nothing unless told otherwise."""
    fields = {
        "ratings": np.full(N_SKILLS, -1, np.int8) if ratings is None else np.asarray(ratings, np.int8),
        "knowledge_ratings": (
            np.full(N_KNOWLEDGE, -1, np.int8) if knowledge_ratings is None else np.asarray(knowledge_ratings, np.int8)
        ),
    }
    return Person(**{**fields, **overrides})
