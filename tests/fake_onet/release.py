"""The tables that the fake serves, from a text release in either layout. It reads for itself: no code under test."""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tests.fake_onet.starter import starter_files

CODE = "O*NET-SOC Code"
TABLE_IDS = {
    "Education, Training, and Experience": "education_training_experience",
    "Education, Training, and Experience Categories": "ete_categories",
    "Interests Illustrative Activities": "interests_illus_activities",
    "Interests Illustrative Occupations": "interests_illus_occupations",
}
COLUMN_IDS = {
    CODE: "onetsoc_code",
    "Related O*NET-SOC Code": "related_onetsoc_code",
    "Index": "related_index",
    "Date": "date_updated",
    "Source(s)": "sources",
}
NUMBERS = {
    *("Data Value", "N", "Standard Error", "Lower CI Bound", "Upper CI Bound", "Job Zone", "Index", "Task ID"),
    *("Minimum", "Maximum", "Anchor Value", "Incumbents Responding", "Commodity Code", "Percent"),
}
ZONE_ONE_AND_TWO = "Job Zone 1-2: Very Little to Some Preparation Needed"

Lines = list[str]


@dataclass
class Table:
    """One table: the release's own lines, split into values when they are asked for."""

    title: str
    columns: list[str]
    lines: Lines
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """Names that the API adds beside a column: of occupations, related occupations and scales."""

    @property
    def id(self) -> str:
        return TABLE_IDS.get(self.title, snake_case(self.title))

    @property
    def column_ids(self) -> list[tuple[str, str]]:
        """The columns as the API lists them: id and title."""
        listed = []
        for column in self.columns:
            listed.append((COLUMN_IDS.get(column, snake_case(column)), column))
            if column in self.names:
                title = {CODE: "Title", "Scale ID": "Scale Name"}.get(column, "Related Title")
                listed.append((snake_case(title), title))
        return listed

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, place: int) -> dict[str, Any]:
        """Return a row as the API writes it."""
        return self.row_of(self.lines[place])

    def rows(self) -> Iterator[dict[str, Any]]:
        return map(self.row_of, self.lines)

    def row_of(self, line: str) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for column, value in zip(self.columns, line.split("\t"), strict=True):
            row[COLUMN_IDS.get(column, snake_case(column))] = api_value(column, value)
            if column in self.names:
                title = {CODE: "title", "Scale ID": "scale_name"}.get(column, "related_title")
                row[title] = self.names[column].get(value)
        return row

    def changed(
        self, title: str, columns: dict[str, str] | None = None, keep: Callable[[str], bool] | None = None
    ) -> "Table":
        """Return the table under another name, with other columns, or some of its lines."""
        renamed = [(columns or {}).get(column, column) for column in self.columns]
        return Table(title, renamed, [line for line in self.lines if keep is None or keep(line)], self.names)


@dataclass
class Release:
    version: str
    tables: dict[str, Table]
    """By id."""

    @property
    def new_layout(self) -> bool:
        return "essential_skills" in self.tables


def read_release(path: Path, layout: str = "", *, merge_zones: bool = False, plain_rows: bool = False) -> Release:
    """Read a release.

    Args:
        path: A zip or a folder, or the folder of the starter set.
        layout: old or new; empty for the release's own. An old release is split and renamed where new is wanted.
        merge_zones: Whether zone 1 becomes 2, as from 30.2 on. Then the figures are not the release's any more.
        plain_rows: Whether the rows lack the names that the API may leave out: title, element and scale name.
    """
    files = dict(_files(path))
    found = re.search(r"O\*NET (\d+\.\d+) Database", files.get("Read Me.txt", ""))
    tables = {}
    for name, text in files.items():
        header, *lines = text.lstrip("\ufeff").replace("\r\n", "\n").rstrip("\n").split("\n")
        if name != "Read Me.txt" and "\t" in header and lines:
            table = Table(name.removesuffix(".txt"), header.split("\t"), lines)
            tables[table.id] = table
    release = Release(found[1] if found else "0.0", tables)
    if layout == "old" and release.new_layout:
        raise ValueError("a release from 30.3 on cannot be served in the old layout")
    if layout == "new" and not release.new_layout:
        release.tables = {table.id: table for table in _new_layout(tables)}
    if merge_zones:
        _merge_zones(release.tables)
    _name_columns(release.tables, plain_rows=plain_rows)
    return release


