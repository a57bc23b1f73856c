"""What a hundred seeds say of learning from feedback, on simulated arrays; prints JSON.

`DJANGO_SETTINGS_MODULE=tests.settings python -m benchmarks.studies`. No database is read.
"""

import json
import math
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

import django

from benchmarks.figures import Figure
from calibration.curves.features import Rung
from calibration.curves.labels import Target

# The studies read what Django must know first.
django.setup()

from tests.calibration import studies  # noqa: E402

SEEDS = 100
OTHERS = 20_000
PARTS = 8


def study_figures() -> Iterator[Figure]:
    """Yield the figures, most of them counts of the seeds in which something goes wrong."""
    for target in Target:
        yield from _gain_figures(target)
    yield from _gate_figures()
    yield from _off_policy_figures()


def _gain_figures(target: Target) -> Iterator[Figure]:
    for people in (200, 500, 2000):
        gains = [gain for part in _over_cores(_gains, target, people) for gain in part]
        serving = [gain for gain in gains if gain]
        name = f"{target.name.lower()}, {people:,} people"
        # Where nothing serves there is nothing to be worse; at 2,000 people a better curve must get through.
        yield Figure(
            f"{name}: not calibrated, of {SEEDS}", SEEDS - len(serving), 20 if people == 2000 else SEEDS - 1, "seeds"
        )
        for other in ("constant", "uncalibrated"):
            worst = max((gain["calibrated"] - gain[other] for gain in serving), default=math.nan)
            yield Figure(f"{name}: Brier minus the {other}'s, worst that serves", worst, 0, "")
        if people == 2000:
            largest = max((gain["ece"] for gain in serving), default=math.nan)
            yield Figure(f"{name}: largest calibration error that serves", largest, 0.05, "")


def _gate_figures() -> Iterator[Figure]:
    harm = _over_cores(_harm)
    yield Figure(f"50 people: not calibrated, of {SEEDS}", SEEDS - _sum(harm, "promoted"), SEEDS - 1, "seeds")
    yield Figure(f"50 people: serves and is worse than the constant, of {SEEDS}", _sum(harm, "harmful"), 0, "seeds")
    for name, people, rung in (
        ("200 people", 200, None),
        ("2,000 people, logistic", 2000, Rung.LOGISTIC),
        ("2,000 people, boosting", 2000, Rung.BOOSTING),
    ):
        rejected = sum(_over_cores(_shuffled_rejected, people, rung))
        yield Figure(f"shuffled answers promoted, {name}, of {SEEDS}", SEEDS - rejected, 5, "seeds")
    luck = _over_cores(studies.luck_of_people)
    yield Figure(f"luck of 60 people who differ much promoted, of {SEEDS}", _sum(luck, "promoted"), 5, "seeds")
    yield Figure(f"the same by the Brier score alone, of {SEEDS}", _sum(luck, "surely better"), 10, "seeds")
    places = _over_cores(studies.places_promoted)
    yield Figure(f"knowing places alone promoted, 600 people, of {SEEDS}", _sum(places, "promoted"), 5, "seeds")
    yield Figure(
        f"the same not better than the constant, of {SEEDS}", SEEDS - _sum(places, "surely better"), SEEDS - 1, "seeds"
    )
    for name, challenger, champion, world in (
        ("logistic over Platt", Rung.LOGISTIC, Rung.PLATT, studies.DEFAULT_WORLD),
        ("boosting over logistic", Rung.BOOSTING, Rung.LOGISTIC, studies.STEEP),
    ):
        promoted = sum(_over_cores(_better_promoted, challenger, champion, world))
        yield Figure(f"better {name} kept out, 2,000 people, of {SEEDS}", SEEDS - promoted, 20, "seeds")


def _off_policy_figures() -> Iterator[Figure]:
    for name, people, options in (
        ("soft policy", 2000, {}),
        (
            "best of another order",
            12_000,
            # Lots as they are given by default, in lists that show the last places alone.
            {
                "policy": studies.least_missing,
                "epsilon": 0.1,
                "pool_size": 20,
                "per_tier": 1,
                "n_truth": 5000,
            },
        ),
    ):
        found = _over_cores(_recovered, people, options)
        for estimator in ("ips", "snips", "dr", "difference"):
            missed = SEEDS - _sum(found, estimator)
            yield Figure(f"{name}: {estimator}'s 95 % interval misses the truth, of {SEEDS}", missed, 10, "seeds")
    few = _over_cores(_verdicts_on_few)
    yield Figure(f"300 people: effective size of 100, of {SEEDS}", SEEDS - _sum(few, "few"), SEEDS - 1, "seeds")
    yield Figure(f"300 people: verdict under it, of {SEEDS}", _sum(few, "verdicts"), 0, "seeds")


def _over_cores(study: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return a study's results on parts of the seeds, whichever core was free."""
    parts = [range(first, SEEDS, PARTS) for first in range(PARTS)]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(partial(study, *arguments), parts))


def _sum(parts: list[dict[str, Any]], name: str) -> int:
    return sum(part[name] for part in parts)


def _gains(target: Target, people: int, seeds: range) -> list[dict[str, Any] | None]:
    others, _ = studies.held_out_people(OTHERS, target=target)
    return [studies.calibration_gain(people, seed, others, target=target) for seed in seeds]


def _harm(seeds: range) -> dict[str, int]:
    return dict(studies.harm_at(50, seeds, *studies.held_out_people(OTHERS)))


def _shuffled_rejected(people: int, rung: Rung | None, seeds: range) -> int:
    make = studies.best_of_ladder if rung is None else studies.rung(rung)
    return int(studies.shuffled_rejected(people, seeds, make_challenger=make))


def _better_promoted(challenger: Rung, champion: Rung, world: studies.World, seeds: range) -> int:
    return int(studies.better_promoted(2000, seeds, challenger=challenger, champion=champion, world=world))


def _recovered(people: int, options: dict[str, Any], seeds: range) -> dict[str, Any]:
    return dict(studies.recovered(people, seeds, **options))


def _verdicts_on_few(seeds: range) -> dict[str, int]:
    return dict(studies.verdicts_on_few(300, seeds))


if __name__ == "__main__":
    print(json.dumps([asdict(figure) for figure in study_figures()]))
