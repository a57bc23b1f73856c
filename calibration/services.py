"""Use cases of calibration that the admin, the API, tasks and commands share."""

from datetime import datetime

from calibration.registry import PromotionError, promote, return_to, serve_champion, take_back
from calibration.training import (
    Progress,
    SimulatedOnRealError,
    TrainingRunningError,
    settle_stale_trainings,
    train,
)
from profiles.models import Profile

__all__ = [
    "Progress",
    "PromotionError",
    "SimulatedOnRealError",
    "TrainingRunningError",
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
