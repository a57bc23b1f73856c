"""An import brings a release in whole or not at all, and keeps what curators wrote."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.models import Model

from occupations import importing, replacing
from occupations.catalogue import forget_catalogue, get_catalogue
from occupations.importing import (
    ImportFailedError,
    ImportRunningError,
    import_release,
    import_tables,
    record_failure,
)
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    LevelAnchor,
    Occupation,
    Rating,
    RelatedOccupation,
    Release,
    SoftwareSkill,
    Task,
)
from occupations.release_files import read_release
from tests.children import Children
from tests.locked import held_elsewhere
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    NURSE,
    load,
    new_layout,
    newer_release,
    old_layout,
    write_folder,
    write_zip,
)

ROOT = Path(__file__).resolve().parents[2]
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
    Release,
    CatalogueState,
]


def contents() -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in MODELS}


@pytest.mark.django_db
class TestAgain:
    def test_same_release_again_changes_nothing(self, tmp_path):
        first = load(tmp_path, old_layout())
        before = contents()
        again = load(tmp_path, old_layout(), "again.zip")
        folder = import_release(write_folder(tmp_path / "folder", old_layout()))

        assert first.changed
        assert not again.changed
        assert not folder.changed
        assert again.release == first.release
        assert contents() == before

    def test_other_bytes_or_another_version_are_another_release(self, tmp_path):
        load(tmp_path, old_layout())
        corrected = old_layout()
        corrected["Skills.txt"] = corrected["Skills.txt"].replace("5.12", "5.2", 1)

        assert load(tmp_path, corrected, "b.zip").changed
        assert load(tmp_path, corrected | {"Read Me.txt": "O*NET 29.4 Database"}, "c.zip").changed


@pytest.mark.django_db
class TestFailure:
    def test_error_half_way_leaves_the_old_data(self, tmp_path, monkeypatch):
        first = load(tmp_path, old_layout()).release
        before = contents()

        def fail(release: Release) -> None:
            assert Occupation.objects.get(code=ACUTE_NURSE).retired
            raise RuntimeError("out of luck")

        monkeypatch.setattr(replacing, "write_snapshot", fail)
        with pytest.raises(RuntimeError):
            load(tmp_path, newer_release(), "new.zip")
        forget_catalogue()

        failed = Release.objects.exclude(pk=first.pk).get()
        assert (failed.state, failed.version) == ("failed", "30.3")
        assert failed.error == "The import failed: RuntimeError: out of luck"
        assert failed.finished is not None
        assert get_catalogue().release == first
        failed.delete()
        assert contents() == before

    def test_stopping_it_is_said(self, tmp_path, monkeypatch):
        def stop(release: Release) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(replacing, "write_snapshot", stop)
        with pytest.raises(KeyboardInterrupt):
            load(tmp_path, old_layout())

        assert Release.objects.get().error == "The import was stopped."

    def test_release_that_was_running_is_failed_by_the_next(self, tmp_path):
        dead = Release.objects.create(source="text", version="29.2")
        load(tmp_path, old_layout())

        dead.refresh_from_db()
        assert (dead.state, dead.error) == ("failed", importing.ENDED_EARLY)

    def test_database_error_becomes_a_sentence(self, tmp_path, monkeypatch):
        def fail(release: Release) -> None:
            raise OperationalError('could not extend file "base/1": No space left on device\nHINT: Free some.')

        monkeypatch.setattr(replacing, "write_snapshot", fail)
        with pytest.raises(ImportFailedError, match=r"^No space is left on the disk for the database") as raised:
            load(tmp_path, old_layout())

        assert "\n" not in str(raised.value)
        assert Release.objects.get().error == str(raised.value)

    def test_other_database_error(self, tmp_path, monkeypatch):
        def fail(release: Release) -> None:
            raise DatabaseError("gone")

        monkeypatch.setattr(replacing, "write_snapshot", fail)
        with pytest.raises(ImportFailedError, match=r"^The database did not take the release \(gone\)\.$"):
            load(tmp_path, old_layout())

    def test_bad_release_leaves_no_trace(self, tmp_path):
        files = old_layout()
        del files["Job Zones.txt"]
        with pytest.raises(importing.ReleaseError):
            load(tmp_path, files)

        assert not Release.objects.exists()

    def test_failure_can_be_recorded(self):
        release = record_failure(Release.Source.TEXT, "x" * 600, ValueError("No good."))

        release.refresh_from_db()
        assert (release.state, release.error, len(release.location)) == ("failed", "No good.", 500)


@pytest.mark.django_db(transaction=True)
def test_full_disk(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite can be told to call its disk full")
    first = load(tmp_path, old_layout()).release
    large = new_layout()
    large["Task Statements.txt"] += "".join(
        f"{NURSE}\t{number}\t{'Nurse. ' * 600}\tCore\t20\t08/2023\tIncumbent\r\n" for number in range(1000, 1200)
    )
    with connection.cursor() as cursor:
        # What other tests have left free would take the release in.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0] + 2}")
        try:
            with pytest.raises(ImportFailedError, match=r"^No space is left on the disk for the database"):
                load(tmp_path, large, "new.zip")
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")

    assert Release.objects.get(state="active") == first
    assert not Task.objects.filter(task_id__gte=1000).exists()


@pytest.mark.django_db(transaction=True)
class TestOneAtATime:
    def test_second_import_is_told(self, tmp_path):
        tables = read_release(write_folder(tmp_path / "a", old_layout()))
        with held_elsewhere("import"):
            with pytest.raises(ImportRunningError, match=r"^Another import is running"):
                load(tmp_path, old_layout())
            with pytest.raises(ImportRunningError):
                import_tables(tables, source=Release.Source.TEXT, location="a")
            assert not Release.objects.exists()

        assert load(tmp_path, old_layout()).changed

    def test_lock_is_given_back_after_a_failure(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(replacing, "write_snapshot", lambda release: Release.objects.create(pk=release.pk))
            with pytest.raises(ImportFailedError):
                load(tmp_path, old_layout())
        with held_elsewhere("import"):
            pass

        assert load(tmp_path, old_layout()).changed


# What the child process runs: an import that stops half way and waits to be killed.
STUCK_IMPORT = """
import sys, time
import django
django.setup()
from occupations import importing, replacing
from occupations.models import Occupation
def stop(release):
    print("half way", Occupation.objects.filter(retired=True).count(), flush=True)
    time.sleep(60)
