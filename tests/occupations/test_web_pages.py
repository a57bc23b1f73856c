"""What was fetched stays fetched: an interrupted table goes on where it stopped, and a wrong page is found."""

import errno
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from occupations.web_answers import About, ChangedError, Page, RevokedKeyError, UnavailableError
from occupations.web_pages import PageStore, StoreError, fetch_table
from occupations.web_services import WebServices
from tests.fake_onet import FakeOnet, Release, read_release
from tests.occupations.release_builder import old_layout, write_zip

ROWS = 18


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return read_release(write_zip(tmp_path_factory.mktemp("release") / "db_29_3_text.zip", old_layout()))


@pytest.fixture
def fake(release: Release) -> Iterator[FakeOnet]:
    with FakeOnet(release) as server:
        yield server


@pytest.fixture
def services(fake: FakeOnet) -> Iterator[WebServices]:
    with WebServices(fake.url, key=fake.key, read_seconds=0.1, sleep=lambda seconds: None) as client:
        yield client


@pytest.fixture
def store(tmp_path: Path) -> PageStore:
    return PageStore(tmp_path / "pages")


@pytest.fixture
def truth(release: Release) -> list[dict]:
    rows = list(release.tables["skills"].rows())
    assert len(rows) == ROWS
    return rows


def fetch(services: WebServices, store: PageStore, stop_after: int | None = None) -> list[tuple[str, int, int]]:
    """Fetch the skills in pages of five, and stop after some of them."""
    told: list[tuple[str, int, int]] = []

    def after_page(table: str, rows: int, of: int) -> None:
        told.append((table, rows, of))
        if len(told) == stop_after:
            raise StoppedError

    fetch_table(services, store, "skills", page_size=5, after_page=after_page)
    return told


def asked_for_pages(fake: FakeOnet) -> list[str]:
    return [request.target.partition("?")[2] for request in fake.requests if "rows" in request.target]


def test_whole_table(services, store, truth):
    assert fetch(services, store) == [("skills", end, ROWS) for end in (5, 10, 15, 18)]
    assert list(store.rows("skills")) == truth
    assert store.progress("skills") == (ROWS, ROWS)
    assert store.columns("skills")["Data Value"] == "data_value"


@pytest.mark.parametrize("kind", ["404", "422"])
def test_service_that_does_not_describe_its_tables(fake, services, store, truth, kind):
    fake.fail(kind, "database/info")
    fetch(services, store)
    assert store.columns("skills") == {}
    assert list(store.rows("skills")) == truth


def test_stopped_fetch_goes_on_where_it_stopped(fake, services, store, truth):
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=2)
    assert store.progress("skills") == (10, ROWS)
    fake.requests.clear()
    assert fetch(services, store) == [("skills", 15, ROWS), ("skills", 18, ROWS)]
    assert list(store.rows("skills")) == truth
    assert [request.target for request in fake.requests] == [
        "/database/rows/skills?start=11&end=15",
        "/database/rows/skills?start=16&end=18",
    ]


def test_page_that_repeats_rows_of_before_the_stop(fake, services, store, truth):
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=2)
    fake.fail("repeat", "start=11", times=1)
    fetch(services, store)
    assert list(store.rows("skills")) == truth


def test_pages_of_different_totals_do_not_mix(store):
    store.write("skills", Page(1, 1, 2, [{"n": 1}]))
    store.write("skills", Page(2, 2, 3, [{"n": 2}]))
    assert store.progress("skills") == (1, 2)
    assert [page.end for page in store.pages("skills")] == [1]


def test_nothing_is_asked_for_twice(fake, services, store):
    fetch(services, store)
    fake.requests.clear()
    assert fetch(services, store) == []
    assert not fake.requests


def test_pages_before_a_failure_stay(fake, services, store, truth):
    fake.fail("key", "start=11", times=1)
    with pytest.raises(RevokedKeyError):
        fetch(services, store)
    assert store.progress("skills") == (10, ROWS)
    fetch(services, store)
    assert list(store.rows("skills")) == truth


def test_page_size_may_change_in_between(services, store, truth):
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=2)
    fetch_table(services, store, "skills", page_size=7)
    assert list(store.rows("skills")) == truth


@pytest.mark.parametrize("page_size", [5, 7])
@pytest.mark.parametrize(
    "damage",
    [b"", b"\x1f\x8b", b"not a page", gzip.compress(b'{"rows": []}', mtime=0), gzip.compress(b'{"rows"', mtime=0)],
)
def test_damaged_page_is_fetched_again(services, store, truth, damage, page_size):
    fetch(services, store)
    (page,) = store.folder.glob("skills/0000006-*")
    page.write_bytes(damage)
    with pytest.raises(StoreError):
        list(store.rows("skills"))
    fetch_table(services, store, "skills", page_size=page_size)
    assert list(store.rows("skills")) == truth


