"""A worker that is killed in the middle of a sync leaves what is served whole, and the next one goes on from there."""

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from occupations.importing import import_release
from occupations.models import Release
from tests.children import Children
from tests.fake_onet import FakeOnet, read_release
from tests.occupations.release_builder import newer_release, old_layout, write_zip
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


class Worker(Children):
    """Processes that sync from a fake O*NET."""

    def __init__(self, folder: Path, fake: FakeOnet, page_size: int) -> None:
        self.page_size = str(page_size)
        super().__init__(folder, ONET_BASE_URL=fake.url, ONET_API_KEY=fake.key, ONET_REQUESTS_PER_SECOND="100000")

    def sync(self) -> None:
        self.run(SYNC, self.page_size)

    def sync_killed(self, ready: Callable[[subprocess.Popen[str]], None], *arguments: str) -> None:
        with self.start(SYNC, self.page_size, *arguments) as child:
            ready(child)
            self.kill(child)


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
        worker.sync_killed(hangs)
        fake.faults.remove(fault)
        answered = [request.target for request in fake.requests if "/rows/" in request.target and not request.fault]
        assert len(answered) == after
        done += answered
        fake.requests.clear()
        worker.look()
        assert contents() == before
    worker.sync_killed(half_way, "stuck")
    worker.look()
    assert contents() == before
    assert Release.objects.get(state="active").source == "text"
    worker.sync()
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
