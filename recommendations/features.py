"""What the models saw of each job, under the names by which a curve reads it."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from recommendations.scoring.fit import Certainty
from recommendations.scoring.fit_tables import Part
from recommendations.scoring.person import Floats, zone
from recommendations.scoring_run import Run

PARTS = tuple(part.name.lower() for part in Part)
CONFIDENCE = {Certainty.HIGH: 1.0, Certainty.MEDIUM: 0.5, Certainty.LOW: 0.0}
# A curve reads what was stored of a job, to the digit, whether it learns or is applied.
DECIMALS = 4


def curve_columns(run: Run) -> dict[str, Floats]:
    """Return what a curve may read of all jobs, shape (n_jobs,) each, rounded as it is stored.

    - base_score, match_score, gap_severity, fit, readiness, knowledge: 0-100.
    - shortfall: levels that are missing on the worst core skill, 0-7.
    - job_zone_diff: the job's zone minus the person's, -4 to 4.
    - confidence: 0 low, 0.5 medium, 1 high certainty.

    NaN where the model does not tell.
    """
    jobs = run.tables.catalogue.jobs
    own_zone = zone(run.person, jobs.zones)
    unknown = (jobs.zones == 0) | (own_zone == 0)
    columns = {
        "base_score": run.score,
        "match_score": run.match,
        "gap_severity": run.gap,
        "job_zone_diff": np.where(unknown, np.nan, jobs.zones.astype(np.float64) - own_zone),
    }
    if run.aware:
        scores = run.aware.scores
        columns |= {
            "fit": run.aware.fit.fit.astype(np.float64).reshape(-1),
            "readiness": scores.readiness,
            "knowledge": scores.knowledge,
            "shortfall": scores.shortfall,
            "confidence": np.select(
                [run.aware.certainty == word for word in CONFIDENCE], list(CONFIDENCE.values()), np.nan
            ),
        }
    return {name: np.round(column, DECIMALS) for name, column in columns.items()}


def curve_matrix(
    columns: dict[str, Floats], names: Sequence[str], rows: Sequence[int] | npt.NDArray[np.intp]
) -> Floats:
    """Return the columns of some jobs in a curve's order, shape (len(rows), len(names)); NaN for an unknown column."""
    matrix = np.full((len(rows), len(names)), np.nan)
    for place, name in enumerate(names):
        if name in columns:
            matrix[:, place] = columns[name][rows]
    return matrix


def frozen_columns(columns: dict[str, Floats], rows: Sequence[int]) -> dict[str, list[float | None]]:
    """Return what a curve may read of some jobs as JSON values, by column."""
    return {name: known(column[rows]) for name, column in columns.items()}


def frozen_features(run: Run, columns: dict[str, Floats], rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return what the model saw of each of some jobs as JSON values: what a curve reads, and what explains it."""
    seen: dict[str, Sequence[Any]] = dict(frozen_columns(columns, rows))
    if run.aware:
        scores, fit = run.aware.scores, run.aware.fit
        seen |= {
            "licence_months": known(scores.licence_months[rows]),
            "known_share": known(scores.known_share[rows]),
            "knowledge_known_share": known(scores.knowledge_known_share[rows]),
            "firm": scores.firm[rows].tolist(),
            "above_level": scores.above_level[rows].tolist(),
            "parts": [dict(zip(PARTS, known(parts), strict=True)) for parts in fit.parts[:, rows].T],
        }
    return [dict(zip(seen, of_job, strict=True)) for of_job in zip(*seen.values(), strict=True)]


def known(figures: npt.ArrayLike, decimals: int = DECIMALS) -> list[float | None]:
    """Return figures as JSON values, rounded as they are stored; None for NaN."""
    rounded = np.round(np.asarray(figures, dtype=np.float64), decimals)
    return [figure if isfinite(figure) else None for figure in rounded.tolist()]
