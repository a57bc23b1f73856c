"""The starter set in `fixtures/`: what it holds, and that loading it spares everything else."""

import csv
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command
from django.test import TestCase

from occupations import starter_choice
from occupations.catalogue import get_catalogue
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    Licence,
    Occupation,
    PayOutlook,
    Rating,
    RelatedOccupation,
    Release,
)
from occupations.starter import COLUMNS, STARTER, read_pay_rows
from occupations.starter_choice import NAMED, PER_MAJOR_GROUP, PER_ZONE
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    DEVELOPER,
    NURSE,
    PROGRAMMER,
    load,
    old_layout,
)

FILES = [*COLUMNS, "pay"]
SKILLS, KNOWLEDGE_AREAS = 35, 33
DATA_SCIENTISTS = "15-2051.00"
CIVILIAN_GROUPS = {str(major) for major in range(11, 55, 2)}


def rows(name: str) -> list[dict[str, str]]:
    with (STARTER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


OCCUPATIONS = rows("occupations")
CODES = {row["code"] for row in OCCUPATIONS}


class TestContents:
    def test_two_hundred_occupations_of_all_groups_and_zones(self):
        frame = pd.DataFrame(OCCUPATIONS)
        assert len(frame) == len(CODES) == 200
        majors = frame["code"].str[:2].value_counts()
        assert set(majors.index) == CIVILIAN_GROUPS
        assert majors.min() >= PER_MAJOR_GROUP
        zones = frame["zone"].value_counts()
        assert set(zones.index) == {"1", "2", "3", "4", "5"}
        assert zones.min() >= PER_ZONE

    def test_what_documents_name_is_in(self):
        assert set(NAMED) <= CODES

    def test_every_occupation_is_rated_in_full_but_two(self):
        counts = pd.DataFrame(rows("ratings"))["code"].value_counts()
        assert counts.pop(DEVELOPER) == SKILLS
        assert set(counts) == {SKILLS + KNOWLEDGE_AREAS}
        assert CODES - set(counts.index) == {DEVELOPER, DATA_SCIENTISTS}

    def test_rows_carry_their_release(self):
        releases = {row["code"]: row["release"] for row in OCCUPATIONS}
        assert releases.pop(DEVELOPER) == "30.3"
        assert set(releases.values()) == {"29.3"}

    def test_figures_are_on_their_scales(self):
        for row in rows("ratings"):
            assert 1 <= float(row["importance"]) <= 5
            assert 0 <= float(row["level"]) <= 7
            assert row["flags"] in ("", "N", "S", "NS")

    def test_everything_is_about_the_occupations_of_the_set(self):
        for name in COLUMNS:
            assert {row["code"] for row in rows(name)} <= CODES
        assert {row["related"] for row in rows("related")} <= CODES
        assert {row["soc"] for row in rows("pay")} == {code[:7] for code in CODES}

    def test_titles_that_people_type(self):
        titles = rows("titles")
        typed = {(row["code"], row[name]) for row in titles for name in ("title", "short_title")}
        assert {(NURSE, "RN"), (PROGRAMMER, "Programmer"), (DEVELOPER, "Programmer"), ("31-1131.00", "CNA")} <= typed
        each = pd.DataFrame(titles)["code"].value_counts()
        assert set(each.index) == CODES
        assert each.max() <= starter_choice.TITLES_EACH

    def test_pay_has_its_year_and_source(self):
        pay = {row.soc: row for row in read_pay_rows()}
        assert all(row.wage_median and row.growth_percent is not None for row in pay.values())
        assert {row.wage_year for row in pay.values()} == {2025}
        assert {row.outlook_years for row in pay.values()} == {"2024-2034"}
        assert pay["29-1141"].wage_source == "U.S. Bureau of Labor Statistics, OEWS May 2025"
        assert pay["31-1122"].wage_source.endswith("for 31-1120 as a whole")

    @pytest.mark.parametrize("name", FILES)
    def test_no_sentences_of_onets(self, name):
        cells = [cell for row in rows(name) for cell in row.values()]
        assert max(map(len, cells)) <= 150
        assert not [cell for cell in cells if cell.endswith(".")]

    @pytest.mark.parametrize("name", FILES)
    def test_files_are_sorted_lines_of_text(self, name):
        content = (STARTER / f"{name}.csv").read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        frame = pd.DataFrame(rows(name))
        keys = frame.assign(level=frame["level"].astype(float)) if name == "education" else frame
        keys = keys.iloc[:, :2].values.tolist()
        assert keys == sorted(keys)

    def test_it_is_small_and_nothing_else_is_there(self):
        assert {path.name for path in STARTER.iterdir()} == {f"{name}.csv" for name in FILES}
        assert sum(path.stat().st_size for path in STARTER.iterdir()) < 1_500_000

    def test_credit_is_given(self):
        credit = " ".join((STARTER.parent / "README.md").read_text(encoding="utf-8").split())
        assert "information from the O*NET 29.3 Database by the U.S. Department of Labor" in credit
        assert "Used under the CC BY 4.0 license" in credit
        assert "Bureau of Labor Statistics" in credit


def seed() -> list[str]:
    """Run the command and return the lines that it prints."""
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue().splitlines()


def everything() -> dict[str, list]:
    tables = (
        *(Release, Element, Occupation, Rating, AlternateTitle, RelatedOccupation, EducationShare),
        *(PayOutlook, Licence, Licence.occupations.through, CatalogueState),
    )
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


class TestSeeded(TestCase):
    """An empty database on which the command has run once; each test works on that."""

    @classmethod
    def setUpTestData(cls):
        cls.told = seed()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path):
        self.folder = tmp_path

    def test_it_says_what_it_loaded(self):
        assert self.told == [
            "Loaded the starter set: 200 occupations of O*NET 29.3, 199 rated and 1 estimated.",
            "200 SOC codes were given pay and outlook.",
            "68 skills and knowledge areas were given our words.",
            f"{Licence.objects.count()} licences were made.",
        ]

    def test_set_is_there_with_words_pay_and_licences(self):
        release = Release.objects.get()
        assert (release.source, release.version, release.state) == ("starter", "29.3", "active")
        assert Element.objects.count() == SKILLS + KNOWLEDGE_AREAS
        assert not Element.objects.filter(summary="").exists()
        assert not Element.objects.filter(anchors=[]).exists()
        nurse = Occupation.objects.get(code=NURSE)
        assert nurse.onet_description == ""
        assert nurse.ratings.count() == SKILLS + KNOWLEDGE_AREAS
        assert PayOutlook.objects.get(soc=nurse.soc).wage_median
        assert nurse.licences.count() == 1
        assert not Licence.objects.filter(occupations=None).exists()

    def test_software_developers_have_the_figures_of_the_later_release(self):
        developers = Occupation.objects.get(code=DEVELOPER)
        assert developers.ratings_from == Occupation.RatingsFrom.ONET
        assert developers.last_release == "30.3"
        rated = developers.ratings.filter(estimated_from__isnull=True)
        assert rated.filter(element__domain="skill").count() == SKILLS
        assert not rated.filter(element__domain="knowledge").exists()
        assert developers.ratings.filter(element__domain="knowledge").count() == KNOWLEDGE_AREAS

    def test_data_scientists_are_estimated_and_marked(self):
        scientists = Occupation.objects.get(code=DATA_SCIENTISTS)
        assert scientists.estimated
        assert scientists.ratings.count() == SKILLS + KNOWLEDGE_AREAS
        assert "15-2041.00" in scientists.ratings.first().estimated_from

    def test_people_find_their_job(self):
        index = get_catalogue().index
        for query, code in (
            ("RN", NURSE),
            ("nurs", NURSE),
            ("programmer", PROGRAMMER),
            ("sofware develper", DEVELOPER),
            ("checkout operator", "41-2011.00"),
        ):
            assert index.search(query, 5)[0].code == code

    def test_again_changes_nothing_and_says_so(self):
        before = everything()
        assert seed() == ["The starter set of O*NET 29.3 is loaded already.", "Nothing changed."]
        assert everything() == before

    def test_curated_words_stay(self):
        Element.objects.filter(id="2.A.1.a").update(summary="Reads well.")
        seed()
        assert Element.objects.get(id="2.A.1.a").summary == "Reads well."

    def test_curated_licence_stays(self):
        licence = Licence.objects.get(occupations=NURSE)
        licence.typical_months, licence.note = 1, "Ours."
        licence.save()
        licence.occupations.clear()
        seed()
        licence.refresh_from_db()
        assert (licence.typical_months, licence.note, licence.occupations.count()) == (1, "Ours.", 0)

    def test_renamed_licence_is_not_made_again(self):
        number = Licence.objects.count()
        licence = Licence.objects.get(occupations=NURSE)
        licence.name = "Nurse's licence of our state"
        licence.save()
        seed()
        assert Licence.objects.count() == number

    def test_deleted_licence_stays_deleted(self):
        number = Licence.objects.count()
        Licence.objects.get(occupations=NURSE).delete()
        seed()
        assert Licence.objects.count() == number - 1

    def test_official_release_ties_a_licence_to_new_occupations_only(self):
        licence = Licence.objects.get(occupations=NURSE)
        licence.name = "Nurse's licence of our state"
        licence.save()
        licence.occupations.clear()
        assert not Occupation.objects.filter(code=ACUTE_NURSE).exists()
        load(self.folder, old_layout())
        assert set(licence.occupations.values_list("code", flat=True)) == {ACUTE_NURSE}


@pytest.mark.django_db
class TestBesideAnOfficialRelease:
    def test_it_is_left_alone(self, tmp_path: Path):
        load(tmp_path, old_layout())
        before = everything()
        assert seed() == [
            "O*NET 29.3 (Text release) is loaded; the starter set leaves its data alone.",
            "200 SOC codes were given pay and outlook.",
        ]
        after = everything()
        assert {name for name in before if before[name] != after[name]} == {"PayOutlook"}
        assert seed()[-1] == "Nothing changed."

    def test_it_has_our_words_from_the_start_and_gets_them_back(self, tmp_path: Path):
        load(tmp_path, old_layout())
        assert not Element.objects.filter(summary="").exists()
        Element.objects.update(summary="", anchors=[])
        assert "6 skills and knowledge areas were given our words." in seed()
        assert not Element.objects.filter(anchors=[]).exists()

    def test_newer_pay_stays(self, tmp_path: Path):
        load(tmp_path, old_layout())
        PayOutlook.objects.create(soc="29-1141", wage_median=1, wage_year=2030)
        assert "199 SOC codes were given pay and outlook." in seed()
        pay = PayOutlook.objects.get(soc="29-1141")
        assert (pay.wage_median, pay.wage_year, pay.employment) == (1, 2030, None)
