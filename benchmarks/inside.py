"""What is measured inside one process, on the database that the benchmark has filled; prints JSON."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict

import django
from django.conf import settings
from django.test import Client

from benchmarks.__main__ import Figure, milliseconds

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


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillsprout.settings")
    django.setup()
    from occupations.services import get_catalogue  # noqa: PLC0415
    from profiles.services import Answers, create_profile, set_current_occupation  # noqa: PLC0415
    from recommendations.scoring import v1, v2  # noqa: PLC0415
    from recommendations.scoring.fit import fit  # noqa: PLC0415
    from recommendations.scoring.thresholds import V2Thresholds  # noqa: PLC0415
    from recommendations.scoring_run import V2, get_tables, person_of, thresholds_in_force  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["*"]
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"] = []
    new_process = subprocess.run([sys.executable, "-c", NEW_PROCESS], capture_output=True, text=True, check=True)
    figures = [Figure("catalogue ready in a new process", float(new_process.stdout), 1, "s")]

    catalogue = get_catalogue()
    searches = []
    for query in QUERIES:

        def search(query: str = query) -> None:
            catalogue.index.search(query, 10)

        searches.append(statistics.median(milliseconds(search, 20)))
    figures.append(Figure("search, the slowest query's median", max(searches), 20, "ms"))

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
    for name, scorer in scorers.items():
        median = statistics.median(milliseconds(scorer, 200))
        figures.append(Figure(f"one person against all jobs, {name}", median, 1, "ms"))

    client = Client()
    profile = create_profile(traffic="test")
    set_current_occupation(profile, NURSE)
    for model in ("v1_baseline", "v2_level"):
        path = f"/api/v1/user/{profile.pk}/recommendations"
        body = json.dumps({"model_version": model})

        def recommend(path: str = path, body: str = body) -> None:
            answer = client.post(path, body, content_type="application/json")
            assert answer.status_code == 200, answer.content

        median = statistics.median(milliseconds(recommend, 60))
        figures.append(Figure(f"POST recommendations, {model}, median", median, 30, "ms"))
    print(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main()
