"""Use cases around occupations that pages, the API, the admin and commands share."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from occupations.catalogue import Catalogue, NoReleaseError, forget_catalogue, get_catalogue, write_snapshot
from occupations.importing import (
    ImportCancelledError,
    ImportRunningError,
    ReleaseError,
    fail_dead_releases,
    import_release,
    only_import,
    record_failure,
)
from occupations.models import CatalogueState, NewestRelease, Occupation, Release
from occupations.newest import check_for_new_release, newer_release
from occupations.refreshing import find_occupations, refresh_occupations
from occupations.syncing import SYNC_ERRORS, Preview, preview, sync, web_services_configured
from occupations.web_answers import NotConfiguredError

__all__ = [
    "SYNC_ERRORS",
    "Catalogue",
    "ImportRunningError",
    "NoReleaseError",
    "Preview",
    "cancel_import",
    "check_for_new_release",
    "credit_context",
    "credit_line",
    "forget_catalogue",
    "get_catalogue",
    "newer_release",
    "preview",
    "rebuild_text_vectors",
    "refresh_occupations",
    "refresh_unattended",
    "release_status",
    "search_and_cache",
    "settle_stale_imports",
    "sync",
    "sync_unattended",
    "web_services_configured",
]


STALE = timedelta(minutes=2)


def import_release_unattended(location: str) -> str:
    """Import a release where nobody watches, and return a sentence on how it ended; its row keeps it.

    Raises:
        ReleaseError, ImportRunningError, ImportFailedError: As `import_release` does, once the row says why.
    """
    try:
        result = import_release(location)
    except (ReleaseError, ImportRunningError) as error:
        record_failure(Release.Source.TEXT, location, error)
        raise
    return f"{result.release} is loaded." if result.changed else f"{result.release} was loaded already."


def sync_unattended(
    *, source: str = "auto", location: str = "", tables: Sequence[str] = (), force: bool = False
) -> str:
    """Sync where nobody watches, and return a sentence on how it ended; its row keeps it.

    While another import is at work there is nothing to do: that one will bring the newest release, or its row says
    why not.

    Raises:
        ReleaseError, WebServicesError, ImportFailedError: As `sync` does, once the row says why.
    """
    try:
        result = sync(source=source, location=location, tables=tables, force=force)
    except (ImportRunningError, ImportCancelledError) as error:
        return str(error)
    except NotConfiguredError as error:
        record_failure(Release.Source.API_2, "", error)
        raise
    return f"{result.release} is loaded." if result.changed else f"{result.release} was loaded already."


def refresh_unattended(codes: Sequence[str]) -> str:
    """Refresh occupations where nobody watches, and return a sentence on how it ended; a row keeps it.

    Raises:
        ImportRunningError: An import is running; try again when it is over.
        NoReleaseError, ReleaseError, WebServicesError, ImportFailedError: As `refresh_occupations` does, once a row
            says why.
    """
    try:
        release = refresh_occupations(codes)
    except ImportRunningError:
        raise
    except (NoReleaseError, *SYNC_ERRORS) as error:
        record_failure(Release.Source.API_2, f"Only {', '.join(codes)}", error)
        raise
    return f"{', '.join(codes)}: now as in {release}."


def search_and_cache(keywords: str, *, limit: int = 20) -> list[str]:
    """Look keywords up in the Web Services, fetch the occupations that are not loaded yet, and return their codes.

    Raises:
        WebServicesError, ReleaseError, ImportRunningError, ImportFailedError, NoReleaseError: As
            `refresh_occupations` does.
    """
    found = find_occupations(keywords, limit=limit)
    known = set(Occupation.objects.filter(pk__in=found, retired=False).values_list("pk", flat=True))
    if missing := [code for code in found if code not in known]:
        refresh_occupations(missing)
    return missing


def rebuild_text_vectors() -> Release:
    """Compute the loaded release's arrays, text vectors and search index anew, for every process to take up.

    Raises:
        NoReleaseError: No data is loaded.
        ImportRunningError: An import is running; it computes them anyway.
    """
    with only_import():
        active = Release.objects.filter(state=Release.State.ACTIVE).first()
        if active is None:
            raise NoReleaseError
        with transaction.atomic():
            write_snapshot(active)
            CatalogueState.advance()
    return active


def cancel_import(release: Release) -> bool:
    """Ask a running import to stop at its next page; return whether it was running."""
    return bool(Release.objects.filter(pk=release.pk, state=Release.State.RUNNING).update(cancel=True))


def release_status() -> dict[str, object]:
    """Return what is loaded, the newest release that is known, and whether that is newer, for a page to show."""
    return {
        "active": Release.objects.filter(state=Release.State.ACTIVE).first(),
        "newest": NewestRelease.objects.filter(pk=1).first(),
        "newer": newer_release(),
        "with_key": web_services_configured(),
    }


def settle_stale_imports() -> None:
    """Where no process is at an import, say so on rows that have looked for some minutes as if one were."""
    latest = Release.objects.filter(state=Release.State.RUNNING).aggregate(at=Max("touched"))["at"]
    if latest is None or timezone.now() - latest < STALE:
        return
    try:
        with only_import():
            fail_dead_releases()
    except ImportRunningError:
        pass


def credit_line(release: Release) -> str:
    """Return the credit that O*NET's licence asks for, with the release, and that scores are ours."""
    web_services = (
        " This site incorporates information from O*NET Web Services (https://services.onetcenter.org/)."
        if release.source in (Release.Source.API_2, Release.Source.API_1)
        else ""
    )
    return (
        f"This page includes information from the O*NET {release.version} Database by the U.S. Department of "
        "Labor, Employment and Training Administration (USDOL/ETA). Used under the CC BY 4.0 license. "
        "O*NET® is a trademark of USDOL/ETA. SkillSprout has modified all or some of this information: matches, "
        "gaps, tiers, estimates and training paths are ours. USDOL/ETA has not approved, endorsed, or tested "
        f"these modifications.{web_services}"
    )


def credit_context(request: HttpRequest) -> dict[str, object]:
    """Give every template the credit line of the loaded release; a query only where it is shown."""

    def line() -> str:
        try:
            return credit_line(get_catalogue().release)
        except NoReleaseError:
            return ""

    return {"onet_credit": SimpleLazyObject(line)}
