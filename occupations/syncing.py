"""Keep O*NET fresh: whole syncs from the Web Services or a text release, and what one would change."""

import math
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from occupations.catalogue import Catalogue, read_catalogue
from occupations.importing import (
    ImportCancelledError,
    ImportFailedError,
    ImportResult,
    ImportRunningError,
    fail_dead_releases,
    load_into,
    loaded_already,
    only_import,
    running_release,
    sentences,
)
from occupations.models import NewestRelease, Release
from occupations.release_archive import Progress, ReleaseError, silent
from occupations.release_files import (
    CONTENT_MODEL,
    KNOWLEDGE,
    NEW_SKILLS,
    OPTIONAL_DOMAINS,
    SKILLS,
    ReleaseTables,
    read_release,
)
from occupations.replacing import replace_release
from occupations.web_answers import VERSION, BadAnswerError, ChangedError, NotConfiguredError, Page, WebServicesError
from occupations.web_pages import PageStore, fetch_table
from occupations.web_services import LARGEST_PAGE, WebServices
from occupations.web_tables import TableError, read_tables, wanted_tables

__all__ = [
    "SYNC_ERRORS",
    "OlderReleaseError",
    "Preview",
    "newest_text_release",
    "preview",
    "sync",
    "web_services_configured",
]

LOADED = "loaded"  # a file in the store's folder: its pages have served
RATING_FILES = (SKILLS, *NEW_SKILLS, KNOWLEDGE, *OPTIONAL_DOMAINS.values())
SCALES = ("IM", "LV")
SECONDS_BETWEEN_STEPS = 0.5
SOURCES = ("auto", "api", "release")

Clock = Callable[[], float]


class OlderReleaseError(ReleaseError):
    """The release is older than the loaded one."""

    def __init__(self, version: str, active: Release) -> None:
        super().__init__(f"O*NET {version} is older than {active}, which is loaded; force it if that is what you want.")


class StrangeRowError(BadAnswerError):
    """A page holds a row on a scale or an element that O*NET does not have; ask once more."""


SYNC_ERRORS = (ReleaseError, WebServicesError, ImportRunningError, ImportFailedError, ImportCancelledError)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a sync would do.

    Args:
        version: Of the release.
        changed: False where it is loaded already; then there is no more to say.
        counts: As on a Release row.
        report: As on a Release row.
        catalogue: The catalogue as it would be.
    """

    version: str
    changed: bool
    counts: dict[str, Any]
    report: dict[str, Any]
    catalogue: Catalogue | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which release is wanted, and how to go about it."""

    source: str
    location: str
    tables: tuple[str, ...]
    force: bool
    page_size: int


def web_services_configured() -> bool:
    """Whether the settings name a key."""
    return bool(settings.ONET_API_KEY or (settings.ONET_USERNAME and settings.ONET_PASSWORD))


