"""Locks that one database's processes share, and that fall when their process dies."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from filelock import FileLock, Timeout


class LockHeldError(Exception):
    """Another process has the lock."""


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Hold a lock of this name on this database: an advisory one on PostgreSQL, else a file beside the database's.

    Raises:
        LockHeldError: Another process holds it.
    """
    lock = _advisory(name) if connection.vendor == "postgresql" else _file(name)
    with lock:
        yield


@contextmanager
def _advisory(name: str) -> Iterator[None]:
    number = int.from_bytes(hashlib.sha256(f"skillsprout {name}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise LockHeldError
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _file(name: str) -> Iterator[None]:
    lock = FileLock(_place(name), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockHeldError from error
    try:
        yield
    finally:
        lock.release()


def _place(name: str) -> Path:
    """Return the lock's file: one for all processes on a database, however they spell its path."""
    database = str(connection.settings_dict["NAME"])
    if database == ":memory:" or "mode=memory" in database:
        return Path(settings.VAR_DIR, f"{name}-{hashlib.sha256(database.encode()).hexdigest()[:16]}.lock")
    path = Path(database).resolve()
    return path.with_name(f"{path.name}-{name}.lock")
