"""Locks that another process seems to hold, or held when it died."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