def newest_text_release() -> str:
    """Return the address of the newest text release that is known."""
    newest = NewestRelease.objects.filter(pk=1).first()
    return newest.location if newest and newest.location.endswith(".zip") else settings.ONET_RELEASE_URL


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions: 30.3 comes before 30.10; an unknown one before all."""
    return tuple(map(int, version.split("."))) if VERSION.fullmatch(version) else ()


def sync(
    *,
    source: str = "auto",
    location: str = "",
    tables: Collection[str] = (),
    force: bool = False,
    progress: Progress = silent,
    page_size: int = LARGEST_PAGE,
    services: WebServices | None = None,
    clock: Clock = time.monotonic,
) -> ImportResult:
    """Bring the newest release in, as `import_release` does; its row tells how far it is, and how it ended.

    What was fetched stays on disk until it is loaded: the next sync of the same release goes on from there.

    Args:
        source: api, release, or auto: the Web Services where there is a key, else the text release.
        location: Of the text release; the newest that is known where left out.
        tables: Ids of tables to fetch anew; the others come from what the last sync of this release left on disk,
            as far as it is there.
        force: Whether a release may replace a newer one.
        progress: Told what is being done.
        page_size: Rows asked for at a time, at most 1,000.
        services: A client in place of the one that the settings name.
        clock: Seconds that never run backwards.

    Raises:
        ImportRunningError: Another import or sync is running.
        ImportCancelledError: Somebody asked to stop it.
        ReleaseError, WebServicesError: There is something wrong with the source; the row says so too.
        ImportFailedError: The database did not take it.
    """
    wanted = _Wanted(_chosen(source, services), location, tuple(tables), force, page_size)
    with sentences(), only_import():
        fail_dead_releases()
        with _client(wanted, services) as client:
            origin, place = _origin(wanted, client)
            with running_release(origin, place) as release:
                told = _Told(release, progress, clock)
                content, store = _content(wanted, client, told)
                if active := loaded_already(content):
                    _end_unchanged(release, content)
                    result = ImportResult(active, changed=False)
                else:
                    told.write("Switching to the new data")
                    load_into(release, content, progress)
                    result = ImportResult(release, changed=True)
            if store:
                _served(store)
    return result


def preview(
    *,
    source: str = "auto",
    location: str = "",
    tables: Collection[str] = (),
    force: bool = False,
    progress: Progress = silent,
    page_size: int = LARGEST_PAGE,
    services: WebServices | None = None,
    clock: Clock = time.monotonic,
) -> Preview:
    """Return what a sync would change. It is done by the very same code in a transaction that is taken back.

    The pages that it fetches stay on disk for the sync itself. Arguments and errors are those of `sync`.
    """
    wanted = _Wanted(_chosen(source, services), location, tuple(tables), force, page_size)
    with sentences(), only_import(), _client(wanted, services) as client:
        content, _ = _content(wanted, client, _Told(None, progress, clock))
        if loaded_already(content):
            return Preview(content.version, changed=False, counts={}, report={})
        origin, place = _origin(wanted, client)
        active = Release.objects.filter(state=Release.State.ACTIVE).first()
        with transaction.atomic(durable=True):
            release = Release.objects.create(
                source=origin, location=place, version=content.version, digest=content.digest
            )
            replace_release(content, release, active, progress)
            catalogue = read_catalogue()
            transaction.set_rollback(True)
    return Preview(content.version, changed=True, counts=release.counts, report=release.report, catalogue=catalogue)


class _Told:
    """Writes to the Release row how far a sync is, and stops the sync when somebody asked for it there.

    Args:
        release: The row; None where nobody is to see it.
        progress: Told the same.
        clock: Seconds that never run backwards.
    """

    def __init__(self, release: Release | None, progress: Progress, clock: Clock) -> None:
        self.release = release
        self.progress = progress
        self.clock = clock
        self.began = clock()
        self.last = -math.inf
        self.what = ""
        self.rows: dict[str, tuple[int, int]] = {}
        self.there = 0

    def begin(self, rows: dict[str, tuple[int, int]]) -> None:
        """Take note of what is there already, by table: its rows, and of how many."""
        self.rows = dict(rows)
        self.there = sum(done for done, _ in rows.values())
        self.began = self.clock()

    def page(self, table: str, done: int, of: int) -> None:
        """Tell that a page has come.

        Raises:
            ImportCancelledError: Somebody asked to stop it.
        """
        self.rows[table] = (done, of)
        fetched, total = (sum(numbers) for numbers in zip(*self.rows.values(), strict=True))
        seconds = self.clock() - self.began
        rate = max(fetched - self.there, 0) / seconds if seconds > 0 else 0
        self.write(
            f"Fetching {table}",
            table=table,
            table_rows=done,
            table_of=of,
            rows=fetched,
            of=total,
            rate=round(rate),
            seconds_left=math.ceil((total - fetched) / rate) if rate else None,
        )
        self.progress(f"Fetching {table}", fetched, total)

    def step(self, what: str, done: int, of: int) -> None:
        """Tell what is done between the pages and the import, not too often."""
        self.progress(what, done, of)
        if what != self.what or self.clock() - self.last >= SECONDS_BETWEEN_STEPS:
            self.write(what, rows=done, of=of)

    def write(self, what: str, **figures: Any) -> None:
        self.what, self.last = what, self.clock()
        if self.release is None:
            return
        rows = Release.objects.filter(pk=self.release.pk, cancel=False, state=Release.State.RUNNING)
        if not rows.update(progress={"what": what, **figures}, touched=timezone.now()):
            raise ImportCancelledError


class _Pages(PageStore):
    """Pages, each looked at before it is kept: one with an unknown scale or element is asked for once more.

    What comes again is O*NET's own: it is believed from then on, and the import leaves out and counts what it must.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._doubted: set[tuple[str, int]] = set()
        self._believed: set[object] = {*SCALES}
        self._elements: frozenset[object] = frozenset()

    def write(self, table: str, page: Page) -> None:
        of_file = wanted_tables(self.tables)
        if table in {identity for file, identity in of_file.items() if file in RATING_FILES}:
            self._look_at(table, page, self._known_elements(of_file.get(CONTENT_MODEL)))
        super().write(table, page)

    def _look_at(self, table: str, page: Page, elements: frozenset[object]) -> None:
        scale, element = self._column(table, "Scale ID"), self._column(table, "Element ID")
        found = {row.get(scale) for row in page.rows}
        if elements:
            found |= {row.get(element) for row in page.rows} - elements
        strange = found - self._believed
        if strange and (table, page.start) not in self._doubted:
            self._doubted.add((table, page.start))
            raise StrangeRowError(f"O*NET Web Services answered {table} with an unknown scale or element.")
        self._believed |= strange

    def _known_elements(self, table: str | None) -> frozenset[object]:
        if not self._elements and table and self.progress(table)[0]:
            column = self._column(table, "Element ID")
            with suppress(WebServicesError):
                self._elements = frozenset(row.get(column) for row in self.rows(table))
        return self._elements

    def _column(self, table: str, title: str) -> str:
        return self.columns(table).get(title) or title.lower().replace(" ", "_")


