"""The project's starter set as the files of a text release, so that the fake works in a fresh clone."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

EXACT = ("8", "n/a", "n/a", "n/a")
SOURCE = ("05/2025", "Analyst")
REQUIRED = ("2.D.1", "Required Level of Education", "RL")
RATING = ["O*NET-SOC Code", "Element ID", "Element Name", "Scale ID"]
FIGURES = ["Data Value", "N", "Standard Error", "Lower CI Bound", "Upper CI Bound", "Recommend Suppress"]
FILES = {"skill": "Skills.txt", "knowledge": "Knowledge.txt"}


def starter_files(folder: Path) -> dict[str, str]:
    """Return the files by name; what the starter set does not have, such as descriptions, is missing."""
    occupations = _rows(folder / "occupations.csv")
    version = Counter(row["release"] for row in occupations).most_common(1)[0][0]
    elements = json.loads((folder.parent / "elements.json").read_text(encoding="utf-8"))
    names = {element["id"]: element["name"] for element in elements}
    domains = {element["id"]: element["domain"] for element in elements}
    rated: dict[str, list[list[str]]] = {file: [] for file in FILES.values()}
    for row in _rows(folder / "ratings.csv"):
        suppress, irrelevant = ("Y" if letter in row["flags"] else "N" for letter in "SN")
        key = [row["code"], row["element_id"], names[row["element_id"]]]
        rated[FILES[domains[row["element_id"]]]] += [
            [*key, "IM", row["importance"], *EXACT, "N", "n/a", *SOURCE],
            [*key, "LV", row["level"], *EXACT, suppress, irrelevant, *SOURCE],
        ]
    return {
        "Read Me.txt": f"O*NET {version} Database\nStarter set\n",
        "Occupation Data.txt": _table(
            ["O*NET-SOC Code", "Title", "Description"], ([row["code"], row["title"], "n/a"] for row in occupations)
        ),
        **{
            file: _table([*RATING, *FIGURES, "Not Relevant", "Date", "Domain Source"], rows)
            for file, rows in rated.items()
        },
        "Job Zones.txt": _table(
            ["O*NET-SOC Code", "Job Zone", "Date", "Domain Source"],
            ([row["code"], row["zone"], *SOURCE] for row in occupations),
        ),
        "Related Occupations.txt": _table(
            ["O*NET-SOC Code", "Related O*NET-SOC Code", "Relatedness Tier", "Index"],
            ([row["code"], row["related"], row["tier"], row["index"]] for row in _rows(folder / "related.csv")),
        ),
        "Alternate Titles.txt": _table(
            ["O*NET-SOC Code", "Alternate Title", "Short Title", "Source(s)"],
            ([row["code"], row["title"], row["short_title"] or "n/a", "08"] for row in _rows(folder / "titles.csv")),
        ),
        "Education, Training, and Experience.txt": _table(
            [*RATING, "Category", *FIGURES, "Date", "Domain Source"],
            (
                [row["code"], *REQUIRED, row["level"], row["percent"], *EXACT, "N", *SOURCE]
                for row in _rows(folder / "education.csv")
            ),
        ),
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join("\t".join(row) + "\r\n" for row in [columns, *rows])
