"""Work on calibration that a worker does."""

from celery import shared_task

from calibration import services


@shared_task
def train(traffic: str = "person", model_version: str | None = None, since: str = "", seed: int = 0) -> str:
    """Learn from feedback; the TrainingRun row tells how it goes and how it ended. `since` is a day or moment, UTC."""
    return services.train_unattended(
        traffic=traffic,
        model_version=model_version,
        since=services.parse_since(since) if since else None,
        seed=seed,
    )
