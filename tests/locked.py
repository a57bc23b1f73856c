"""Locks that another process seems to hold, or held when it died, and work that waits for them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from skillsprout.locks import only_one


@contextmanager
def held_elsewhere(name: str) -> Iterator[None]:
    """Hold the lock as another process would: in a thread with a connection of its own."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with only_one(name):
            locked.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join()


only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite lets one write at a time, and in memory there is one connection."
)


def begin_elsewhere(work: Callable[[], Any]) -> Future[Any]:
    """Do work with a connection of its own; return when it is done, or waits for a row that this connection holds."""
    key: Future[int] = Future()

    def do() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                key.set_result(cursor.fetchone()[0])
            return work()
        finally:
            connection.close()

    thread = ThreadPoolExecutor(1)
    begun = thread.submit(do)
    thread.shutdown(wait=False)
    latest = time.monotonic() + 30
    while not begun.done() and not _waits_for_us(key.result(30)):
        assert time.monotonic() < latest
        time.sleep(0.02)
    return begun


def _waits_for_us(key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() = ANY(pg_blocking_pids(%s))", [key])
        return bool(cursor.fetchone()[0])


def wait_for_the_dead() -> None:
    """Wait until no other process holds an advisory lock: PostgreSQL notices a death a little late."""
    latest = time.monotonic() + 30
    while connection.vendor == "postgresql" and _others_hold_locks():
        assert time.monotonic() < latest
        time.sleep(0.02)


def _others_hold_locks() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])
