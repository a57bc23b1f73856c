"""A lock that another process seems to hold."""

import threading
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