def test_unfinished_page_does_not_count(services, store, truth):
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=1)
    (page,) = store.folder.glob("skills/0000001-*")
    page.rename(page.with_name(page.name + ".part"))
    assert store.progress("skills") == (0, 0)
    fetch(services, store)
    assert list(store.rows("skills")) == truth


@pytest.mark.parametrize("by", [-15, -3, 1, 400])
def test_first_page_with_a_wrong_total(fake, services, store, truth, by):
    fake.fail("total", "start=1&", times=1, by=by)
    fetch(services, store)
    assert list(store.rows("skills")) == truth


def test_table_that_changes_for_ever_is_refused(fake, services, store):
    fake.fail("total", "start=6")
    with pytest.raises(ChangedError):
        fetch(services, store)


def test_table_that_grew_meanwhile_is_fetched_anew(release, store, truth):
    grown = read_release_with_more(release)
    with FakeOnet(release) as fake, WebServices(fake.url, key=fake.key, sleep=lambda seconds: None) as services:
        with pytest.raises(StoppedError):
            fetch(services, store, stop_after=2)
        fake.answers.release = grown
        fetch(services, store)
    assert list(store.rows("skills")) == list(grown.tables["skills"].rows())
    assert len(list(store.rows("skills"))) == ROWS + 1
    assert store.columns("skills")


def read_release_with_more(release: Release) -> Release:
    table = release.tables["skills"]
    more = table.changed("Skills")
    more.lines = [table.lines[0].replace("2.A.1.a", "2.A.1.c"), *table.lines]
    return Release("30.0", release.tables | {"skills": more})


@pytest.mark.parametrize("seed", range(1, 7))
def test_share_of_bad_answers_changes_nothing(fake, services, store, truth, seed):
    kinds = "429|500|503|cut|html|truncated|short|total|duplicate|repeat|hang"
    fake.fail(kinds, share=0.25, seed=seed, seconds=0.3)
    fetch_table(services, store, "skills", page_size=1)
    assert list(store.rows("skills")) == truth
    assert any(request.fault for request in fake.requests)


def test_few_requests_are_wasted(fake, services, store, truth):
    fake.fail("429|500|cut|html|truncated|short|total|duplicate|repeat", "start=11&", times=3)
    fetch_table(services, store, "skills", page_size=1)
    assert list(store.rows("skills")) == truth
    assert len(asked_for_pages(fake)) == ROWS + 3


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "No space"), (errno.EDQUOT, "No space"), (errno.EACCES, "cannot be kept")]
)
def test_disk_that_is_full(services, store, truth, monkeypatch, number, says):
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=2)

    def refuse(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(number, "refused")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", refuse)
        with pytest.raises(StoreError) as error:
            fetch(services, store)
    assert says in str(error.value)
    assert str(error.value).endswith(".")
    assert not list(store.folder.glob("**/*.part"))
    assert store.progress("skills") == (10, ROWS)
    fetch(services, store)
    assert list(store.rows("skills")) == truth


def test_server_that_fails_leaves_what_is_there(fake, services, store):
    fake.fail("500", "start=11")
    with pytest.raises(UnavailableError):
        fetch(services, store)
    assert store.progress("skills") == (10, ROWS)


def test_rows_of_a_table_that_is_not_whole(services, store):
    with pytest.raises(StoreError):
        list(store.rows("skills"))
    with pytest.raises(StoppedError):
        fetch(services, store, stop_after=3)
    with pytest.raises(StoreError):
        list(store.rows("skills"))


def test_each_release_of_each_service_has_a_folder(tmp_path, services):
    with WebServices("https://api.example/", key="key") as other:
        stores = {
            PageStore.of_release(tmp_path, client, About(version, "", "")).folder
            for client in (services, other)
            for version in ("30.2", "30.3")
        }
    assert len(stores) == 4


def test_notes_and_clearing(tmp_path, store):
    assert store.tables == store.columns("skills") == {}
    store.write_tables({"skills": "Skills"})
    store.write("skills", Page(1, 1, 1, [{"text": "naïve \ud800"}]))
    assert store.tables == {"skills": "Skills"}
    assert list(store.rows("skills")) == [{"text": "naïve \ud800"}]
    store.discard("skills")
    assert store.progress("skills") == (0, 0)
    store.clear()
    assert not store.folder.exists()
    store.clear()
