"""Make the starter set from an official release: which occupations, which of their titles, and the files."""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from occupations.models import Element
from occupations.pay import PUBLISHED_TOGETHER, PayRow
from occupations.release_archive import ReleaseError, open_archive, silent
from occupations.release_files import REPORTED_TITLES, TITLES, ReleaseTables, read_release
from occupations.release_table import CODE, Table
from occupations.starter import COLUMNS, NOT_RELEVANT, SUPPRESS

# Documents and tests name Software Developers, Computer Systems Engineers/Architects, Data Scientists, Biochemists
# and Biophysicists, and Registered Nurses.
NAMED = ("15-1252.00", "15-1299.08", "15-2051.00", "19-1021.00", "29-1141.00")
# Jobs that many people look for though not so many hold them: programmers, web developers, physicians, bus drivers;
# and the two nearest to Data Scientists, which O*NET 29.3 does not rate, so that their estimate has good sources.
SOUGHT = ("15-1251.00", "15-1254.00", "15-2031.00", "15-2041.00", "29-1216.00", "53-3052.00")
PER_MAJOR_GROUP = 5
PER_ZONE = 12
TITLES_EACH = 15
LONGEST_TITLE = 80
# Everyday names that few of O*NET's sources have, or none.
EVERYDAY = {
    "15-1251.00": ("Coder",),
    "15-1252.00": ("Programmer", "Coder"),
    "27-1024.00": ("Designer",),
    "29-1216.00": ("Doctor", "Physician", "MD"),
    "35-3023.00": ("Barista",),
    "37-2011.00": ("Cleaner",),
    "41-2011.00": ("Checkout Operator", "Till Operator"),
    "43-3031.00": ("Bookkeeper",),
    "43-4051.00": ("Call Center Agent",),
    "49-3023.00": ("Car Mechanic",),
    "53-3052.00": ("Bus Driver",),
    "53-7062.00": ("Warehouse Worker",),
}


def choose(candidates: pd.DataFrame, named: Collection[str], size: int) -> list[str]:
    """Return the codes of the starter set, sorted.

    The named ones are in; then the most employed ones until every major group has five and every job zone
    twelve, where there are as many; then the most employed of all. Of equals the lower code comes first.

    Args:
        candidates: code, zone, employment; one row per occupation that may be chosen.
        named: Codes that are in whatever their figures.
        size: How many to choose; more are returned only where groups and zones ask for them.
    """
    ranked = candidates.sort_values(["employment", "code"], ascending=[False, True]).assign(
        major=lambda frame: frame["code"].str[:2]
    )
    chosen = set(named)

    def take(codes: Sequence[str], wanted: int) -> None:
        missing = max(0, wanted - len(chosen.intersection(codes)))
        chosen.update([code for code in codes if code not in chosen][:missing])

    for column, wanted in (("major", PER_MAJOR_GROUP), ("zone", PER_ZONE)):
        for _, group in ranked.groupby(column):
            take(group["code"].tolist(), wanted)
    take(ranked["code"].tolist(), size - len(chosen.difference(ranked["code"])))
    return sorted(chosen)


def candidates_of(tables: ReleaseTables, pay: Sequence[PayRow]) -> pd.DataFrame:
    """Return code, zone and employment of the fully rated occupations that are a whole SOC code of the BLS."""
    together = {soc: len(members) for members in PUBLISHED_TOGETHER.values() for soc in members}
    employment = {row.soc: row.employment / together.get(row.soc, 1) for row in pay if row.employment}
    wanted = tables.elements["domain"].isin([Element.Domain.SKILL, Element.Domain.KNOWLEDGE]).sum()
    figures = tables.ratings["code"].value_counts()
    rated = tables.zones[tables.zones["code"].isin(figures.index[figures >= wanted])]
    # Others than .00 are a part of their SOC code, often of an "All Other" one.
    rated = rated[rated["code"].str.endswith(".00")].assign(soc=lambda frame: frame["code"].str[:7])
    return rated.assign(employment=rated["soc"].map(employment)).dropna(subset=["employment"])


