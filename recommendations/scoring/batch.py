"""Many people against all jobs under the level-aware model, as matrix products (design 3.4).

Within a group of people who hold the same jobs an element takes one of seven values: five ratings, the level
assumed from those jobs, or unknown. What each value loses against each job is a table, so a group's sums are
one-hot values times that table; the worst shortfall is a maximum over the same rows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from occupations.arrays import IntArray
from recommendations.scoring.demand import Demand
from recommendations.scoring.person import (
    LEVEL_PER_RATING,
    MAX_RATING,
    UNRATED,
    Person,
    held_levels,
    levels,
    zone,
)
from recommendations.scoring.thresholds import V2_DEFAULTS, V2Thresholds
from recommendations.scoring.v2 import Sums, V2Scores, V2Tables, assemble, sums

ASSUMED = MAX_RATING + 1
UNKNOWN = ASSUMED + 1
N_VALUES = UNKNOWN + 1

# Below so many people the tables cost more than they save; above, their rows no longer fit the cache.
GROUP_LEAST = 6
GROUP_MOST = 256


def score_many(
    people: Sequence[Person],
    tables: V2Tables,
    *,
    licence_months: npt.ArrayLike = 0.0,
    thresholds: V2Thresholds = V2_DEFAULTS,
) -> V2Scores:
    """Return many people's standing against all jobs, arrays of shape (n_people, n_jobs).

    It agrees with `v2.score` for each of them. Working memory is about 250 bytes a pair, so callers pass some
    hundreds of people at a time, best sorted so that those who hold the same jobs come together.

    Args:
        people: Who is scored.
        tables: The catalogue's tables.
        licence_months: Months to an unmet licence, broadcasting to (n_people, n_jobs).
        thresholds: Bounds of the tiers.

    Raises:
        ValueError: A person's elements are not the tables', or the months do not fit.
        IndexError: A held job is not among the jobs.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, person in enumerate(people):
        groups.setdefault(person.held, []).append(index)

    skills = _room(len(people), tables.skills)
    knowledge = _room(len(people), tables.knowledge)
    for held, rows in groups.items():
        for start in range(0, len(rows), GROUP_MOST):
            some = rows[start : start + GROUP_MOST]
            ratings = np.stack([people[row].ratings for row in some])
            _fill(skills, some, _group_sums(tables.skills, ratings, held, thresholds))
            ratings = np.stack([people[row].knowledge_ratings for row in some])
            _fill(knowledge, some, _group_sums(tables.knowledge, ratings, held, thresholds))
    return assemble(
        tables,
        skills=skills,
        knowledge=knowledge,
        person_zones=np.array([zone(person, tables.zones) for person in people], dtype=np.int8),
        licence_months=licence_months,
        thresholds=thresholds,
    )


def _room(n_people: int, demand: Demand) -> Sums:
    pairs = (n_people, demand.weight.shape[1])
    return Sums(np.empty((3, *pairs)), np.empty((3, *pairs)), np.empty(pairs), np.empty(pairs))


def _fill(room: Sums, rows: list[int], some: Sums) -> None:
    for target, part in zip(room, some, strict=True):
        target[..., rows, :] = part


def _group_sums(demand: Demand, ratings: IntArray, held: tuple[int, ...], thresholds: V2Thresholds) -> Sums:
    """Return the sums of people who hold the same jobs; ratings have shape (n_people, n_elements)."""
    if len(ratings) < GROUP_LEAST:
        each = [sums(demand, levels(own, demand.of_jobs, held), thresholds) for own in ratings]
        return Sums(*(np.stack(part, axis=-2) for part in zip(*each, strict=True)))

    n_elements, n_jobs = demand.weight.shape
    if ratings.shape[1] != n_elements:
        raise ValueError(f"element axes differ: {ratings.shape} and {demand.weight.shape}")
    from_jobs = held_levels(demand.of_jobs, held)
    unrated = np.where(np.isnan(from_jobs), UNKNOWN, ASSUMED)
    values = np.where(ratings == UNRATED, unrated, ratings)
    one_hot = (values[:, :, None] == np.arange(N_VALUES)).reshape(len(ratings), -1).astype(np.float64)

    level = np.zeros((n_elements, N_VALUES))
    level[:, :ASSUMED] = LEVEL_PER_RATING * np.arange(ASSUMED)
    level[:, ASSUMED] = np.nan_to_num(from_jobs)
    error = np.full(N_VALUES, thresholds.rated_error)
    error[ASSUMED] = thresholds.assumed_error

    lost = np.empty((3, len(ratings), n_jobs))
    shortfall = np.zeros_like(lost)
    table = np.empty((n_elements, N_VALUES, n_jobs))
    chosen = np.empty((len(ratings), n_jobs))
    for shift in range(3):
        shifted = np.maximum(level + (shift - 1) * error, 0.0)
        # An unknown element loses nothing here; its weight is missing from the known share instead.
        shifted[:, UNKNOWN] = np.inf
        np.maximum(np.subtract(demand.need[:, None], shifted[:, :, None], out=table), 0.0, out=table)
        for gap, taken in zip(table, values.T, strict=True):
            np.maximum(shortfall[shift], np.take(gap, taken, axis=0, out=chosen, mode="clip"), out=shortfall[shift])
        np.multiply(table, demand.loss[:, None], out=table)
        np.matmul(one_hot, table.reshape(-1, n_jobs), out=lost[shift])
    # A level of 0 exceeds nothing, so it stands in for an unknown one.
    level[:, UNKNOWN] = 0.0
    np.subtract(level[:, :, None] - thresholds.above_slack, demand.need[:, None], out=table)
    np.multiply(np.maximum(table, 0.0, out=table), demand.weight[:, None], out=table)
    return Sums(
        lost=lost,
        shortfall=shortfall,
        excess=one_hot @ table.reshape(-1, n_jobs),
        known_share=(values != UNKNOWN).astype(np.float64) @ demand.weight,
    )
