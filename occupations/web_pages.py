"""Pages of the Web Services' tables as files, so that a sync that was interrupted goes on where it stopped.

One folder holds one release of one service; in it, a folder per table holds a file per page:

    <root>/<generation>-<version>-<the address, hashed>/<table>/0001001-0002000-of-0061530.json.gz

Each is one compressed JSON object `{"rows": [...]}`. A page counts once it is there under its name: it is written
beside it and moved into place, and one that cannot be read again is thrown away and asked for again.
"""

import errno
import gzip
import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from occupations.web_answers import (
    About,
    ChangedError,
    NoDataError,
    Page,
    RefusedError,
    Row,
    WebServicesError,
    row_hashes,
)
from occupations.web_services import LARGEST_PAGE, WebServices

__all__ = ["PageStore", "StoreError", "fetch_table"]

PAGE_FILE = re.compile(r"(\d{7,})-(\d{7,})-of-(\d{7,})\.json\.gz")
COLUMNS, TABLES = "columns.json", "tables.json"
COMPRESSION = 1
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError)

AfterPage = Callable[[str, int, int], None]
"""Told the table, how many of its rows are there, and of how many; it may raise to stop."""


class StoreError(WebServicesError):
    """The pages cannot be kept on disk."""


class _PageFile(NamedTuple):
    start: int
    end: int
    total: int
    path: Path


class PageStore:
    """The pages of one release from one service.

    Args:
        folder: Its own folder; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_release(cls, root: Path, services: WebServices, about: About) -> "PageStore":
        """Return the store for what this service holds now."""
        address = hashlib.sha256(services.base_url.encode()).hexdigest()[:8]
        return cls(root / f"{services.generation}-{about.version}-{address}")

    @property
    def tables(self) -> dict[str, str]:
        """The tables that are wanted, titles by ids; empty where they were not written."""
        return self._read_names(self.folder / TABLES)

    def write_tables(self, tables: Mapping[str, str]) -> None:
        self._write(self.folder / TABLES, json.dumps(tables).encode())

    def columns(self, table: str) -> dict[str, str]:
        """Return a table's columns, ids by the titles of the text release; empty where they were not written."""
        return self._read_names(self.folder / table / COLUMNS)

    def write_columns(self, table: str, columns: Mapping[str, str]) -> None:
        self._write(self.folder / table / COLUMNS, json.dumps(columns).encode())

    def write(self, table: str, page: Page) -> None:
        """Keep a page.

        Raises:
            StoreError: There is no space, or no right to write.
        """
        name = f"{page.start:07}-{page.end:07}-of-{page.total:07}.json.gz"
        content = json.dumps({"rows": page.rows}, separators=(",", ":")).encode()
        self._write(self.folder / table / name, gzip.compress(content, COMPRESSION, mtime=0))

    def pages(self, table: str) -> Iterator[Page]:
        """Yield the table's pages from row 1 up to the first gap; what cannot be read is a gap, and removed."""
        for file in self._files(table):
            try:
                rows = json.loads(gzip.decompress(file.path.read_bytes()))["rows"]
                if len(rows) != file.end - file.start + 1:
                    raise ValueError
            except UNREADABLE:
                file.path.unlink(missing_ok=True)
                return
            yield Page(file.start, file.end, file.total, rows)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a whole table.

        Raises:
            StoreError: It is not whole; fetch it (again).
        """
        end = total = -1
        for page in self.pages(table):
            yield from page.rows
            end, total = page.end, page.total
        if end != total or end < 0:
            raise StoreError(f"The stored pages of the table {table} are not whole; sync again to fetch the rest.")

    def progress(self, table: str) -> tuple[int, int]:
        """Return how many of the table's rows are here, by the files' names, and of how many; 0 where unknown."""
        files = self._files(table)
        return (files[-1].end, files[-1].total) if files else (0, 0)

    def discard(self, table: str) -> None:
        """Throw the table's pages away."""
        shutil.rmtree(self.folder / table, ignore_errors=True)

    def clear(self) -> None:
        """Throw everything away: the release is loaded, or another one is wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self, table: str) -> list[_PageFile]:
        """Return the files that follow each other from row 1, all with the first one's total."""
        folder = self.folder / table
        found = []
        with suppress(FileNotFoundError):
            for path in folder.iterdir():
                if match := PAGE_FILE.fullmatch(path.name):
                    start, end, total = map(int, match.groups())
                    found.append(_PageFile(start, end, total, path))
        files: list[_PageFile] = []
        for file in sorted(found):
            expected = files[-1].end + 1 if files else 1
            if file.start == expected and (not files or file.total == files[0].total):
                files.append(file)
        return files

    def _read_names(self, path: Path) -> dict[str, str]:
        try:
            names = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return names if isinstance(names, dict) else {}

    def _write(self, path: Path, content: bytes) -> None:
        unfinished = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(content)
            unfinished.replace(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreError(f"No space is left for O*NET's pages under {self.folder}.") from error
            raise StoreError(f"O*NET's pages cannot be kept under {self.folder}: {error.strerror}.") from error


def _nobody(table: str, rows: int, of: int) -> None:
    """Report progress to nobody."""


def fetch_table(
    services: WebServices,
    store: PageStore,
    table: str,
    *,
    page_size: int = LARGEST_PAGE,
    after_page: AfterPage = _nobody,
) -> None:
    """Fetch what the store lacks of a table, page by page.

    A page that does not fit the ones before it, even when asked for again, means that one of those was wrong or
    that the table changed: then, once, the table is fetched anew.

    Raises:
        WebServicesError: The pages so far stay; call again to go on.
    """
    if not store.columns(table):
        # A service that does not describe its tables gives the columns their usual ids.
        with suppress(NoDataError, RefusedError):
            store.write_columns(table, services.columns(table))
    try:
        _fetch_rest(services, store, table, page_size, after_page)
    except ChangedError:
        columns = store.columns(table)
        store.discard(table)
        store.write_columns(table, columns)
        _fetch_rest(services, store, table, page_size, after_page)


def _fetch_rest(services: WebServices, store: PageStore, table: str, page_size: int, after_page: AfterPage) -> None:
    end, total = 0, None
    seen: set[int] = set()
    for page in store.pages(table):
        seen |= row_hashes(page.rows)
        end, total = page.end, page.total
    for page in services.iter_pages(table, end + 1, page_size, total=total, seen=seen):
        store.write(table, page)
        after_page(table, page.end, page.total)
