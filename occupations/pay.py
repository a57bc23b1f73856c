"""Read pay and outlook from the tables of the U.S. Bureau of Labor Statistics (BLS), as CSV files."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from occupations.catalogue import write_snapshot
from occupations.models import CatalogueState, PayOutlook, Release

MISSING = {"", "*", "**", "#", "-", "~"}
SOC = re.compile(r"\d{2}-\d{4}")
BATCH = 500
MOST = 2**31 - 1
MAX_SOURCE_CHARS = 70
MAX_EDUCATION_CHARS = 60

WAGES_SOC, WAGES_LEVEL, DETAILED = "soc", "display_level", "3"
WAGE_COLUMNS = {
    "employment": "Employment",
    "wage_p10": "Annual 10th percentile wage",
    "wage_median": "Annual median wage",
    "wage_p90": "Annual 90th percentile wage",
}
GROWTH, OPENINGS, EDUCATION = "employment_change_pct", "annual_openings", "typical_education"
EMPLOYMENT_IN_YEAR = re.compile(r"employment_(\d{4})")

# BLS publishes these occupations of the SOC together, under a code of its own that no O*NET occupation has.
PUBLISHED_TOGETHER = {
    "13-1020": ("13-1021", "13-1022", "13-1023"),
    "13-2020": ("13-2022", "13-2023"),
    "21-1018": ("21-1011", "21-1014"),
    "25-2052": ("25-2055", "25-2056"),
    "25-9045": ("25-9042", "25-9043", "25-9049"),
    "29-2010": ("29-2011", "29-2012"),
    "31-1120": ("31-1121", "31-1122"),
    "39-7010": ("39-7011", "39-7012"),
    "47-4090": ("47-4091", "47-4099"),
    "51-2028": ("51-2022", "51-2023"),
    "51-2090": ("51-2092", "51-2099"),
    "53-1047": ("53-1042", "53-1043", "53-1044", "53-1049"),
}


class PayFileError(Exception):
    """A table of BLS figures cannot be read; the message is one sentence that says where and why."""


@dataclass(frozen=True, slots=True)
class PayRow:
    """One SOC code's figures, as in `PayOutlook`; None where BLS publishes none."""

    soc: str
    employment: int | None = None
    wage_p10: int | None = None
    wage_median: int | None = None
    wage_p90: int | None = None
    wage_year: int | None = None
    wage_source: str = ""
    growth_percent: float | None = None
    annual_openings: int | None = None
    typical_education: str = ""
    outlook_years: str = ""
    outlook_source: str = ""


class PayCounts(NamedTuple):
    created: int
    updated: int
    unchanged: int


def read_pay(
    wages: Path,
    projections: Path,
    *,
    wage_year: int | None = None,
    wage_source: str = "",
    outlook_years: str = "",
    outlook_source: str = "",
) -> list[PayRow]:
    """Return the figures of every SOC code in the two tables, sorted by code.

    A code that BLS publishes only together with others gets the figures of them all, and its source says so.

    Args:
        wages: OEWS national table with the columns soc, display_level, Employment and Annual ... wage.
        projections: Employment projections with the columns soc, employment_YEAR (two of them),
            employment_change_pct, annual_openings (in thousands) and typical_education.
        wage_year: The year of the wages; by default the year in the file's name.
        wage_source: By default "U.S. Bureau of Labor Statistics, OEWS May YEAR"; at most 70 characters.
        outlook_years: Such as 2024-2034; by default the years in the names of the columns.
        outlook_source: By default "U.S. Bureau of Labor Statistics, Employment Projections"; as long.

    Raises:
        PayFileError: A file is missing, is no CSV in UTF-8, lacks a column, or holds a bad code or figure.
    """
    wage_year = wage_year or _year_in_name(wages)
    wage_source = wage_source or f"U.S. Bureau of Labor Statistics, OEWS May {wage_year}"
    for source in (wage_source, outlook_source):
        if len(source) > MAX_SOURCE_CHARS:
            raise PayFileError(f"The source {source!r} has more than {MAX_SOURCE_CHARS} characters.")
    paid: dict[str, dict[str, Any]] = {}
    for soc, line, row in _rows(wages, [WAGES_SOC, WAGES_LEVEL, *WAGE_COLUMNS.values()]):
        if row[WAGES_LEVEL] == DETAILED:
            figures = {field: _number(wages, line, row[column]) for field, column in WAGE_COLUMNS.items()}
            whole = {field: None if figure is None else round(figure) for field, figure in figures.items()}
            paid[soc] = {**whole, "wage_year": wage_year, "wage_source": wage_source}
    if not paid:
        raise PayFileError(f"{wages} holds no detailed occupation (display_level {DETAILED}).")
    outlook: dict[str, dict[str, Any]] = {}
    for soc, line, row in _rows(projections, ["soc", GROWTH, OPENINGS, EDUCATION]):
        education = row[EDUCATION].strip()
        if len(education) > MAX_EDUCATION_CHARS:
            raise PayFileError(f"{projections}, line {line}: {education!r} is too long for an education.")
        years = outlook_years or _years_in_columns(projections, row)
        openings = _number(projections, line, row[OPENINGS])
        outlook[soc] = {
            "growth_percent": _number(projections, line, row[GROWTH], signed=True),
            "annual_openings": None if openings is None else round(openings * 1000),
            "typical_education": education,
            "outlook_years": years,
            "outlook_source": outlook_source or "U.S. Bureau of Labor Statistics, Employment Projections",
        }
    _share_out(paid, "wage_source")
    _share_out(outlook, "outlook_source")
    return [
        PayRow(soc=soc, **(paid.get(soc, {}) | outlook.get(soc, {}))) for soc in sorted(paid.keys() | outlook.keys())
    ]


