"""A sync gives the rows that an import of the same release gives, whatever happens on the way."""

import errno
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from occupations.catalogue import get_catalogue
from occupations.importing import (
    ImportCancelledError,
    ImportFailedError,
    ImportRunningError,
    ReleaseError,
    import_release,
)
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    LevelAnchor,
    Licence,
    Occupation,
    Rating,
    RelatedOccupation,
    Release,
    Snapshot,
    SoftwareSkill,
    Task,
)
from occupations.release_files import read_release as read_text_release
from occupations.replacing import replace_release
from occupations.syncing import OlderReleaseError, preview, sync
from occupations.web_answers import ChangedError, NotConfiguredError, RevokedKeyError, WebServicesError, WrongKeyError
from occupations.web_pages import StoreError
from tests.fake_onet import FakeOnet, read_release
from tests.locked import held_elsewhere, wait_for_the_dead
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    NURSE,
    new_layout,
    newer_release,
    old_layout,
    write_folder,
    write_zip,
)
from tests.occupations.test_web_tables import with_whole_content_model
from tests.occupations.web_clients import Clock, client_of

MODELS: list[type[Model]] = [
    Occupation,
    Element,
    Rating,
    AlternateTitle,
    RelatedOccupation,
    Task,
    SoftwareSkill,
    EducationShare,
    LevelAnchor,
]
OLD, NEW = (with_whole_content_model(files) for files in (old_layout(), newer_release()))
PAGE_SIZE = 5
FAILURES = "429|500|502|503|504|cut|html|truncated|short|total|duplicate|repeat|scale|element"


def contents() -> dict[str, list[str]]:
    """Return all rows of O*NET's data, but for what tells one import from another: numbers of rows and releases."""
    held: dict[str, list[str]] = {}
    for model in MODELS:
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in ("id", "release_id")]
        names += ["id"] if model is Element else []
        held[model.__name__] = sorted(map(repr, model._default_manager.order_by().values_list(*names)))
    return held


def forget_everything() -> None:
    """Empty the database of what an import writes."""
    written: list[type[Model]] = [*reversed(MODELS), Snapshot, Licence, CatalogueState, Release]
    for model in written:
        model._default_manager.all().delete()
    assert not any(contents().values())


def sync_from(fake: FakeOnet, clock: Clock | None = None, **options: Any) -> Any:
    clock = clock or Clock()
    limits = options.pop("limits", {"read_seconds": 0.2})
    with client_of(fake, clock, **limits) as services:
        return sync(services=services, clock=clock, **{"page_size": PAGE_SIZE, **options})


