"""Lists, items and curves in the admin: what made them, and nothing to change."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from profiles.models import User
from recommendations import services
from recommendations.models import Curve, Feedback, RecommendedItem
from tests.factories import CASHIER, COOK, NURSE, make_event, make_feedback, make_profile, make_world
from tests.recommendations.curves import make_curve
from tests.recommendations.listed import event_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(settings):
    make_world()
    settings.EXPLORATION_EPSILON = 1.0
    make_curve()
    advice = services.make_event(
        make_profile(CASHIER), limit_per_bucket=2, seed=4711, use_calibration=True, enable_exploration=True
    )
    return event_of(advice)


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator", password="secret"))
    return client


def text(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_list_tells_its_lot_and_its_calibration(operator, event):
    page = text(operator.get(reverse("admin:recommendations_recommendationevent_change", args=[event.pk])))
    assert "4711" in page
    assert "ramp-1" in page
    for item in event.items.all():
        assert f"{100 * item.calibrated_probability:.1f} % (" in page
    sizes = [size for size in event.pool_sizes.values() if size]
    assert sizes
    assert all(f" {size}" in page for size in sizes)

    lists = reverse("admin:recommendations_recommendationevent_changelist")
    assert str(event.pk) in text(operator.get(lists, {"calibration_version": "ramp-1"}))
    assert str(event.pk) not in text(operator.get(lists, {"calibration_version": "ramp-2"}))


def test_items_tell_their_propensity_and_probability(operator, event):
    item = event.items.filter(is_exploration=True).first()
    items = reverse("admin:recommendations_recommendeditem_changelist")
    page = text(operator.get(items, {"is_exploration__exact": 1}))
    assert item.occupation_id in page
    assert f"{100 * item.calibrated_low:.1f}-{100 * item.calibrated_high:.1f} %" in page
    plain = RecommendedItem.objects.filter(position=1).first()
    assert plain.occupation_id not in page
    text(operator.get(items, {"event__calibration_version": "ramp-1"}))
    text(operator.get(reverse("admin:recommendations_recommendeditem_change", args=[item.pk])))


def test_curves_can_be_looked_at_and_nothing_else(operator, event):
    curve = Curve.objects.get()
    change = reverse("admin:recommendations_curve_change", args=[curve.pk])
    assert "ramp-1" in text(operator.get(reverse("admin:recommendations_curve_changelist")))
    page = text(operator.get(change))
    assert "those that were written here" in page
    assert "artifact" not in page
    assert operator.get(reverse("admin:recommendations_curve_add")).status_code == 403
    assert operator.post(reverse("admin:recommendations_curve_delete", args=[curve.pk])).status_code == 403
    operator.post(change, {"version": "mine"})
    assert Curve.objects.get().version == "ramp-1"

    Curve.objects.update(artifact=b"rubbish")
    assert "was not loaded" in text(operator.get(change))


def test_feedback_is_counted_once_and_nothing_is_read_that_is_not_shown(operator, event):
    """Thousands of rows stand in the list; what their lists froze is long."""
    for item in event.items.all():
        make_feedback(item, "offer")
    with CaptureQueriesContext(connection) as queries:
        page = text(operator.get(reverse("admin:recommendations_feedback_changelist")))
    assert page.count("Outcome without application") == event.items.count() > 1
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "JOIN" not in counts[0]
    assert not any(name in query["sql"] for query in queries for name in ('"inputs"', '"pools"', '"features"'))
    # However many rows there are.
    assert len(queries) <= 9


def test_a_page_of_items_reads_nothing_that_was_frozen(operator, event):
    with CaptureQueriesContext(connection) as queries:
        page = operator.get(reverse("admin:recommendations_recommendeditem_changelist"))
    rows = list(page.context["cl"].result_list)
    assert rows == sorted(event.items.all(), key=lambda item: -item.pk)
    assert str(event.pk) in text(page)
    long = ('"features"', '"inputs"', '"pools"', '"bucket_rule"', '"first"')
    assert not any(name in query["sql"] for query in queries for name in long)
    assert sum("COUNT(" in query["sql"] for query in queries) == 1


@pytest.mark.parametrize("model", ["recommendationevent", "recommendeditem", "feedback"])
def test_whole_keys_are_found_by_their_index(operator, event, model):
    item = event.items.first()
    make_feedback(item)
    other = make_event(make_profile(), codes=(NURSE if item.occupation_id != NURSE else COOK,))
    make_feedback(other.items.get())
    rows = {
        "recommendationevent": lambda: [event],
        "recommendeditem": lambda: list(event.items.order_by("-pk")),
        "feedback": lambda: list(Feedback.objects.filter(item=item)),
    }[model]()
    page = reverse(f"admin:recommendations_{model}_changelist")
    for sought in (str(event.pk), item.occupation_id):
        with CaptureQueriesContext(connection) as queries:
            found = list(operator.get(page, {"q": f" {sought} "}).context["cl"].result_list)
        by_code = [row for row in rows if getattr(row, "occupation_id", item.occupation_id) == item.occupation_id]
        assert found == (rows if sought == str(event.pk) else by_code)
        assert not any("LIKE" in query["sql"] for query in queries)
    assert list(operator.get(page, {"q": "no such thing"}).context["cl"].result_list) == []


def test_lists_are_found_by_their_person_and_items_by_a_title(operator, event):
    lists = reverse("admin:recommendations_recommendationevent_changelist")
    assert list(operator.get(lists, {"q": str(event.profile_id)}).context["cl"].result_list) == [event]
    item = event.items.select_related("occupation").first()
    items = reverse("admin:recommendations_recommendeditem_changelist")
    assert list(operator.get(items, {"q": item.occupation.onet_title.upper()}).context["cl"].result_list) == [item]


def test_the_newest_feedback_stands_first(operator, event):
    first, second = (make_feedback(item) for item in event.items.all()[:2])
    Feedback.objects.filter(pk=first.pk).update(recorded_at=second.recorded_at + timedelta(days=1))
    page = operator.get(reverse("admin:recommendations_feedback_changelist"))
    assert list(page.context["cl"].result_list) == [first, second]


def test_a_list_that_goes_on_from_another_tells_which_jobs_it_began_with(operator, event):
    event.first, event.drawn_before = {"READY_NOW": [COOK]}, [CASHIER]
    event.save()
    page = operator.get(reverse("admin:recommendations_recommendationevent_change", args=[event.pk]))
    fields = [name for _, options in page.context["adminform"].fieldsets for name in options["fields"]]
    assert {"first", "drawn_before"} <= set(fields)


def test_a_list_goes_with_its_items_and_feedback_which_do_not_go_alone(operator, event):
    feedback = make_feedback(event.items.first())
    for model, row in (("recommendeditem", event.items.last()), ("feedback", feedback)):
        page = reverse(f"admin:recommendations_{model}_delete", args=[row.pk])
        assert operator.post(page, {"post": "yes"}).status_code == 403
    page = reverse("admin:recommendations_recommendationevent_delete", args=[event.pk])
    asked = operator.get(page)
    assert asked.context["deleted_objects"] == [f"Recommendation event: {event.pk}"]
    counts = {"recommendation events": 1, "recommended items": event.items.count(), "feedback": 1}
    assert dict(asked.context["model_count"]) == counts
    assert operator.post(page, {"post": "yes"}).status_code == 302
    assert not RecommendedItem.objects.exists()
    assert not Feedback.objects.exists()


def test_too_many_rows_are_not_exported(operator, event, monkeypatch):
    monkeypatch.setattr("recommendations.admin.MOST_EXPORTED", 1)
    for item, action in zip(event.items.all(), ("save", "hide"), strict=False):
        make_feedback(item, action)
    form = {"format": "0", "resource": "0", "feedbackresource_action": "on"}
    page = reverse("admin:recommendations_feedback_export")
    refused = text(operator.post(page, form))
    assert "Nothing was exported: this is 2 rows, and an export holds at most 1. Filter the list first." in refused
    filtered = operator.post(f"{page}?action__exact=hide", form).content.decode()
    assert [row["action"] for row in csv.DictReader(io.StringIO(filtered))] == ["hide"]


def test_an_export_of_feedback_names_its_list(operator, event):
    feedback = make_feedback(event.items.first())
    names = ("id", "item__event", "item__occupation", "item__tier", "item__position")
    form = {"format": "0", "resource": "0", **{f"feedbackresource_{name}": "on" for name in names}}
    answer = operator.post(reverse("admin:recommendations_feedback_export"), form)
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    item = feedback.item
    told = (str(feedback.pk), str(event.pk), item.occupation_id, item.tier, str(item.position))
    assert tuple(row[name] for name in names) == told
