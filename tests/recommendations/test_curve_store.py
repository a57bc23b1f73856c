"""Curves as they are kept: only bytes that were written here are ever unpickled."""

import logging
import sys
from dataclasses import make_dataclass
from types import ModuleType

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from recommendations import curve_store, services
from recommendations.models import Curve
from tests.recommendations import curves
from tests.recommendations.curves import NAMES, Bomb, Part, Ramp, Whole, make_curve

pytestmark = pytest.mark.django_db

FEATURES = np.array([[10.0, 90.0], [70.0, 20.0], [np.nan, 50.0]])
V1, V2 = services.MODELS


@pytest.fixture(autouse=True)
def _as_a_new_process():
    curve_store._loaded.clear()
    curve_store._told.clear()


def tamper(stored, **changes):
    """Change a row behind the program's back."""
    Curve.objects.filter(pk=stored.pk).update(**changes)
    stored.refresh_from_db()


def change(monkeypatch, name, fields, **how):
    """Let a class of the test's curves have other fields, as after an update of the program."""
    today = make_dataclass(name, fields, frozen=True, namespace={"__module__": curves.__name__}, **how)
    monkeypatch.setattr(curves, name, today)


def test_a_curve_comes_back_as_it_was_stored():
    make_curve("first", curve=Ramp(1), target="outcome")

    served = services.served_curve(V2)

    assert (served.version, served.target, served.feature_names) == ("first", "outcome", list(NAMES))
    low, high = served.curve.interval(FEATURES)
    assert served.curve.probability(FEATURES).tolist() == [0.9, 0.2, 0.5]
    assert low == pytest.approx([0.8, 0.1, 0.4])
    assert high == pytest.approx([1.0, 0.3, 0.6])


def test_the_same_curve_gives_the_same_bytes():
    assert curve_store.dumped(Ramp(1)) == curve_store.dumped(Ramp(1)) != curve_store.dumped(Ramp(0))


def test_a_stored_curve_waits_to_be_activated():
    stored = make_curve(serves=False)
    assert services.served_curve(V2) is None

    services.activate_curve(stored)

    assert services.served_curve(V2).version == stored.version
    assert services.served_curve(V1) is None
    assert stored.activated_at is not None


def test_one_serves_for_each_scoring_model():
    first, of_v1 = make_curve("first"), make_curve("of v1", model_version=V1)
    make_curve("second")

    first.refresh_from_db()
    assert (first.serving, first.may_serve) == (False, True)
    assert services.served_curve(V2).version == "second"
    assert services.served_curve(V1).version == of_v1.version
    with pytest.raises(IntegrityError), transaction.atomic():
        Curve.objects.update(serving=True)


def test_a_withdrawn_curve_neither_serves_nor_steps_in():
    first, second, third = (make_curve(version) for version in ("first", "second", "third"))
    services.withdraw_curve(second)
    assert services.served_curve(V2).version == "third"

    tamper(third, artifact=b"rubbish")
    assert services.served_curve(V2).version == "first"

    services.withdraw_curve(third)
    assert services.served_curve(V2) is None, "what has served before steps in only where one should serve"
    services.activate_curve(first)
    assert services.served_curve(V2).version == "first"


def test_any_changed_byte_is_refused():
    stored = make_curve()
    artifact = bytes(stored.artifact)
    for place in range(len(artifact)):
        stored.artifact = artifact[:place] + bytes([artifact[place] ^ 1]) + artifact[place + 1 :]
        with pytest.raises(services.TamperedCurveError, match="ramp-1"):
            services.load_curve(stored)
    for changed in (b"", artifact[:-1], artifact + b"\0"):
        stored.artifact = changed
        with pytest.raises(services.TamperedCurveError):
            services.load_curve(stored)
    stored.artifact = artifact
    assert services.load_curve(stored) == Ramp()


@pytest.mark.parametrize(
    "change",
    [
        {"version": "another"},
        {"model_version": V1},
        {"target": "outcome"},
        {"feature_names": ["match_score", "gap_severity"]},
        {"made_of": "tests.recommendations.curves.Ramp(column)"},
        {"digest": "0" * 64},
        {"digest": ""},
    ],
)
def test_a_row_that_says_something_else_of_its_curve_is_refused(change):
    stored = make_curve()
    tamper(stored, **change)

    with pytest.raises(services.TamperedCurveError):
        services.load_curve(stored)


def test_another_rows_curve_is_refused_with_its_digest_and_all():
    good, other = make_curve("good"), make_curve("other", curve=Ramp(falls=True))

    tamper(other, artifact=bytes(good.artifact), digest=good.digest)

    assert services.served_curve(V2).version == "good"
    assert len(services.refused_curves()) == 1


def test_what_was_not_written_here_is_never_unpickled(tmp_path):
    stored = make_curve()
    folder = tmp_path / "made by loading"
    tamper(stored, artifact=curve_store.dumped(Bomb(str(folder))))

    assert services.served_curve(V2) is None
    assert services.refused_curves()
    with pytest.raises(services.TamperedCurveError):
        services.activate_curve(stored)
    assert not folder.exists()

    make_curve("our own", curve=Bomb(str(folder)), serves=False)
    with pytest.raises(services.TamperedCurveError):
        services.load_curve(stored)
    assert not folder.exists()
    with pytest.raises(services.UnreadableCurveError):
        services.load_curve(Curve.objects.get(version="our own"))
    assert folder.exists(), "the bomb does not work, so this test shows nothing"


