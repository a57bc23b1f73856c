"""What can go wrong with an answer, each switchable: which requests, how often, or a share of them by a seed."""

import json
import random
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

HTML = b"<html>\r\n<head><title>%d %s</title></head>\r\n<body><center><h1>%d %s</h1></center></body>\r\n</html>\r\n"
KINDS = (
    *("429", "500", "502", "503", "504", "404", "422"),
    *("hang", "hang_body", "cut", "html", "truncated"),
    *("short", "total", "duplicate", "repeat", "scale", "element"),
    *("key", "redirect", "foreign_next"),
)
BODY_LESS = ("hang", "hang_body", "cut", "truncated")


@dataclass
class Fault:
    """One thing that goes wrong.

    Args:
        kind: One of `KINDS`, or several with `|` between, of which each time one is drawn:
            an HTTP status; `hang` (nothing comes), `hang_body` (half of it comes); `cut` (the connection breaks in
            the body); `html` (a web page with status 200); `truncated` (half the JSON, correctly announced);
            `short` (a row less than it says); `total` (another total); `duplicate` (a row twice, in place of the
            next); `repeat` (the first row is that of the page before); `scale`, `element` (a row on an unknown one);
            `key` (403, as if the key were wrong or, with `after`, revoked); `redirect` and `foreign_next` (to
            another host).
        match: Part of the path and query that it happens to.
        after: How many of those requests go well first.
        times: How often it happens; None for ever.
        share: The share of those requests that it happens to, drawn by `seed`.
        seconds: How long a hang lasts at most.
        retry_after: What the answer says, with 429 and 5xx.
        by: How much the total is wrong.
    """

    kind: str
    match: str = ""
    after: int = 0
    times: int | None = None
    share: float = 1
    seed: int = 0
    seconds: float = 5
    retry_after: str | None = None
    by: int = 1
    _random: random.Random = field(init=False, repr=False)
    _seen: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if unknown := set(self.kind.split("|")) - set(KINDS):
            raise ValueError(f"unknown kind of fault: {', '.join(sorted(unknown))}")
        self._random = random.Random(self.seed)

    def strikes(self, target: str) -> str | None:
        """Return the kind of what goes wrong with this request, or None."""
        if self.match not in target:
            return None
        self._seen += 1
        if self._seen <= self.after or self.times == 0 or self._random.random() >= self.share:
            return None
        if self.times is not None:
            self.times -= 1
        return self._random.choice(self.kind.split("|"))


def faults_of(text: str) -> list[Fault]:
    """Return the faults of a JSON list of objects with the arguments of `Fault`."""
    return [Fault(**arguments) for arguments in json.loads(text)]


def html_page(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    return HTML % (status, phrase, status, phrase)


def spoil(kind: str, fault: Fault, answer: dict[str, Any], row_before: dict[str, Any] | None) -> dict[str, Any]:
    """Return a page with something wrong in it; other answers have no rows to spoil and stay as they are.

    Args:
        kind: What goes wrong.
        fault: Its arguments.
        answer: The page as it should be.
        row_before: The last row of the page before, where there is one.
    """
    if kind == "foreign_next" and ("next" in answer or "link" in answer):
        link = "https://evil.example/database/rows/x?start=1&end=2"
        new = {"link": [{"href": link, "rel": "next"}]} if "link" in answer else {"next": link}
        return answer | new
    if kind == "total" and "total" in answer:
        return answer | {"total": max(answer["total"] + fault.by, 0)}
    array = next((name for name in ("row", "occupation", "element") if answer.get(name)), None)
    if array is None:
        return answer
    rows = [dict(row) for row in answer[array]]
    middle = len(rows) // 2
    if kind == "short":
        del rows[middle]
    elif kind == "duplicate":
        rows[middle] = dict(rows[middle - 1])
    elif kind == "repeat" and row_before:
        rows[0] = row_before
    elif kind == "scale" and "scale_id" in rows[middle]:
        rows[middle] |= {"scale_id": "ZZ"}
    elif kind == "element" and "element_id" in rows[middle]:
        rows[middle] |= {"element_id": "9.Z.9.z"}
    return answer | {array: rows}
