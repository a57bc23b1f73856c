"""The admin as a curator meets it."""

import json
from io import BytesIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django_celery_beat.models import PeriodicTask
from kombu import Connection

from occupations import tasks
from occupations.catalogue import get_catalogue
from occupations.models import Occupation, Release
from profiles.models import User
from skillsprout.queueing import AWAY
from tests.factories import CASHIER, NURSE, make_event, make_feedback, make_profile, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture
def curator(client):
    client.force_login(User.objects.create_superuser("curator", password="secret"))
    return client


PAGES = [
    "occupations_occupation",
    "occupations_licence",
    "occupations_element",
    "occupations_alternatetitle",
    "occupations_payoutlook",
    "occupations_release",
    "profiles_user",
    "profiles_profile",
    "recommendations_recommendationevent",
    "recommendations_recommendeditem",
    "recommendations_feedback",
    "django_celery_beat_periodictask",
    "django_celery_beat_crontabschedule",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_list_opens_and_can_be_searched(curator, page):
    call_command("make_schedules")
    event = make_event(make_profile(current=NURSE), codes=(CASHIER,))
    make_feedback(event.items.get())
    for query in ({}, {"q": "nurse"}):
        assert curator.get(reverse(f"admin:{page}_changelist"), query).status_code == 200
    first = curator.get(reverse(f"admin:{page}_changelist")).context["cl"].queryset.first()
    assert curator.get(reverse(f"admin:{page}_change", args=[first.pk])).status_code == 200


def test_lists_need_a_bounded_number_of_queries(curator, django_assert_max_num_queries):
    make_event(make_profile(current=NURSE), codes=(CASHIER, NURSE))
    for page in PAGES[:1] + PAGES[7:11]:
        with django_assert_max_num_queries(25):
            curator.get(reverse(f"admin:{page}_changelist"))


def occupation_form(**values):
    inline = "Licence_occupations-"
    management = {
        f"{prefix}-{name}": 0
        for prefix in (inline.rstrip("-"), "ratings")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }
    return {"curated_title": "", "curated_summary": "", "curated_zone": "", "note": "", **management, **values}


def test_a_curators_title_wins_everywhere_and_leaves_a_history(curator):
    page = reverse("admin:occupations_occupation_change", args=[CASHIER])
    saved = curator.post(page, occupation_form(curated_title="Checkout people", curated_zone=3))
    assert saved.status_code == 302, saved.context["adminform"].form.errors
    occupation = Occupation.objects.get(pk=CASHIER)
    assert (occupation.title, occupation.onet_title, occupation.zone) == ("Checkout people", "Cashiers", 3)
    assert occupation.history.first().history_user.username == "curator"
    catalogue = get_catalogue()
    assert catalogue.titles[catalogue.row[CASHIER]] == "Checkout people"
    assert (
        curator.get("/api/v1/occupations/search", {"q": "checkout people"}).json()["results"][0]["onet_code"] == CASHIER
    )


def test_a_hidden_occupation_is_neither_found_nor_scored(curator):
    page = reverse("admin:occupations_occupation_change", args=[CASHIER])
    curator.post(page, occupation_form(hidden="on"))
    catalogue = get_catalogue()
    assert not catalogue.jobs.scored[catalogue.row[CASHIER]]
    found = curator.get("/api/v1/occupations/search", {"q": "cashiers"}).json()["results"]
    assert CASHIER not in {hit["onet_code"] for hit in found}
    assert curator.get(f"/api/v1/occupations/{CASHIER}").status_code == 404


def import_csv(client, text):
    upload = BytesIO(text.encode())
    upload.name = "curated.csv"
    page = client.post(reverse("admin:occupations_occupation_import"), {"format": "0", "import_file": upload})
    if "confirm_form" not in page.context or page.context["confirm_form"] is None:
        return page
    confirm = page.context["confirm_form"].initial
    return client.post(reverse("admin:occupations_occupation_process_import"), confirm, follow=True)


def test_curated_values_come_and_go_as_csv(curator):
    import_csv(curator, f"code,curated_title,curated_zone,note\n{CASHIER},Till workers,3,checked\n")
    assert Occupation.objects.get(pk=CASHIER).title == "Till workers"
    assert get_catalogue().titles[get_catalogue().row[CASHIER]] == "Till workers"
    exported = curator.post(reverse("admin:occupations_occupation_export"), {"format": "0", "resource": "0"})
    row = next(row for row in exported.content.decode().splitlines() if row.startswith(CASHIER))
    assert row.startswith(f"{CASHIER},Cashiers,2,Till workers,,3,0,checked,")
    assert "O*NET 29.3 Database" in row


def test_a_csv_row_for_no_occupation_changes_nothing(curator):
    page = import_csv(curator, f"code,curated_title\n{CASHIER},Till workers\n99-9999.99,Nobody\n")
    assert "There is no occupation" in page.content.decode()
    assert Occupation.objects.get(pk=CASHIER).title == "Cashiers"


def test_an_import_is_queued_with_what_was_typed(curator, monkeypatch, django_capture_on_commit_callbacks):
    queued = []
    monkeypatch.setattr(tasks.import_release, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        page = curator.post(
            reverse("admin:occupations_release_import_release_page"), {"location": " /data/db_31_0_text.zip "}
        )
    assert page.status_code == 302
    assert queued == ["/data/db_31_0_text.zip"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("task", "page", "form"),
    [
        (tasks.import_release, "release_import_release_page", {"location": "/data/db_31_0_text.zip"}),
        (tasks.sync, "release_sync_page", {"source": "release"}),
        (tasks.sync, "release_resume", {}),
        (
            tasks.refresh_occupations,
            "occupation_changelist",
            {"action": "refresh", "_selected_action": [CASHIER]},
        ),
    ],
)
def test_a_button_says_that_the_queue_is_away(curator, monkeypatch, settings, task, page, form):
    def send(*arguments, **options):
        task.apply_async(arguments, options, connection=Connection("redis://127.0.0.1:1/0"), retry=False)

    monkeypatch.setattr(task, "delay", send)
    settings.ONET_API_KEY = "key"
    failed = Release.objects.create(source=Release.Source.API_2, version="30.3", state=Release.State.FAILED)
    arguments = [failed.pk] if page == "release_resume" else []
    answer = curator.post(reverse(f"admin:occupations_{page}", args=arguments), form, follow=True)
    assert answer.status_code == 200
    assert [str(message) for message in answer.context["messages"]] == [AWAY]


def test_strangers_do_not_import(client):
    assert client.get(reverse("admin:occupations_release_import_release_page")).status_code == 302


def test_schedules_are_made_once_and_stay_as_an_operator_left_them():
    call_command("make_schedules")
    PeriodicTask.objects.filter(name="Clear old sessions").update(enabled=False)
    number = PeriodicTask.objects.count()
    call_command("make_schedules")
    assert PeriodicTask.objects.count() == number
    assert not PeriodicTask.objects.get(name="Clear old sessions").enabled


def test_every_schedule_names_a_task_that_exists_and_its_arguments():
    call_command("make_schedules")
    from skillsprout.celery import app  # noqa: PLC0415

    app.loader.import_default_modules()
    for row in PeriodicTask.objects.exclude(task="celery.backend_cleanup"):
        app.tasks[row.task].__header__(**json.loads(row.kwargs))


def test_the_first_admin_is_made_once_and_only_in_debug(settings, capsys):
    call_command("make_admin")
    assert not User.objects.exists()
    settings.DEBUG = True
    call_command("make_admin")
    password = capsys.readouterr().out.split("password ")[1].split()[0]
    assert User.objects.get(username="admin").check_password(password)
    call_command("make_admin")
    assert capsys.readouterr().out == ""
