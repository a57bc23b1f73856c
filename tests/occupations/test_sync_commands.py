"""The commands, tasks and services around a sync, as people and the worker call them."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import responses
from django.core.management import CommandError, call_command
from django_celery_beat.models import PeriodicTask

from occupations import newest as newest_module
from occupations import services, tasks
from occupations.catalogue import NoReleaseError, get_catalogue
from occupations.importing import import_release
from occupations.models import CatalogueState, NewestRelease, Occupation, Rating, Release
from occupations.newest import check_for_new_release
from occupations.syncing import newest_text_release
from occupations.web_answers import NotConfiguredError, WrongKeyError
from profiles.models import ElementRating, HeldJob, Profile
from recommendations.models import RecommendationEvent
from recommendations.services import make_event
from tests.fake_onet import FakeOnet
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    NURSE,
    PROGRAMMER,
    newer_release,
    old_layout,
    write_zip,
)
from tests.occupations.test_syncing import contents
from tests.occupations.test_web_tables import with_whole_content_model

pytestmark = pytest.mark.django_db
NEW = with_whole_content_model(newer_release())


@pytest.fixture(autouse=True)
def _no_key(settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    settings.ONET_API_KEY = settings.ONET_USERNAME = settings.ONET_PASSWORD = settings.ONET_BASE_URL = ""


@pytest.fixture
def loaded(tmp_path) -> Release:
    return import_release(write_zip(tmp_path / "old.zip", old_layout())).release


@pytest.fixture
def fake(tmp_path, settings) -> Iterator[FakeOnet]:
    """Serve the newer release, as the settings say."""
    with FakeOnet(write_zip(tmp_path / "new.zip", NEW)) as server:
        settings.ONET_API_KEY, settings.ONET_BASE_URL = server.key, server.url
        settings.ONET_REQUESTS_PER_SECOND = 100_000
        yield server


def told(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


class TestCommand:
    def test_auto_takes_the_api_where_there_is_a_key(self, loaded, fake):
        printed = told("sync_onet")
        assert "Changed against O*NET 29.3 (Text release)" in printed
        assert "O*NET 30.3 (Web Services 2.0) is loaded, in " in printed
        assert "O*NET Web Services" in services.credit_line(Release.objects.get(state="active"))
        assert told("sync_onet") == "O*NET 30.3 is already loaded; nothing changed.\n"

    def test_auto_takes_the_newest_text_release_without_a_key(self, tmp_path, settings):
        settings.ONET_RELEASE_URL = str(write_zip(tmp_path / "db.zip", old_layout()))
        assert "O*NET 29.3 (Text release) is loaded" in told("sync_onet")

    def test_older_release_needs_force(self, tmp_path, fake):
        told("sync_onet")
        old = str(write_zip(tmp_path / "old.zip", old_layout()))
        with pytest.raises(CommandError, match="is older than"):
            told("sync_onet", "--source", "release", "--location", old)
        assert "O*NET 29.3" in told("sync_onet", "--source", "release", "--location", old, "--force")

    def test_tables_by_name(self, fake):
        told("sync_onet")
        assert told("sync_onet", "--tables", "knowledge", "job_zones").startswith("O*NET 30.3 is already loaded")
        with pytest.raises(CommandError, match="There is no table pay"):
            told("sync_onet", "--tables", "pay")

    def test_some_occupations(self, loaded, fake):
        printed = told("sync_onet", "--occupation", NURSE)
        assert printed == f"{NURSE}: now as in O*NET 30.3.\n"
        assert Occupation.objects.get(pk=NURSE).onet_title == "Nurses, Registered"
        assert not Occupation.objects.get(pk=ACUTE_NURSE).retired

    def test_occupations_need_a_release(self, fake):
        with pytest.raises(CommandError, match="seed_demo"):
            told("sync_onet", "--occupation", NURSE)

    def test_occupations_go_with_no_other_choice(self):
        with pytest.raises(CommandError, match="--occupation goes with no other choice"):
            told("sync_onet", "--occupation", NURSE, "--dry-run")

    def test_wrong_key_is_one_sentence_without_the_key(self, fake, settings):
        settings.ONET_API_KEY = "quite-wrong"
        with pytest.raises(CommandError) as raised:
            told("sync_onet")
        assert str(raised.value) == "O*NET Web Services refuse the key (403)."

    def test_api_without_a_key(self):
        with pytest.raises(CommandError, match="ONET_API_KEY"):
            told("sync_onet", "--source", "api")


class TestDryRun:
    def test_prints_the_difference_and_changes_nothing(self, loaded, fake):
        before = contents()
        printed = told("sync_onet", "--dry-run")
        assert "0 occupations added, 1 retired; 1 titles" in printed
        assert f"retired: {ACUTE_NURSE}" in printed
        assert "0 of 0 people would be told another tier" in printed
        assert printed.endswith("Nothing was changed. What was fetched stays for the sync.\n")
        assert contents() == before
        assert list(Release.objects.all()) == [loaded]

    def test_counts_people_whose_tiers_would_change(self, loaded, fake, settings):
        settings.MODEL_VERSION = "v1_baseline"
        people = [person(rating) for rating in (4, 0)]
        listed = [make_event(profile, limit_per_bucket=10) for profile in people]
        assert all(any(advice.buckets.values()) for advice in listed)
        printed = told("sync_onet", "--dry-run")
        # Both had the acute care nurse on their list, whom the newer release does not have.
        assert "2 of 2 people would be told another tier for a job on their list" in printed
        for profile in people:
            assert re.search(rf"  {profile.pk}: \d jobs", printed)
        assert RecommendationEvent.objects.count() == 2

    def test_of_the_loaded_release(self, fake):
        told("sync_onet")
        assert told("sync_onet", "--dry-run").startswith("O*NET 30.3 is loaded already; a sync would change nothing.")

    def test_on_an_empty_database(self, fake):
        assert "No data is loaded; O*NET 30.3 would be." in told("sync_onet", "--dry-run")
        assert not Occupation.objects.exists()


def person(rating: int) -> Profile:
    profile = Profile.objects.create(traffic="test")
    HeldJob.objects.create(profile=profile, occupation_id=PROGRAMMER, current=True)
    for element in ("2.A.1.a", "2.A.1.b", "2.B.3.e"):
        ElementRating.objects.create(profile=profile, element_id=element, rating=rating)
    return profile


class TestWarmCache:
    def test_fetches_those_named_where_there_is_a_key(self, loaded, fake):
        printed = told("warm_cache", NURSE)
        assert f"Fetched {NURSE} from http://127.0.0.1:" in printed
        assert f"{NURSE}  Nurses, Registered: job zone 4, rated" in printed
        assert fake.key not in printed

    def test_falls_back_on_what_is_loaded(self, loaded, fake):
        fake.fail("key")
        errors = StringIO()
        printed = told("warm_cache", NURSE, stderr=errors)
        assert f"{NURSE}  Registered Nurses: job zone 3, rated" in printed
        assert errors.getvalue() == "O*NET Web Services refuse the key (403). What is loaded stays.\n"

    def test_asks_nobody_without_a_key_or_codes(self, loaded, fake, settings):
        told("warm_cache")
        settings.ONET_API_KEY = ""
        told("warm_cache", NURSE)
        assert not fake.requests


class TestTasks:
    def test_sync_twice(self, loaded, fake):
        assert tasks.sync() == "O*NET 30.3 (Web Services 2.0) is loaded."
        assert tasks.sync(source="api") == "O*NET 30.3 (Web Services 2.0) was loaded already."

    def test_sync_without_a_key_leaves_a_row_that_says_so(self):
        with pytest.raises(NotConfiguredError):
            tasks.sync(source="api")
        assert "ONET_API_KEY" in Release.objects.get().error

    def test_failure_is_on_the_row(self, loaded, fake):
        fake.fail("key")
        with pytest.raises(WrongKeyError):
            tasks.sync()
        assert Release.objects.get(state="failed").error == "O*NET Web Services refuse the key (403)."

    def test_refresh(self, loaded, fake):
        assert tasks.refresh_occupations([NURSE]) == f"{NURSE}: now as in O*NET 30.3 (Web Services 2.0)."
        before = contents()
        tasks.refresh_occupations([NURSE])
        assert contents() == before

    def test_failed_refresh_leaves_a_row(self, loaded, fake):
        fake.fail("key")
        with pytest.raises(WrongKeyError):
            tasks.refresh_occupations([NURSE])
        row = Release.objects.get(state="failed")
        assert (row.location, row.error) == (f"Only {NURSE}", "O*NET Web Services refuse the key (403).")

    def test_while_another_import_is_at_work(self, monkeypatch):
        def busy(*arguments: object, **options: object) -> None:
            raise services.ImportRunningError

        monkeypatch.setattr(services, "sync", busy)
        monkeypatch.setattr(services, "refresh_occupations", busy)
        assert tasks.sync().startswith("Another import is running")
        with pytest.raises(services.ImportRunningError):
            services.refresh_unattended([NURSE])
        assert not Release.objects.exists()

    def test_search_and_cache_fetches_what_is_not_there(self, loaded, fake, tmp_path):
        assert tasks.search_and_cache("nurses") == []
        Occupation.objects.filter(pk=NURSE).update(retired=True)
        assert tasks.search_and_cache("nurses") == [NURSE]
        assert not Occupation.objects.get(pk=NURSE).retired

    def test_rebuild_text_vectors(self, loaded):
        revision = CatalogueState.objects.get().revision
        before = get_catalogue().jobs.title_vectors
        assert tasks.rebuild_text_vectors() == "O*NET 29.3 (Text release)"
        assert CatalogueState.objects.get().revision == revision + 1
        assert (get_catalogue().jobs.title_vectors == before).all()

    def test_rebuild_without_data(self):
        with pytest.raises(NoReleaseError):
            tasks.rebuild_text_vectors()

    def test_no_task_takes_a_key(self):
        for task in (tasks.sync, tasks.refresh_occupations, tasks.search_and_cache, tasks.check_for_new_release):
            assert not {"key", "username", "password"} & set(task.run.__annotations__)
            assert task.time_limit > task.soft_time_limit > 0


class TestNewRelease:
    def test_from_the_api(self, loaded, fake, client):
        assert tasks.check_for_new_release() == "30.3"
        newest = newest_module.newer_release()
        assert newest is not None
        assert (newest.version, newest.location, newest.error) == ("30.3", fake.url, "")
        answer = client.get("/api/v1/health").json()
        assert answer["newer_release"]["version"] == "30.3"
        page = client.get("/data").content.decode()
        assert "O*NET 30.3 is out and not loaded yet" in page
        told("sync_onet")
        assert newest_module.newer_release() is None
        assert client.get("/api/v1/health").json()["newer_release"] is None
        page = client.get("/data").content.decode()
        assert "No newer release is known" in page
        assert "O*NET Web Services" in page

    @responses.activate
    def test_from_the_page_of_releases(self, loaded, settings):
        page = '<a href="/dl_files/database/db_30_9_text.zip">x</a> O*NET&reg; 30.10 Database, O*NET-SOC 2019'
        responses.get(settings.ONET_RELEASES_PAGE, page)
        newest = check_for_new_release()
        assert newest.version == "30.10"
        assert newest_text_release() == "https://www.onetcenter.org/dl_files/database/db_30_10_text.zip"

    @responses.activate
    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            ({"status": 503}, "https://www.onetcenter.org/db_releases.html answered 503."),
            ({"body": "Welcome"}, "https://www.onetcenter.org/db_releases.html names no release."),
        ],
    )
    def test_failed_look_keeps_what_was_known(self, loaded, settings, answer, sentence):
        NewestRelease.objects.create(version="30.1")
        responses.get(settings.ONET_RELEASES_PAGE, **answer)
        newest = check_for_new_release()
        assert (newest.version, newest.error) == ("30.1", sentence)

    @responses.activate
    def test_no_network(self, loaded):
        assert "perhaps there is no network" in check_for_new_release().error
        assert newest_module.newer_release() is None

    def test_page_without_data(self, client):
        assert "No O*NET data is loaded yet" in client.get("/data").content.decode()


def test_cancelling_what_is_over(loaded):
    assert not services.cancel_import(loaded)
    running = Release.objects.create(source="api2")
    assert services.cancel_import(running)
    running.refresh_from_db()
    assert running.cancel


def test_health_is_json(loaded, client):
    assert json.loads(client.get("/api/v1/health").content)["release"]["source"] == "text"
    assert Rating.objects.exists()


@pytest.mark.parametrize(("key", "enabled"), [("", False), ("made-up", True)])
def test_schedules_are_off_until_a_source_is_configured(settings, key, enabled):
    settings.ONET_API_KEY = key
    call_command("make_schedules", stdout=StringIO())
    made = PeriodicTask.objects.filter(task__in=["occupations.tasks.sync", "occupations.tasks.check_for_new_release"])
    assert [row.enabled for row in made] == [enabled] * 2
