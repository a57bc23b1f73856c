"""What each path of the API answers, in both generations."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from tests.fake_onet.release import NUMBERS, Release, Table

SECTIONS = {
    "skills": ("skills", "essential_skills", "transferable_skills"),
    "knowledge": ("knowledge",),
    "abilities": ("abilities",),
    "work_activities": ("work_activities",),
}
LARGEST_WINDOW = 1000
FILTER = re.compile(r"([a-z_]+)\.(eq|contains)\.(.*)")

Query = Mapping[str, Sequence[str]]
Row = dict[str, Any]


class Problem(Exception):  # noqa: N818
    """An answer that is not 200; with a text it is JSON, else a web page."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


class Answers:
    """Answers paths from a release.

    Args:
        release: What to answer from.
        generation: 2.0 or 1.9.
        unknown_code_status: Of 2.0, for which it is not known: 404 or 422. 1.9 answers 422.
        filter_name: How 2.0 wants a filter spelled: filter or filter1; empty where it does not filter at all.
    """

    def __init__(self, release: Release, generation: str, unknown_code_status: int, filter_name: str) -> None:
        self.release = release
        self.old = generation == "1.9"
        self.generation = generation
        self.unknown_code_status = 422 if self.old else unknown_code_status
        self.filter_name = filter_name

    def answer(self, path: str, query: Query, base: str) -> Any:
        """Return what a path answers.

        Args:
            path: Below the base, without a slash at its beginning.
            query: Its parameters.
            base: The address that links begin with.

        Raises:
            Problem: It is not 200.
        """
        parts = path.rstrip("/").split("/") if path.rstrip("/") else []
        match parts:
            case []:
                names = ("about", "database", "mnm", "mpp", "online", "taxonomy", "veterans")
                return {"resource": [{"href": f"{base}{name}/", "title": name} for name in names]}
            case ["about"]:
                return self._about()
            case ["database"]:
                return self._tables(base)
            case ["database", "info", table]:
                return self._info(self._table(table), base)
            case ["database", "rows", table]:
                return self._rows(self._table(table), query, base)
            case ["online", "search"]:
                return self._search(query, base)
            case ["online", "occupations"]:
                found = [self._item(code, base) for code in self._titles]
                return self._page(query, base, path, "occupation", len(found), lambda a, b: found[a:b])
            case ["online", "occupations", code]:
                return self._occupation(self._known(code), base)
            case ["online", "occupations", code, "summary" | "details" as kind, section]:
                return self._section(self._known(code), kind, section, query, base)
        raise Problem(404)

    def _about(self) -> Any:
        names = {"database": f"O*NET {self.release.version}", "taxonomy": "O*NET-SOC 2019"}
        return {
            "api_title": "O*NET Web Services",
            "api_version": "1.9" if self.old else "2.0.0",
            **{kind: {"name": name, "url": f"https://www.onetcenter.org/{kind}.html"} for kind, name in names.items()},
        }

    def _tables(self, base: str) -> Any:
        tables = [
            {
                "table_id": table.id,
                "title": table.title,
                "description": f"The table {table.title}.",
                "info": f"{base}database/info/{table.id}",
                "rows": f"{base}database/rows/{table.id}",
            }
            for table in self.release.tables.values()
        ]
        return {"table": tables} if self.old else tables

    def _info(self, table: Table, base: str) -> Any:
        return {
            "table_id": table.id,
            "title": table.title,
            "description": f"The table {table.title}.",
            "rows": f"{base}database/rows/{table.id}",
            "column": [
                {
                    "column_id": identity,
                    "optional": False,
                    "title": title,
                    "description": title,
                    "type": _type_of(title),
                }
                for identity, title in table.column_ids
            ],
        }

    def _table(self, identity: str) -> Table:
        if identity not in self.release.tables:
            raise Problem(404)
        return self.release.tables[identity]

    def _rows(self, table: Table, query: Query, base: str) -> Any:
        path = f"database/rows/{table.id}"
        lines: Sequence[str] = table.lines
        if self.filter_name and (filters := query.get(self.filter_name)):
            lines = [line for line in lines if self._matches(table, line, filters)]
        page = self._page(query, base, path, "row", len(lines), lambda a, b: list(map(table.row_of, lines[a:b])))
        return {"info": f"{base}database/info/{table.id}", "table_id": table.id, **page} if self.old else page

    def _matches(self, table: Table, line: str, filters: Iterable[str]) -> bool:
        row = table.row_of(line)
        for text in filters:
            found = FILTER.fullmatch(text)
            if not found or found[1] not in row:
                raise Problem(422, f"invalid filter '{text}'")
            value, wanted = str(row[found[1]]).casefold(), found[3].casefold()
            if not (value == wanted if found[2] == "eq" else wanted in value):
                return False
        return True

    def _search(self, query: Query, base: str) -> Any:
        keyword = " ".join(query.get("keyword", [])).strip()
        if not keyword:
            text = (
                'The required parameter "keyword" was not provided.'
                if self.old
                else "must have required property 'keyword'"
            )
            raise Problem(422, text)
        words = keyword.casefold().split()
        ranked = []
        for code, title in self._titles.items():
            known = f"{code} {title}".casefold()
            others = self._alternates.get(code, "")
            score = sum(2 * (word in known) + (word in others) for word in words)
            if score and all(word in known or word in others for word in words):
                ranked.append((-score, title, code))
        found = [self._item(code, base) for _, _, code in sorted(ranked)]
        for place, item in enumerate(found):
            if self.old:
                item["relevance_score"] = max(100 - place, 1)
        page = self._page(query, base, "online/search", "occupation", len(found), lambda a, b: found[a:b])
        return {"keyword": keyword, **page} if self.old else page

    def _page(
        self,
        query: Query,
        base: str,
        path: str,
        array: str,
        total: int,
        rows: Callable[[int, int], list[Row]],
        size: int = 20,
    ) -> Row:
        start = _number(query, "start", 1)
        end = _number(query, "end", start + size - 1)
        if end < start or end - start + 1 > LARGEST_WINDOW:
            raise Problem(422, f"no more than {LARGEST_WINDOW} results can be requested at once")
        if start > total:
            return {"start": start, "end": start - 1, "total": total, array: []}
        width, end = end - start + 1, min(end, total)
        others = "".join(f"{name}={value}&" for name in query if name not in ("start", "end") for value in query[name])
        links = {}
        if start > 1:
            links["prev"] = f"{base}{path}?{others}start={max(start - width, 1)}&end={start - 1}"
        if end < total:
            links["next"] = f"{base}{path}?{others}start={end + 1}&end={min(end + width, total)}"
        linked: Row = {"link": [{"href": href, "rel": rel} for rel, href in links.items()]} if self.old else links
        return {"start": start, "end": end, "total": total, **linked, array: rows(start - 1, end)}

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {row["onetsoc_code"]: row["title"] for row in self._table("occupation_data").rows()}

    @cached_property
    def _alternates(self) -> dict[str, str]:
        table = next(
            (self.release.tables[name] for name in ("job_titles", "alternate_titles") if self._has(name)), None
        )
        column = "job_title" if table and table.id == "job_titles" else "alternate_title"
        found: dict[str, str] = {}
        for row in table.rows() if table else ():
            code = row["onetsoc_code"]
            found[code] = f"{found.get(code, '')} {row[column]}".casefold()
        return found

    def _has(self, table: str) -> bool:
        return table in self.release.tables

    def _known(self, code: str) -> str:
        if code in self._titles:
            return code
        text = "Invalid or obsolete O*NET-SOC code." if self.unknown_code_status == 422 else ""
        raise Problem(self.unknown_code_status, text)

    def _item(self, code: str, base: str) -> Row:
        tags = {"bright_outlook": False, "green": False} if self.old else {}
        href = f"{base}online/occupations/{code}/"
        return {"href": href, "code": code, "title": self._titles[code], "tags": tags}

    def _of(self, table: str, code: str) -> list[Row]:
        if not self._has(table):
            return []
        listed = self.release.tables[table]
        return [listed.row_of(line) for line in listed.lines if line.startswith(code)]

    def _occupation(self, code: str, base: str) -> Any:
        reported: Any = [row["reported_job_title"] for row in self._of("sample_of_reported_titles", code)]
        links = [{"href": f"{base}online/occupations/{code}/details/{name}", "title": name} for name in SECTIONS]
        return {
            **{key: value for key, value in self._item(code, base).items() if key != "href"},
            "description": self._of("occupation_data", code)[0]["description"],
            "sample_of_reported_titles": {"title": reported} if self.old else reported,
            "summary_contents": [],
            "details_contents": links,
        }

    def _section(self, code: str, kind: str, section: str, query: Query, base: str) -> Any:
        path = f"online/occupations/{code}/{kind}/{section}"
        size = 5 if kind == "summary" else 10
        if section in SECTIONS:
            elements = self._elements(code, kind, section, base)
            if not elements:
                raise Problem(self.unknown_code_status, "No data is available." if self.old else "")
            if self.old:
                return {"code": code, "report": kind, "element": elements}
            return self._page(query, base, path, "element", len(elements), lambda a, b: elements[a:b], size)
        if section == "job_zone":
            return self._job_zone(code)
        if section == "education":
            tables = ("education", "education_training_experience")
            rows = [row for table in tables for row in self._of(table, code) if row["element_id"] == "2.D.1"]
            shares = [
                {"code": row["category"], "percentage_of_respondents": round(row["data_value"])}
                for row in rows
                if row["data_value"]
            ]
            return {"response": shares} if shares else self._nothing()
        if section == "related_occupations":
            found = []
            for row in sorted(self._of("related_occupations", code), key=lambda row: row["related_index"]):
                item = self._item(row["related_onetsoc_code"], base)
                found.append(item | ({"supplemental": True} if row["relatedness_tier"] == "Supplemental" else {}))
            return self._page(query, base, path, "occupation", len(found), lambda a, b: found[a:b], size)
        return self._nothing()

    def _nothing(self) -> Any:
        raise Problem(self.unknown_code_status, "No data is available." if self.unknown_code_status == 422 else "")

    def _elements(self, code: str, kind: str, section: str, base: str) -> list[Row]:
        descriptions = self._descriptions
        found = []
        for row in (row for table in SECTIONS[section] for row in self._of(table, code)):
            if row["scale_id"] != "IM":
                continue
            identity = row["element_id"]
            element: Row = {
                "id": identity,
                "related": f"{base}online/occupations/{code}/related/{section}/{identity}",
                "name": row.get("element_name") or identity,
                "description": descriptions.get(identity, ""),
            }
            if kind == "details":
                importance = int((row["data_value"] - 1) / 4 * 100 + 0.5)
                element |= (
                    {"score": {"scale": "Importance", "value": importance}} if self.old else {"importance": importance}
                )
            found.append(element)
        return found

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        if not self._has("content_model_reference"):
            return {}
        return {row["element_id"]: row["description"] for row in self._table("content_model_reference").rows()}

    def _job_zone(self, code: str) -> Any:
        zones = self._of("job_zones", code)
        if not zones or zones[0]["job_zone"] is None:
            return self._nothing()
        zone = zones[0]["job_zone"]
        rows = self._table("job_zone_reference").rows() if self._has("job_zone_reference") else ()
        named = next((row for row in rows if row["job_zone"] == zone), {})
        return {
            "code": zone,
            "title": named.get("name", f"Job Zone {zone}"),
            "education": named.get("education"),
            "related_experience": named.get("experience"),
            "job_training": named.get("job_training"),
            "job_zone_examples": named.get("examples"),
            "svp_range": named.get("svp_range"),
        }


def _type_of(title: str) -> str:
    return "Number" if title in NUMBERS else "Date" if title == "Date" else "Text"


def _number(query: Query, name: str, default: int) -> int:
    text = query[name][-1] if query.get(name) else str(default)
    if not text.isdecimal() or int(text) < 1:
        raise Problem(422, f"{name} must be integer")
    return int(text)
