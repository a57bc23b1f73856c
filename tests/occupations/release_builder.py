"""A small text release in O*NET's two layouts. Codes and titles are facts; the sentences and figures are invented."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from occupations.importing import ImportResult, import_release
from occupations.release_files import ReleaseError, ReleaseTables, read_release

NURSE = "29-1141.00"
ACUTE_NURSE = "29-1141.01"
PSYCHIATRIC_NURSE = "29-1141.02"
PROGRAMMER = "15-1251.00"
DEVELOPER = "15-1252.00"
ALL_OTHER = "29-9099.00"

TITLES = {
    PROGRAMMER: "Computer Programmers",
    DEVELOPER: "Software Developers",
    NURSE: "Registered Nurses",
    ACUTE_NURSE: "Acute Care Nurses",
    PSYCHIATRIC_NURSE: "Advanced Practice Psychiatric Nurses",
    ALL_OTHER: "Healthcare Practitioners and Technical Workers, All Other",
}
ZONES = {PROGRAMMER: 4, DEVELOPER: 4, NURSE: 3, ACUTE_NURSE: 3, PSYCHIATRIC_NURSE: 5}
RATED = (PROGRAMMER, NURSE, ACUTE_NURSE)
SKILLS = {"2.A.1.a": "Reading Comprehension", "2.A.1.b": "Active Listening", "2.B.3.e": "Programming"}
KNOWLEDGE = {"2.C.3.a": "Computers and Electronics", "2.C.5.a": "Medicine and Dentistry", "2.C.10": "Transportation"}
ABILITIES = {"1.A.1.a.1": "Oral Comprehension"}

RATING_COLUMNS = [
    "O*NET-SOC Code",
    "Element ID",
    "Element Name",
    "Scale ID",
    "Data Value",
    "N",
    "Standard Error",
    "Lower CI Bound",
    "Upper CI Bound",
    "Recommend Suppress",
    "Not Relevant",
    "Date",
    "Domain Source",
]

Rows = Iterable[Iterable[object]]
Files = dict[str, str]


def table(columns: Iterable[str], rows: Rows) -> str:
    """Return a table as O*NET writes it: tabs and CRLF."""
    return "".join("\t".join(map(str, row)) + "\r\n" for row in [columns, *rows])


def ratings(elements: Mapping[str, str], codes: Iterable[str] = RATED) -> str:
    """Return a table of ratings; nobody but programmers needs programming."""
    rows: list[list[object]] = []
    for code in codes:
        for element, name in elements.items():
            place = [*SKILLS, *KNOWLEDGE, *ABILITIES].index(element) % 3
            irrelevant = element == "2.B.3.e" and code != PROGRAMMER
            importance = 1.12 if irrelevant else 4.25 - 0.5 * place
            level = 0.25 if irrelevant else 5.12 - 0.5 * place
            rows += [
                [code, element, name, "IM", importance, 8, 0.1, 1, 5, "N", "n/a", "08/2023", "Analyst"],
                [code, element, name, "LV", level, 8, 0.1, 0, 7, "N", "Y" if irrelevant else "N", "08/2023", "Analyst"],
            ]
    return table(RATING_COLUMNS, rows)


def old_layout(version: str = "29.3") -> Files:
    """Return the files of a release up to 30.2, by name."""
    return {
        **_shared_files(version),
        "Skills.txt": ratings(SKILLS),
        "Alternate Titles.txt": table(["O*NET-SOC Code", "Alternate Title", "Short Title", "Source(s)"], _TITLE_ROWS),
        "Technology Skills.txt": table(
            ["O*NET-SOC Code", "Example", "Commodity Code", "Commodity Title", "Hot Technology", "In Demand"],
            [[PROGRAMMER, "Python", 43232408, "Web platform development software", "Y", "N"]],
        ),
        "Education, Training, and Experience.txt": _education(
            [NURSE, "3.A.1", "Related Work Experience", "RW", 1, 12.5, 20, 1, 1, 1, "N", "08/2023", "Incumbent"]
        ),
        "Skills to Work Activities.txt": "not a table that anybody reads\r\n",
    }


def new_layout(version: str = "30.3") -> Files:
    """Return the files of a release from 30.3 on, by name."""
    essential = {element: name for element, name in SKILLS.items() if element.startswith("2.A")}
    transferable = {element: name for element, name in SKILLS.items() if element.startswith("2.B")}
    return {
        **_shared_files(version),
        "Essential Skills.txt": ratings(essential),
        "Transferable Skills.txt": ratings(transferable),
        "Job Titles.txt": table(["O*NET-SOC Code", "Job Title", "Short Title", "Source(s)"], _TITLE_ROWS),
        "Software Skills.txt": table(
            ["O*NET-SOC Code", "Workplace Example", "Element ID", "Element Name", "Hot Technology", "In Demand"],
            [[PROGRAMMER, "Python", "2.B.7", "Web platform development software", "Y", "N"]],
        ),
        "Education.txt": _education(),
        "Essential Skills to Work Activities.txt": "Skills Element ID\tWork Activities Element ID\r\n",
    }


def changed(file: str, old: str, new: str, count: int = 1) -> Files:
    files = old_layout()
    assert old in files[file]
    return files | {file: files[file].replace(old, new, count)}


def newer_release() -> Files:
    """Return 30.3: a changed figure, title and zone, one occupation less, one job rated for the first time."""
    files = new_layout()
    for name in files:
        files[name] = "".join(line for line in files[name].splitlines(keepends=True) if ACUTE_NURSE not in line)
    for file in ("Essential Skills.txt", "Transferable Skills.txt", "Knowledge.txt"):
        developer = [line for line in files[file].splitlines(keepends=True) if line.startswith(PROGRAMMER)]
        files[file] += "".join(developer).replace(PROGRAMMER, DEVELOPER)
    files["Essential Skills.txt"] = files["Essential Skills.txt"].replace("5.12", "5.5", 1)
    files["Occupation Data.txt"] = files["Occupation Data.txt"].replace("\tRegistered Nurses", "\tNurses, Registered")
    files["Job Zones.txt"] = files["Job Zones.txt"].replace(f"{NURSE}\t3", f"{NURSE}\t4")
    return files


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_zip(path: Path, files: Mapping[str, str | bytes], folder: str = "db_text/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{folder}{name}", content)
    return path


def read(tmp_path: Path, files: Mapping[str, str | bytes], name: str = "release") -> ReleaseTables:
    return read_release(write_folder(tmp_path / name, files))


def error_of(source: Path | str) -> str:
    """Return the sentence by which the source is refused."""
    with pytest.raises(ReleaseError) as raised:
        read_release(source)
    message = str(raised.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def load(tmp_path: Path, files: Files, name: str = "db.zip", **options: Any) -> ImportResult:
    return import_release(write_zip(tmp_path / name, files), **options)


_TITLE_ROWS = [
    [NURSE, "Registered Nurse (RN)", "RN", "08"],
    [NURSE, "Ward Nurse", "n/a", "08"],
    [ACUTE_NURSE, "Acute Care Nurse", "n/a", "08"],
    [PROGRAMMER, "Coder", "n/a", "10"],
    [DEVELOPER, "Software Engineer", "n/a", "10"],
    [ALL_OTHER, "Ward Officer", "n/a", "04"],
]


def _education(*more: Iterable[object]) -> str:
    element = ["2.D.1", "Required Level of Education", "RL"]
    columns = [*RATING_COLUMNS[:4], "Category", *RATING_COLUMNS[4:10], *RATING_COLUMNS[11:]]
    rest = [20, 1, 1, 1, "N", "08/2023", "Incumbent"]
    return table(columns, [[NURSE, *element, 5, 40.5, *rest], [NURSE, *element, 6, 59.5, *rest], *more])


def _shared_files(version: str) -> Files:
    described = list(ZONES)
    return {
        "Read Me.txt": f"O*NET {version} Database\nMay 2025 Release\n",
        "Occupation Data.txt": table(
            ["O*NET-SOC Code", "Title", "Description"],
            [[code, title, f"A made-up sentence about {title.lower()}."] for code, title in TITLES.items()],
        ),
        "Knowledge.txt": ratings(KNOWLEDGE),
        "Job Zones.txt": table(
            ["O*NET-SOC Code", "Job Zone", "Date", "Domain Source"],
            [[code, zone, "08/2023", "Analyst"] for code, zone in ZONES.items()],
        ),
        "Related Occupations.txt": table(
            ["O*NET-SOC Code", "Related O*NET-SOC Code", "Relatedness Tier", "Index"],
            [
                [NURSE, ACUTE_NURSE, "Primary-Short", 1],
                [ACUTE_NURSE, NURSE, "Primary-Short", 1],
                [PSYCHIATRIC_NURSE, ACUTE_NURSE, "Primary-Short", 1],
                [PSYCHIATRIC_NURSE, NURSE, "Supplemental", 11],
                [DEVELOPER, PROGRAMMER, "Primary-Long", 6],
            ],
        ),
        "Sample of Reported Titles.txt": table(
            ["O*NET-SOC Code", "Reported Job Title", "Shown in My Next Move"],
            [[NURSE, "Ward Nurse", "Y"], [NURSE, "Night Nurse", "N"]],
        ),
        "Task Statements.txt": table(
            ["O*NET-SOC Code", "Task ID", "Task", "Task Type", "Incumbents Responding", "Date", "Domain Source"],
            [
                [code, 100 + place, f'Do the "{word}" work of the day.', kind, 20, "08/2023", "Incumbent"]
                for place, (code, word, kind) in enumerate(
                    zip(described, ["code", "build", "ward", "urgent", "talk"], ["Core", "n/a"] * 3, strict=False)
                )
            ],
        ),
        "Level Scale Anchors.txt": table(
            ["Element ID", "Element Name", "Scale ID", "Anchor Value", "Anchor Description"],
            [
                ["2.A.1.a", "Reading Comprehension", "LV", 2, "Read a bus timetable"],
                ["2.A.1.a", "Reading Comprehension", "LV", 6, "Read a treaty"],
                ["1.A.1.a.1", "Oral Comprehension", "LV", 2, "Follow a weather report"],
            ],
        ),
        "Content Model Reference.txt": table(
            ["Element ID", "Element Name", "Description"],
            [
                ["2", "Worker Requirements", "What people bring"],
                ["2.A.1.a", SKILLS["2.A.1.a"], "Take in what is written"],
            ],
        ),
    }
