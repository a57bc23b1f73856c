"""Fit: how much a job is like what a person does and knows. It orders the jobs of a tier (design 3.2).

Up to five parts are compared with all jobs: skills, knowledge, tasks, titles and job zone. Each part becomes
a z-score over the jobs, so that parts of different spread weigh what they are meant to; a part about which
nothing is known is left out and the others take its weight. O*NET's list of related occupations is never an
input: the z-scores are over the jobs that O*NET itself rates, because our estimates draw on that list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, FloatArray
from recommendations.scoring.fit_inputs import Doubt, FitInputs, Source, fit_inputs
from recommendations.scoring.fit_tables import FitTables, Part
from recommendations.scoring.person import Person

# In the order of `Part`. Chosen on a random half of O*NET 29.3's rated occupations, confirmed on the other.
WEIGHTS = (1.0, 2.0, 1.0, 1.0, 0.5)


class Certainty(StrEnum):
    """How sure a fit is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, eq=False)
class FitScores:
    """The fit of one person, or of many, with all jobs; leading axes (...) are the people's.

    Args:
        fit: Shape (..., n_jobs), 0-100, 50 for a job that is no more like the person than the average one;
            NaN where the job is not scored or nothing is known of the person.
        parts: Shape (..., 5, n_jobs), z-scores in the order of `Part`; 0 where a part is left out.
        weights: Shape (..., 5), summing to 1, or all 0 where nothing is known. The weighted sum of a job's
            parts is z, and its fit 100 / (1 + exp(-z)).
        sources: What each part rests on, per person.
        doubts: What makes the fit less sure, per person.
    """

    fit: FloatArray
    parts: FloatArray
    weights: FloatArray
    sources: tuple[tuple[Source, ...], ...]
    doubts: tuple[tuple[Doubt, ...], ...]


def fit(person: Person, tables: FitTables, *, weights: Sequence[float] = WEIGHTS) -> FitScores:
    """Return one person's fit with all jobs: the arrays without an axis for people.

    Args:
        person: Who is scored.
        tables: The catalogue's tables.
        weights: What the parts weigh, in the order of `Part`.

    Raises:
        ValueError: The person's elements are not the tables'.
        IndexError: A held job is not among the jobs.
    """
    many = fit_many([person], tables, weights=weights)
    return FitScores(many.fit[0], many.parts[0], many.weights[0], many.sources, many.doubts)


def fit_many(
    people: Sequence[Person],
    tables: FitTables,
    *,
    weights: Sequence[float] = WEIGHTS,
    leave_out: npt.NDArray[np.intp] | None = None,
) -> FitScores:
    """Return many people's fit with all jobs; about 40 bytes per person and job, so pass some hundreds.

    Args:
        people: Who is scored.
        tables: The catalogue's tables.
        weights: What the parts weigh, in the order of `Part`.
        leave_out: Shape (n_people,), rows of jobs (-1 for none) that predictions from ratings must know
            nothing of: for the yardstick.

    Raises:
        ValueError: A person's elements are not the tables'.
        IndexError: A held job is not among the jobs.
    """
    given = fit_inputs(people, tables, leave_out)
    n_people, n_jobs = len(people), len(tables.scored)
    alike = np.empty((n_people, len(Part), n_jobs), np.float32)
    known = np.empty((n_people, len(Part)), bool)
    for part, (mine, jobs) in enumerate(zip(given.vectors, tables.units, strict=True)):
        length = np.sqrt(np.einsum("ij,ij->i", mine, mine))
        known[:, part] = length > 1e-6
        np.matmul(mine / np.where(length > 1e-6, length, 1)[:, None], jobs, out=alike[:, part])
    known[:, -1] = ~np.isnan(given.zone)
    alike[:, -1] = -np.abs(np.nan_to_num(given.zone)[:, None] - tables.zones)

    # As products with weights that sum to 1 over the jobs that count for a part: no copies, no loop.
    alike -= np.einsum("ipj,pj->ip", alike, tables.counted)[:, :, None]
    spread = np.sqrt(np.einsum("ipj,pj->ip", alike * alike, tables.counted))
    known &= spread > 1e-6
    alike *= np.where(known, 1 / np.where(known, spread, 1), 0)[:, :, None].astype(np.float32)
    alike *= tables.present

    share = np.where(known, np.asarray(weights, np.float32), 0)
    total = share.sum(axis=1, keepdims=True)
    share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
    z = np.einsum("ipj,ip->ij", alike, share)
    shown = np.where(tables.scored & (total > 0), 100 / (1 + np.exp(-z)), np.nan)
    return FitScores(shown.astype(np.float32), alike, share, _sources(given, known), given.doubts)


def certainty(scores: FitScores, person: int = 0) -> Certainty:
    """Return how sure one person's fit is; what makes it so are the doubts.

    High takes a current job with its own figures and enough ratings. Low is a guess from few ratings alone,
    or from ratings that are all the same.
    """
    doubts = set(scores.doubts[person])
    if not np.any(scores.weights.reshape(-1, len(Part))[person]):
        return Certainty.NONE
    if not doubts:
        return Certainty.HIGH
    if Doubt.ALL_EQUAL in doubts or (Doubt.NO_JOB in doubts and len(doubts) > 1):
        return Certainty.LOW
    return Certainty.MEDIUM


def _sources(given: FitInputs, known: BoolArray) -> tuple[tuple[Source, ...], ...]:
    return tuple(
        tuple(source if there else Source.NONE for source, there in zip(row, own, strict=True))
        for row, own in zip(given.sources, known, strict=True)
    )
