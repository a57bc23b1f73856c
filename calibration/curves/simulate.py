"""A year of recommendations to people with a known truth, as arrays.

The candidates of a tier are drawn with correlated features, listed by fit, and the last place is given by lot as in
`recommendations.scoring.exploration`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from calibration.curves.features import FEATURES, Floats, Ints, matrix
from calibration.curves.world import Answers, World, draw_people, interest, respond

N_TIERS = 3
N_OCCUPATIONS = 900
DEFAULT_WORLD = World()


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Lists, answers and truth; n items, and one exploration slot for each of n / per_tier tiers of lists.

    Args:
        person, event, tier, occupation, position: Shape (n,).
        propensity: Shape (n,), 1 outside the slots.
        shown_days: Shape (n,), 0 to 365.
        features: Shape (n, len(FEATURES)).
        answers: What people did.
        slot: Shape (s,), the items in exploration slots.
        chosen: Shape (s,), which of its pool a slot shows.
        pool: Shape (s, m, len(FEATURES)), features of what it could have shown, best first.
        pool_interest: Shape (s, m), the true probability of interest in each of them.
    """

    person: Ints
    event: Ints
    tier: Ints
    occupation: Ints
    position: Floats
    propensity: Floats
    shown_days: Floats
    features: Floats
    answers: Answers
    slot: Ints
    chosen: Ints
    pool: Floats
    pool_interest: Floats


def simulate(
    n_people: int,
    seed: int,
    *,
    world: World = DEFAULT_WORLD,
    events_per_person: int = 1,
    per_tier: int = 4,
    pool_size: int = 10,
    epsilon: float = 0.2,
) -> History:
    """Return a year of lists and answers; the same arguments give the same history.

    Args:
        n_people: Number of people, who arrive evenly over the year.
        seed: Of everything.
        world: The truth.
        events_per_person: Lists that each person gets, a fortnight apart.
        per_tier: Jobs shown per tier, the last by lot.
        pool_size: Jobs that the last place can show.
        epsilon: Share of lots.
    """
    rng = np.random.default_rng(seed)
    people = draw_people(n_people, world, rng)
    n_events = n_people * events_per_person
    n_lists = n_events * N_TIERS
    n_jobs = per_tier - 1 + pool_size
    person = np.repeat(np.arange(n_people), events_per_person)
    event_days = rng.uniform(0, 350, n_people)[person] + 14.0 * np.tile(np.arange(events_per_person), n_people)
    tier = np.tile(np.arange(N_TIERS), n_events)
    candidates = _draw_jobs(n_lists, n_jobs, tier, np.repeat(rng.uniform(0, 1, n_events), N_TIERS), rng)

    last = np.full(n_lists, per_tier - 1)
    lot = np.where(rng.random(n_lists) < epsilon, rng.integers(0, pool_size, n_lists), 0)
    shown = np.column_stack([np.tile(np.arange(per_tier - 1), (n_lists, 1)), last + lot])
    propensity = np.ones((n_lists, per_tier))
    propensity[:, -1] = np.where(lot == 0, 1 - epsilon, 0) + epsilon / pool_size

    list_person = np.repeat(person, N_TIERS)
    list_days = np.repeat(event_days, N_TIERS)
    chance = rng.normal(0, world.job_sd, (n_lists, n_jobs))
    place = np.minimum(np.arange(n_jobs), per_tier - 1) + 1.0
    acts = interest(
        candidates,
        np.broadcast_to(place, (n_lists, n_jobs)),
        np.repeat(list_days[:, None], n_jobs, axis=1),
        np.repeat(list_person[:, None], n_jobs, axis=1),
        people,
        world,
        chance,
    )
    rows = np.arange(n_lists)[:, None]
    features = candidates[rows, shown].reshape(-1, len(FEATURES))
    position = np.tile(np.arange(1.0, per_tier + 1), n_lists)
    shown_days = np.repeat(list_days, per_tier)
    answers = respond(features, position, shown_days, acts[rows, shown].ravel(), world, rng)
    label_share = answers.interest / acts[rows, shown].ravel()
    first = rng.integers(0, N_OCCUPATIONS, n_events)
    occupation = (np.repeat(first, N_TIERS)[:, None] + tier[:, None] * n_jobs + shown) % N_OCCUPATIONS
    return History(
        person=np.repeat(list_person, per_tier),
        event=np.repeat(np.repeat(np.arange(n_events), N_TIERS), per_tier),
        tier=np.repeat(tier, per_tier),
        occupation=occupation.ravel(),
        position=position,
        propensity=propensity.ravel(),
        shown_days=shown_days,
        features=features,
        answers=answers,
        slot=np.arange(per_tier - 1, n_lists * per_tier, per_tier),
        chosen=lot,
        pool=candidates[:, per_tier - 1 :],
        pool_interest=acts[:, per_tier - 1 :] * label_share[0],
    )


def _draw_jobs(n_lists: int, n_jobs: int, tier: Ints, confidence: Floats, rng: np.random.Generator) -> Floats:
    """Return features of candidate jobs, best fit first, shape (n_lists, n_jobs, len(FEATURES))."""
    shape = (n_lists, n_jobs)
    worse = tier[:, None]
    z = np.sort(rng.normal(0.9 - 0.2 * worse, 0.9, shape), axis=1)[:, ::-1]
    shared = rng.normal(0, 1, shape) - 0.3 * z
    fit = 100 * expit(z)
    gap = np.clip(20 + 15 * worse + 12 * shared + rng.normal(0, 6, shape), 0, 100)
    readiness = np.clip(92 - 12 * worse - 6 * shared + rng.normal(0, 4, shape), 0, 100)
    columns = {
        "fit": fit,
        "base_score": fit,
        "gap_severity": gap,
        "job_zone_diff": np.clip(np.round(rng.normal(-0.5 + 0.6 * worse, 0.9, shape)), -4, 4),
        "shortfall": np.clip(1 + worse + 0.5 * shared + rng.normal(0, 0.6, shape), 0, 7),
        "knowledge": np.clip(80 - 10 * worse + 8 * z + rng.normal(0, 8, shape), 0, 100),
        "readiness": readiness,
        "match_score": np.clip(85 - 0.6 * gap + rng.normal(0, 5, shape), 0, 100),
        "confidence": np.broadcast_to(confidence[:, None], shape),
    }
    return matrix({name: column.ravel() for name, column in columns.items()}, n_lists * n_jobs).reshape(*shape, -1)
