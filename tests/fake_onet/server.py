"""The fake O*NET Web Services: an HTTP server on 127.0.0.1 that stops by itself."""

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.fake_onet.answers import Answers, Problem
from tests.fake_onet.faults import Fault, html_page, spoil
from tests.fake_onet.release import Release, read_release

BASES = {"2.0": "/", "1.9": "/ws/"}
LARGEST_LOG = 100_000
LOG_PATH = "/-/requests"


@dataclass
class Request:
    """One request that came, and how it was answered.

    Args:
        target: Path and query.
        at: When it came, on a monotonic clock.
        fault: The kind of what went wrong on purpose.
        status: 0 where no answer was sent, or none yet.
        seconds: The server's own time.
    """

    target: str
    at: float
    fault: str | None = None
    status: int = 0
    seconds: float = 0


class FakeOnet:
    """The server, as a context manager.

    Args:
        release: A text release (zip or folder), the folder of the starter set, or a release that was read already.
        port: 0 for any that is free.
        generation: 2.0 or 1.9.
        layout: old or new; empty for the release's own.
        faults: What goes wrong; `fail` adds to it.
        key: The key that is accepted, by 2.0.
        username: With `password`, accepted by 1.9.
        password: See `username`.
        merge_zones: Whether zone 1 becomes 2; see `read_release`.
        plain_rows: Whether rows lack titles and names; see `read_release`.
        unknown_code_status: 404 or 422.
        filter_name: filter, filter1, or empty for a service that does not filter.
        lifetime_seconds: After which it stops by itself.
    """

    def __init__(
        self,
        release: Path | Release,
        *,
        port: int = 0,
        generation: str = "2.0",
        layout: str = "",
        faults: Iterable[Fault] = (),
        key: str = "a-made-up-key",
        username: str = "sprout",
        password: str = "a-made-up-password",
        merge_zones: bool = False,
        plain_rows: bool = False,
        unknown_code_status: int = 404,
        filter_name: str = "filter",
        lifetime_seconds: float = 600,
    ) -> None:
        if isinstance(release, Path):
            release = read_release(release, layout, merge_zones=merge_zones, plain_rows=plain_rows)
        self.release = release
        self.generation = generation
        self.base = BASES[generation]
        self.key, self.username, self.password = key, username, password
        self.answers = Answers(release, generation, unknown_code_status, filter_name)
        self.faults = list(faults)
        self.requests: deque[Request] = deque(maxlen=LARGEST_LOG)
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._lifetime = threading.Timer(lifetime_seconds, self.close)
        self._lifetime.daemon = True

    @property
    def url(self) -> str:
        """The address that a client begins with."""
        return f"http://127.0.0.1:{self.port}{self.base}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._lifetime.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fail(self, kind: str, match: str = "", **arguments: Any) -> Fault:
        """Let something go wrong from now on; see `Fault`."""
        fault = Fault(kind, match, **arguments)
        self.faults.append(fault)
        return fault

    def wait(self) -> None:
        """Wait until it has stopped."""
        self.closing.wait()

    def close(self) -> None:
        """Stop; requests that hang are let go."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._lifetime.cancel()
        self._server.shutdown()
        self._server.server_close()

    def fault_of(self, target: str) -> tuple[str, Fault] | None:
        """Return what goes wrong with a request: the first fault that strikes; those after it do not see it."""
        with self.lock:
            return next(((kind, fault) for fault in self.faults if (kind := fault.strikes(target))), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeOnet

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave early are part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        fake = self.server.fake
        if fake.closing.is_set():
            self.close_connection = True
            return
        if self.path == LOG_PATH:
            self._send(200, json.dumps([vars(request) for request in list(fake.requests)]).encode())
            return
        self.request_log = Request(self.path, time.monotonic())
        fake.requests.append(self.request_log)
        kind, fault = (fake.fault_of(self.path) if self._knows_base() else None) or (None, None)
        self.request_log.fault = kind
        try:
            self._answer(kind, fault)
        finally:
            self.request_log.seconds = time.monotonic() - self.request_log.at

    def _knows_base(self) -> bool:
        return self.path.startswith(self.server.fake.base)

    def _answer(self, kind: str | None, fault: Fault | None) -> None:
        fake = self.server.fake
        if kind == "hang" and fault:
            fake.closing.wait(fault.seconds)
            self.close_connection = True
            return
        if kind == "key" or not self._may_enter():
            self._send(401 if fake.generation == "1.9" else 403, html_page(401 if fake.generation == "1.9" else 403))
            return
        if kind == "redirect":
            self._send(302, b"", {"Location": "https://evil.example/"})
            return
        if kind == "html":
            self._send(200, html_page(200), {"Content-Type": "text/html"})
            return
        if kind and kind.isdecimal() and fault:
            asked = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            body = b'{"error":"made to fail"}' if kind == "422" else html_page(int(kind))
            self._send(int(kind), body, asked)
            return
        try:
            answer = self._true_answer(kind, fault)
        except Problem as problem:
            body = json.dumps({"error": problem.text}).encode() if problem.text else html_page(problem.status)
            self._send(problem.status, body)
            return
        if fake.generation == "1.9" and "application/json" not in self.headers.get("Accept", ""):
            self._send(200, b'<?xml version="1.0" encoding="UTF-8"?>\n<answer/>\n', {"Content-Type": "text/xml"})
            return
        self._send_json(json.dumps(answer).encode(), kind, fault)

    def _may_enter(self) -> bool:
        fake = self.server.fake
        if fake.generation == "2.0":
            return self.headers.get("X-API-Key") == fake.key
        token = base64.b64encode(f"{fake.username}:{fake.password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {token}"

    def _true_answer(self, kind: str | None, fault: Fault | None) -> Any:
        fake = self.server.fake
        parts = urlsplit(self.path)
        if not self._knows_base():
            raise Problem(404)
        query = parse_qs(parts.query, keep_blank_values=True)
        path = parts.path.removeprefix(fake.base)
        answer = fake.answers.answer(path, query, fake.url)
        if not kind or not fault or not isinstance(answer, dict):
            return answer
        before = None
        if kind == "repeat" and answer.get("start", 1) > 1:
            window = {"start": [str(answer["start"] - 1)], "end": [str(answer["start"] - 1)]}
            before = fake.answers.answer(path, query | window, fake.url)["row"][0]
        return spoil(kind, fault, answer, before)

    def _send_json(self, body: bytes, kind: str | None, fault: Fault | None) -> None:
        half = body[: len(body) // 2]
        if kind == "truncated":
            self._send(200, half, {"Content-Type": "application/json"})
        elif kind in ("cut", "hang_body") and fault:
            self._send(200, half, {"Content-Type": "application/json"}, announced=len(body))
            self.wfile.flush()
            if kind == "hang_body":
                self.server.fake.closing.wait(fault.seconds)
            self.close_connection = True
        else:
            self._send(200, body, {"Content-Type": "application/json"})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, announced: int | None = None
    ) -> None:
        headers = {"Content-Type": "application/json" if body[:1] in b"{[" else "text/html"} | (headers or {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)
        if self.path != LOG_PATH:
            self.request_log.status = status
