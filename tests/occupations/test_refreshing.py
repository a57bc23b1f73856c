"""Single occupations come alone, by the same checks, and give what a whole sync gives."""

import pytest

from occupations.catalogue import NoReleaseError, forget_catalogue, get_catalogue
from occupations.importing import import_release
from occupations.models import Occupation, Rating, Release
from occupations.refreshing import find_occupations, refresh_occupations
from occupations.web_answers import NoDataError, WrongKeyError
from tests.fake_onet import FakeOnet
from tests.occupations.release_builder import (
    ALL_OTHER,
    DEVELOPER,
    NURSE,
    PROGRAMMER,
    newer_release,
    old_layout,
    write_zip,
)
from tests.occupations.test_syncing import contents
from tests.occupations.web_clients import client_of

pytestmark = pytest.mark.django_db
NOBODY = "99-9999.99"


@pytest.fixture
def loaded(tmp_path) -> Release:
    return import_release(write_zip(tmp_path / "old.zip", old_layout())).release


def refresh(fake: FakeOnet, *codes: str) -> Release:
    with client_of(fake) as services:
        return refresh_occupations(codes, services=services)


@pytest.mark.parametrize("generation", ["2.0", "1.9"])
@pytest.mark.parametrize("filter_name", ["filter", "filter1", ""])
def test_same_release_changes_no_row(tmp_path, loaded, generation, filter_name):
    before = contents()
    path = write_zip(tmp_path / "same.zip", old_layout())
    with FakeOnet(path, generation=generation, filter_name=filter_name) as fake:
        row = refresh(fake, NURSE, PROGRAMMER, DEVELOPER, ALL_OTHER)
    assert contents() == before
    assert (row.state, row.version, row.counts["codes"]) == (
        "partial",
        "29.3",
        [PROGRAMMER, DEVELOPER, NURSE, ALL_OTHER],
    )
    assert Release.objects.get(state="active") == loaded


def test_newer_figures_of_one_occupation_alone(tmp_path, loaded):
    with FakeOnet(write_zip(tmp_path / "new.zip", newer_release())) as fake:
        row = refresh(fake, NURSE, DEVELOPER)
    nurse, developer = (Occupation.objects.get(pk=code) for code in (NURSE, DEVELOPER))
    assert (nurse.onet_title, nurse.onet_zone, nurse.first_release, nurse.last_release) == (
        "Nurses, Registered",
        4,
        "29.3",
        "30.3",
    )
    assert developer.ratings_from == "onet"
    assert {rating.release for rating in developer.ratings.all()} == {row}
    assert not developer.ratings.filter(estimated_from__isnull=False).exists()
    assert set(Rating.objects.filter(occupation=PROGRAMMER).values_list("release", flat=True)) == {loaded.pk}
    catalogue = get_catalogue()
    assert catalogue.titles[catalogue.row[NURSE]] == "Nurses, Registered"
    assert not catalogue.jobs.estimated[catalogue.row[DEVELOPER]]


def test_curated_title_stays(tmp_path, loaded):
    Occupation.objects.filter(pk=NURSE).update(curated_title="Nurses", note="ours")
    with FakeOnet(write_zip(tmp_path / "new.zip", newer_release())) as fake:
        refresh(fake, NURSE)
    nurse = Occupation.objects.get(pk=NURSE)
    assert (nurse.title, nurse.onet_title, nurse.note) == ("Nurses", "Nurses, Registered", "ours")


def test_occupation_that_was_not_there_is_added(tmp_path, loaded):
    files = newer_release()
    files["Occupation Data.txt"] += "29-1299.01\tNaturopaths\tA made-up sentence.\r\n"
    with FakeOnet(write_zip(tmp_path / "new.zip", files)) as fake:
        refresh(fake, "29-1299.01")
    added = Occupation.objects.get(pk="29-1299.01")
    assert (added.title, added.first_release, added.ratings_from) == ("Naturopaths", "30.3", "none")
    forget_catalogue()
    assert "29-1299.01" in get_catalogue().row


@pytest.mark.parametrize("status", [404, 422])
def test_unknown_code_changes_nothing(tmp_path, loaded, status):
    before = contents()
    with (
        FakeOnet(write_zip(tmp_path / "new.zip", newer_release()), unknown_code_status=status) as fake,
        pytest.raises(NoDataError, match=f"no occupation {NOBODY}"),
    ):
        refresh(fake, NURSE, NOBODY)
    assert contents() == before


def test_wrong_key_changes_nothing(tmp_path, loaded):
    before = contents()
    with FakeOnet(write_zip(tmp_path / "new.zip", newer_release())) as fake:
        fake.fail("key")
        with pytest.raises(WrongKeyError):
            refresh(fake, NURSE)
    assert contents() == before
    assert Release.objects.count() == 1


def test_needs_a_release_to_add_to(tmp_path):
    with FakeOnet(write_zip(tmp_path / "new.zip", newer_release())) as fake, pytest.raises(NoReleaseError):
        refresh(fake, NURSE)


def test_keywords_find_codes(tmp_path):
    with FakeOnet(write_zip(tmp_path / "new.zip", old_layout())) as fake, client_of(fake) as services:
        assert find_occupations("registered nurses", services=services)[0] == NURSE
        assert find_occupations("zzz", services=services) == []
