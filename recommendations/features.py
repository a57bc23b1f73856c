"""What the models saw of each job, under the names by which a curve reads it."""

import math

import numpy as np

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


def curve_matrix(columns: dict[str, Floats], names: list[str], rows: list[int]) -> Floats:
    """Return the columns of some jobs in a curve's order, shape (len(rows), len(names)); NaN for an unknown column."""
    missing = np.full(len(rows), np.nan)
    return np.column_stack([columns[name][rows] if name in columns else missing for name in names])


def frozen_features(run: Run, columns: dict[str, Floats], row: int) -> dict[str, object]:
    """Return what the model saw of a job as JSON values: what a curve reads, and what explains it."""
    seen: dict[str, object] = {name: number(column[row]) for name, column in columns.items()}
    if run.aware is None:
        return seen
    scores, fit = run.aware.scores, run.aware.fit
    return seen | {
        "licence_months": number(scores.licence_months[row]),
        "known_share": number(scores.known_share[row]),
        "knowledge_known_share": number(scores.knowledge_known_share[row]),
        "firm": bool(scores.firm[row]),
        "above_level": bool(scores.above_level[row]),
        "parts": {part: number(z) for part, z in zip(PARTS, fit.parts[:, row], strict=True)},
    }


def number(figure: float) -> float | None:
    return None if math.isnan(figure) else float(figure)
