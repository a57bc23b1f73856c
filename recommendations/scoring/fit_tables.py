"""What fit needs of a catalogue, built once: unit vectors of jobs, and how to predict a person from ratings."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, FloatArray, IntArray, JobArrays
from recommendations.scoring.kernel_ridge import KernelRidge, fit_kernel_ridge
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING, UNRATED, Floats, job_levels
from recommendations.scoring.smoothing import Smoother, build_smoother, moments

# Chosen on a random half of O*NET 29.3's rated occupations, for honest and for noisy raters alike;
# neighbouring values do as well.
GAMMA = 0.02
ALPHA = 0.3


class Part(IntEnum):
    """What a person and a job are compared in, in the order of every array with an axis for parts."""

    SKILLS = 0
    KNOWLEDGE = 1
    TASKS = 2
    TITLES = 3
    ZONE = 4


@dataclass(frozen=True, slots=True, eq=False)
class FitTables:
    """All that fit needs of one catalogue revision, built once by `build_fit_tables`.

    Args:
        skill_levels: Shape (n_jobs, n_skills), what holding a job suggests; NaN without a figure.
        smoother: How skill levels go together over the rated jobs.
        knowledge: Shape (n_jobs, 2, n_knowledge), level and importance; NaN without a figure.
        knowledge_mean: Shape (2, n_knowledge), over the rated jobs.
        knowledge_spread: Shape (2, n_knowledge), standard deviations.
        importance_slope: Shape (n_knowledge,), correlation of level and importance: what a standardised level
            says about the standardised importance.
        task_vectors: Shape (n_jobs, k).
        title_vectors: Shape (n_jobs, m).
        zones: Shape (n_jobs,), 0 where there is none.
        scored: Shape (n_jobs,).
        estimated: Shape (n_jobs,).
        units: Skills, knowledge, tasks and titles, each (n_features, n_jobs) with columns of length 1 or 0.
        present: Shape (5, n_jobs), 1 where a scored job has a figure for the part, else 0.
        counted: Shape (5, n_jobs), weights that sum to 1 over the jobs whose mean and spread count.
        regression: Knowledge, tasks, titles and zone from smoothed skills; None without a scored job.
        fitted_row: Shape (n_jobs,), the job's row in the regression, -1 if it is not among them.
    """

    skill_levels: Floats
    smoother: Smoother
    knowledge: Floats
    knowledge_mean: Floats
    knowledge_spread: Floats
    importance_slope: Floats
    task_vectors: FloatArray
    title_vectors: FloatArray
    zones: IntArray
    scored: BoolArray
    estimated: BoolArray
    units: tuple[FloatArray, ...]
    present: FloatArray
    counted: FloatArray
    regression: KernelRidge | None
    fitted_row: npt.NDArray[np.intp]


def build_fit_tables(jobs: JobArrays) -> FitTables:
    """Return the tables of a catalogue.

    Means, spreads and the regression rest on the scored jobs that O*NET itself rates; on all scored jobs
    where it rates none.
    """
    rated = jobs.scored & ~jobs.estimated
    base = rated if rated.any() else jobs.scored

    skill_levels = job_levels(jobs.skills)
    smoother = build_smoother(skill_levels[base])
    above_mean = np.nan_to_num(skill_levels - smoother.mean)

    importance = np.round(jobs.knowledge.importance.astype(np.float64), 4)
    knowledge = np.stack([job_levels(jobs.knowledge), importance], axis=1)
    mean, spread = moments(knowledge[base])
    known = np.nan_to_num((knowledge - mean) / spread)
    flat = known.reshape(len(known), -1)

    rows = (unit_rows(above_mean), unit_rows(centre_rows(flat)), jobs.task_vectors, jobs.title_vectors)
    present = np.stack([*(row.any(axis=1) for row in rows), jobs.zones > 0]) & jobs.scored
    counted = (present & base).astype(np.float32)
    return FitTables(
        skill_levels=skill_levels,
        smoother=smoother,
        knowledge=knowledge,
        knowledge_mean=mean,
        knowledge_spread=spread,
        importance_slope=(known[base, 0] * known[base, 1]).sum(axis=0) / max(np.count_nonzero(base), 1),
        task_vectors=jobs.task_vectors,
        title_vectors=jobs.title_vectors,
        zones=jobs.zones,
        scored=jobs.scored,
        estimated=jobs.estimated,
        units=tuple(np.ascontiguousarray(row.T, dtype=np.float32) for row in rows),
        present=present.astype(np.float32),
        counted=counted / np.maximum(counted.sum(axis=1, keepdims=True), 1),
        regression=_regression(jobs, base, skill_levels, flat, smoother) if base.any() else None,
        fitted_row=np.where(base, np.cumsum(base) - 1, -1),
    )


def nearest_ratings(levels: npt.NDArray[np.floating]) -> IntArray:
    """Return the ratings 0-4 nearest to levels, floor(level / 1.5 + 0.5); -1 where the level is NaN."""
    nearest = np.clip(np.floor(levels.astype(np.float64) / LEVEL_PER_RATING + 0.5), 0, MAX_RATING)
    return np.where(np.isnan(nearest), UNRATED, nearest).astype(np.int8)


def centre_rows(rows: Floats) -> Floats:
    """Return rows without their means: how much someone knows in all is no direction."""
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))


def unit_rows(rows: Floats) -> Floats:
    """Return rows of length 1; a row that is all but zero becomes zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-6)


def _regression(
    jobs: JobArrays, base: BoolArray, skill_levels: Floats, knowledge: Floats, smoother: Smoother
) -> KernelRidge:
    # It learns from what honest people of these jobs would answer, whole ratings, not from exact levels.
    levels = skill_levels[base]
    answers = np.where(np.isnan(levels), np.nan, LEVEL_PER_RATING * nearest_ratings(levels))
    zones = jobs.zones[base].astype(np.float64)
    missing = zones == 0
    zones[missing] = zones[~missing].mean() if not missing.all() else 0
    targets = np.concatenate(
        [knowledge[base], jobs.task_vectors[base], jobs.title_vectors[base], zones[:, None]], axis=1
    )
    return fit_kernel_ridge(smoother.smooth(answers) / smoother.spread, targets, gamma=GAMMA, alpha=ALPHA)
