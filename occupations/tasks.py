"""Work on occupations that a worker does."""

from celery import shared_task

from occupations import services


@shared_task
def import_release(location: str) -> str:
    """Import the text release at a URL or a path of the server; the Release row tells how it ended."""
    return services.import_release_unattended(location)
