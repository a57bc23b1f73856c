"""Read an official O*NET text release into tidy tables; both layouts, up to 30.2 and from 30.3 on."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from occupations.release_archive import Archive, Progress, ReleaseError, open_archive, silent
from occupations.release_table import CODE, Table

__all__ = ["Progress", "ReleaseError", "ReleaseTables", "read_release"]

OCCUPATIONS = "Occupation Data.txt"
SKILLS = "Skills.txt"
NEW_SKILLS = ("Essential Skills.txt", "Transferable Skills.txt")
KNOWLEDGE = "Knowledge.txt"
ZONES = "Job Zones.txt"
RELATED = "Related Occupations.txt"
TITLES = ("Job Titles.txt", "Alternate Titles.txt")
REPORTED_TITLES = "Sample of Reported Titles.txt"
SOFTWARE = ("Software Skills.txt", "Technology Skills.txt")
EDUCATION = ("Education.txt", "Education, Training, and Experience.txt")
TASKS = "Task Statements.txt"
ANCHORS = "Level Scale Anchors.txt"
CONTENT_MODEL = "Content Model Reference.txt"
READ_ME = "Read Me.txt"
OPTIONAL_DOMAINS = {"ability": "Abilities.txt", "work_activity": "Work Activities.txt"}
USED = frozenset(
    {
        OCCUPATIONS,
        SKILLS,
        *NEW_SKILLS,
        KNOWLEDGE,
        *OPTIONAL_DOMAINS.values(),
        ZONES,
        RELATED,
        *TITLES,
        REPORTED_TITLES,
        *SOFTWARE,
        *EDUCATION,
        TASKS,
        ANCHORS,
        CONTENT_MODEL,
    }
)

SCALES = {"IM": (1, 5), "LV": (0, 7)}
TIERS = ("Primary-Short", "Primary-Long", "Supplemental")
TASK_TYPES = ("Core", "Supplemental", "n/a", "")
EDUCATION_ELEMENT, EDUCATION_SCALE = "2.D.1", "RL"
LARGEST_INT, LARGEST_SMALL_INT = 2**31 - 1, 2**15 - 1


@dataclass(frozen=True, slots=True)
class ReleaseTables:
    """What SkillSprout uses of one release, one row per fact.

    Args:
        version: O*NET's own number, such as 29.3.
        digest: SHA-256 of the bytes of the tables that were read, in hexadecimal.
        occupations: code, title, description.
        elements: id, domain, name, description, order; those that are rated.
        ratings: code, element_id, domain, importance (1-5), level (0-7), suppress, not_relevant.
        zones: code, zone (1-5).
        alternate_titles: code, title, short_title; with the sample of reported titles.
        related: code, related, tier, index.
        tasks: code, task_id, text, core.
        software: code, name, category, hot, in_demand.
        education: code, level (1-12), percent; required education only.
        anchors: element_id, level, text.
        missing: Optional files that the release does not have.
        skipped: How many rows were left out, by the reason.
    """

    version: str
    digest: str
    occupations: pd.DataFrame
    elements: pd.DataFrame
    ratings: pd.DataFrame
    zones: pd.DataFrame
    alternate_titles: pd.DataFrame
    related: pd.DataFrame
    tasks: pd.DataFrame
    software: pd.DataFrame
    education: pd.DataFrame
    anchors: pd.DataFrame
    missing: tuple[str, ...]
    skipped: Mapping[str, int]


def read_release(source: str | Path, progress: Progress = silent) -> ReleaseTables:
    """Read and check the release at a path (zip or folder) or an http(s) URL.

    Raises:
        ReleaseError: Something is wrong with it; one sentence says what and where.
    """
    with open_archive(source, progress) as archive:
        return _Reader(archive, progress).read()


class _Reader:
    """Reads an archive's tables one by one, keeping the digest, the gaps and what was left out."""

    def __init__(self, archive: Archive, progress: Progress) -> None:
        self.archive = archive
        self.progress = progress
        self.digest = hashlib.sha256()
        self.done = 0
        self.missing: list[str] = []
        self.skipped: dict[str, int] = {}

    def read(self) -> ReleaseTables:
        skills, titles = self._required_files()
        version = self._version()
        occupations = self._occupations()
        codes = frozenset(occupations["code"])
        rated = [self._ratings(file, "skill", codes) for file in skills]
        rated.append(self._ratings(KNOWLEDGE, "knowledge", codes))
        for domain, file in OPTIONAL_DOMAINS.items():
            if self._has(file):
                rated.append(self._ratings(file, domain, codes))
        elements = self._elements([of_file for _, of_file in rated])
        return ReleaseTables(
            version=version,
            occupations=occupations,
            elements=elements,
            ratings=pd.concat([ratings for ratings, _ in rated], ignore_index=True),
            zones=self._zones(codes),
            alternate_titles=self._alternate_titles(titles, codes),
            related=self._related(codes),
            tasks=self._tasks(codes),
            software=self._software(codes),
            education=self._education(codes),
            anchors=self._anchors(frozenset(elements["id"])),
            missing=tuple(self.missing),
            skipped=self.skipped,
            digest=self.digest.hexdigest(),
        )

    def _required_files(self) -> tuple[Sequence[str], str]:
        """Return the files of the skills and of the titles, and refuse an archive that lacks a needed file."""
        names = self.archive.names
        skills: Sequence[str] = NEW_SKILLS if names.intersection(NEW_SKILLS) else [SKILLS]
        titles = next((file for file in TITLES if file in names), None)
        absent = [file for file in (OCCUPATIONS, KNOWLEDGE, ZONES, RELATED) if file not in names]
        if SKILLS not in names and not names.intersection(NEW_SKILLS):
            absent.append(f"{SKILLS} (or {' and '.join(NEW_SKILLS)})")
        else:
            absent += [file for file in skills if file not in names]
        if titles is None:
            absent.append(" or ".join(TITLES))
        if titles is None or absent:
            raise ReleaseError(f"{self.archive.label} lacks {', '.join(absent)}.")
        return skills, titles

    def _version(self) -> str:
        if READ_ME in self.archive.names:
            text = self.archive.read(READ_ME).decode(errors="replace")
            if found := re.search(r"O\*NET\D{0,3}\s+(\d{1,3}\.\d{1,3})\s+Database", text):
                return found[1]
        if found := re.search(r"(?:^|_)(\d{1,3})_(\d{1,3})(?:_|\.|$)", self.archive.label):
            return f"{found[1]}.{found[2]}"
        raise ReleaseError(
            f"{self.archive.label} does not say which release it is, neither in {READ_ME} nor by a name "
            "such as db_29_3_text."
        )

    def _has(self, *files: str) -> str | None:
        """Return the first of the files that is there; note the last as missing where none is."""
        found = next((file for file in files if file in self.archive.names), None)
        if found is None:
            self.missing.append(files[-1])
        return found

    def _table(self, file: str, *columns: str) -> Table:
        self.done += 1
        self.progress(f"Reading {file}", self.done, len(self.archive.names & USED))
        content = self.archive.read(file)
        self.digest.update(f"{file}\0{len(content)}\0".encode() + content)
        return Table.parse(file, content, columns)

    def _skip(self, reason: str, rows: int) -> None:
        if rows:
            self.skipped[reason] = self.skipped.get(reason, 0) + rows

    def _occupations(self) -> pd.DataFrame:
        table = self._table(OCCUPATIONS, CODE, "Title", "Description")
        table.check_unique(CODE)
        return pd.DataFrame(
            {
                "code": table.codes(),
                "title": table.texts("Title", 150),
                "description": table.optional_texts("Description", 5000),
            }
        ).sort_values("code", ignore_index=True)

    def _ratings(self, file: str, domain: str, codes: frozenset[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a file's ratings, and its elements with their names."""
        table = self._table(
            file,
            CODE,
            "Element ID",
            "Element Name",
            "Scale ID",
            "Data Value",
            "Recommend Suppress",
            "Not Relevant",
        )
        table.codes(codes)
        table.check_unique(CODE, "Element ID", "Scale ID")
        of_scale = {scale: table.where(table.equals("Scale ID", scale)) for scale in SCALES}
        self._skip(f"rows of {file} on other scales", len(table) - sum(map(len, of_scale.values())))
        importance, level = (
            pd.DataFrame(
                {
                    "code": part.codes(),
                    "element_id": part.texts("Element ID", 20),
                    name: part.numbers("Data Value", *SCALES[scale]),
                    f"suppress_{name}": part.flags("Recommend Suppress"),
                    f"not_relevant_{name}": part.flags("Not Relevant"),
                }
            )
            for (scale, part), name in zip(of_scale.items(), ("importance", "level"), strict=True)
        )
        both = importance.merge(level, on=["code", "element_id"], how="outer")
        ratings = both.dropna(subset=["importance", "level"])
        if ratings.empty:
            raise ReleaseError(f"{file} holds no figure with both importance and level.")
        self._skip(f"figures of {file} without importance or level", len(both) - len(ratings))
        named = pd.DataFrame(
            {"id": table.texts("Element ID", 20), "domain": domain, "name": table.texts("Element Name", 150)}
        )
        return (
            pd.DataFrame(
                {
                    "code": ratings["code"],
                    "element_id": ratings["element_id"],
                    "domain": domain,
                    "importance": ratings["importance"],
                    "level": ratings["level"],
                    "suppress": (ratings["suppress_importance"] | ratings["suppress_level"]).astype(bool),
                    "not_relevant": ratings["not_relevant_level"].astype(bool),
                }
            ),
            named[named["id"].isin(ratings["element_id"])].drop_duplicates("id").assign(file=file),
        )

    def _elements(self, of_files: Sequence[pd.DataFrame]) -> pd.DataFrame:
        elements = pd.concat(of_files, ignore_index=True)
        for element, files in elements.groupby("id")["file"]:
            if len(files) > 1:
                raise ReleaseError(f"The element {element} is in {' and in '.join(files)}.")
        descriptions: dict[str, str] = {}
        if file := self._has(CONTENT_MODEL):
            table = self._table(file, "Element ID", "Description")
            descriptions = dict(
                zip(table.texts("Element ID", 20), table.optional_texts("Description", 5000), strict=True)
            )
        elements["description"] = [descriptions.get(element, "") for element in elements["id"]]
        elements = elements.sort_values("id", key=lambda ids: ids.map(_natural_order), ignore_index=True)
        elements["order"] = elements.groupby("domain").cumcount() + 1
        return elements[["id", "domain", "name", "description", "order"]]

    def _zones(self, codes: frozenset[str]) -> pd.DataFrame:
        table = self._table(ZONES, CODE, "Job Zone")
        table.check_unique(CODE)
        table.codes(codes)
        table = table.where(~table.equals("Job Zone", "n/a", ""))
        return pd.DataFrame({"code": table.codes(), "zone": table.whole_numbers("Job Zone", 1, 5).astype(np.int8)})

    def _alternate_titles(self, file: str, codes: frozenset[str]) -> pd.DataFrame:
        title = "Job Title" if file == TITLES[0] else "Alternate Title"
        table = self._table(file, CODE, title, "Short Title")
        titles = pd.DataFrame(
            {
                "code": table.codes(codes),
                "title": table.texts(title, 250),
                "short_title": table.optional_texts("Short Title", 100),
            }
        ).drop_duplicates(ignore_index=True)
        self._skip(f"repeated rows of {file}", len(table) - len(titles))
        if not (reported := self._has(REPORTED_TITLES)):
            return titles
        table = self._table(reported, CODE, "Reported Job Title")
        more = pd.DataFrame(
            {
                "code": table.codes(codes),
                "title": table.texts("Reported Job Title", 250),
                "short_title": "",
            }
        ).drop_duplicates(ignore_index=True)
        known = pd.MultiIndex.from_frame(titles[["code", "title"]])
        more = more[~pd.MultiIndex.from_frame(more[["code", "title"]]).isin(known)]
        self._skip(f"rows of {reported} that repeat a title", len(table) - len(more))
        return pd.concat([titles, more], ignore_index=True)

    def _related(self, codes: frozenset[str]) -> pd.DataFrame:
        other = "Related O*NET-SOC Code"
        table = self._table(RELATED, CODE, other, "Relatedness Tier", "Index")
        table.check_unique(CODE, other)
        return pd.DataFrame(
            {
                "code": table.codes(codes),
                "related": table.codes(codes, other),
                "tier": table.choices("Relatedness Tier", TIERS),
                "index": table.whole_numbers("Index", 1, LARGEST_SMALL_INT).astype(np.int16),
            }
        ).sort_values(["code", "index"], ignore_index=True)

    def _tasks(self, codes: frozenset[str]) -> pd.DataFrame:
        if not self._has(TASKS):
            return pd.DataFrame(columns=["code", "task_id", "text", "core"])
        table = self._table(TASKS, CODE, "Task ID", "Task", "Task Type")
        table.check_unique(CODE, "Task ID")
        return pd.DataFrame(
            {
                "code": table.codes(codes),
                "task_id": table.whole_numbers("Task ID", 0, LARGEST_INT).astype(np.int32),
                "text": table.texts("Task", 5000),
                "core": table.choices("Task Type", TASK_TYPES) == "Core",
            }
        )

    def _software(self, codes: frozenset[str]) -> pd.DataFrame:
        if not (file := self._has(*SOFTWARE)):
            return pd.DataFrame(columns=["code", "name", "category", "hot", "in_demand"])
        new = file == SOFTWARE[0]
        name, category = ("Workplace Example", "Element Name") if new else ("Example", "Commodity Title")
        table = self._table(file, CODE, name, category, "Hot Technology", "In Demand")
        software = pd.DataFrame(
            {
                "code": table.codes(codes),
                "name": table.texts(name, 200),
                "category": table.texts(category, 200),
                "hot": table.flags("Hot Technology"),
                "in_demand": table.flags("In Demand"),
            }
        ).drop_duplicates(["code", "name", "category"], ignore_index=True)
        self._skip(f"repeated rows of {file}", len(table) - len(software))
        return software

    def _education(self, codes: frozenset[str]) -> pd.DataFrame:
        if not (file := self._has(*EDUCATION)):
            return pd.DataFrame(columns=["code", "level", "percent"])
        table = self._table(file, CODE, "Element ID", "Scale ID", "Category", "Data Value")
        table.codes(codes)
        table = table.where(table.equals("Element ID", EDUCATION_ELEMENT) & table.equals("Scale ID", EDUCATION_SCALE))
        table.check_unique(CODE, "Category")
        education = pd.DataFrame(
            {
                "code": table.codes(),
                "level": table.whole_numbers("Category", 1, 12).astype(np.int8),
                "percent": table.numbers("Data Value", 0, 100),
            }
        ).dropna(ignore_index=True)
        self._skip(f"rows of {file} without a figure", len(table) - len(education))
        return education

    def _anchors(self, elements: frozenset[str]) -> pd.DataFrame:
        if not self._has(ANCHORS):
            return pd.DataFrame(columns=["element_id", "level", "text"])
        table = self._table(ANCHORS, "Element ID", "Scale ID", "Anchor Value", "Anchor Description")
        table = table.where(table.equals("Scale ID", "LV"))
        used = table.where(table.equals("Element ID", *elements))
        self._skip(f"rows of {ANCHORS} on elements without ratings", len(table) - len(used))
        used.check_unique("Element ID", "Anchor Value")
        return pd.DataFrame(
            {
                "element_id": used.texts("Element ID", 20),
                "level": used.numbers("Anchor Value", 0, 7),
                "text": used.texts("Anchor Description", 5000),
            }
        ).dropna(ignore_index=True)


def _natural_order(element: str) -> tuple[tuple[int, str], ...]:
    """Return a key by which 2.C.10 comes after 2.C.9."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in element.split("."))
