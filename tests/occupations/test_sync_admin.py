"""The operator's desk: start, watch, cancel and resume a sync."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from occupations import tasks
from occupations.importing import import_release
from occupations.models import NewestRelease, Occupation, Release
from profiles.models import User
from tests.occupations.release_builder import NURSE, PROGRAMMER, newer_release, old_layout, write_zip

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator", password="secret"))
    return client


@pytest.fixture
def onlooker(client):
    user = User.objects.create_user("onlooker", password="secret", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_release"))
    client.force_login(user)
    return client


@pytest.fixture
def queued(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks.sync, "delay", lambda **arguments: calls.append(arguments))
    monkeypatch.setattr(tasks.refresh_occupations, "delay", calls.append)
    return calls


@pytest.fixture
def running():
    progress = {
        "what": "Fetching skills",
        "table": "skills",
        "table_rows": 2000,
        "table_of": 61530,
        "rows": 30000,
        "of": 60000,
        "rate": 3900,
        "seconds_left": 8,
    }
    return Release.objects.create(source="api2", version="30.3", progress=progress)


def url(name, *arguments):
    return reverse(f"admin:occupations_release_{name}", args=arguments)


def test_sync_now_is_queued_with_what_was_chosen(operator, queued, django_capture_on_commit_callbacks):
    assert "Sync now" in operator.get(url("sync_page")).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        page = operator.post(url("sync_page"), {"source": "api", "tables": "knowledge job_zones", "force": "on"})
    assert page.status_code == 302
    assert queued == [{"source": "api", "tables": ["knowledge", "job_zones"], "force": True}]


def test_sync_beside_another_warns(operator, running, queued):
    page = operator.post(url("sync_page"), {"source": "auto"}, follow=True)
    assert "Another import is at work" in page.content.decode()


def test_nonsense_is_not_queued(operator, queued):
    page = operator.post(url("sync_page"), {"source": "moon", "tables": "../x"})
    assert page.status_code == 200
    assert set(page.context["form"].errors) == {"source", "tables"}


def test_progress_is_shown_and_asked_for_again(operator, running):
    for address in (url("change", running.pk), url("progress", running.pk)):
        page = operator.get(address).content.decode()
        assert "Fetching skills" in page
        assert "2,000 of 61,530 rows" in page
        assert 'value="50"' in page
        assert "3,900 rows a second" in page
        assert "8 s left" in page
        assert f'hx-get="{url("progress", running.pk)}"' in page
        assert "Cancel" in page


def test_what_is_over_is_not_asked_for_again(operator, running):
    Release.objects.update(state="failed", error="The key was refused.")
    page = operator.get(url("progress", running.pk)).content.decode()
    assert "hx-get" not in page
    assert "The key was refused." in page
    assert "Go on from here" in page


def test_cancel(operator, running):
    assert operator.get(url("cancel", running.pk)).status_code == 404
    assert operator.post(url("cancel", running.pk)).status_code == 302
    running.refresh_from_db()
    assert running.cancel
    assert "asked to stop" in operator.get(url("progress", running.pk)).content.decode()


@pytest.mark.parametrize(
    ("source", "arguments"),
    [("api2", {"source": "api"}), ("text", {"source": "release", "location": "/data/db.zip"})],
)
def test_resume(operator, queued, django_capture_on_commit_callbacks, source, arguments):
    failed = Release.objects.create(source=source, location="/data/db.zip", state="failed")
    with django_capture_on_commit_callbacks(execute=True):
        assert operator.post(url("resume", failed.pk)).status_code == 302
    assert queued == [arguments]


def test_what_runs_is_not_resumed(operator, running, queued):
    assert operator.post(url("resume", running.pk)).status_code == 404
    assert not queued


def test_worker_that_died_is_noticed(operator, running):
    Release.objects.update(touched=timezone.now() - timedelta(minutes=3))
    page = operator.get(url("progress", running.pk)).content.decode()
    assert "The import ended before it was whole." in page


def test_onlooker_sees_and_changes_nothing(onlooker, running, queued):
    page = onlooker.get(url("progress", running.pk))
    assert page.status_code == 200
    assert "Cancel" not in page.content.decode()
    for name in ("cancel", "resume"):
        assert onlooker.post(url(name, running.pk)).status_code == 403
    assert onlooker.post(url("sync_page"), {"source": "api"}).status_code == 403
    running.refresh_from_db()
    assert not running.cancel
    assert not queued


def test_stranger_is_sent_to_the_login(client, running):
    for name in ("progress", "cancel", "resume"):
        assert client.post(url(name, running.pk)).status_code == 302


def test_report_lists_what_a_curator_should_look_at(operator, tmp_path):
    import_release(write_zip(tmp_path / "old.zip", old_layout()))
    Occupation.objects.filter(pk=NURSE).update(curated_title="Nurses", curated_zone=5)
    release = import_release(write_zip(tmp_path / "new.zip", newer_release())).release
    page = operator.get(url("change", release.pk)).content.decode()
    assert "1 retired; 1 titles" in page
    assert reverse("admin:occupations_occupation_change", args=[NURSE]) in page
    assert "title, zone" in page


def test_list_says_what_is_loaded_and_what_is_out(operator, tmp_path):
    import_release(write_zip(tmp_path / "old.zip", old_layout()))
    NewestRelease.objects.create(version="31.0")
    page = operator.get(url("changelist")).content.decode()
    assert "O*NET 29.3" in page
    assert "O*NET 31.0 is out" in page


def test_refresh_of_chosen_occupations(operator, queued, settings, tmp_path, django_capture_on_commit_callbacks):
    import_release(write_zip(tmp_path / "old.zip", old_layout()))
    chosen = {"action": "refresh", "_selected_action": [NURSE, PROGRAMMER]}
    settings.ONET_API_KEY = ""
    page = operator.post(reverse("admin:occupations_occupation_changelist"), chosen, follow=True)
    assert "set ONET_API_KEY" in page.content.decode()
    settings.ONET_API_KEY = "made-up"
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(reverse("admin:occupations_occupation_changelist"), chosen)
    assert [sorted(codes) for codes in queued] == [[PROGRAMMER, NURSE]]
