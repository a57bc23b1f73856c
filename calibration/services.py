"""Use cases of calibration that the admin, the API, tasks and commands share."""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from calibration.models import CalibrationModel
from calibration.registry import (
    PromotionError,
    hindrance,
    learnt_from_simulated,
    promote,
    return_to,
    serve_champion,
    simulated_champions,
    take_back,
)
from calibration.training import (
    Progress,
    SimulatedOnRealError,
    TrainingRunningError,
    settle_stale_trainings,
    train,
)
from profiles.models import Profile
from recommendations.services import RefusedCurveError, load_curve, refused_curves, served_curve

__all__ = [
    "Progress",
    "PromotionError",
    "Serving",
    "SimulatedOnRealError",
    "SinceError",
    "TrainingRunningError",
    "calibration_alerts",
    "hindrance",
    "learnt_from_simulated",
    "parse_since",
    "promote",
    "return_to",
    "serve_champion",
    "serving_of",
    "settle_stale_trainings",
    "take_back",
    "train",
    "train_unattended",
]


class SinceError(ValueError):
    """No moment from which lists could be learnt from; the message says why."""


def parse_since(text: str) -> datetime:
    """Return the moment, in UTC, before which lists are left out: a day or an ISO moment; UTC where it names no zone.

    Raises:
        SinceError: It is none, or lies in the future.
    """
    try:
        day = parse_date(text)
        moment = datetime.combine(day, time()) if day else parse_datetime(text)
        if moment is not None:
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise SinceError(f"{text} is not a day; write it as 2026-01-31.")
    if moment > timezone.now():
        raise SinceError(f"{text} lies in the future; nothing was shown after it.")
    return moment


def train_unattended(
    *,
    traffic: str = Profile.Traffic.PERSON,
    model_version: str | None = None,
    since: datetime | None = None,
    seed: int = 0,
) -> str:
    """Train where nobody watches, and return in sentences how it ended; its row keeps them.

    While another training is at work there is nothing to do: that one learns from the same answers.

    Raises:
        SimulatedOnRealError, UnknownModelError: As `train` does.
    """
    try:
        run = train(traffic=traffic, model_version=model_version, since=since, seed=seed)
    except TrainingRunningError as error:
        return str(error)
    return " ".join(run.outcome)


@dataclass(frozen=True, slots=True)
class Serving:
    """Whether a model is applied to lists; `alert` where it should be and cannot, or is in place of such a one."""

    serves: bool
    sentence: str
    alert: bool = False


def serving_of(model: CalibrationModel) -> Serving | None:
    """Return whether a champion, or a model before it that may step in, is applied; None for one that is neither."""
    if model.state != CalibrationModel.State.CHAMPION and not model.curve.may_serve:
        return None
    served = served_curve(model.model_version)
    if served and served.version == model.version:
        if model.curve.serving:
            return Serving(True, "It serves.")
        return Serving(True, "It serves in place of the champion, whose stored bytes are refused.", alert=True)
    if model.state != CalibrationModel.State.CHAMPION:
        return None
    if model.curve.serving:
        instead = f"{served.version} serves in its place." if served else "No calibration serves in its place."
        try:
            load_curve(model.curve)
        except RefusedCurveError as error:
            return Serving(False, f"It does not serve. {error} {instead}", alert=True)
    if model.target != settings.CALIBRATION_TARGET:
        return Serving(False, f"It does not serve: CALIBRATION_TARGET is {settings.CALIBRATION_TARGET}.")
    return Serving(False, "It does not serve yet: the next training lets it.")


def calibration_alerts() -> list[str]:
    """Return a sentence for each calibration that serves and should not, or should serve and cannot."""
    simulated = [
        f"Calibration {model.version} learnt from simulated people: what it says is good for trying out alone."
        for model in simulated_champions()
        if model.curve.serving
    ]
    return [*refused_curves(), *simulated]
