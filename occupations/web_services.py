"""What SkillSprout asks of O*NET Web Services, generation 2.0 and, behind the same methods, 1.9."""

import re
from collections.abc import Iterator, Mapping, Set
from functools import partial
from typing import Any, Self

from django.conf import settings

from occupations.web_answers import (
    TABLE_ID,
    About,
    BadAnswerError,
    NoDataError,
    Page,
    RefusedError,
    Row,
    WebServicesError,
    about_of,
    columns_of,
    page_of,
    row_hashes,
    tables_of,
)
from occupations.web_session import WebSession

__all__ = ["WebServices", "WebServicesError"]

LARGEST_PAGE = 1000
FILTERS = ("filter", "filter1")  # the documentation names the first, some clients send the second
UNPAGED = ("job_zone", "education")
CODE_FORM = re.compile(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}")


class WebServices:
    """A client of O*NET Web Services.

    Args:
        base_url: Where the service is; empty for O*NET's own address.
        key: For generation 2.0.
        username: With `password`, for generation 1.9, where there is no key.
        password: See `username`.
        limits: Rate, time-outs, tries, clock and sleep, as `WebSession` takes them.

    Every method raises a `WebServicesError`; `web_answers` defines its kinds.
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        **limits: Any,
    ) -> None:
        self._session = WebSession(base_url, key=key, username=username, password=password, **limits)

    @classmethod
    def from_settings(cls) -> Self:
        """Return a client as the settings say.

        Raises:
            NotConfiguredError: They name no key, or an address that no key may be sent to.
        """
        return cls(
            getattr(settings, "ONET_BASE_URL", ""),
            key=getattr(settings, "ONET_API_KEY", "") or None,
            username=getattr(settings, "ONET_USERNAME", "") or None,
            password=getattr(settings, "ONET_PASSWORD", "") or None,
            requests_per_second=getattr(settings, "ONET_REQUESTS_PER_SECOND", 4),
            connect_seconds=getattr(settings, "ONET_CONNECT_SECONDS", 10),
            read_seconds=getattr(settings, "ONET_READ_SECONDS", 30),
            tries=getattr(settings, "ONET_TRIES", 5),
            longest_wait_seconds=getattr(settings, "ONET_LONGEST_WAIT_SECONDS", 60),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<WebServices {self.generation} at {self.base_url}>"

    @property
    def generation(self) -> str:
        """2.0 or 1.9."""
        return self._session.generation

    @property
    def base_url(self) -> str:
        return self._session.base_url

    def close(self) -> None:
        self._session.close()

    def about(self) -> About:
        """Return which release the service holds."""
        return self._session.get("about", {}, about_of)

    def tables(self) -> dict[str, str]:
        """Return the titles of the database's tables by their ids."""
        return self._session.get("database", {}, tables_of)

    def table_info(self, table: str) -> dict[str, Any]:
        """Return what the service says of one table."""
        return self._session.get(f"database/info/{_checked_name(table)}", {}, _mapping)

    def columns(self, table: str) -> dict[str, str]:
        """Return the ids of a table's columns by the titles that the text release uses."""
        return self._session.get(f"database/info/{_checked_name(table)}", {}, columns_of)

    def rows(self, table: str, start: int, end: int, *, total: int | None = None) -> Page:
        """Return rows `start` to `end` of a table, counted from 1.

        Raises:
            ChangedError: There are not `total` rows any more.
        """
        return self._table_page(table, start, end, {}, total)

    def iter_pages(
        self,
        table: str,
        start: int = 1,
        page_size: int = LARGEST_PAGE,
        *,
        total: int | None = None,
        seen: set[int] | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Iterator[Page]:
        """Yield a table's pages, from the row `start` on.

        Args:
            table: Its id.
            start: Counted from 1.
            page_size: At most 1,000 rows.
            total: What pages before this one said, if there were any.
            seen: `row_hashes` of the pages before; those that come are added.
            filters: More parameters of the request.

        Raises:
            ChangedError: A page does not fit the pages before it.
        """
        seen = set() if seen is None else seen
        link = None
        while total is None or start <= total:
            page = self._table_page(table, start, start + page_size - 1, filters or {}, total, link, seen)
            yield page
            if not page.rows:
                return
            seen |= row_hashes(page.rows)
            start, total, link = page.end + 1, page.total, page.next

    def iter_rows(self, table: str, start: int = 1, page_size: int = LARGEST_PAGE) -> Iterator[Row]:
        """Yield a table's rows, from the row `start` on."""
        for page in self.iter_pages(table, start, page_size):
            yield from page.rows

    def occupation_rows(self, table: str, code: str) -> list[Row]:
        """Return a table's rows on one occupation.

        How to filter is not settled, so that each row is checked; where the service does not filter, the whole
        table is read.
        """
        for name in FILTERS:
            rows: list[Row] = []
            filters = {name: f"onetsoc_code.eq.{_checked_code(code)}"}
            try:
                for page in self.iter_pages(table, filters=filters):
                    rows += page.rows
                    if any(row.get("onetsoc_code") != code for row in page.rows):
                        break
                else:
                    return rows
            except RefusedError:
                continue
        return [row for row in self.iter_rows(table) if row.get("onetsoc_code") == code]

    def search(self, keyword: str, start: int = 1, end: int = 20) -> Page:
        """Return occupations by relevance: code, title and more."""
        read = partial(_occupation_page, start=start, end=end)
        return self._session.get("online/search", {"keyword": keyword, "start": start, "end": end}, read)

    def occupation(self, code: str) -> dict[str, Any]:
        """Return one occupation's overview: code, title, description, sample_of_reported_titles and more.

        Raises:
            NoDataError: There is no such occupation.
        """
        answer = self._occupation_part(code, "", {})
        if not isinstance(answer.get("title"), str):
            raise BadAnswerError(f"O*NET Web Services answered {code} with an occupation without a title.")
        if isinstance(titles := answer.get("sample_of_reported_titles"), Mapping):
            answer["sample_of_reported_titles"] = titles.get("title") or []
        return answer

    def details(self, code: str, section: str) -> dict[str, Any]:
        """Return one section of an occupation's details, such as skills: importance only, from 0 to 100.

        Raises:
            NoDataError: There is no such occupation, or nothing in this section.
        """
        paged = self.generation == "2.0" and section not in UNPAGED
        parameters = {"start": 1, "end": LARGEST_PAGE} if paged else {}
        return self._occupation_part(code, f"details/{_checked_name(section)}", parameters)

    def _occupation_part(self, code: str, part: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._session.get(f"online/occupations/{_checked_code(code)}/{part}", parameters, _mapping)
        except RefusedError as error:
            raise NoDataError(f"O*NET Web Services have nothing on {code} {part}".rstrip() + ".") from error

    def _table_page(
        self,
        table: str,
        start: int,
        end: int,
        filters: Mapping[str, str],
        total: int | None,
        link: str | None = None,
        seen: set[int] | None = None,
    ) -> Page:
        read = partial(_table_page, start=start, end=end, total=total, seen=seen or frozenset())
        parameters = {"start": start, "end": end, **filters}
        return self._session.get(f"database/rows/{_checked_name(table)}", parameters, read, link)


def _checked_code(code: str) -> str:
    if not CODE_FORM.fullmatch(code):
        raise NoDataError(f"{code[:20]!r} is not an O*NET-SOC code such as 29-1141.00.")
    return code


def _checked_name(name: str) -> str:
    if not TABLE_ID.fullmatch(name):
        raise NoDataError(f"O*NET Web Services have no table or section {name[:40]!r}.")
    return name


def _mapping(answer: Any, what: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise BadAnswerError(f"O*NET Web Services answered {what} with something else than was asked.")
    return answer


def _occupation_page(answer: Any, what: str, start: int, end: int) -> Page:
    return page_of(answer, "occupation", start, end, what)


def _table_page(answer: Any, what: str, start: int, end: int, total: int | None, seen: Set[int]) -> Page:
    return page_of(answer, "row", start, end, what, total=total, seen=seen)
