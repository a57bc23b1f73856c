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
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import BASE, Figure, process, show

PARTS = ("studies", "million", "whole")


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
    """Return what a hundred seeds say, from a process of its own."""
    return _figures_of(["-m", "benchmarks.studies"], {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"})


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
    judged = _figures_of(
        ["-m", "benchmarks.held_out", str(plain), str(calibrated)],
        {**environment, "DJANGO_SETTINGS_MODULE": "skillsprout.settings"},
    )
    return [
        Figure("simulating 2,000 people on the full release, per person", 1000 * simulating / 2000, 100, "ms"),
        Figure("training on 2,000 people, wall time", training, 60, "s"),
        *judged,
    ]


def _figures_of(arguments: list[str], environment: dict[str, str]) -> list[Figure]:
    """Return the figures that a process prints as JSON."""
    answer = subprocess.run([sys.executable, *arguments], env=environment, cwd=BASE, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return [Figure(**figure) for figure in json.loads(answer.stdout)]


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