def _chosen(source: str, services: WebServices | None) -> str:
    if source not in SOURCES:
        raise NotConfiguredError(f"There is no source {source!r}; there are {', '.join(SOURCES)}.")
    if source == "auto":
        return "api" if services or web_services_configured() else "release"
    return source


@contextmanager
def _client(wanted: _Wanted, services: WebServices | None) -> Iterator[WebServices | None]:
    if wanted.source == "release":
        yield None
    elif services:
        yield services
    else:
        with WebServices.from_settings() as client:
            yield client


def _origin(wanted: _Wanted, client: WebServices | None) -> tuple[Release.Source, str]:
    if client is None:
        return Release.Source.TEXT, wanted.location or newest_text_release()
    return api_source(client), client.base_url


def api_source(client: WebServices) -> Release.Source:
    return Release.Source.API_2 if client.generation == "2.0" else Release.Source.API_1


def _content(wanted: _Wanted, client: WebServices | None, told: _Told) -> tuple[ReleaseTables, PageStore | None]:
    """Return the checked tables of the wanted release, and where their pages are."""
    if client is None:
        content = read_release(_origin(wanted, None)[1], told.step)
        _refuse_older(wanted, content.version)
        return content, None
    about = client.about()
    _refuse_older(wanted, about.version)
    if told.release:
        Release.objects.filter(pk=told.release.pk).update(version=about.version)
    store = _Pages(PageStore.of_release(_root(), client, about).folder)
    _begin(store, client, wanted.tables)
    label = f"The Web Services' release {about.version}"
    for last_try in (False, True):
        _fetch(store, client, wanted.page_size, told)
        if (now := client.about().version) != about.version:
            store.clear()
            raise ChangedError(f"O*NET {now} came out while {about.version} was being fetched; sync again.")
        try:
            return read_tables(store, about.version, label, told.step), store
        except TableError as error:
            # Its pages fitted each other and yet one holds something wrong: that table comes anew, once.
            store.discard(error.table)
            if last_try:
                raise
        except ReleaseError:
            store.clear()
            raise
    raise AssertionError


def _refuse_older(wanted: _Wanted, version: str) -> None:
    active = Release.objects.filter(state=Release.State.ACTIVE).first()
    if active and not wanted.force and version_key(version) < version_key(active.version):
        raise OlderReleaseError(version, active)


def _root() -> Path:
    return settings.VAR_DIR / "web_services"


def _begin(store: PageStore, client: WebServices, anew: Collection[str]) -> None:
    """Say which tables are wanted, and throw away pages that have served already or are wanted anew."""
    titles = client.tables()
    wanted = wanted_tables(titles)
    if unknown := sorted(set(anew) - set(wanted.values())):
        raise ReleaseError(f"There is no table {', '.join(unknown)}; there are {', '.join(sorted(wanted.values()))}.")
    served = store.folder / LOADED
    if anew:
        for table in anew:
            store.discard(table)
    elif served.exists():
        store.clear()
    with suppress(OSError):
        served.unlink(missing_ok=True)
    # The elements come first: the ratings are held against them.
    order = sorted(wanted, key=lambda file: (file != CONTENT_MODEL, file))
    store.write_tables({wanted[file]: titles[wanted[file]] for file in order})


def _fetch(store: PageStore, client: WebServices, page_size: int, told: _Told) -> None:
    """Fetch what the store lacks. The first page of each table says how many rows there are."""
    told.begin({table: store.progress(table) for table in store.tables})
    for place, table in enumerate(store.tables):
        if place == 0 or store.progress(table) == (0, 0):
            _patiently(store, client, table, page_size, told.page if place == 0 else _first_page(told))
    for table in store.tables:
        _patiently(store, client, table, page_size, told.page)


class _FirstPageError(Exception):
    """The first page is there; the others wait until all the first pages are."""


def _first_page(told: _Told) -> Callable[[str, int, int], None]:
    def after_page(table: str, done: int, of: int) -> None:
        told.page(table, done, of)
        raise _FirstPageError

    return after_page


def _patiently(
    store: PageStore, client: WebServices, table: str, page_size: int, after_page: Callable[[str, int, int], None]
) -> None:
    while True:
        try:
            fetch_table(client, store, table, page_size=page_size, after_page=after_page)
        except StrangeRowError:
            continue  # each page is doubted once
        except _FirstPageError:
            pass
        return


def _end_unchanged(release: Release, content: ReleaseTables) -> None:
    Release.objects.filter(pk=release.pk).update(
        state=Release.State.UNCHANGED,
        version=content.version,
        digest=content.digest,
        progress={},
        finished=timezone.now(),
    )


def _served(store: PageStore) -> None:
    """Mark the pages as loaded, and throw those of other releases away."""
    with suppress(OSError):
        (store.folder / LOADED).touch()
        for other in store.folder.parent.iterdir():
            if other != store.folder:
                shutil.rmtree(other, ignore_errors=True)
