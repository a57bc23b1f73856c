"""What fit needs of a catalogue, built once: unit vectors of jobs, and how to predict a person from ratings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, FloatArray, JobArrays, RatedElements
from recommendations.scoring.kernel_ridge import KernelRidge, fit_kernel_ridge
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING, Floats, job_levels

# Chosen on a random half of O*NET 29.3's rated occupations, for honest and for noisy raters alike;
# neighbouring values do as well.
GAMMA = 0.02
ALPHA = 0.3
# Variance (levels squared) of a rating around the true level, for smoothing a profile towards what goes together.
RATING_NOISE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class FitTables:
    """All that fit needs of one catalogue revision, built once by `build_fit_tables`.

    Args:
        skill_levels: Shape (n_jobs, n_skills), what holding a job suggests; NaN without a figure.
        skill_mean: Shape (n_skills,), mean level over the jobs that O*NET rates.
        skill_spread: Shape (n_skills,), its standard deviation.
        covariance: Shape (n_skills, n_skills), of the levels over those jobs.
        smoothing: Shape (n_skills, n_skills), see `smooth` in `fit_inputs`, for a person who rated every skill.
        knowledge_levels: Shape (n_jobs, n_knowledge); NaN without a figure.
        knowledge_importance: Shape (n_jobs, n_knowledge); NaN without a figure.
        knowledge_mean: Shape (2, n_knowledge), of level and of importance over the rated jobs.
        knowledge_spread: Shape (2, n_knowledge), standard deviations.
        importance_slope: Shape (n_knowledge,), correlation of level and importance: what a standardised level
            says about the standardised importance.
        task_vectors: Shape (n_jobs, k).
        title_vectors: Shape (n_jobs, m).
        zones: Shape (n_jobs,), 0 where there is none.
        scored: Shape (n_jobs,).
        estimated: Shape (n_jobs,).
        units: Skills, knowledge, tasks and titles of the jobs, columns of length 1 or 0: (n_features, n_jobs).
        present: Shape (5, n_jobs), 1 where the job has a figure for the part, else 0.
        counted: Shape (5, n_jobs), weights that sum to 1 over the jobs whose mean and spread count.
        regression: Knowledge, tasks, titles and zone from smoothed skills; None without a rated job.
        fitted_row: Shape (n_jobs,), the job's row in the regression, -1 if it is not among them.
    """

    skill_levels: Floats
    skill_mean: Floats
    skill_spread: Floats
    covariance: Floats
    smoothing: Floats
    knowledge_levels: Floats
    knowledge_importance: Floats
    knowledge_mean: Floats
    knowledge_spread: Floats
    importance_slope: Floats
    task_vectors: FloatArray
    title_vectors: FloatArray
    zones: FloatArray
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
    levels = job_levels(jobs.skills)
    mean, spread = _moments(levels[base])
    centred = np.nan_to_num(levels - mean)
    covariance = centred[base].T @ centred[base] / max(np.count_nonzero(base), 1)
    smoothing = covariance @ np.linalg.inv(covariance + RATING_NOISE * np.eye(len(mean)))

    knowledge = np.stack([job_levels(jobs.knowledge), _importance(jobs.knowledge)], axis=1)
    knowledge_mean, knowledge_spread = _moments(knowledge[base])
    known = np.nan_to_num((knowledge - knowledge_mean) / knowledge_spread)
    zones = jobs.zones.astype(np.float32)
    skill_units = _unit_rows(centred)
    knowledge_units = _unit_rows(centre_rows(known.reshape(len(known), -1)))
    units = tuple(
        np.ascontiguousarray(unit.T.astype(np.float32))
        for unit in (skill_units, knowledge_units, jobs.task_vectors, jobs.title_vectors)
    )
    present = np.stack([*(unit.any(axis=0) for unit in units), zones > 0]) & jobs.scored
    counted = (present & base).astype(np.float32)
    return FitTables(
        skill_levels=levels,
        skill_mean=mean,
        skill_spread=spread,
        covariance=covariance,
        smoothing=smoothing,
        knowledge_levels=knowledge[:, 0],
        knowledge_importance=knowledge[:, 1],
        knowledge_mean=knowledge_mean,
        knowledge_spread=knowledge_spread,
        importance_slope=(known[base, 0] * known[base, 1]).sum(axis=0) / max(np.count_nonzero(base), 1),
        task_vectors=jobs.task_vectors,
        title_vectors=jobs.title_vectors,
        zones=zones,
        scored=jobs.scored,
        estimated=jobs.estimated,
        units=units,
        present=present.astype(np.float32),
        counted=counted / np.maximum(counted.sum(axis=1, keepdims=True), 1),
        regression=_regression(
            # Trained on what honest people of these jobs would answer, whole ratings, not on levels.
            (honest_ratings(jobs.skills.level)[base] * LEVEL_PER_RATING - mean) @ smoothing / spread,
            np.hstack(
                [
                    known.reshape(len(known), -1)[base],
                    jobs.task_vectors[base],
                    jobs.title_vectors[base],
                    zones[base, None],
                ]
            ),
        ),
        fitted_row=np.where(base, np.cumsum(base) - 1, -1),
    )
