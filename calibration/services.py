"""Use cases of calibration that the admin, the API, tasks and commands share."""

from datetime import datetime

from calibration.registry import PromotionError, promote, return_to, serve_champion, simulated_champions, take_back
from calibration.training import (
    Progress,
    SimulatedOnRealError,
    TrainingRunningError,
    settle_stale_trainings,
    train,
)
from profiles.models import Profile
from recommendations.services import refused_curves

__all__ = [
    "Progress",
    "PromotionError",
    "SimulatedOnRealError",
    "TrainingRunningError",
    "calibration_alerts",
    "promote",
    "return_to",
    "serve_champion",
    "settle_stale_trainings",
    "take_back",
    "train",
    "train_unattended",
]


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


def calibration_alerts() -> list[str]:
    """Return a sentence for each calibration that serves and should not, or should serve and cannot."""
    simulated = [
        f"Calibration {model.version} learnt from simulated people: what it says is good for trying out alone."
        for model in simulated_champions()
        if model.curve.serving
    ]
    return [*refused_curves(), *simulated]
