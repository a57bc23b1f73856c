"""Bring a release into the database: one transaction, one import at a time, and curated values stay."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import Error, connection, transaction
from django.utils import timezone

from occupations.models import Release
from occupations.release_archive import ReleaseError, silent
from occupations.release_files import Progress, ReleaseTables, read_release
from occupations.replacing import replace_release
from occupations.web_answers import WebServicesError
from skillsprout.locks import LockHeldError, only_one

__all__ = [
    "ImportCancelledError",
    "ImportFailedError",
    "ImportResult",
    "ImportRunningError",
    "ReleaseError",
    "fail_dead_releases",
    "import_release",
    "import_tables",
    "load_into",
    "loaded_already",
    "only_import",
    "record_failure",
    "running_release",
    "sentences",
]

ENDED_EARLY = "The import ended before it was whole."
DISK_FULL = re.compile(r"disk is full|disk full|no space left", re.IGNORECASE)


class ImportRunningError(Exception):
    """Another import is running."""

    def __init__(self) -> None:
        super().__init__("Another import is running; start this one when it is over.")


class ImportFailedError(Exception):
    """The database did not take the release. The message is one sentence that says why."""


class ImportCancelledError(Exception):
    """Somebody asked to stop it."""

    def __init__(self) -> None:
        super().__init__("It was cancelled; the data is as it was.")


SAID = (ReleaseError, ImportCancelledError, WebServicesError)
"""Errors whose message is a sentence already."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How an import ended.

    Args:
        release: The active release, with its counts and report.
        changed: False where the release was loaded already.
    """

    release: Release
    changed: bool


def import_release(location: str | Path, *, progress: Progress = silent) -> ImportResult:
    """Read the text release at a path (zip or folder) or an http(s) URL and load it.

    Raises:
        ReleaseError: Something is wrong with the release; nothing has changed.
        ImportRunningError: Another import is running.
        ImportFailedError: The database did not take it; nothing but the Release row says so.
    """
    with only_import():
        tables = read_release(location, progress)
        return _load(tables, Release.Source.TEXT, str(location), progress)


def import_tables(
    tables: ReleaseTables, *, source: Release.Source, location: str, progress: Progress = silent
) -> ImportResult:
    """Load what was read from any source; readers see the old data until the new data is whole.

    Call it outside any transaction: its Release row is visible while it runs, and stays when it fails.

    Raises:
        ImportRunningError: Another import is running.
        ImportFailedError: The database did not take it; nothing but the Release row says so.
    """
    with only_import():
        return _load(tables, source, location, progress)


def record_failure(source: Release.Source, location: str, error: Exception) -> Release:
    """Keep a row of a release that could not even be read, for people who did not see the message."""
    return Release.objects.create(
        source=source,
        location=_fitting(location),
        state=Release.State.FAILED,
        error=str(error),
        finished=timezone.now(),
    )


def _load(tables: ReleaseTables, source: Release.Source, location: str, progress: Progress) -> ImportResult:
    with sentences():
        fail_dead_releases()
        if active := loaded_already(tables):
            return ImportResult(active, changed=False)
        with running_release(source, location) as release:
            load_into(release, tables, progress)
    return ImportResult(release, changed=True)


def loaded_already(tables: ReleaseTables) -> Release | None:
    """Return the active release where it is this very one."""
    return Release.objects.filter(state=Release.State.ACTIVE, version=tables.version, digest=tables.digest).first()


def load_into(release: Release, tables: ReleaseTables, progress: Progress = silent) -> None:
    """Make the release that this row tells of the active one, in one transaction; only under the lock."""
    release.version, release.digest = tables.version, tables.digest
    Release.objects.filter(pk=release.pk).update(version=release.version, digest=release.digest)
    active = Release.objects.filter(state=Release.State.ACTIVE).first()
    with transaction.atomic(durable=True):
        replace_release(tables, release, active, progress)


def fail_dead_releases() -> None:
    """Say on each row that still runs that it does not: whoever holds the lock is the only one at work."""
    Release.objects.filter(state=Release.State.RUNNING).update(
        state=Release.State.FAILED, error=ENDED_EARLY, finished=timezone.now()
    )


@contextmanager
def running_release(source: Release.Source, location: str) -> Iterator[Release]:
    """Give the row that people see while an import runs; how it fails is written there. Only under the lock."""
    release = Release.objects.create(source=source, location=_fitting(location))
    try:
        yield release
    except BaseException as error:
        cancelled = isinstance(error, ImportCancelledError)
        # A database that is gone or full may not take this either; then the next import marks the row.
        with suppress(Error):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            Release.objects.filter(pk=release.pk).update(
                state=Release.State.CANCELLED if cancelled else Release.State.FAILED,
                error=_sentence(error),
                finished=timezone.now(),
            )
        raise


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what the database says into one sentence.

    Raises:
        ImportFailedError: The database failed.
    """
    try:
        yield
    except Error as error:
        raise ImportFailedError(_sentence(error)) from error


def _sentence(error: BaseException) -> str:
    if isinstance(error, Error):
        message = str(error).strip().split("\n")[0]
        if DISK_FULL.search(str(error)):
            return f"No space is left on the disk for the database ({message})."
        return f"The database did not take the release ({message})."
    if isinstance(error, SAID):
        return str(error)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "The import was stopped."
    return f"The import failed: {type(error).__name__}: {error}"


def _fitting(location: str) -> str:
    return location[: Release._meta.get_field("location").max_length]


@contextmanager
def only_import() -> Iterator[None]:
    """Hold this database's import lock; it falls when the process dies.

    Raises:
        ImportRunningError: Another process holds it.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one("import"))
        except LockHeldError as error:
            raise ImportRunningError from error
        yield
