"""People in the admin: deleting them says how much goes with them, and never reads it."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from profiles.models import Profile, User
from recommendations.models import Feedback, FeedbackKey, RecommendationEvent, RecommendedItem
from tests.factories import CASHIER, COOK, NURSE, make_event, make_feedback, make_profile, make_user, make_world

pytestmark = pytest.mark.django_db

PEOPLE = reverse("admin:profiles_profile_changelist")


@pytest.fixture(autouse=True)
def world():
    make_world()


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator", password="secret"))
    return client


def make_person(lists, **overrides):
    person = make_profile(CASHIER, **overrides)
    for _ in range(lists):
        event = make_event(person, codes=(COOK, NURSE))
        feedback = make_feedback(event.items.first())
        FeedbackKey.objects.create(profile=person, key=str(event.pk), digest="", feedback=feedback)
    return person


def deletion(person):
    return reverse("admin:profiles_profile_delete", args=[person.pk])


def chosen(*people, **more):
    return {"action": "delete_selected", "_selected_action": [person.pk for person in people], **more}


def test_deleting_asks_with_counts_however_many_lists_there_are(operator):
    few, many = make_person(2), make_person(20)
    pages, queries = [], []
    for person in (few, many):
        with CaptureQueriesContext(connection) as captured:
            pages.append(operator.get(deletion(person)))
        queries.append(len(captured))
    assert queries[0] == queries[1]
    assert pages[1].context["deleted_objects"] == [f"Profile: {many.pk}"]
    assert abs(len(pages[1].content) - len(pages[0].content)) < 100
    counts = dict(pages[1].context["model_count"])
    assert counts == {
        "profiles": 1,
        "held jobs": 1,
        "recommendation events": 20,
        "recommended items": 40,
        "feedback": 20,
        "feedback keys": 20,
    }
    assert not any('"inputs"' in query["sql"] for query in captured)


def test_a_confirmed_deletion_takes_all_of_the_person_and_nobody_else(operator):
    gone, other = make_person(2), make_person(1)
    assert operator.post(deletion(gone), {"post": "yes"}).status_code == 302
    assert list(Profile.objects.all()) == [other]
    rows = (RecommendationEvent, RecommendedItem, Feedback, FeedbackKey)
    assert [table.objects.count() for table in rows] == [1, 2, 1, 1]


def test_people_are_deleted_together_up_to_a_number(operator, monkeypatch):
    monkeypatch.setattr("skillsprout.deletion.MOST_AT_ONCE", 2)
    people = [make_person(1) for _ in range(3)]
    refused = operator.post(PEOPLE, chosen(*people), follow=True)
    assert "Nothing was deleted: 3 were chosen, and at most 2 can be deleted at once." in refused.content.decode()
    operator.post(PEOPLE, chosen(*people, post="yes"))
    assert Profile.objects.count() == 3

    asked = operator.post(PEOPLE, chosen(*people[:2]))
    assert dict(asked.context["model_count"])["recommended items"] == 4
    operator.post(PEOPLE, chosen(*people[:2], post="yes"))
    assert list(Profile.objects.all()) == people[2:]


def test_who_may_not_delete_what_goes_with_a_person_may_not_delete_them(client):
    person, nobody_shown = make_person(1), make_profile()
    employee = make_user(is_staff=True)
    employee.user_permissions.set(Permission.objects.filter(codename__in=["view_profile", "delete_profile"]))
    client.force_login(employee)
    lacking = client.get(deletion(person)).context["perms_lacking"]
    assert lacking == {"recommendation event", "recommended item", "feedback"}
    assert client.post(deletion(person), {"post": "yes"}).status_code == 403
    assert client.post(deletion(nobody_shown), {"post": "yes"}).status_code == 302
    assert list(Profile.objects.all()) == [person]


def test_deleting_an_account_counts_what_its_profile_was_shown(operator):
    user = make_user()
    make_person(2, user=user)
    page = reverse("admin:profiles_user_delete", args=[user.pk])
    assert dict(operator.get(page).context["model_count"])["recommended items"] == 4
    operator.post(page, {"post": "yes"})
    assert not Profile.objects.exists()
