"""Turn the Web Services' tables into the tidy tables of a text release, by the same checks as the text reader."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from occupations.release_archive import Archive, Progress, ReleaseError, silent
from occupations.release_files import (
    CONTENT_MODEL,
    EDUCATION,
    NEW_SKILLS,
    SKILLS,
    SOFTWARE,
    TITLES,
    USED,
    ReleaseTables,
    _Reader,
)
from occupations.release_table import CODE, MISSING, Table

__all__ = ["TableError", "TableSource", "read_part", "read_tables", "wanted_tables"]

ELEMENT, ELEMENT_NAME = "Element ID", "Element Name"
TABLE_IDS = {"Education, Training, and Experience.txt": "education_training_experience"}
COLUMN_IDS = {
    CODE: "onetsoc_code",
    "Related O*NET-SOC Code": "related_onetsoc_code",
    "Index": "related_index",
}


class TableError(ReleaseError):
    """A table holds something wrong.

    Args:
        table: Its id.
        problem: The end of the sentence that begins with it.
    """

    def __init__(self, table: str, problem: str) -> None:
        super().__init__(f"The table {table}{problem}.")
        self.table = table


class TableSource(Protocol):
    """Tables by their ids, such as a `PageStore` holds them."""

    @property
    def tables(self) -> Mapping[str, str]:
        """Titles by ids."""

    def columns(self, table: str) -> Mapping[str, str]:
        """Return column ids by the titles that the text release uses; as many as are known."""

    def rows(self, table: str) -> Iterable[Mapping[str, Any]]:
        """Yield all rows of a table."""


def wanted_tables(tables: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of the tables that SkillSprout uses, by the name of the text release's file.

    Args:
        tables: The titles of the service's tables by their ids. A title is the file's name without `.txt`; where
            the titles say nothing, the ids do.
    """
    by_title = {title.strip().casefold(): table for table, title in tables.items()}
    found = {}
    for file in sorted(USED):
        title = file.removesuffix(".txt")
        identity = by_title.get(title.casefold(), TABLE_IDS.get(file, _snake_case(title)))
        if identity in tables:
            found[file] = identity
    new = found.keys() >= set(NEW_SKILLS)
    unused = [SKILLS] if new else NEW_SKILLS if SKILLS in found else []
    unused = [*unused, *(old for present, old in (TITLES, SOFTWARE, EDUCATION) if present in found)]
    return {file: identity for file, identity in found.items() if file not in unused}


def read_tables(source: TableSource, version: str, label: str, progress: Progress = silent) -> ReleaseTables:
    """Check the tables and return what SkillSprout uses of them.

    The digest is that of the values that are used, so that it differs from the text release's.

    Args:
        source: Where the rows come from.
        version: Of the release, such as 30.3.
        label: What to call the source in messages.
        progress: Told which table is being read.

    Raises:
        ReleaseError: Something is wrong with a table; one sentence says what and where.
    """
    return _WebReader(source, version, label, progress).read()


def read_part(source: TableSource, version: str, label: str) -> ReleaseTables:
    """Return what the tables say on some occupations, by the same checks; a table may have nothing on them.

    Raises:
        ReleaseError: Something is wrong with a table; one sentence says what and where.
    """
    return _PartReader(source, version, label, silent).read()