def api_value(column: str, value: str) -> Any:
    """Return a value of the text release as JSON has it."""
    if value in ("n/a", ""):
        return None
    if column == "Date" and (found := re.fullmatch(r"(\d\d)/(\d{4})", value)):
        return f"{found[2]}-{found[1]}-01"
    if column in NUMBERS or (column == "Category" and value.isdecimal()):
        return float(value) if "." in value else int(value)
    return value


def snake_case(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def _files(path: Path) -> Iterator[tuple[str, str]]:
    if (path / "occupations.csv").is_file():
        yield from starter_files(path).items()
        return
    if path.is_dir():
        yield from ((file.name, file.read_bytes().decode()) for file in path.glob("*.txt"))
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".txt"):
                yield PurePosixPath(name).name, archive.read(name).decode()


def _new_layout(tables: dict[str, Table]) -> Iterator[Table]:
    """Yield the tables of an old release under the names and in the split of 30.3."""
    for table in tables.values():
        if table.title == "Skills":
            yield table.changed("Essential Skills", keep=_element_begins("2.A", 1))
            yield table.changed("Transferable Skills", keep=_element_begins("2.B", 1))
        elif table.title in ("Skills to Work Activities", "Skills to Work Context"):
            yield table.changed(f"Essential {table.title}", keep=_element_begins("2.A", 0))
            yield table.changed(f"Transferable {table.title}", keep=_element_begins("2.B", 0))
        elif table.title == "Alternate Titles":
            yield table.changed("Job Titles", {"Alternate Title": "Job Title"})
        elif table.title == "Technology Skills":
            names = {"Example": "Workplace Example", "Commodity Code": "Element ID", "Commodity Title": "Element Name"}
            yield table.changed("Software Skills", names)
        elif table.title.startswith("Education, Training, and Experience"):
            rest = table.title.removeprefix("Education, Training, and Experience")
            place = table.columns.index("Element ID")
            yield table.changed(f"Education{rest}", keep=_element_begins("2.D", place))
            yield table.changed(f"Training and Experience{rest}", keep=_element_begins("3.A", place))
        elif table.title == "Interests":
            yield table.changed("Career Interest Types")
        elif table.title not in ("Work Values", "Tools Used", "UNSPSC Reference", "DWA Reference", "IWA Reference"):
            yield table


def _element_begins(prefix: str, place: int) -> Callable[[str], bool]:
    return lambda line: line.split("\t")[place].startswith(prefix)


def _merge_zones(tables: dict[str, Table]) -> None:
    zones, reference = tables["job_zones"], tables.get("job_zone_reference")
    place = zones.columns.index("Job Zone")

    def merged(values: Sequence[str]) -> str:
        return "\t".join("2" if at == place and value == "1" else value for at, value in enumerate(values))

    zones.lines = [merged(line.split("\t")) for line in zones.lines]
    if reference:
        kept = [line.split("\t") for line in reference.lines if not line.startswith("1\t")]
        name = reference.columns.index("Name")
        kept[0][name] = ZONE_ONE_AND_TWO
        reference.lines = ["\t".join(values) for values in kept]


def _name_columns(tables: dict[str, Table], *, plain_rows: bool) -> None:
    occupations = tables["occupation_data"]
    titles = dict(line.split("\t")[:2] for line in occupations.lines)
    scales = tables.get("scales_reference")
    scale_names = dict(line.split("\t")[:2] for line in scales.lines) if scales else {}
    for table in tables.values():
        if plain_rows and "Element Name" in table.columns and table.id != "content_model_reference":
            place = table.columns.index("Element Name")
            table.columns = [*table.columns[:place], *table.columns[place + 1 :]]
            split = (line.split("\t") for line in table.lines)
            table.lines = ["\t".join([*values[:place], *values[place + 1 :]]) for values in split]
        if plain_rows or table.id in ("occupation_data", "scales_reference"):
            continue
        added = {CODE: titles, "Related O*NET-SOC Code": titles, "Scale ID": scale_names}
        table.names = {column: names for column, names in added.items() if column in table.columns}
