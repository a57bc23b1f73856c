"""Lists, items and curves in the admin: what made them, and nothing to change."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from profiles.models import User
from recommendations import services
from recommendations.models import Curve, RecommendedItem
from tests.factories import CASHIER, make_feedback, make_profile, make_world
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


def test_an_export_of_feedback_names_its_list(operator, event):
    feedback = make_feedback(event.items.first())
    names = ("id", "item__event", "item__occupation", "item__tier", "item__position")
    form = {"format": "0", "resource": "0", **{f"feedbackresource_{name}": "on" for name in names}}
    answer = operator.post(reverse("admin:recommendations_feedback_export"), form)
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    item = feedback.item
    told = (str(feedback.pk), str(event.pk), item.occupation_id, item.tier, str(item.position))
    assert tuple(row[name] for name in names) == told
