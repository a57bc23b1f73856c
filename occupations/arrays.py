"""The world of work as numpy arrays: what every scoring function reads. Knows no framework."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class RatedElements:
    """Ratings of all occupations on the elements of one domain.

    Args:
        ids: O*NET element ids, one per column, in the order of O*NET's content model.
        importance: Shape (n_jobs, n_elements), 1-5; NaN where the job has no figure.
        level: Shape (n_jobs, n_elements), 0-7; NaN where the job has no figure.
        relevant: Shape (n_jobs, n_elements); False where O*NET says "Not Relevant" or has no figure.
        suppressed: Shape (n_jobs, n_elements); True where O*NET recommends suppressing a figure.
    """

    ids: tuple[str, ...]
    importance: FloatArray
    level: FloatArray
    relevant: BoolArray
    suppressed: BoolArray


@dataclass(frozen=True, slots=True)
class JobArrays:
    """All active occupations of one catalogue revision, sorted by O*NET-SOC code.

    Args:
        codes: O*NET-SOC codes, one per row.
        zones: Shape (n_jobs,), job zone 1-5; 0 where there is none.
        scored: Shape (n_jobs,); True where the job has skill ratings (O*NET's or ours) and is not hidden.
        estimated: Shape (n_jobs,); True where the skill ratings are our estimate.
        skills: The 35 skills.
        knowledge: The 33 knowledge areas.
        task_vectors: Shape (n_jobs, k), rows of length 1, or all zero where a job has no text.
        title_vectors: Shape (n_jobs, m), rows of length 1, or all zero; titles with their alternates.
    """

    codes: tuple[str, ...]
    zones: IntArray
    scored: BoolArray
    estimated: BoolArray
    skills: RatedElements
    knowledge: RatedElements
    task_vectors: FloatArray
    title_vectors: FloatArray
