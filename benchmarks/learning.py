"""Measure what learning from feedback is worth, by people with a known truth, and what it costs.

`ONET_RELEASE=path/to/db_29_3_text.zip python -m benchmarks.learning [--json FILE] [--only PART]`. Parts: `studies`
repeats each question a hundred times on simulated arrays, `million` trains on a million items in a database of its own,
and `whole` goes the whole way: people use the services, a calibration is trained on what they did, others judge it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import joblib

from benchmarks.figures import BASE, Figure, process, show
from calibration.curves.features import Rung
from calibration.curves.labels import Target
from tests.calibration import studies

SEEDS = 100
PARTS = ("studies", "million", "whole")
OTHERS = 20_000


def learning_figures(release: str, parts: tuple[str, ...] = PARTS) -> list[Figure]:
    """Return the figures of some parts; `release` is the path of a text release."""
    figures: list[Figure] = []
    if "studies" in parts:
        figures += studies_figures()
    for part, measure in (("million", million_figures), ("whole", whole_figures)):
        if part in parts:
            with tempfile.TemporaryDirectory(prefix="skillsprout-bench-") as var:
                environment = {**os.environ, "DEBUG": "1", "VAR_DIR": var, "LOG_LEVEL": "ERROR"}
                environment.pop("DATABASE_URL", None)
                process(["manage.py", "migrate", "--verbosity", "0"], environment)
                figures += measure(release, environment)
    return figures


def studies_figures() -> list[Figure]:
    """Return what a hundred seeds say, spread over the cores: bounds on how often something goes wrong."""
    figures = [figure for target in Target for figure in _gain_figures(target)]
    wrong = {
        "promoted at 50 people and worse than the constant": (_harm, 0),
        "shuffled answers promoted, 200 people": (_shuffled_few, 5),
        "shuffled answers promoted, 2,000 people, logistic": (_shuffled_logistic, 5),
        "shuffled answers promoted, 2,000 people, boosting": (_shuffled_boosting, 5),
        "better challenger kept out, logistic over Platt, 2,000 people": (_better_logistic, 20),
        "better challenger kept out, boosting over logistic, 2,000 people": (_better_boosting, 20),
    }
    for what, (study, aim) in wrong.items():
        figures.append(Figure(f"{what}, of {SEEDS}", sum(_over_cores(study)), aim, "seeds"))
    found = _over_cores(_recovered)
    for name in ("ips", "snips", "dr"):
        missed = SEEDS - sum(part[name] for part in found)
        figures.append(Figure(f"{name.upper()}'s 95 % interval misses the truth, of {SEEDS}", missed, 10, "seeds"))
    verdicts = sum(_over_cores(_verdicts_on_few))
    figures.append(Figure(f"verdict under an effective size of 100, of {SEEDS}", verdicts, 0, "seeds"))
    return figures


def million_figures(release: str, environment: dict[str, str]) -> list[Figure]:
    """Return what training on a million items costs, as a whole process."""
    process(["-m", "benchmarks.million"], environment)
    seconds, megabytes = process(["manage.py", "train_calibration"], environment)
    return [
        Figure("training on 1,000,000 items, wall time", seconds, 60, "s"),
        Figure("training on 1,000,000 items, peak memory", megabytes, 1024, "MB"),
    ]


def whole_figures(release: str, environment: dict[str, str]) -> list[Figure]:
    """Return how a calibration that was learnt from 2,000 people does on 500 others, on the full release."""
    process(["manage.py", "import_onet", release], environment)
    simulate = ["manage.py", "simulate_feedback", "--people"]
    simulating, _ = process([*simulate, "2000", "--seed", "1"], environment)
    training, _ = process(["manage.py", "train_calibration", "--traffic", "simulated"], environment)
    plain, calibrated = (Path(environment["VAR_DIR"]) / name for name in ("plain.json", "calibrated.json"))
    process([*simulate, "500", "--seed", "2", "--truth", str(plain)], environment)
    process([*simulate, "500", "--seed", "2", "--use-calibration", "--truth", str(calibrated)], environment)
    judged = subprocess.run(
        [sys.executable, "-m", "benchmarks.held_out", str(plain), str(calibrated)],
        env={**environment, "DJANGO_SETTINGS_MODULE": "skillsprout.settings"},
        cwd=BASE,
        capture_output=True,
        text=True,
    )
    if judged.returncode:
        raise SystemExit(judged.stderr)
    return [
        Figure("simulating 2,000 people on the full release, per person", 1000 * simulating / 2000, 100, "ms"),
        Figure("training on 2,000 people, wall time", training, 60, "s"),
        *(Figure(**figure) for figure in json.loads(judged.stdout)),
    ]


def _over_cores(study: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return a study's results on parts of the seeds, whichever core was free."""
    parts = [range(first, SEEDS, 2 * joblib.cpu_count()) for first in range(2 * joblib.cpu_count())]
    calls = (joblib.delayed(study)(*arguments, part) for part in parts)
    return list(joblib.Parallel(n_jobs=-1)(calls))


