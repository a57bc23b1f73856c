"""Measure speed and memory on the full O*NET release and print each figure beside its aim.

`ONET_RELEASE=path/to/db_29_3_text.zip python -m benchmarks [--json FILE]`. Whole processes are measured from
outside; what runs inside one is the median of many runs. Machines differ: compare figures of one run.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import BASE, Figure, process, show
from benchmarks.learning import learning_figures

SETTINGS = {"DJANGO_SETTINGS_MODULE": "skillsprout.settings"}


def sync_figures(release: str, environment: dict[str, str]) -> list[Figure]:
    """Sync the whole release from the fake Web Services in a process of their own, and measure what the sync adds."""
    fake = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_onet", release], cwd=BASE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert fake.stdout is not None
        found = re.search(r"at (\S+) \(X-API-Key (\S+)\)", fake.stdout.readline())
        if found is None:
            raise SystemExit("The fake Web Services did not start.")
        url, key = found.groups()
        keyed = {"ONET_BASE_URL": url, "ONET_API_KEY": key, "ONET_REQUESTS_PER_SECOND": "100000"}
        seconds, megabytes = process(["manage.py", "sync_onet", "--source", "api"], environment | keyed)
        with urllib.request.urlopen(f"{url}-/requests") as answer:
            requests = json.load(answer)
    finally:
        fake.terminate()
        fake.wait()
    its_own = sum(request["seconds"] for request in requests)
    fetching = requests[-1]["at"] + requests[-1]["seconds"] - requests[0]["at"]
    return [
        Figure("sync of the full release, wall time over the server's own", seconds - its_own, 60, "s"),
        Figure("sync, what fetching adds to each request", 1000 * (fetching - its_own) / len(requests), 50, "ms"),
        Figure("sync of the full release, peak memory", megabytes, 400, "MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="Write the figures here too.")
    options = parser.parse_args()
    release = os.environ.get("ONET_RELEASE")
    if not release:
        raise SystemExit("Set ONET_RELEASE to the path of an official text release, such as db_29_3_text.zip.")
    with tempfile.TemporaryDirectory(prefix="skillsprout-bench-") as var:
        environment = {**os.environ, "DEBUG": "1", "VAR_DIR": var, "LOG_LEVEL": "ERROR"}
        process(["manage.py", "migrate", "--verbosity", "0"], environment)
        seconds, megabytes = process(["manage.py", "import_onet", release], environment)
        figures = [
            Figure("import of the full release, wall time", seconds, 30, "s"),
            Figure("import of the full release, peak memory", megabytes, 500, "MB"),
        ]
        figures += sync_figures(release, environment)
        inside = subprocess.run(
            [sys.executable, "-m", "benchmarks.inside"],
            env={**environment, "DEBUG": "0", "SECRET_KEY": "only-for-benchmarks", **SETTINGS},
            cwd=BASE,
            capture_output=True,
            text=True,
        )
        if inside.returncode:
            raise SystemExit(inside.stderr)
        figures += [Figure(**figure) for figure in json.loads(inside.stdout)]
    figures += learning_figures(release)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1))
    if not all(figure.met for figure in figures):
        raise SystemExit("Some figures miss their aims.")


if __name__ == "__main__":
    main()
