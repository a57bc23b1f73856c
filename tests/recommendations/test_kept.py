"""The page of all that a person has saved, applied for or hidden, in whichever of their lists."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from occupations.models import Occupation
from profiles.services import save_ratings
from recommendations import services
from recommendations.models import Feedback
from tests.factories import (
    CASHIER,
    COOK,
    DEVELOPER,
    NURSE,
    SALESPERSON,
    TESTER,
    WELDER,
    make_event,
    make_feedback,
    make_profile,
    make_user,
    make_world,
)
from tests.recommendations.pages import text

pytestmark = pytest.mark.django_db

SHOWN = (COOK, DEVELOPER, NURSE, SALESPERSON, TESTER, WELDER)


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture
def profile(client):
    profile = make_profile(CASHIER)
    session = client.session
    session["profile"] = str(profile.pk)
    session.save()
    return profile


@pytest.fixture
def event(profile):
    return make_event(profile, codes=SHOWN)


def say(event, code, action, day=1):
    happened_at = datetime(2026, 3, day, 12, tzinfo=UTC)
    return make_feedback(event.items.get(occupation=code), action, happened_at=happened_at)


def titles(response):
    return [job.occupation.title for job in response.context["kept"]]


def test_without_a_profile_it_starts_at_the_start(client):
    assert client.get("/kept/").url == "/"


def test_a_stranger_with_the_session_of_a_claimed_profile_starts_at_the_start(client, profile):
    profile.user = make_user()
    profile.save()
    assert client.get("/kept/").url == "/"


def test_nothing_yet_says_what_to_do(client, event):
    say(event, NURSE, "view")
    say(event, NURSE, "click")
    page = text(client.get("/kept/"))
    assert "Nothing here yet. Save a job on" in page
    assert 'href="/results/"' in page
    assert "Registered Nurses" not in page


def test_all_that_was_said_is_there_the_newest_first(client, event):
    say(event, SALESPERSON, "save", day=2)
    say(event, NURSE, "save", day=1)
    say(event, NURSE, "apply", day=3)
    say(event, NURSE, "interview", day=21)
    say(event, TESTER, "offer", day=5)
    response = client.get("/kept/")
    assert titles(response) == [
        "Registered Nurses",
        "Software Quality Assurance Analysts and Testers",
        "Retail Salespersons",
    ]
    page = text(response)
    for words in (
        'Had an interview on <time datetime="2026-03-21',
        "21 March 2026",
        'Applied on <time datetime="2026-03-03',
        'Saved on <time datetime="2026-03-01',
        'Got an offer on <time datetime="2026-03-05',
        f'<a href="/occupations/{NURSE}/">Registered Nurses</a>',
    ):
        assert words in page
    assert "Nothing here yet" not in page
    assert "Show again" not in page


def test_what_was_taken_back_is_gone(client, event):
    say(event, NURSE, "save")
    services.record_feedback(event_id=event.pk, code=NURSE, action="undo")
    assert titles(client.get("/kept/")) == []


def test_it_reaches_back_to_lists_that_are_no_longer_shown(client, profile, event):
    say(event, WELDER, "apply")
    save_ratings(profile, {"2.A.1.a": 4})
    client.get("/results/")
    assert titles(client.get("/kept/")) == ["Welders, Cutters, Solderers, and Brazers"]


def test_what_was_said_in_two_lists_is_told_once(client, profile, event):
    say(event, NURSE, "save", day=2)
    say(make_event(profile, codes=(NURSE,)), NURSE, "save", day=4)
    page = text(client.get("/kept/"))
    assert page.count("Saved on") == 1
    assert "4 March 2026" in page


def test_a_hidden_one_has_its_own_place_and_is_shown_again_at_a_press(client, event):
    say(event, COOK, "hide", day=2)
    say(event, NURSE, "save")
    say(event, NURSE, "hide", day=3)
    response = client.get("/kept/")
    assert titles(response) == []
    assert [job.occupation.code for job in response.context["hidden"]] == [NURSE, COOK]
    page = text(response)
    assert page.count("Show again") == 2
    assert 'name="undoes" value="hide"' in page

    place = "/kept/#card-29-114100"
    assert f'value="{place}"' in page
    assert '<li id="card-29-114100">' in page
    assert client.post("/feedback/", {"event": event.pk, "code": NURSE, "next": place, "undoes": "hide"}).url == place

    response = client.get("/kept/")
    assert "<li>No longer hidden: Registered Nurses.</li>" in text(response)
    assert titles(response) == ["Registered Nurses"]
    assert [job.occupation.code for job in response.context["hidden"]] == [COOK]
    assert Feedback.objects.in_force().filter(action="save").exists()


def test_others_are_not_on_it(client, profile):
    say(make_event(make_profile(CASHIER), codes=(NURSE,)), NURSE, "save")
    assert titles(client.get("/kept/")) == []


def test_an_occupation_that_a_curator_has_hidden_is_named_without_a_link(client, event):
    say(event, NURSE, "apply")
    Occupation.objects.filter(pk=NURSE).update(hidden=True)
    page = text(client.get("/kept/"))
    assert "Registered Nurses" in page
    assert f"/occupations/{NURSE}/" not in page


def test_the_site_and_the_lists_lead_there(client, profile):
    page = text(client.get("/results/"))
    assert page.count('href="/kept/"') == 2
    assert page.index("Your lists</a>") < page.index("Your jobs</a>") < page.index("How it works</a>")
    assert '<a href="/kept/" aria-current="page">Your jobs</a>' in text(client.get("/kept/"))


def test_a_reply_weeks_later_is_noted_from_there(client, event):
    say(event, NURSE, "apply")
    page = text(client.get("/kept/"))
    assert f'href="/occupations/{NURSE}/">What came of it?' in page
    day = (timezone.localdate() - timedelta(days=1)).isoformat()
    client.post("/feedback/", {"event": event.pk, "code": NURSE, "action": "interview", "day": day})
    assert "Had an interview on" in text(client.get("/kept/"))


@pytest.mark.parametrize("n_lists", [1, 4])
def test_queries_do_not_grow_with_what_was_said(client, profile, n_lists, django_assert_max_num_queries):
    for _ in range(n_lists):
        event = make_event(profile, codes=SHOWN)
        for code in SHOWN:
            say(event, code, "apply")
            say(event, code, "hide")
    client.get("/kept/")
    with django_assert_max_num_queries(4):
        client.get("/kept/")