@pytest.fixture(autouse=True)
def _own_pages(settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()


@pytest.mark.django_db
class TestSameAsImport:
    @pytest.mark.parametrize("generation", ["2.0", "1.9"])
    @pytest.mark.parametrize("files", [old_layout(), new_layout(), newer_release()], ids=["old", "new", "newer"])
    def test_all_rows(self, tmp_path, files, generation):
        path = write_zip(tmp_path / "db.zip", files)
        imported = import_release(path).release
        expected = contents()
        forget_everything()
        with FakeOnet(path, generation=generation) as fake:
            result = sync_from(fake)
        assert result.changed
        assert contents() == expected
        assert result.release.version == imported.version
        assert result.release.counts == imported.counts
        assert result.release.source == {"2.0": "api2", "1.9": "api1"}[generation]
        assert result.release.state == "active"
        assert Snapshot.objects.filter(release=result.release).exists()

    def test_again_changes_nothing_and_asks_for_everything(self, tmp_path):
        with FakeOnet(write_zip(tmp_path / "db.zip", OLD)) as fake:
            first = sync_from(fake)
            asked = len(fake.requests)
            again = sync_from(fake)
            assert len(fake.requests) == 2 * asked
        assert not again.changed
        assert again.release == first.release
        assert list(Release.objects.values_list("state", flat=True)) == ["unchanged", "active"]

    def test_some_tables_anew(self, tmp_path):
        path = write_zip(tmp_path / "db.zip", OLD)
        with FakeOnet(path) as fake:
            sync_from(fake)
        corrected = {**OLD}
        corrected["Skills.txt"] = corrected["Skills.txt"].replace("5.12", "5.2", 1)
        with FakeOnet(write_zip(tmp_path / "new.zip", corrected), port=fake.port) as fake:
            assert not sync_from(fake, tables=["knowledge"]).changed
            assert sync_from(fake, tables=["skills"]).changed
            assert {target for request in fake.requests if "/rows/" in (target := request.target.split("?")[0])} == {
                "/database/rows/knowledge",
                "/database/rows/skills",
            }
            assert Rating.objects.filter(level=5.2, estimated_from__isnull=True).count() == 1
            with pytest.raises(ReleaseError, match=r"^There is no table tables; there are .*skills"):
                sync_from(fake, tables=["tables"])

    def test_text_release_where_there_is_no_key(self, tmp_path):
        path = write_zip(tmp_path / "db.zip", OLD)
        result = sync(location=str(path))
        assert (result.release.source, result.release.location) == ("text", str(path))
        assert not sync(source="release", location=str(path)).changed

    def test_api_without_a_key_says_what_to_set(self):
        with pytest.raises(NotConfiguredError, match="ONET_API_KEY"):
            sync(source="api")

    def test_pages_of_another_release_go_when_this_one_is_loaded(self, tmp_path, settings):
        for name, files in {"old": old_layout(), "new": new_layout()}.items():
            with FakeOnet(write_zip(tmp_path / f"{name}.zip", files)) as fake:
                sync_from(fake)
        (folder,) = (settings.VAR_DIR / "web_services").iterdir()
        assert folder.name.startswith("2.0-30.3-")


@pytest.mark.django_db
class TestProgress:
    def test_row_tells_table_rows_rate_and_time_left(self, tmp_path):
        told = []
        clock = Clock()

        def progress(what: str, done: int, of: int) -> None:
            told.append(Release.objects.get().progress)

        with FakeOnet(write_zip(tmp_path / "db.zip", OLD)) as fake:
            result = sync_from(fake, clock, progress=progress, limits={"requests_per_second": 4})
        fetching = [seen for seen in told if seen.get("table")]
        assert fetching[-1]["rows"] == fetching[-1]["of"] > 60
        assert [seen["rows"] for seen in fetching] == sorted(seen["rows"] for seen in fetching)
        middle = next(seen for seen in fetching if seen["table"] == "skills" and seen["table_rows"] == 10)
        assert middle["table_of"] == 18
        assert middle["what"] == "Fetching skills"
        assert 0 < middle["rate"] <= 20
        assert middle["seconds_left"] > 0
        assert any(seen["what"].startswith("Reading ") for seen in told)
        assert result.release.progress == {}

    def test_cancelled_between_pages_and_resumed(self, tmp_path):
        path = write_zip(tmp_path / "db.zip", OLD)
        import_release(path)
        expected = contents()

        def cancel(what: str, done: int, of: int) -> None:
            if done >= 40:
                Release.objects.filter(state="running").update(cancel=True)

        with FakeOnet(path) as fake:
            with pytest.raises(ImportCancelledError):
                sync_from(fake, progress=cancel)
            cancelled = Release.objects.get(state="cancelled")
            assert cancelled.error == "It was cancelled; the data is as it was."
            assert cancelled.finished is not None
            asked = len(fake.requests)
            assert contents() == expected
            sync_from(fake)
            rows = [request.target for request in fake.requests if "/rows/" in request.target]
            assert len(rows) == len(set(rows))
            assert len(fake.requests) > asked
        assert contents() == expected


@pytest.fixture
def before(tmp_path) -> dict[str, list[str]]:
    import_release(write_zip(tmp_path / "before.zip", old_layout()))
    return contents()


@pytest.fixture
def after(tmp_path, before) -> dict[str, list[str]]:
    """Return what there is after an import of the newer release, which is taken back."""
    with transaction.atomic():
        release = Release.objects.create(source="text", version="30.3")
        content = read_text_release(write_folder(tmp_path / "after", NEW))
        replace_release(content, release, Release.objects.get(state="active"), lambda what, done, of: None)
        expected = contents()
        transaction.set_rollback(True)
    return expected


@pytest.fixture
def fake(tmp_path) -> Iterator[FakeOnet]:
    with FakeOnet(write_zip(tmp_path / "new.zip", NEW)) as server:
        yield server


def failed_sync(fake: FakeOnet, before: dict[str, list[str]], error: type[Exception], **options: Any) -> str:
    """Return the sentence of a sync that fails, which is on its row; what is served is as it was."""
    with pytest.raises(error) as raised:
        sync_from(fake, **options)
    row = Release.objects.first()
    assert row is not None
    assert (row.state, row.error) == ("failed", str(raised.value))
    assert row.finished is not None
    assert row.error.endswith(".")
    assert fake.key not in row.error
    assert contents() == before
    assert get_catalogue().release.version == "29.3"
    return row.error


@pytest.mark.django_db
class TestBadDays:
    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            ("429", "ask for fewer requests"),
            ("500", r"failed at .* \(500\)"),
            ("hang", "did not answer in time"),
            ("cut", "broke off in the middle"),
            ("html", "a web page in place of JSON"),
            ("truncated", "JSON that is broken or cut short"),
            ("short", r"\d rows where it says"),
            ("total", "0 rows where it says 19 to 18"),
            ("duplicate", "the same row twice"),
        ],
    )
    def test_for_good_and_then_over(self, before, after, fake, kind, sentence):
        fault = fake.fail(kind, "rows/knowledge", after=1, seconds=5)
        assert re.search(
            sentence, failed_sync(fake, before, WebServicesError, limits={"tries": 2, "read_seconds": 0.1})
        )
        asked = {request.target for request in fake.requests if "/rows/" in request.target and not request.fault}
        fake.requests.clear()
        fake.faults.remove(fault)
        assert sync_from(fake).changed
        assert contents() == after
        again = {request.target for request in fake.requests if "/rows/" in request.target}
        assert not {target for target in asked & again if "knowledge" not in target}

    @pytest.mark.parametrize(
        "kind", ["429", "500", "cut", "html", "truncated", "short", "total", "duplicate", "repeat"]
    )
    def test_storm_that_passes(self, after, fake, kind):
        fake.fail(kind, "rows/", times=4)
        sync_from(fake)
        assert contents() == after

    @pytest.mark.parametrize("kind", ["scale", "element"])
    def test_unknown_scale_or_element_that_passes(self, after, fake, kind):
        fake.fail(kind, "rows/essential_skills", times=1)
        sync_from(fake)
        if kind == "scale":
            assert contents() == after

    def test_unknown_scale_that_stays_is_left_out_and_counted(self, before, fake):
        fake.fail("scale", "rows/essential_skills", after=1)
        release = sync_from(fake).release
        assert release.counts["skipped"]["rows of Essential Skills.txt on other scales"] >= 1

    def test_unknown_element_that_stays_is_no_element_of_ours(self, before, fake):
        fake.fail("element", "rows/essential_skills", after=1)
        release = sync_from(fake).release
        assert not Element.objects.filter(pk="9.Z.9.z").exists()
        assert release.counts["skipped"]["figures of Essential Skills.txt without importance or level"] >= 1

    def test_value_that_no_check_takes_is_fetched_anew_once(self, before, after, fake):
        table = fake.release.tables["knowledge"]
        table.lines[7] = table.lines[7].replace("\t4.75\t", "\t9\t").replace("\t5.12\t", "\t9\t")
        sentence = failed_sync(fake, before, ReleaseError)
        assert sentence.startswith("The table knowledge, row 8: Data Value is '9', outside the scale")
        assert len([request for request in fake.requests if "knowledge?start=1&" in request.target]) == 2

    def test_wrong_key(self, before, fake):
        fake.fail("key")
        assert failed_sync(fake, before, WrongKeyError) == "O*NET Web Services refuse the key (403)."
        assert len(fake.requests) == 1

    def test_key_that_is_revoked_half_way(self, before, after, fake):
        fault = fake.fail("key", after=20)
        assert "took the key before" in failed_sync(fake, before, RevokedKeyError)
        fake.faults.remove(fault)
        sync_from(fake)
        rows = [request.target for request in fake.requests if "/rows/" in request.target and not request.fault]
        assert len(rows) == len(set(rows))
        assert contents() == after

    def test_older_release_is_refused_unless_forced(self, tmp_path, fake):
        sync_from(fake)
        before = contents()
        with FakeOnet(write_zip(tmp_path / "old.zip", old_layout())) as older:
            with pytest.raises(OlderReleaseError, match=r"^O\*NET 29\.3 is older than O\*NET 30\.3"):
                sync_from(older)
            assert contents() == before
            with pytest.raises(OlderReleaseError):
                sync(source="release", location=str(tmp_path / "old.zip"))
            assert sync_from(older, force=True).release.version == "29.3"

    def test_release_that_comes_out_half_way(self, before, fake):
        def publish(what: str, done: int, of: int) -> None:
            fake.release.version = "31.0"

        sentence = failed_sync(fake, before, ChangedError, progress=publish)
        assert sentence == "O*NET 31.0 came out while 30.3 was being fetched; sync again."
        assert sync_from(fake).release.version == "31.0"

    def test_disk_full(self, before, after, fake, monkeypatch):
        written = []
        real = Path.write_bytes

        def write(path: Path, content: bytes) -> int:
            written.append(path)
            if len(written) == 25:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", write)
            assert failed_sync(fake, before, StoreError).startswith("No space is left for O*NET's pages under ")
        sync_from(fake)
        assert contents() == after

    @pytest.mark.parametrize("step", [-86_400, 86_400])
    def test_clock_that_jumps(self, after, fake, monkeypatch, step):
        jumped = []
        wall = time.time

        def progress(what: str, done: int, of: int) -> None:
            jumped.append(step)

        monkeypatch.setattr(time, "time", lambda: wall() + sum(jumped[-3:]))
        monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(seconds=sum(jumped)))
        result = sync_from(fake, progress=progress)
        assert result.release.state == "active"
        assert contents() == after

    def test_five_percent_of_failures(self, after, fake):
        sync_from(fake, page_size=1)
        clean = len(fake.requests)
        assert contents() == after
        fake.requests.clear()
        fake.fail(FAILURES, share=0.05, seed=1)
        sync_from(fake, page_size=1)
        assert contents() == after
        assert sum(request.fault is not None for request in fake.requests) > 2
        assert len(fake.requests) <= 1.1 * clean


