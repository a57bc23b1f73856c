"""Locks: one at a time on a database, however its processes were told of it."""

import pytest
from django.db import connection

from skillsprout.locks import LockHeldError, only_one
from tests.children import Children
from tests.locked import held_elsewhere

TAKE = """
import signal, sys
import django
django.setup()
from skillsprout.locks import LockHeldError, only_one
try:
    with only_one("training"):
        print("taken", flush=True)
        if "keep" in sys.argv:
            signal.pause()
except LockHeldError:
    print("held")
"""


@pytest.mark.django_db(transaction=True)
def test_two_never_hold_it_and_other_locks_are_free():
    with held_elsewhere("training"):
        with pytest.raises(LockHeldError), only_one("training"):
            pass
        with only_one("import"):
            pass
    with only_one("training"):
        pass


@pytest.mark.django_db(transaction=True)
def test_processes_with_other_folders_and_another_path_to_the_database_share_it(tmp_path):
    children = Children(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    more = {"VAR_DIR": str(elsewhere)}
    if connection.vendor == "sqlite":
        (elsewhere / "link.sqlite3").symlink_to(tmp_path / "child.sqlite3")
        more["DATABASE_URL"] = f"sqlite:///{elsewhere / 'link.sqlite3'}"
    others = Children(tmp_path, **more)

    with children.start(TAKE, "keep") as first:
        printed = [first.stdout.readline(), others.run(TAKE)]
        children.kill(first)
    assert [*printed, others.run(TAKE)] == ["taken\n", "held\n", "taken\n"]
