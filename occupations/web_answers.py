"""What O*NET Web Services answer, read and checked; generations 2.0 and 1.9 differ little. No network here."""

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

Row = dict[str, Any]

VERSION = re.compile(r"\d{1,3}\.\d{1,3}")
TABLE_ID = re.compile(r"[a-z][a-z0-9_]{0,80}")


class WebServicesError(Exception):
    """O*NET Web Services did not give what was asked. The message is one sentence, and never holds the key."""


class NotConfiguredError(WebServicesError):
    """There is no key, or an address that no key may be sent to."""


class WrongKeyError(WebServicesError):
    """The service does not know the key, or the user name and password."""


class RevokedKeyError(WrongKeyError):
    """The service took the key before and refuses it now."""


class NoDataError(WebServicesError):
    """The service has nothing under this code, table or section."""


class RefusedError(WebServicesError):
    """The service refuses the request; asking again would not help."""


class PassingError(WebServicesError):
    """It may be over at the next try.

    Args:
        wait_seconds: How long the service asks to wait; None where it does not say.
    """

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class RateLimitedError(PassingError):
    """The service asks for fewer requests."""


class UnavailableError(PassingError):
    """The service cannot be reached, does not answer in time, breaks off or fails."""


class BadAnswerError(PassingError):
    """The service answers with something other than what it documents."""


class ChangedError(BadAnswerError):
    """A page does not fit the pages before it: the table changed meanwhile, or one of the pages is wrong."""


@dataclass(frozen=True, slots=True)
class About:
    """Which data the service holds.

    Args:
        version: Of the O*NET database, such as 30.3.
        api_version: Of the service, such as 2.0.0; empty where it does not say.
        taxonomy: Such as O*NET-SOC 2019; empty where it does not say.
    """

    version: str
    api_version: str
    taxonomy: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows `start` to `end` of `total`, counted from 1; `end` is `start - 1` where there are none.

    Args:
        next: The service's own address of the page after this one, unchecked.
    """

    start: int
    end: int
    total: int
    rows: list[Row]
    next: str | None = None


def json_of(body: bytes, what: str) -> Any:
    """Return what the body says.

    Raises:
        BadAnswerError: It is not JSON, or not all of it.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        problem = "a web page in place of JSON" if page else f"JSON that is broken or cut short ({len(body):,} bytes)"
        raise BadAnswerError(f"O*NET Web Services answered {what} with {problem}.") from None


def page_of(
    answer: Any,
    array: str,
    start: int,
    end: int,
    what: str,
    *,
    total: int | None = None,
    seen: Set[int] | None = None,
) -> Page:
    """Return the page, where it is whole: the rows that it says it has, each of them once.

    Args:
        answer: What the service said.
        array: The name of its list of rows.
        start: The first row that was asked for, from 1.
        end: The last one; a service may give fewer rows, as long as it says so.
        what: What was asked, for messages.
        total: How many rows the pages before this one said there are.
        seen: `row_hashes` of those pages; None for rows that may come twice.

    Raises:
        ChangedError: The total is not that of the pages before, or some of their rows come again.
        BadAnswerError: The page is not whole.
    """
    if not isinstance(answer, Mapping):
        raise _bad(what, "something that is not a page")
    first, last, count = (_whole_number(answer, key, what) for key in ("start", "end", "total"))
    rows = answer.get(array) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad(what, f"a page whose {array!r} is not a list of rows")
    if total is not None and count != total:
        raise ChangedError(f"O*NET Web Services answered {what} with a total of {count:,} after one of {total:,}.")
    if not rows and start > count:
        return Page(start, start - 1, count, [])
    if first != start or last > end or last > count:
        raise _bad(what, f"rows {first:,} to {last:,} of {count:,}")
    if len(rows) != last - first + 1 or not rows:
        raise _bad(what, f"{len(rows):,} rows where it says {first:,} to {last:,}")
    if seen is not None:
        hashes = row_hashes(rows, what)
        if len(hashes) < len(rows):
            raise _bad(what, "the same row twice")
        if not hashes.isdisjoint(seen):
            raise ChangedError(f"O*NET Web Services answered {what} with rows of the pages before it.")
    return Page(first, last, count, rows, _next_of(answer))


def row_hashes(rows: Sequence[Row], what: str = "a table") -> set[int]:
    """Return a number for each distinct row; no O*NET table holds two equal rows.

    Raises:
        BadAnswerError: A row holds more than plain values.
    """
    try:
        return {hash(frozenset(row.items())) for row in rows}
    except TypeError:
        raise _bad(what, "rows that hold more than plain values") from None


def about_of(answer: Any, what: str) -> About:
    """Return the versions, wherever this generation puts them.

    Raises:
        BadAnswerError: The version of the database is not there.
    """
    if isinstance(answer, Mapping) and (found := VERSION.search(_name(answer.get("database")))):
        return About(found[0], _name(answer.get("api_version")), _name(answer.get("taxonomy")))
    raise _bad(what, "no version of the O*NET database")


def tables_of(answer: Any, what: str) -> dict[str, str]:
    """Return the titles of the tables by their ids; 2.0 lists them bare, 1.9 under a key.

    Raises:
        BadAnswerError: There are none.
    """
    listed = answer.get("table") if isinstance(answer, Mapping) else answer
    tables = {}
    for table in listed if isinstance(listed, list) else []:
        identity = table.get("table_id") if isinstance(table, Mapping) else None
        if isinstance(identity, str) and TABLE_ID.fullmatch(identity):
            tables[identity] = _name(table.get("title"))
    if not tables:
        raise _bad(what, "no list of tables")
    return tables


def columns_of(answer: Any, what: str) -> dict[str, str]:
    """Return the ids of a table's columns by the titles that the text release uses.

    Raises:
        BadAnswerError: There are none.
    """
    listed = answer.get("column") if isinstance(answer, Mapping) else None
    columns = {
        column["title"]: column["column_id"]
        for column in (listed if isinstance(listed, list) else [])
        if isinstance(column, Mapping)
        and isinstance(column.get("title"), str)
        and isinstance(column.get("column_id"), str)
    }
    if not columns:
        raise _bad(what, "no list of columns")
    return columns


def error_text(body: bytes) -> str:
    """Return what a refusal says, in one short line; nothing where it is not the documented JSON."""
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return " ".join(error.split())[:200].rstrip(".") if isinstance(error, str) else ""


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what Retry-After asks for; a date counts from the answer's own Date, whatever our clock says."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        until, now = (parsedate_to_datetime(text) for text in (asked, headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _next_of(answer: Mapping[str, Any]) -> str | None:
    link = answer.get("next")
    listed = answer.get("link")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, Mapping) and entry.get("rel") == "next":
            link = entry.get("href")
    return link if isinstance(link, str) else None


def _whole_number(answer: Mapping[str, Any], key: str, what: str) -> int:
    value = answer.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _bad(what, f"a page without a usable {key!r}")
    return value


def _name(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("name")
    return value if isinstance(value, str) else ""


def _bad(what: str, problem: str) -> BadAnswerError:
    return BadAnswerError(f"O*NET Web Services answered {what} with {problem}.")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
