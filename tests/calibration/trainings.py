"""Trainings on people who answer much, and what came of them."""

from datetime import timedelta

from calibration.curves.simulate import simulate
from calibration.curves.world import World
from calibration.models import CalibrationModel
from calibration.services import train
from recommendations.models import Feedback
from recommendations.services import served_curve
from tests.calibration.stored import AFTER

NEXT_DAY = AFTER + timedelta(days=1)

KEEN = World(level=-1.0, fit=1.2, gap=-1.2, person_sd=0.3, attention=0.2)
"""People who answer much, and follow the fit and the gap more than the place, so that few of them suffice."""


def keen(n=150, seed=0, **options):
    return simulate(n, seed, world=KEEN, pool_size=5, **options)


def learn(**options):
    return train(**{"now": AFTER} | options)


def states():
    return {model.version: model.state for model in CalibrationModel.objects.order_by("pk")}


def champion(target="interest"):
    return CalibrationModel.objects.champions().get(target=target)


def serving(model_version="v2_level"):
    served = served_curve(model_version)
    return served.version if served else None


def answer_anew():
    """Change what there is to learn from a little: one person takes a save back."""
    Feedback.objects.filter(action="save").first().delete()


def at(step, work):
    """Return who is told of a training's steps and does some work at one of them."""
    return lambda what, done, of: work() if what == step else None