class _WebReader(_Reader):
    """Reads tables from the Web Services as if they were the files of a text release."""

    whole = True

    def __init__(self, source: TableSource, version: str, label: str, progress: Progress) -> None:
        self.source = source
        self.version = version
        self.ids = wanted_tables(source.tables)
        self.element_names: dict[str, str] = {}
        super().__init__(Archive(label, dict.fromkeys(self.ids, _no_stream)), progress)

    def _version(self) -> str:
        return self.version

    def _table(self, file: str, *columns: str) -> Table:
        self.done += 1
        table = self.ids[file]
        self.progress(f"Reading {table}", self.done, len(self.ids))
        known = self.source.columns(table)
        taken = [*columns, ELEMENT] if ELEMENT_NAME in columns and ELEMENT not in columns else columns
        ids = {column: known.get(column) or COLUMN_IDS.get(column, _snake_case(column)) for column in taken}
        values = _Values(table, ids)
        self.digest.update(f"{file}\0".encode())
        for row in self.source.rows(table):
            self.digest.update(values.add(row))
        absent = [column for column in columns if column not in values.present]
        if ELEMENT_NAME in absent and ELEMENT in values.present:
            absent.remove(ELEMENT_NAME)
            values.name_elements(self._names_of_elements())
        if not values.count and self.whole:
            raise TableError(table, " holds no rows")
        if absent and values.count:
            raise TableError(table, f" has no column {ids[absent[0]]!r}")
        return _WebTable(table, values.frame(columns))

    def _names_of_elements(self) -> dict[str, str]:
        """Return the elements' names from the content model, for a service that does not repeat them in each row."""
        if not self.element_names and (table := self.ids.get(CONTENT_MODEL)):
            known = self.source.columns(table)
            identity, name = (known.get(title) or _snake_case(title) for title in (ELEMENT, ELEMENT_NAME))
            self.element_names = {_text(row.get(identity)): _text(row.get(name)) for row in self.source.rows(table)}
        return self.element_names


class _PartReader(_WebReader):
    """Reads what there is on some occupations: a table without rows on them is no error."""

    whole = False

    def _ratings(self, file: str, domain: str, codes: frozenset[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        if any(True for _ in self.source.rows(self.ids[file])):
            return super()._ratings(file, domain, codes)
        return (
            pd.DataFrame(
                columns=["code", "element_id", "domain", "importance", "level", "suppress", "not_relevant"]
            ).astype({"suppress": bool, "not_relevant": bool}),
            pd.DataFrame(columns=["id", "domain", "name", "file"]),
        )


class _WebTable(Table):
    """A table that counts rows where a file counts lines."""

    def fail(self, line: int, problem: str) -> ReleaseError:
        return TableError(self.file, f", row {line}: {problem.replace('repeats line', 'repeats row')}")


class _Values:
    """The wanted columns of a table as categories, taken from one row after the other: the rows need not stay.

    Args:
        table: For messages.
        ids: The column's id in the rows, by its title.
    """

    def __init__(self, table: str, ids: Mapping[str, str]) -> None:
        self.table = table
        self.ids = ids
        self.count = 0
        self.present: set[str] = set()
        self._known: dict[str, dict[str, int]] = {column: {} for column in ids}
        self._codes = {column: array("l") for column in ids}

    def add(self, row: Mapping[str, Any]) -> bytes:
        """Take a row's values, and return them as one line."""
        self.count += 1
        line = []
        for column, identity in self.ids.items():
            if identity in row:
                self.present.add(column)
            try:
                text = _text(row.get(identity))
                line.append(text.encode())
            except ValueError as error:
                problem = "half a character" if isinstance(error, UnicodeError) else error
                raise TableError(self.table, f", row {self.count}: {identity} is {problem}") from None
            known = self._known[column]
            self._codes[column].append(known.setdefault(text, len(known)))
        return b"\t".join(line) + b"\n"

    def name_elements(self, names: Mapping[str, str]) -> None:
        """Fill the column of the elements' names by their ids."""
        known: dict[str, int] = {}
        renamed = [known.setdefault(names.get(element, MISSING[0]), len(known)) for element in self._known[ELEMENT]]
        self._known[ELEMENT_NAME] = known
        self._codes[ELEMENT_NAME] = array("l", (renamed[code] for code in self._codes[ELEMENT]))

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return some of the columns, the rows counted from 1."""
        index = pd.RangeIndex(1, self.count + 1)
        return pd.DataFrame({column: self._column(column) for column in columns}, index=index)

    def _column(self, column: str) -> "pd.Categorical[str]":
        return pd.Categorical.from_codes(np.asarray(self._codes[column], np.int64), pd.Index(list(self._known[column])))


def _text(value: object) -> str:
    """Return a value as the text release writes it.

    Raises:
        ValueError: It is not a plain value; the message says what it is.
    """
    if value is None:
        return MISSING[0]
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text with a NUL character")
        return value.strip()
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    raise ValueError("not a plain value")


def _snake_case(title: str) -> str:
    return "_".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())


def _no_stream() -> Any:
    raise ReleaseError("The Web Services have tables, not files.")
