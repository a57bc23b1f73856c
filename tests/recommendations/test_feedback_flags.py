"""Outcomes of which no application is known: kept, and pointed out to whoever looks."""

import csv
from io import StringIO

import pytest
from django.urls import reverse

from profiles.models import User
from recommendations import services
from tests.factories import CASHIER, DEVELOPER, NURSE, make_event, make_profile
from tests.recommendations.told import days_ago, record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

FLAG = "outcome_without_application"


@pytest.mark.parametrize(
    ("action", "flags"), [("interview", [FLAG]), ("offer", [FLAG]), ("apply", []), ("save", []), ("hide", [])]
)
def test_an_outcome_alone_is_kept_and_flagged(event, action, flags):
    feedback, created = record(event, action)
    assert created
    assert services.feedback_flags(feedback) == flags


def test_an_application_on_that_job_in_any_list_will_do_even_later(event, profile):
    offer, _ = record(event, "offer")
    newer = make_event(profile, codes=(NURSE,))
    record(newer, "apply")
    assert services.feedback_flags(offer) == []
    record(newer, "undo", undoes="apply")
    assert services.feedback_flags(offer) == [FLAG]


def test_another_job_or_another_person_will_not(event):
    offer, _ = record(event, "offer")
    record(event, "apply", DEVELOPER)
    record(make_event(make_profile(CASHIER), codes=(NURSE,)), "apply")
    assert services.feedback_flags(offer) == [FLAG]


def test_a_date_before_the_list_is_odd_until_it_is_corrected(event):
    feedback, _ = record(event, "apply", happened_at=days_ago(2))
    assert services.feedback_flags(feedback) == ["before_the_list"]
    corrected, _ = record(event, "apply", happened_at=days_ago(0.5))
    assert services.feedback_flags(feedback) == services.feedback_flags(corrected) == []


def test_one_that_was_taken_back_is_no_longer_odd(event):
    offer, _ = record(event, "offer")
    undo, _ = record(event, "undo")
    assert services.feedback_flags(offer) == services.feedback_flags(undo) == []


def test_the_curator_sees_finds_and_exports_them(event, client):
    client.force_login(User.objects.create_superuser("curator", password="secret"))
    record(event, "apply")
    record(event, "offer")
    odd, _ = record(event, "interview", DEVELOPER)
    page = client.get(reverse("admin:recommendations_feedback_changelist"))
    assert page.content.decode().count("Outcome without application") == 1
    page = client.get(reverse("admin:recommendations_feedback_changelist"), {"flag": FLAG})
    assert list(page.context["cl"].queryset) == [odd]
    answer = client.post(
        reverse("admin:recommendations_feedback_export"),
        {"format": "0", "resource": "0", **{f"feedbackresource_{name}": "on" for name in ("id", "action", "flag")}},
    )
    rows = {row["action"]: row["flag"] for row in csv.DictReader(StringIO(answer.content.decode()))}
    assert rows == {"apply": "", "offer": "", "interview": FLAG}
