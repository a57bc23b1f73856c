"""What is measured inside one process, on the database that the benchmark has filled; prints JSON."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

import django
import numpy as np
from django.conf import settings
from django.test import Client

from benchmarks.figures import Figure

NURSE = "29-1141.00"
QUERIES = (
    "registered nurse",
    "nurs",
    "sofware develper",
    "developer software",
    "29-11",
    "teachers",
    "RN",
    "electrition",
    "customer service representative in a call centre for insurance and banking",
    "asistent maneger of a restarant kichen and diningroom",
)
NEW_PROCESS = """
import django, time
django.setup()
from occupations.services import get_catalogue
started = time.perf_counter()
get_catalogue()
print(time.perf_counter() - started)
"""


def medians(runs: Mapping[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Return each run's median in milliseconds; they take turns, so that a busy moment falls on all alike."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(times):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            taken[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(of_run) for name, of_run in taken.items()}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillsprout.settings")
    django.setup()
    from calibration.curves.features import NAMES, Rung  # noqa: PLC0415
    from calibration.curves.ladder import train  # noqa: PLC0415
    from calibration.curves.samples import Samples  # noqa: PLC0415
    from calibration.curves.simulate import simulate  # noqa: PLC0415
    from occupations.services import get_catalogue  # noqa: PLC0415
    from profiles.services import Answers, create_profile, set_current_occupation  # noqa: PLC0415
    from recommendations import services  # noqa: PLC0415
    from recommendations.lists import Scored, items_of  # noqa: PLC0415
    from recommendations.scoring import v1, v2  # noqa: PLC0415
    from recommendations.scoring.fit import fit  # noqa: PLC0415
    from recommendations.scoring.thresholds import V2Thresholds  # noqa: PLC0415
    from recommendations.scoring_run import (  # noqa: PLC0415
        V1,
        V2,
        choose,
        get_tables,
        person_of,
        run_model,
        thresholds_in_force,
    )

    settings.ALLOWED_HOSTS = ["*"]
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"] = []
    new_process = subprocess.run([sys.executable, "-c", NEW_PROCESS], capture_output=True, text=True, check=True)
    figures = [Figure("catalogue ready in a new process", float(new_process.stdout), 1, "s")]

    catalogue = get_catalogue()
    searches = medians({query: partial(catalogue.index.search, query, 10) for query in QUERIES}, 20)
    figures.append(Figure("search, the slowest query's median", max(searches.values()), 20, "ms"))

    tables, thresholds = get_tables(catalogue), thresholds_in_force(V2)
    assert isinstance(thresholds, V2Thresholds)
    person = person_of(Answers(current=NURSE, ratings={"2.B.1.e": 4, "2.A.1.e": 1}), catalogue)

    def score_v1() -> None:
        ratings, _ = v1.capability_ratings(person, catalogue.jobs)
        v1.score(ratings[None], tables.v1_weights)

    def score_v2() -> None:
        v2.score(person, tables.v2(thresholds), thresholds=thresholds)

    scorers = {
        "v1_baseline": score_v1,
        "v2_level tiers": score_v2,
        "v2_level fit": lambda: fit(person, tables.fit),
    }
    for name, median in medians(scorers, 200).items():
        figures.append(Figure(f"one person against all jobs, {name}", median, 1, "ms"))

    client = Client()
    profile = create_profile(traffic="test")
    set_current_occupation(profile, NURSE)
    path = f"/api/v1/user/{profile.pk}/recommendations"

    def recommend(**body: object) -> None:
        answer = client.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content

    posts = {
        "v1_baseline": partial(recommend, model_version=V1),
        "v2_level": partial(recommend, model_version=V2),
        "v2_level with exploration": partial(recommend, model_version=V2, enable_exploration=True),
    }
    for name, median in medians(posts, 60).items():
        figures.append(Figure(f"POST recommendations, {name}, median", median, 30, "ms"))

    run = run_model(Answers(current=NURSE), catalogue, V2)

    def make_list(*, calibrated: bool) -> None:
        scored = Scored(run, services.served_curve(V2) if calibrated else None)
        items_of(scored, choose(run, limit=10, reorder=scored.reorder))

    history = simulate(2000, 0)
    label = (np.random.default_rng(0).random(len(history.person)) < history.answers.interest).astype(np.int64)
    samples = Samples(history.features, history.position, history.person, history.shown_days, label)
    lists = {"without": partial(make_list, calibrated=False), "with": partial(make_list, calibrated=True)}
    for rung in (Rung.LOGISTIC, Rung.BOOSTING):
        curve = services.store_curve(
            version=f"benchmark {rung.name}",
            model_version=V2,
            target="interest",
            feature_names=NAMES,
            curve=train(samples, rung, seed=0),
        )
        services.activate_curve(curve)
        of_lists = medians(lists, 200)
        adds = of_lists["with"] - of_lists["without"]
        figures.append(Figure(f"applying a model to a list adds, {rung.name.lower()}", adds, 1, "ms"))
    print(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main()
