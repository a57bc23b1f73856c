"""Calls that arrive at the same time."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet


def at_once(gate: QuerySet[Any], *calls: Callable[[], object]) -> list[Any]:
    """Make calls at the same time and return what each of them answered or raised.

    On PostgreSQL each has a connection of its own, and none gets past the rows of the gate until all wait for them or
    for each other, or have ended. SQLite in memory has but one connection, so there one follows the other.
    """
    if connection.vendor == "sqlite":
        return [_answer(call) for call in calls]
    backends: list[int] = []

    def make(call: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            backends.append(connection.connection.info.backend_pid)
            return _answer(call)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        with transaction.atomic():
            list(gate.order_by("pk").select_for_update())
            made = [pool.submit(make, call) for call in calls]
            _wait_until_all_wait(backends, made)
        return [one.result() for one in made]


def _answer(call: Callable[[], object]) -> object:
    try:
        return call()
    except Exception as error:
        return error


def _wait_until_all_wait(backends: list[int], made: list[Future[object]]) -> None:
    latest = time.monotonic() + 30
    while sum(one.done() for one in made) + _waiting(backends) < len(made):
        assert time.monotonic() < latest
        time.sleep(0.02)


def _waiting(backends: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM unnest(%s::integer[]) AS backend WHERE cardinality(pg_blocking_pids(backend)) > 0",
            [list(backends)],
        )
        return int(cursor.fetchone()[0])
