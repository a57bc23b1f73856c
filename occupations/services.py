"""Use cases around occupations that pages, the API, the admin and commands share."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from occupations.catalogue import Catalogue, NoReleaseError, forget_catalogue, get_catalogue
from occupations.importing import (
    ImportFailedError,
    ImportRunningError,
    ReleaseError,
    import_release,
    record_failure,
)
from occupations.models import Release

__all__ = [
    "Catalogue",
    "NoReleaseError",
    "credit_context",
    "credit_line",
    "forget_catalogue",
    "get_catalogue",
]


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


def credit_line(release: Release) -> str:
    """Return the credit that O*NET's licence asks for, with the release, and that scores are ours."""
    return (
        f"This page includes information from the O*NET {release.version} Database by the U.S. Department of "
        "Labor, Employment and Training Administration (USDOL/ETA). Used under the CC BY 4.0 license. "
        "O*NET® is a trademark of USDOL/ETA. SkillSprout has modified all or some of this information: matches, "
        "gaps, tiers, estimates and training paths are ours. USDOL/ETA has not approved, endorsed, or tested "
        "these modifications."
    )


def credit_context(request: HttpRequest) -> dict[str, object]:
    """Give every template the credit line of the loaded release; a query only where it is shown."""

    def line() -> str:
        try:
            return credit_line(get_catalogue().release)
        except NoReleaseError:
            return ""

    return {"onet_credit": SimpleLazyObject(line)}
