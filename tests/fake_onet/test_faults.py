"""Everything that can go wrong goes wrong as it was told to, and the fake never outlives its time."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fake_onet import FakeOnet, Fault, Release, read_release
from tests.fake_onet.faults import KINDS
from tests.occupations.release_builder import old_layout, write_folder

SECONDS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("old") / "release", old_layout())


@pytest.fixture(scope="module")
def release(folder: Path) -> Release:
    return read_release(folder)


@pytest.fixture
def fake(release: Release) -> Iterator[FakeOnet]:
    with FakeOnet(release) as server:
        yield server


def get(fake: FakeOnet, path: str) -> requests.Response:
    with requests.Session() as session:
        headers = {"X-API-Key": fake.key}
        answer = session.get(f"{fake.url}{path}", headers=headers, timeout=SECONDS, allow_redirects=False)
        assert answer.content is not None
    return answer


class TestFaults:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 404, 422])
    def test_status_once(self, fake, status):
        fake.fail(str(status), times=1)
        assert get(fake, "about").status_code == status
        assert get(fake, "about").status_code == 200

    def test_storm_with_and_without_retry_after(self, fake):
        fake.fail("429", "about")
        assert [get(fake, "about").status_code for _ in range(4)] == [429] * 4
        assert "Retry-After" not in get(fake, "about").headers
        assert get(fake, "database").status_code == 200
        fake.faults.clear()
        fake.fail("429", retry_after="7")
        assert get(fake, "about").headers["Retry-After"] == "7"

    def test_hang(self, fake):
        fake.fail("hang", seconds=0.2)
        began = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            get(fake, "about")
        assert 0.2 <= time.monotonic() - began < SECONDS

    @pytest.mark.parametrize("kind", ["cut", "hang_body"])
    def test_broken_body(self, fake, kind):
        fake.fail(kind, seconds=0.1)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            get(fake, "about")

    def test_web_page(self, fake):
        fake.fail("html")
        answer = get(fake, "about")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")

    def test_truncated(self, fake):
        fake.fail("truncated")
        answer = get(fake, "about")
        assert len(answer.content) == int(answer.headers["Content-Length"])
        with pytest.raises(requests.JSONDecodeError):
            answer.json()

    def test_spoilt_pages(self, fake, release):
        path = "database/rows/skills?start=6&end=10"
        true = get(fake, path).json()
        for kind in ("short", "total", "duplicate", "repeat", "scale", "element", "foreign_next"):
            fake.fail(kind, "start=6", times=1)
        pages = [get(fake, path).json() for _ in range(7)]
        short, total, duplicate, repeat, scale, element, foreign = pages
        assert len(short["row"]) == 4
        assert {key: value for key, value in short.items() if key != "row"} == {
            key: value for key, value in true.items() if key != "row"
        }
        assert total["total"] == 19
        assert duplicate["row"][2] == duplicate["row"][1] == true["row"][1]
        assert repeat["row"][0] == release.tables["skills"].row(4)
        assert [row["scale_id"] for row in scale["row"]].count("ZZ") == 1
        assert [row["element_id"] for row in element["row"]].count("9.Z.9.z") == 1
        assert "evil.example" in foreign["next"]

    def test_key_revoked_after_some_requests(self, fake):
        fake.fail("key", after=2)
        assert [get(fake, "about").status_code for _ in range(4)] == [200, 200, 403, 403]

    def test_redirect(self, fake):
        fake.fail("redirect")
        answer = get(fake, "about")
        assert (answer.status_code, answer.headers["Location"]) == (302, "https://evil.example/")

    def test_share_by_seed(self, release):
        def statuses(seed: int) -> list[int]:
            with FakeOnet(release, faults=[Fault("429|500", share=0.3, seed=seed)]) as fake:
                return [get(fake, "about").status_code for _ in range(40)]

        assert statuses(3) == statuses(3) != statuses(4)
        assert 3 <= sum(status != 200 for status in statuses(3)) <= 25
        assert set(statuses(3)) == {200, 429, 500}

    def test_every_kind_is_known_by_name(self):
        for kind in KINDS:
            Fault(kind)
        with pytest.raises(ValueError, match="flood"):
            Fault("429|flood")

    def test_each_request_is_written_down(self, fake):
        fake.fail("500", "about", times=1)
        for path in ("about", "about", "database"):
            get(fake, path)
        assert [(one.target, one.status, one.fault) for one in fake.requests] == [
            ("/about", 500, "500"),
            ("/about", 200, None),
            ("/database", 200, None),
        ]


class TestLife:
    def test_it_stops_by_itself(self, release):
        with FakeOnet(release, lifetime_seconds=0.2) as fake:
            assert get(fake, "about").status_code == 200
            fake._thread.join(SECONDS)
            with pytest.raises(requests.ConnectionError):
                get(fake, "about")

    def test_closing_lets_hanging_requests_go(self, fake):
        fake.fail("hang", seconds=60)
        with requests.Session() as session, pytest.raises(requests.ReadTimeout):
            session.get(f"{fake.url}about", headers={"X-API-Key": fake.key}, timeout=0.1)
        began = time.monotonic()
        fake.close()
        assert time.monotonic() - began < SECONDS

    def test_program(self, folder):
        faults = json.dumps([{"kind": "500", "match": "about", "times": 1}])
        command = [sys.executable, "-m", "tests.fake_onet", str(folder), "--faults", faults, "--layout", "new"]
        command += ["--lifetime-seconds", "30"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            try:
                found = re.search(r"O\*NET 29\.3 at (http://127\.0\.0\.1:\d+/) ", program.stdout.readline())
                headers = {"X-API-Key": "a-made-up-key"}
                with requests.Session() as session:
                    for expected in (500, 200):
                        answer = session.get(f"{found[1]}about", headers=headers, timeout=SECONDS)
                        assert answer.status_code == expected
                    listed = session.get(f"{found[1]}-/requests", timeout=SECONDS).json()
                assert [one["status"] for one in listed] == [500, 200]
            finally:
                program.terminate()
            assert program.wait(SECONDS) == 0