replacing.write_snapshot = stop
importing.import_release(sys.argv[1])
"""
# What the next process finds, and what it makes of it.
AFTERWARDS = """
import json, sys
import django
django.setup()
from occupations import importing
from occupations.catalogue import get_catalogue
from occupations.models import Occupation, Rating, Release
def state():
    return {
        "catalogue": get_catalogue().release.version,
        "releases": list(Release.objects.order_by("pk").values_list("version", "state", "error")),
        "retired": Occupation.objects.filter(retired=True).count(),
        "ratings": Rating.objects.count(),
    }
found = state()
importing.import_release(sys.argv[1])
print(json.dumps([found, state()]))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_half_way(tmp_path):
    import_release(write_zip(tmp_path / "old.zip", old_layout()))
    new = str(write_zip(tmp_path / "new.zip", newer_release()))
    children = Children(tmp_path)
    with children.start(STUCK_IMPORT, new) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half way 1\n"
        children.kill(child)
    found, then = json.loads(children.run(AFTERWARDS, new))

    assert found == {
        "catalogue": "29.3",
        "releases": [["29.3", "active", ""], ["30.3", "running", ""]],
        "retired": 0,
        "ratings": 30,
    }
    assert then["catalogue"] == "30.3"
    assert then["retired"] == 1
    assert then["releases"] == [
        ["29.3", "superseded", ""],
        ["30.3", "failed", importing.ENDED_EARLY],
        ["30.3", "active", ""],
    ]


@pytest.mark.release
@pytest.mark.django_db
def test_full_release():
    source = os.environ.get("ONET_RELEASE")
    if not source:
        pytest.skip("ONET_RELEASE names no official text release")
    result = import_release(source)
    counts = result.release.counts

    if result.release.version == "29.3":
        assert (counts["occupations"], counts["rated"], counts["estimated"]) == (1016, 879, 44)
        assert counts["elements"]["skill"] == 35
        assert (counts["related"], counts["alternate_titles"]) == (18_460, 56_560)
    assert Occupation.objects.count() == counts["occupations"]
    assert RelatedOccupation.objects.count() == counts["related"]
    assert AlternateTitle.objects.count() == counts["alternate_titles"]
    assert Rating.objects.count() == counts["ratings"] + counts["estimated_ratings"]
    assert get_catalogue().jobs.scored.sum() == counts["rated"] + counts["estimated"]
    assert not import_release(source).changed
