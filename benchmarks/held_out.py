"""How the calibration that serves does on people whom it was not trained on; prints JSON.

`python -m benchmarks.held_out PLAIN CALIBRATED`, in the database that `simulate_feedback --truth` has filled with
people trained on, with others (PLAIN is their truth), and with the same others by the calibration's order (CALIBRATED).
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django
import numpy as np
from django.conf import settings

from benchmarks.figures import Figure


def _worth(path: Path) -> float:
    """Return the mean true probability of interest in the jobs of people's first lists, at the places shown."""
    seen = set()
    worth = []
    for of_list in json.loads(path.read_text())["lists"]:
        if of_list["person"] not in seen:
            seen.add(of_list["person"])
            worth += [job["interest"] for job in of_list["jobs"] if job["shown"]]
    return float(np.mean(worth))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillsprout.settings")
    django.setup()
    from calibration.curves import metrics  # noqa: PLC0415
    from calibration.curves.features import NAMES  # noqa: PLC0415
    from calibration.curves.labels import Target  # noqa: PLC0415
    from calibration.dataset import read_dataset  # noqa: PLC0415
    from calibration.models import CalibrationModel  # noqa: PLC0415
    from recommendations.services import load_curve  # noqa: PLC0415
    from tests.calibration.truths import of_items, read_truth  # noqa: PLC0415

    champion = CalibrationModel.objects.champions().filter(target="interest").first()
    if champion is None:
        latest = CalibrationModel.objects.filter(target="interest").first()
        raise SystemExit(f"No champion: {' '.join(latest.reasons) if latest else 'nothing was trained'}")
    dataset = read_dataset(model_version=settings.MODEL_VERSION, traffic="simulated")
    truth = of_items(dataset, read_truth(Path(sys.argv[1])))
    samples, rows = dataset.samples(Target.INTEREST)
    others = ~np.isnan(truth[rows])
    samples, true = samples.take(others), truth[rows][others]
    # What serves knows a reference position only; what was trained knows them all.
    curve: Any = load_curve(champion.curve)
    p = curve.probability(samples.features, samples.position)
    constant = np.full(len(p), champion.base_rate)
    uncalibrated = samples.features[:, NAMES.index("base_score")] / 100
    brier = metrics.brier(p, samples.label)
    people = len(np.unique(samples.person))
    figures = [
        Figure(f"{people} other people: calibration error of the champion", metrics.ece(p, samples.label), 0.05, ""),
        Figure("other people: Brier minus the constant's", brier - metrics.brier(constant, samples.label), 0, ""),
        Figure("other people: Brier minus the score's", brier - metrics.brier(uncalibrated, samples.label), 0, ""),
        Figure("other people: Brier over the truth's own", brier / metrics.brier(true, samples.label), 1.1, ""),
        Figure(
            "other people: squared error to the truth, over the constant's",
            float(((p - true) ** 2).mean() / ((constant - true) ** 2).mean()),
            0.5,
            "",
        ),
    ]
    before, after = (_worth(Path(path)) for path in sys.argv[1:3])
    figures.append(Figure("true interest in what they are shown, plain order over calibrated", before / after, 1, ""))
    print(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main()
