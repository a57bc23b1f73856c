"""Stored trainings and models whose figures come from a small simulation, as a training would have stored them."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from calibration.curves import gate, ladder
from calibration.curves.features import NAMES, Rung
from calibration.curves.labels import Target
from calibration.curves.simulate import simulate
from calibration.details import model_details
from calibration.json_values import json_ready
from calibration.models import CalibrationModel, TrainingRun
from calibration.reports import build_report
from recommendations.services import activate_curve, store_curve
from tests.calibration.datasets import dataset_of, labels_of, samples_of
from tests.factories import CASHIER, COOK, NURSE

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


@lru_cache
def learnt(rung=Rung.LOGISTIC, n_people=600):
    """What a training on simulated people learns: dataset, curve, verdict, details."""
    dataset = dataset_of(simulate(n_people, 4))
    samples = samples_of(dataset, labels_of(dataset))
    early, late = (samples.take(mask) for mask in gate.split(samples.person, samples.shown_days))
    curve = ladder.train(early, rung, seed=0)
    p = curve.probability(late.features, late.position)
    verdict = gate.judge(
        label=late.label,
        person=late.person,
        challenger=p,
        champion=None,
        base_rate=float(early.label.mean()),
        seed=0,
    )
    return dataset, curve, verdict, model_details(curve, late, p, seed=0)


def make_run(**overrides):
    columns = {
        "state": TrainingRun.State.DONE,
        "started": WHEN,
        "finished": WHEN,
        "model_version": "v2_level",
        "outcome": ["A curve was learnt."],
    }
    return TrainingRun.objects.create(**(columns | overrides))


def make_report(n_people=600):
    """A report on jobs of the small world, which must be there."""
    dataset, curve, _, _ = learnt(n_people=n_people)
    of_world = replace(dataset, occupation=dataset.occupation % 3, codes=(CASHIER, COOK, NURSE))
    return build_report(of_world, target=Target.INTEREST, curve=curve, seed=0)


def make_model(version="c1", *, run=None, state="candidate", target="interest", rung=Rung.LOGISTIC, **overrides):
    """Make a model of the registry with its curve; a champion's curve serves."""
    _, curve, verdict, details = learnt(rung)
    stored = store_curve(
        version=version, model_version="v2_level", target=target, feature_names=list(NAMES), curve=curve
    )
    if state == CalibrationModel.State.CHAMPION:
        activate_curve(stored)
    columns = {
        "curve": stored,
        "run": run or make_run(),
        "target": target,
        "model_version": "v2_level",
        "rung": rung.name.lower(),
        "state": state,
        "reasons": list(verdict.reasons),
        "figures": json_ready(verdict.figures),
        "details": details,
        "inputs": list(curve.inputs.names),
        "n_items": curve.n_items,
        "n_people": curve.n_people,
        "base_rate": curve.base_rate,
        "created": WHEN,
    }
    return CalibrationModel.objects.create(**(columns | overrides))
