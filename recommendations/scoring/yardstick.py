"""The yardstick: simulated raters, one per rated occupation, and how well a model serves them.

O*NET's lists of related occupations are used here, to judge, and nowhere in the scores. A rater's own
occupation is never a candidate, and candidates are the occupations that O*NET itself rates: the related ones
that it does not rate are left out of what is to be found (truth), as no score of theirs would rest on data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from occupations.arrays import BoolArray, IntArray, JobArrays
from recommendations.scoring import measures
from recommendations.scoring.fit_tables import nearest_ratings
from recommendations.scoring.measures import Estimate, Floats, Rows
from recommendations.scoring.person import MAX_RATING, UNRATED, Person
from recommendations.scoring.thresholds import Tier

Scores = Callable[[Sequence[Person], Rows], Floats]
Tiers = Callable[[Sequence[Person]], IntArray]

CHUNK = 128
NOISY_SHARE = 0.25
TOP = 10
CURVE = 50
ALL_ZONES = 0


@dataclass(frozen=True, slots=True)
class Model:
    """What is judged.

    Args:
        scores: People, and the job (row) that what is fitted must know nothing of for each (-1 for none), to
            scores of shape (n_people, n_jobs), larger is better.
        tiers: People to `Tier` numbers of shape (n_people, n_jobs).
    """

    scores: Scores
    tiers: Tiers


@dataclass(frozen=True, slots=True, eq=False)
class Related:
    """O*NET's lists of related occupations, each (n_jobs, n_jobs); True where the row lists the column.

    Args:
        primary: The ten primary ones: what a ranking is to find.
        closest: The five of the first tier.
        listed: All of them. Pairs that neither side lists are unrelated.
    """

    primary: BoolArray
    closest: BoolArray
    listed: BoolArray


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of simulated people: how they rate, and whether they say what their job is."""

    raters: str
    has_job: bool

    @property
    def name(self) -> str:
        return f"{self.raters}, {'current job' if self.has_job else 'no job'}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the report; zone 0 stands for all zones."""

    model: str
    scenario: Scenario
    measure: str
    zone: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What `evaluate` finds.

    Args:
        figures: All figures.
        recall_curves: Mean recall at 1, 2, ... `CURVE`, by model and scenario name.
        n_raters: How many people were simulated per scenario.
    """

    figures: tuple[Figure, ...]
    recall_curves: dict[tuple[str, str], list[float]]
    n_raters: int


RATERS = ("honest", "optimists", "noisy", "12 skills", "5 skills")
SCENARIOS = tuple(Scenario(raters, has_job) for has_job in (True, False) for raters in RATERS)


def simulated_ratings(jobs: JobArrays, rows: Rows, raters: str, *, seed: int = 0) -> IntArray:
    """Return what the people of some jobs answer, (n_rows, n_skills), 0-4; -1 where they leave a skill out.

    Args:
        jobs: The catalogue.
        rows: The jobs, one rater each.
        raters: "honest": the nearest of level / 1.5. "optimists": one more, at most 4. "noisy": a quarter of the
            ratings one off, up or down alike, never out of 0-4. "12 skills" and "5 skills": honest, on the
            job's most important skills alone.
        seed: Of the noise.

    Raises:
        ValueError: There are no such raters.
    """
    honest = nearest_ratings(jobs.skills.level[rows])
    if raters == "honest":
        return honest
    if raters == "optimists":
        return np.where(honest >= 0, np.minimum(honest + 1, MAX_RATING), honest).astype(np.int8)
    if raters == "noisy":
        rng = np.random.default_rng(seed)
        step = np.where(rng.random(honest.shape) < 0.5, -1, 1)
        # At the ends of the scale the only way off by one is inwards.
        step = np.where(honest == 0, 1, np.where(honest == MAX_RATING, -1, step))
        off = (rng.random(honest.shape) < NOISY_SHARE) & (honest >= 0)
        return np.where(off, honest + step, honest).astype(np.int8)
    if raters in ("12 skills", "5 skills"):
        importance = np.nan_to_num(jobs.skills.importance[rows], nan=0.0)
        best = np.argsort(-importance, axis=1, kind="stable")[:, : int(raters.split()[0])]
        few = np.full_like(honest, UNRATED)
        np.put_along_axis(few, best, np.take_along_axis(honest, best, axis=1), axis=1)
        return few
    raise ValueError(f"there are no raters {raters!r}; there are {', '.join(RATERS)}")


def halves(n: int, *, seed: int = 0) -> tuple[Rows, Rows]:
    """Return a random split of n raters: weights are chosen on the first half and reported on the second."""
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def evaluate(
    jobs: JobArrays,
    related: Related,
    models: Mapping[str, Model],
    *,
    scenarios: Sequence[Scenario] = SCENARIOS,
    rows: Rows | None = None,
    seed: int = 0,
) -> Report:
    """Return how well the models serve simulated people.

    Args:
        jobs: The catalogue.
        related: What is to be found.
        models: What is judged, by name.
        scenarios: Who is simulated.
        rows: Jobs to simulate a rater of; by default all that O*NET rates.
        seed: Of noise and bootstrap.

    Raises:
        ValueError: There is no rated occupation to simulate a rater of.
    """
    rated = jobs.scored & ~jobs.estimated
    rows = np.flatnonzero(rated) if rows is None else rows
    if not len(rows):
        raise ValueError("there is no rated occupation to simulate a rater of")
    zones = jobs.zones[rows]
    candidates = np.repeat(rated[None], len(rows), axis=0)
    candidates[np.arange(len(rows)), rows] = False
    truth = related.primary[rows] & candidates
    pairs = {
        "closest": related.closest[rows] & candidates,
        "unrelated": ~(related.listed | related.listed.T)[rows] & candidates,
    }
    figures: list[Figure] = []
    curves: dict[tuple[str, str], list[float]] = {}
    for name, model in models.items():
        honest_tiers: dict[bool, IntArray] = {}
        for scenario in scenarios:
            people = simulated_people(jobs, rows, scenario, seed=seed)
            scores = _chunked(model.scores, people, np.full_like(rows, -1) if scenario.has_job else rows)
            tiers = np.concatenate([model.tiers(people[start:end]) for start, end in _chunks(len(people))])
            order = measures.ranking(scores, candidates)
            curves[name, scenario.name] = _curve(order, truth)
            found = dict(_ranking_figures(scores, order, truth, candidates))
            found["own job READY"] = (tiers[np.arange(len(rows)), rows] == Tier.READY_NOW).astype(np.float64)
            for kind, which in pairs.items():
                shares = measures.tier_shares(tiers, which)
                found |= {f"{kind} {tier.name}": share for tier, share in shares.items()}
            if scenario.raters == "honest":
                honest_tiers[scenario.has_job] = tiers
            elif scenario.raters == "noisy" and scenario.has_job in honest_tiers:
                before = honest_tiers[scenario.has_job]
                found["tier flips"] = measures.share_changed(before, tiers, candidates)
            for zone in (ALL_ZONES, *np.unique(zones[zones > 0]).tolist()):
                here = np.ones(len(rows), bool) if zone == ALL_ZONES else zones == zone
                figures += [
                    Figure(name, scenario, measure, zone, measures.bootstrap(values[here], seed=seed))
                    for measure, values in found.items()
                ]
                distinct, most = measures.variety(order[here], TOP)
                n = int(here.sum())
                for measure, value in (("distinct in top 10", float(distinct)), ("most frequent share", most)):
                    figures.append(Figure(name, scenario, measure, zone, Estimate(value, np.nan, np.nan, n)))
    return Report(tuple(figures), curves, len(rows))


def simulated_people(jobs: JobArrays, rows: Rows, scenario: Scenario, *, seed: int = 0) -> list[Person]:
    """Return one person per job, who has rated skills and no knowledge."""
    no_knowledge = np.full(len(jobs.knowledge.ids), UNRATED, np.int8)
    ratings = simulated_ratings(jobs, rows, scenario.raters, seed=seed)
    return [
        Person(own, no_knowledge, current=int(row) if scenario.has_job else None)
        for own, row in zip(ratings, rows, strict=True)
    ]


def monotonicity_violations(
    jobs: JobArrays, tiers: Tiers, *, rows: Rows | None = None, has_job: bool = True
) -> tuple[int, int]:
    """Return how many pairs of a person and a job get a worse tier when one rating rises by one, and of how many.

    Args:
        jobs: The catalogue.
        tiers: The model's tiers.
        rows: Jobs to simulate an honest rater of; by default all that O*NET rates.
        has_job: Whether the raters say what their job is.
    """
    rated = jobs.scored & ~jobs.estimated
    rows = np.flatnonzero(rated) if rows is None else rows
    worse = checked = 0
    for person in simulated_people(jobs, rows, Scenario("honest", has_job)):
        raised = [person, *_raised(person)]
        found = tiers(raised)[:, jobs.scored]
        # NONE is no tier to compare with; it cannot come and go here, as what is rated stays the same.
        pairs = (found[1:] != Tier.NONE) & (found[0] != Tier.NONE)
        worse += int((pairs & (found[1:] > found[0])).sum())
        checked += int(pairs.sum())
    return worse, checked


def _raised(person: Person) -> Iterator[Person]:
    for element in np.flatnonzero((person.ratings >= 0) & (person.ratings < MAX_RATING)):
        ratings = person.ratings.copy()
        ratings[element] += 1
        yield Person(ratings, person.knowledge_ratings, person.current, person.past)


def _ranking_figures(
    scores: Floats, order: Rows, truth: BoolArray, candidates: BoolArray
) -> Iterator[tuple[str, Floats]]:
    yield "recall@10", measures.recall_at(order, truth, 10)
    yield "recall@20", measures.recall_at(order, truth, 20)
    yield "nDCG@10", measures.ndcg_at(order, truth, 10)
    yield "AUC", measures.auc(scores, truth, candidates)


def _curve(order: Rows, truth: BoolArray) -> list[float]:
    judged = truth.any(axis=1)
    if not judged.any():
        return [float("nan")] * CURVE
    return [float(measures.recall_at(order[judged], truth[judged], k).mean()) for k in range(1, CURVE + 1)]


def _chunks(n: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, CHUNK):
        yield start, min(start + CHUNK, n)


def _chunked(scores: Scores, people: Sequence[Person], leave_out: npt.NDArray[np.intp]) -> Floats:
    return np.concatenate([scores(people[a:b], leave_out[a:b]) for a, b in _chunks(len(people))])
