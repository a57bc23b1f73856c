"""A worker that is killed in the middle of a sync leaves what is served whole, and the next one goes on from there."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from occupations.importing import import_release
from occupations.models import Release
from tests.fake_onet import FakeOnet, read_release
from tests.occupations.release_builder import newer_release, old_layout, write_zip
from tests.occupations.test_importing import ROOT, _url_for_a_child
from tests.occupations.test_syncing import contents
from tests.occupations.test_web_tables import with_whole_content_model

# What the child process runs.
SYNC = """
import sys
import django
django.setup()
from occupations import replacing
from occupations.syncing import sync
if sys.argv[2:] == ["stuck"]:
    import time
    def stop(release):
        print("half way", flush=True)
        time.sleep(60)
    replacing.write_snapshot = stop
sync(source="api", page_size=int(sys.argv[1]))
"""


class Worker:
    """Other processes on a database of their own, where the test's is in memory."""

    def __init__(self, folder: Path, fake: FakeOnet, page_size: int) -> None:
        self.file = folder / "child.sqlite3"
        self.page_size = str(page_size)
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "skillsprout.settings",
            "SECRET_KEY": "only-for-tests",
            "DEBUG": "0",
            "LOG_LEVEL": "ERROR",
            "VAR_DIR": str(folder),
            "DATABASE_URL": _url_for_a_child(folder),
            "ONET_BASE_URL": fake.url,
            "ONET_API_KEY": fake.key,
            "ONET_REQUESTS_PER_SECOND": "100000",
        }
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(self.file)) as child:
                connection.connection.backup(child)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SYNC, self.page_size, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self) -> None:
        with self.start() as child:
            pass
        assert child.returncode == 0

    def kill(self, ready: Callable[[subprocess.Popen[str]], None], *arguments: str) -> None:
        with self.start(*arguments) as child:
            ready(child)
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL

    def look(self) -> None:
        """Make the child's database this process's."""
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(self.file)) as child:
                child.backup(connection.connection)


def killed_and_resumed(fake: FakeOnet, worker: Worker, before: Any, points: list[int]) -> None:
    """Kill a worker at these requests for rows, and one in the middle of the switch; then let one finish."""

    def hangs(child: subprocess.Popen[str]) -> None:
        latest = time.monotonic() + 60
        while not any(request.fault for request in fake.requests):
            assert child.poll() is None
            assert time.monotonic() < latest
            time.sleep(0.02)

    def half_way(child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        assert child.stdout.readline() == "half way\n"

    done: list[str] = []
    for after in points:
        fault = fake.fail("hang", "/rows/", after=after, times=1, seconds=60)
        worker.kill(hangs)
        fake.faults.remove(fault)
        answered = [request.target for request in fake.requests if "/rows/" in request.target and not request.fault]
        assert len(answered) == after
        done += answered
        fake.requests.clear()
        worker.look()
        assert contents() == before
    worker.kill(half_way, "stuck")
    worker.look()
    assert contents() == before
    assert Release.objects.get(state="active").source == "text"
    worker.run()
    worker.look()
    done += [request.target for request in fake.requests if "/rows/" in request.target]
    # A page may come twice where the kill fell between its answer and its file.
    assert len(done) <= len(set(done)) + len(points)
    ended = list(Release.objects.order_by("pk").values_list("state", "error"))
    assert ended == [
        ("superseded", ""),
        *[("failed", "The import ended before it was whole.")] * (len(points) + 1),
        ("active", ""),
    ]


@pytest.mark.django_db(transaction=True)
def test_killed_at_three_points_and_in_the_switch(tmp_path):
    import_release(write_zip(tmp_path / "old.zip", old_layout()))
    before = contents()
    path = write_zip(tmp_path / "new.zip", with_whole_content_model(newer_release()))
    with FakeOnet(path) as fake:
        worker = Worker(tmp_path, fake, page_size=5)
        killed_and_resumed(fake, worker, before, random.Random(4).sample(range(1, 8), 3))
    after = contents()
    if connection.vendor == "sqlite":
        worker.look()
    Release.objects.filter(state="active").update(state="superseded")
    assert after != before
    assert after == of_import(path, tmp_path)


def of_import(path: Path, folder: Path) -> Any:
    """Return what an import of the newer release over the older one gives."""
    import_release(folder / "old.zip")
    import_release(path)
    return contents()


@pytest.mark.release
@pytest.mark.django_db(transaction=True)
def test_full_release_killed_at_three_points(tmp_path):
    path = os.environ.get("ONET_RELEASE")
    if not path:
        pytest.skip("ONET_RELEASE names no official text release")
    import_release(path)
    before = contents()
    with FakeOnet(read_release(Path(path), "new")) as fake:
        worker = Worker(tmp_path, fake, page_size=1000)
        killed_and_resumed(fake, worker, before, random.Random(4).sample(range(15, 120), 3))
    assert contents() == before