@transaction.atomic
def import_pay(rows: Sequence[PayRow]) -> PayCounts:
    """Save the figures, and renew the catalogue, whose search puts the more common occupation first."""
    counts = save_pay(rows)
    release = Release.objects.filter(state=Release.State.ACTIVE).first()
    if release is not None and (counts.created or counts.updated):
        write_snapshot(release)
        CatalogueState.advance()
    return counts


@transaction.atomic
def save_pay(rows: Sequence[PayRow], *, overwrite: bool = True) -> PayCounts:
    """Create and update pay and outlook; with `overwrite` off only what is missing is created."""
    names = [field.name for field in fields(PayRow)]
    there = {values["soc"]: values for values in PayOutlook.objects.values(*names)}
    new = [row for row in rows if row.soc not in there]
    changed = [row for row in rows if overwrite and row.soc in there and asdict(row) != there[row.soc]]
    PayOutlook.objects.bulk_create([PayOutlook(**asdict(row)) for row in new], batch_size=BATCH)
    PayOutlook.objects.bulk_update([PayOutlook(**asdict(row)) for row in changed], names[1:], batch_size=BATCH)
    return PayCounts(created=len(new), updated=len(changed), unchanged=len(rows) - len(new) - len(changed))


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Yield each row's SOC code, line number and cells, having checked columns and codes."""
    seen: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in needed if column not in (reader.fieldnames or [])]
            if missing:
                raise PayFileError(f"{path} lacks the column {missing[0]}.")
            for row in reader:
                soc = row["soc"].strip()
                if not SOC.fullmatch(soc):
                    raise PayFileError(f"{path}, line {reader.line_num}: {soc!r} is not a SOC code like 29-1141.")
                if soc in seen:
                    raise PayFileError(f"{path}, line {reader.line_num}: {soc} stands there a second time.")
                seen.add(soc)
                yield soc, reader.line_num, row
    except OSError as error:
        raise PayFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PayFileError(f"{path} is not a text file in UTF-8.") from error
    except csv.Error as error:
        raise PayFileError(f"{path} is not a CSV file: {error}.") from error
    if not seen:
        raise PayFileError(f"{path} holds no rows.")


def _number(path: Path, line: int, cell: str, *, signed: bool = False) -> float | None:
    text = cell.strip().replace(",", "")
    if text in MISSING:
        return None
    form = r"-?\d+(\.\d+)?" if signed else r"\d+(\.\d+)?"
    if not re.fullmatch(form, text) or abs(float(text)) > MOST:
        raise PayFileError(f"{path}, line {line}: {cell!r} is not a figure.")
    return float(text)


def _year_in_name(path: Path) -> int:
    year = re.search(r"(?<!\d)20\d{2}(?!\d)", path.name)
    if year is None:
        raise PayFileError(f"The name of {path} tells no year, so say the year of the wages.")
    return int(year.group())


def _years_in_columns(path: Path, row: Mapping[str, str]) -> str:
    years = sorted(match.group(1) for column in row if (match := EMPLOYMENT_IN_YEAR.fullmatch(column or "")))
    if len(years) < 2:
        raise PayFileError(f"{path} has no two columns like employment_2024, so say the years of the projection.")
    return f"{years[0]}-{years[-1]}"


def _share_out(published: dict[str, dict[str, Any]], source: str) -> None:
    """Give the figures published for several occupations together to each that has none of its own."""
    for group, members in PUBLISHED_TOGETHER.items():
        figures = published.pop(group, None)
        for soc in members:
            if figures is not None and soc not in published:
                published[soc] = {**figures, source: f"{figures[source]}, for {group} as a whole"}