def test_the_last_good_one_steps_in_and_all_are_told(caplog):
    make_curve("first")
    make_curve("second")
    third, fourth = make_curve("third"), make_curve("fourth")
    make_curve("of v1", model_version=V1)
    tamper(third, artifact=b"rubbish")
    assert services.refused_curves() == []
    tamper(fourth, artifact=b"rubbish")

    with caplog.at_level(logging.ERROR):
        assert services.served_curve(V2).version == "second"

    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "fourth" in caplog.messages[0]
    assert "third" in caplog.messages[1]
    (refused,) = services.refused_curves()
    assert "fourth" in refused
    assert refused.endswith("second serves in its place.")

    services.served_curve(V2)
    assert len(caplog.records) == 2, "a list is made every moment: each is told once"


def test_where_all_are_refused_none_serves():
    for stored in (make_curve("first"), make_curve("second")):
        tamper(stored, artifact=b"rubbish")

    assert services.served_curve(V2) is None
    assert services.refused_curves()[0].endswith("None serves in its place.")


def test_a_tampered_curve_is_not_activated():
    good, bad = make_curve("good"), make_curve("bad", serves=False)
    fresh = Curve.objects.get(pk=bad.pk)
    tamper(bad, artifact=b"rubbish")

    # Its bytes are those of the database, whatever the caller still holds.
    with pytest.raises(services.TamperedCurveError), transaction.atomic():
        services.activate_curve(fresh)

    assert services.served_curve(V2).version == good.version
    assert not Curve.objects.get(pk=bad.pk).may_serve


def test_an_older_secret_still_vouches_for_what_it_signed(settings):
    make_curve()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    assert services.served_curve(V2).version == "ramp-1"

    settings.SECRET_KEY_FALLBACKS = []
    assert services.served_curve(V2) is None


def test_a_curve_whose_code_is_gone_is_refused_and_told(monkeypatch):
    module = ModuleType("was_here_before")
    module.Gone = type("Gone", (Ramp,), {"__module__": "was_here_before"})
    monkeypatch.setitem(sys.modules, "was_here_before", module)
    make_curve("still here")
    make_curve("gone", curve=module.Gone())
    curve_store._loaded.clear()
    monkeypatch.delitem(sys.modules, "was_here_before")

    assert services.served_curve(V2).version == "still here"
    assert "another version of the program" in services.refused_curves()[0]


def test_a_row_says_what_its_curve_is_made_of():
    stored = make_curve(curve=Whole())

    assert stored.made_of == (
        "tests.recommendations.curves.Part(start, slope)\ntests.recommendations.curves.Whole(part, more, column)"
    )
    curve_store._loaded.clear()
    assert services.load_curve(Curve.objects.get()) == Whole()


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (Part, ["start"]),
        (Part, ["slope"]),
        (Part, ["start", "slope", "end"]),
        (Part, ["end", "start", "slope"]),
        (Part, ["slope", "start"]),
        (Part, ["start", "steepness"]),
        (Whole, ["part", "more"]),
        (Whole, ["more", "column"]),
        (Whole, ["part", "more", "column", "row"]),
        (Whole, ["row", "part", "more", "column"]),
        (Whole, ["part", "column", "more"]),
        (Whole, ["part", "others", "column"]),
    ],
)
def test_a_curve_whose_classes_have_other_fields_by_now_is_refused(monkeypatch, changed, names):
    """The bytes are those that were written, but their values would go into the wrong fields."""
    make_curve("still good")
    make_curve("of old", curve=Whole())
    curve_store._loaded.clear()
    change(monkeypatch, changed.__name__, names, slots=True)

    with pytest.raises(services.UnreadableCurveError):
        services.load_curve(Curve.objects.get(version="of old"))
    assert services.served_curve(V2).version == "still good"
    assert "another version of the program" in services.refused_curves()[0]


def test_a_part_of_a_part_is_looked_at_too(monkeypatch):
    make_curve(curve=Whole(part=None, more=({"parts": [Part()]},)))
    curve_store._loaded.clear()
    change(monkeypatch, "Part", ["slope", "start"], slots=True)

    assert services.served_curve(V2) is None


def test_a_field_that_a_class_has_gained_with_a_default_is_not_passed_over(monkeypatch):
    make_curve(curve=Ramp())
    curve_store._loaded.clear()
    change(monkeypatch, "Ramp", ["column", "falls", "width", ("steps", int, 1)])

    assert services.served_curve(V2) is None


def test_a_curve_is_unpickled_once_and_many_do_not_pile_up(tmp_path):
    stored = make_curve()
    assert services.load_curve(stored) is services.load_curve(Curve.objects.get())

    for number in range(3 * curve_store.MOST_LOADED):
        services.load_curve(make_curve(f"curve {number}"))
    assert len(curve_store._loaded) <= curve_store.MOST_LOADED


def test_applying_one_takes_one_query(django_assert_num_queries):
    for version in ("first", "second"):
        make_curve(version)
    with django_assert_num_queries(1):
        services.served_curve(V2)
    with django_assert_num_queries(1):
        services.refused_curves()


def test_where_one_is_refused_only_the_one_that_steps_in_is_read(monkeypatch):
    for number in range(5):
        stored = make_curve(f"curve {number}")
    tamper(stored, artifact=b"rubbish")
    read, from_db = [], Curve.from_db.__func__

    def noted(cls, *arguments):
        read.append(from_db(cls, *arguments))
        return read[-1]

    monkeypatch.setattr(Curve, "from_db", classmethod(noted))

    assert services.served_curve(V2).version == "curve 3"
    assert [row.version for row in read] == ["curve 4", "curve 3"]


def test_rank_puts_the_unknown_last_and_keeps_ties():
    assert curve_store.rank(np.array([0.2, np.nan, 0.5, 0.2, np.nan, 0.0])).tolist() == [2, 0, 3, 5, 1, 4]
