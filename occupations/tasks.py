"""Work on occupations that a worker does. The key comes from the settings, never as an argument."""

from collections.abc import Sequence
from typing import Any

from celery import shared_task

from occupations import services

# What finds an import at work tries again until that is over.
WAITING: dict[str, Any] = {
    "autoretry_for": (services.ImportRunningError,),
    "default_retry_delay": 60,
    "max_retries": 60,
}


@shared_task
def import_release(location: str) -> str:
    """Import the text release at a URL or a path of the server; the Release row tells how it ended."""
    return services.import_release_unattended(location)


@shared_task(soft_time_limit=3300, time_limit=3600)
def sync(source: str = "auto", location: str = "", tables: Sequence[str] = (), force: bool = False) -> str:
    """Bring the newest O*NET in; the Release row tells how far it is, and how it ended."""
    return services.sync_unattended(source=source, location=location, tables=tables, force=force)


@shared_task(soft_time_limit=840, time_limit=900, **WAITING)
def refresh_occupations(codes: Sequence[str]) -> str:
    """Fetch these occupations and nothing else from the Web Services; a Release row tells how it ended."""
    return services.refresh_unattended(codes)


@shared_task(soft_time_limit=1140, time_limit=1200, **WAITING)
def search_and_cache(keywords: str) -> list[str]:
    """Fetch the occupations that the Web Services find for keywords and that are not loaded yet."""
    return services.search_and_cache(keywords)


@shared_task(soft_time_limit=240, time_limit=300)
def check_for_new_release() -> str:
    """Look whether O*NET has published a newer release."""
    return str(services.check_for_new_release())


@shared_task(soft_time_limit=840, time_limit=900, **WAITING)
def rebuild_text_vectors() -> str:
    """Compute text vectors and the search index anew."""
    return str(services.rebuild_text_vectors())