def _gain_figures(target: Target) -> Iterator[Figure]:
    for people in (200, 500, 2000):
        runs = [run for part in _over_cores(_gains, target, people) for run in part]
        for name in ("constant", "uncalibrated"):
            worst = max(run["calibrated"] - run[name] for run in runs)
            what = f"{target.name.lower()}, {people:,} people: Brier minus the {name}'s"
            yield Figure(f"{what}, worst of {SEEDS} seeds", worst, 0, "")
        if people == 2000:
            largest = max(run["ece"] for run in runs)
            yield Figure(f"{target.name.lower()}, 2,000 people: largest calibration error", largest, 0.05, "")


def _gains(target: Target, people: int, seeds: range) -> list[dict[str, Any]]:
    others, _ = studies.held_out_people(OTHERS, target=target)
    return [studies.calibration_gain(people, seed, others, target=target) for seed in seeds]


def _harm(seeds: range) -> int:
    return int(studies.harm_at(50, seeds, *studies.held_out_people(OTHERS))["harmful"])


def _shuffled_few(seeds: range) -> int:
    return len(seeds) - int(studies.shuffled_rejected(200, seeds))


def _shuffled_logistic(seeds: range) -> int:
    return len(seeds) - int(studies.shuffled_rejected(2000, seeds, make_challenger=studies.rung(Rung.LOGISTIC)))


def _shuffled_boosting(seeds: range) -> int:
    return len(seeds) - int(studies.shuffled_rejected(2000, seeds, make_challenger=studies.rung(Rung.BOOSTING)))


def _better_logistic(seeds: range) -> int:
    return len(seeds) - int(studies.better_promoted(2000, seeds))


def _better_boosting(seeds: range) -> int:
    promoted = studies.better_promoted(
        2000, seeds, challenger=Rung.BOOSTING, champion=Rung.LOGISTIC, world=studies.STEEP
    )
    return len(seeds) - int(promoted)


def _recovered(seeds: range) -> dict[str, float]:
    return dict(studies.recovered(2000, seeds))


def _verdicts_on_few(seeds: range) -> int:
    return studies.verdicts_on_few(300, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="Write the figures here too.")
    parser.add_argument("--only", action="append", choices=PARTS, help="Measure this part only; may be repeated.")
    options = parser.parse_args()
    parts = tuple(options.only or PARTS)
    release = os.environ.get("ONET_RELEASE", "")
    if "whole" in parts and not release:
        raise SystemExit("Set ONET_RELEASE to the path of an official text release, such as db_29_3_text.zip.")
    figures = learning_figures(release, parts)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1))
    if not all(figure.met for figure in figures):
        raise SystemExit("Some figures miss their aims.")


if __name__ == "__main__":
    main()