def read_newly_rated(path: Path, elements: pd.DataFrame) -> pd.DataFrame:
    """Return ratings like a release's from one table of them, for occupations that a later release rated first.

    Raises:
        ReleaseError: The table cannot be read or holds what it should not.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {error.strerror}.") from error
    table = Table.parse(
        path.name, content, [CODE, "Element ID", "Scale ID", "Data Value", "Recommend Suppress", "Not Relevant"]
    )
    table.check_unique(CODE, "Element ID", "Scale ID")
    key = ["code", "element_id"]
    importance, level = (
        pd.DataFrame(
            {
                "code": part.codes(),
                "element_id": part.texts("Element ID", 20),
                name: part.numbers("Data Value", low, high),
                "suppress": part.flags("Recommend Suppress"),
                "not_relevant": part.flags("Not Relevant"),
            }
        )
        for name, low, high, part in (
            ("importance", 1, 5, table.where(table.equals("Scale ID", "IM"))),
            ("level", 0, 7, table.where(table.equals("Scale ID", "LV"))),
        )
    )
    both = importance.merge(level, on=key, suffixes=("_importance", ""))
    both["suppress"] |= both["suppress_importance"]
    both["domain"] = both["element_id"].map(dict(zip(elements["id"], elements["domain"], strict=True)))
    return both[[*key, "domain", "importance", "level", "suppress", "not_relevant"]].dropna(ignore_index=True)


def likely_titles(source: str, titles: pd.DataFrame, codes: Collection[str]) -> pd.DataFrame:
    """Return the titles of each occupation that people are most likely to type, at most fifteen.

    Everyday names are in. The others go by points: one for each of O*NET's sources that has the title, two for being
    in its sample of reported titles, three for a single word or one for two; of equals, the shorter comes first.

    Args:
        source: The release, whose files tell what is reported and how many sources each title has.
        titles: code, title, short_title, as read from it.
        codes: The occupations asked for.
    """
    with open_archive(source, silent) as archive:
        file = next(name for name in TITLES if name in archive.names)
        name = "Job Title" if file == TITLES[0] else "Alternate Title"
        table = Table.parse(file, archive.read(file), [CODE, name, "Source(s)"])
        counts = [cell.count(",") + 1 for cell in table.optional_texts("Source(s)", 250)]
        sources = dict(zip(_keys(table, name), counts, strict=True))
        reported: set[tuple[str, str]] = set()
        if REPORTED_TITLES in archive.names:
            table = Table.parse(REPORTED_TITLES, archive.read(REPORTED_TITLES), [CODE, "Reported Job Title"])
            reported.update(_keys(table, "Reported Job Title"))
    everyday = pd.DataFrame(
        [(code, title, "") for code, names in EVERYDAY.items() for title in names], columns=list(COLUMNS["titles"])
    )
    both = pd.concat([titles[titles["title"].str.len() <= LONGEST_TITLE], everyday]).drop_duplicates(
        ["code", "title"], keep="first"
    )
    ours = both[both["code"].isin(codes)]
    ours = ours.assign(
        points=[
            math.inf
            if title in EVERYDAY.get(code, ())
            else sources.get((code, title), 0)
            + 2 * ((code, title) in reported)
            + {1: 3, 2: 1}.get(len(title.split()), 0)
            for code, title in zip(ours["code"], ours["title"], strict=True)
        ],
        length=ours["title"].str.len(),
    )
    best = ours.sort_values(["points", "length", "title"], ascending=[False, True, True])
    return best.groupby("code").head(TITLES_EACH)[["code", "title", "short_title"]]


def _keys(table: Table, column: str) -> list[tuple[str, str]]:
    return list(zip(table.codes(), table.texts(column, 250), strict=True))


def build_starter(
    source: str, newly_rated: Path, newly_rated_release: str, pay: Sequence[PayRow], size: int, folder: Path
) -> dict[str, int]:
    """Write the starter set's files and return how many rows each has.

    Args:
        source: The official text release.
        newly_rated: Ratings of occupations that the release does not rate.
        newly_rated_release: The release that these are from.
        pay: Pay and outlook by SOC code.
        size: How many occupations to choose.
        folder: Where the files go.

    Raises:
        ReleaseError: The release or the further ratings cannot be read, or lack an occupation that must be in.
    """
    tables = read_release(source)
    absent = sorted({*NAMED, *SOUGHT}.difference(tables.occupations["code"]))
    if absent:
        raise ReleaseError(f"The release has no occupation {', '.join(absent)}.")
    codes = choose(candidates_of(tables, pay), (*NAMED, *SOUGHT), size)
    later = read_newly_rated(newly_rated, tables.elements)
    later = later[later["code"].isin(set(codes).difference(tables.ratings["code"]))]
    ratings = pd.concat([tables.ratings, later], ignore_index=True)
    socs = {code[:7] for code in codes}
    written: dict[str, pd.DataFrame] = {
        "occupations": tables.occupations.merge(tables.zones, on="code").assign(
            release=lambda frame: (
                frame["code"].isin(later["code"]).map({True: newly_rated_release, False: tables.version})
            )
        ),
        "ratings": ratings[ratings["domain"].isin([Element.Domain.SKILL, Element.Domain.KNOWLEDGE])].assign(
            flags=ratings["not_relevant"].map({True: NOT_RELEVANT, False: ""})
            + ratings["suppress"].map({True: SUPPRESS, False: ""})
        ),
        "titles": likely_titles(source, tables.alternate_titles, codes),
        "related": tables.related[tables.related["related"].isin(codes)],
        "education": tables.education[tables.education["percent"] > 0],
    }
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name, frame in written.items():
        columns = list(COLUMNS[name])
        rows = frame.loc[frame["code"].isin(codes), columns].sort_values(columns)
        rows.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        counts[name] = len(rows)
    paid = pd.DataFrame([asdict(row) for row in pay if row.soc in socs], dtype=object)
    paid.to_csv(folder / "pay.csv", index=False, lineterminator="\n")
    return counts | {"pay": len(paid)}