@pytest.mark.django_db(transaction=True)
class TestOneAtATime:
    def test_second_sync_is_told_and_leaves_no_row(self, fake):
        with held_elsewhere("import"), pytest.raises(ImportRunningError):
            sync_from(fake)
        assert not Release.objects.exists()
        assert not fake.requests
        assert sync_from(fake).changed

    def test_database_that_goes_away_half_way(self, fake):
        if connection.vendor != "postgresql":
            pytest.skip("only PostgreSQL has connections that can break")

        ended: list[int] = []

        def restart(what: str, done: int, of: int) -> None:
            if done >= 40 and not ended:
                info = connection.connection.info
                ended.append(info.backend_pid)
                with psycopg.connect(info.dsn, password=connection.settings_dict["PASSWORD"]) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", ended)

        with pytest.raises(ImportFailedError, match=r"^The database did not take the release"):
            sync_from(fake, progress=restart)
        assert Release.objects.get().state == "failed"
        wait_for_the_dead()
        assert sync_from(fake).changed
        rows = [request.target for request in fake.requests if "/rows/" in request.target]
        assert len(rows) == len(set(rows))


@pytest.mark.django_db
class TestPreview:
    def test_says_what_a_sync_would_do_and_changes_nothing(self, before, after, fake):
        Occupation.objects.filter(code=NURSE).update(curated_title="Nurses")
        before = contents()
        clock = Clock()
        with client_of(fake, clock) as services:
            found = preview(services=services, clock=clock, page_size=PAGE_SIZE)
        assert contents() == before
        assert Release.objects.count() == 1
        assert found.catalogue is not None
        assert NURSE in found.catalogue.row
        assert ACUTE_NURSE not in found.catalogue.row
        fake.requests.clear()
        release = sync_from(fake).release
        assert not [request for request in fake.requests if "/rows/" in request.target]
        assert (found.version, found.counts, found.report) == (release.version, release.counts, release.report)
        assert release.report["curated"] == {NURSE: ["title"]}

    def test_loaded_already(self, fake):
        sync_from(fake)
        with client_of(fake) as services:
            found = preview(services=services, page_size=PAGE_SIZE)
        assert not found.changed
        assert found.catalogue is None


@pytest.mark.release
@pytest.mark.django_db
@pytest.mark.parametrize("layout", ["old", "new"])
def test_full_release_in_each_layout(layout):
    path = os.environ.get("ONET_RELEASE")
    if not path:
        pytest.skip("ONET_RELEASE names no official text release")
    import_release(path)
    expected = contents()
    forget_everything()
    release = read_release(Path(path), layout)
    with FakeOnet(release) as fake:
        sync_from(fake, page_size=1000)
        clean = len(fake.requests)
    assert contents() == expected
    sync_again_with_failures(release, clean, page_size=1000)
    assert contents() == expected


def sync_again_with_failures(release: Any, clean: int, page_size: int) -> None:
    """Sync anew while 5 % of the answers fail; it takes 10 % more requests at most."""
    with FakeOnet(release) as fake:
        fake.fail(FAILURES, share=0.05, seed=20261124)
        sync_from(fake, page_size=page_size)
        failed = sum(request.fault is not None for request in fake.requests)
        assert failed >= 0.02 * clean
        assert len(fake.requests) <= 1.1 * clean
