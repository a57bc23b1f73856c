"""The starter set: facts and figures of about 200 occupations in `fixtures/starter/`, so that a fresh clone works."""

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from occupations.importing import import_tables
from occupations.models import Element, Licence, Occupation, Release
from occupations.pay import PayRow, save_pay
from occupations.release_files import ReleaseTables
from occupations.words import FIXTURES, element_entries, load_words_and_licences

STARTER = FIXTURES / "starter"
LOCATION = "fixtures/starter"

NOT_RELEVANT, SUPPRESS = "N", "S"

COLUMNS: dict[str, dict[str, type]] = {
    "occupations": {"code": str, "title": str, "zone": int, "release": str},
    "ratings": {"code": str, "element_id": str, "importance": float, "level": float, "flags": str},
    "titles": {"code": str, "title": str, "short_title": str},
    "related": {"code": str, "related": str, "tier": str, "index": int},
    "education": {"code": str, "level": int, "percent": float},
}
PAY_FIGURES: dict[str, type] = {
    "employment": int,
    "wage_p10": int,
    "wage_median": int,
    "wage_p90": int,
    "wage_year": int,
    "growth_percent": float,
    "annual_openings": int,
}
NO_ROWS = {
    "tasks": ["code", "task_id", "text", "core"],
    "software": ["code", "name", "category", "hot", "in_demand"],
    "anchors": ["element_id", "level", "text"],
}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What `seed` did.

    Args:
        release: The active release.
        loaded: The starter set was loaded just now.
        pay: SOC codes that were given pay and outlook.
        elements: Skills and knowledge areas that were given our words.
        licences: Licences that were made.
    """

    release: Release
    loaded: bool
    pay: int
    elements: int
    licences: int

    @property
    def changed(self) -> bool:
        return self.loaded or bool(self.pay or self.elements or self.licences)


def seed() -> Seeded:
    """Load the starter set, our words and licences; an official release and what a curator wrote stay.

    Raises:
        ImportRunningError: Another import is running.
        ImportFailedError: The database did not take it.
    """
    # Pay comes first: of two occupations with equal names the search puts the more common one first.
    had_words, had_licences = _with_words(), Licence.objects.count()
    pay = save_pay(read_pay_rows(), overwrite=False).created
    release = Release.objects.filter(state=Release.State.ACTIVE).first()
    loaded = False
    if release is None or release.source == Release.Source.STARTER:
        tables = read_starter()
        result = import_tables(tables, source=Release.Source.STARTER, location=LOCATION)
        release, loaded = result.release, result.changed
        _note_other_releases(tables.version)
    load_words_and_licences()
    return Seeded(
        release,
        loaded=loaded,
        pay=pay,
        elements=_with_words() - had_words,
        licences=Licence.objects.count() - had_licences,
    )


def _with_words() -> int:
    return Element.objects.exclude(summary="").count()


def read_starter(folder: Path = STARTER) -> ReleaseTables:
    """Return the starter set as a release, whose version is that of most of its occupations."""
    occupations = _table(folder, "occupations")
    ratings = _table(folder, "ratings")
    elements = pd.DataFrame(element_entries())
    elements = elements[elements["id"].isin(ratings["element_id"])]
    flags = ratings.pop("flags")
    ratings["domain"] = ratings["element_id"].map(dict(zip(elements["id"], elements["domain"], strict=True)))
    ratings["suppress"] = flags.str.contains(SUPPRESS)
    ratings["not_relevant"] = flags.str.contains(NOT_RELEVANT)
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update((folder / f"{name}.csv").read_bytes())
    return ReleaseTables(
        version=Counter(occupations["release"]).most_common(1)[0][0],
        digest=digest.hexdigest(),
        occupations=occupations[["code", "title"]].assign(description=""),
        elements=elements[["id", "domain", "name", "order"]].assign(description="").reset_index(drop=True),
        ratings=ratings,
        zones=occupations[["code", "zone"]],
        alternate_titles=_table(folder, "titles"),
        related=_table(folder, "related"),
        education=_table(folder, "education"),
        missing=(),
        skipped={},
        **{name: pd.DataFrame(columns=columns) for name, columns in NO_ROWS.items()},
    )


def read_pay_rows(folder: Path = STARTER) -> list[PayRow]:
    """Return the starter set's pay and outlook."""
    with (folder / "pay.csv").open(encoding="utf-8", newline="") as file:
        return [PayRow(**{name: _pay_cell(name, cell) for name, cell in row.items()}) for row in csv.DictReader(file)]


def _pay_cell(name: str, cell: str) -> Any:
    kind = PAY_FIGURES.get(name, str)
    return kind(cell) if cell or kind is str else None


def _table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=COLUMNS[name], keep_default_na=False)


def _note_other_releases(version: str) -> None:
    """Keep the release of the occupations whose figures come from another one than most."""
    occupations = _table(STARTER, "occupations")
    for code, release in occupations.loc[occupations["release"] != version, ["code", "release"]].values:
        Occupation.objects.filter(code=code).exclude(last_release=release).update(last_release=release)
