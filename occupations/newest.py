"""Find out whether O*NET has published a newer release than the loaded one."""

import re
from urllib.parse import urljoin

import requests
from django.conf import settings
from django.utils import timezone

from occupations.models import NewestRelease, Release
from occupations.release_archive import MB, ReleaseError
from occupations.syncing import SYNC_ERRORS, version_key, web_services_configured
from occupations.web_services import WebServices

__all__ = ["check_for_new_release", "newer_release"]

NAMED = re.compile(r"db_(\d{1,3})_(\d{1,3})_text\.zip|O\*NET(?:&reg;|®)?\s+(\d{1,3})\.(\d{1,3})\s+Database")
CONNECT_SECONDS, SILENCE_SECONDS = 10, 30


def check_for_new_release(*, services: WebServices | None = None) -> NewestRelease:
    """Ask the Web Services where there is a key, else O*NET's page of releases; keep and return what was found.

    A check that fails keeps what was known, and says why it failed.
    """
    newest, _ = NewestRelease.objects.get_or_create(pk=1)
    try:
        if services:
            found = services.about().version, services.base_url
        elif web_services_configured():
            with WebServices.from_settings() as client:
                found = client.about().version, client.base_url
        else:
            found = _newest_on_the_page()
    except SYNC_ERRORS as error:
        newest.error = str(error)
    else:
        newest.version, newest.location = found
        newest.error = ""
    newest.checked = timezone.now()
    newest.save()
    return newest


def newer_release() -> NewestRelease | None:
    """Return the newest release that is known, where it is newer than the loaded one."""
    newest = NewestRelease.objects.filter(pk=1).first()
    active = Release.objects.filter(state=Release.State.ACTIVE).first()
    if newest and active and version_key(newest.version) > version_key(active.version):
        return newest
    return None


def _newest_on_the_page() -> tuple[str, str]:
    url = settings.ONET_RELEASES_PAGE
    try:
        with requests.get(
            url, timeout=(CONNECT_SECONDS, SILENCE_SECONDS), headers={"User-Agent": "SkillSprout"}, stream=True
        ) as answer:
            if not answer.ok:
                raise ReleaseError(f"{url} answered {answer.status_code}.")
            text = answer.raw.read(4 * MB, decode_content=True).decode(errors="replace")
    except requests.RequestException as error:
        raise ReleaseError(f"{url} cannot be reached; perhaps there is no network.") from error
    versions = [(int(match[1] or match[3]), int(match[2] or match[4])) for match in NAMED.finditer(text)]
    if not versions:
        raise ReleaseError(f"{url} names no release.")
    major, minor = max(versions)
    return f"{major}.{minor}", urljoin(settings.ONET_RELEASE_URL, f"db_{major}_{minor}_text.zip")
