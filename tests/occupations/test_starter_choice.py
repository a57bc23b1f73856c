"""How the starter set is chosen and made from an official release."""

from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from occupations import starter_choice
from occupations.pay import PayRow
from occupations.starter import read_pay_rows, read_starter
from occupations.starter_choice import PER_MAJOR_GROUP, PER_ZONE, candidates_of, choose
from tests.occupations.release_builder import (
    ACUTE_NURSE,
    DEVELOPER,
    NURSE,
    PROGRAMMER,
    old_layout,
    ratings,
    read,
    write_folder,
)


class TestChoice:
    @staticmethod
    def candidates(*jobs: tuple[str, int, int]) -> pd.DataFrame:
        return pd.DataFrame(jobs, columns=["code", "zone", "employment"])

    def test_most_employed_first_and_of_equals_the_lower_code(self, monkeypatch):
        monkeypatch.setattr(starter_choice, "PER_ZONE", 0)
        jobs = self.candidates(*[(f"11-{number}011.00", 3, number // 2) for number in range(1, 10)])
        assert choose(jobs, (), 6) == [f"11-{number}011.00" for number in (4, 5, 6, 7, 8, 9)]
        assert choose(jobs, (), 7) == [f"11-{number}011.00" for number in (2, 4, 5, 6, 7, 8, 9)]

    def test_named_ones_are_in_and_count(self, monkeypatch):
        monkeypatch.setattr(starter_choice, "PER_ZONE", 0)
        jobs = self.candidates(*[(f"11-{number}011.00", 3, number) for number in range(1, 10)])
        chosen = choose(jobs, ("11-1011.00", "15-2051.00"), 7)
        assert chosen == [*(f"11-{number}011.00" for number in (1, 5, 6, 7, 8, 9)), "15-2051.00"]

    @pytest.mark.parametrize(
        ("small", "share"),
        [
            ([f"53-{number}011.00" for number in range(1, 9)], PER_MAJOR_GROUP),
            ([f"11-{number}11.00" for number in range(200, 220)], PER_ZONE),
        ],
        ids=["major group", "zone"],
    )
    def test_small_groups_and_zones_get_their_share(self, small, share):
        large = [(f"11-{number}1.00", 3, 1000 + number) for number in range(100, 130)]
        zone = 3 if share == PER_MAJOR_GROUP else 1
        chosen = choose(self.candidates(*large, *[(code, zone, 1) for code in small]), (), 30)
        assert [code for code in chosen if code in small] == small[:share]
        assert len(chosen) == 30

    def test_only_whole_soc_codes_that_are_rated_in_full_are_candidates(self, tmp_path: Path):
        tables = read(tmp_path, old_layout())
        pay = [
            PayRow(soc="29-1141", employment=3_000_000),
            PayRow(soc="15-1251", employment=100_000),
            PayRow(soc="15-1252", employment=1_600_000),
        ]
        found = candidates_of(tables, pay)
        assert found[["code", "employment"]].values.tolist() == [[PROGRAMMER, 100_000], [NURSE, 3_000_000]]
        assert candidates_of(tables, pay[2:]).empty

    def test_employment_that_is_published_together_is_shared_for_the_choice(self, tmp_path: Path):
        files = {
            name: text.replace(NURSE, "31-1121.00").replace(PROGRAMMER, "31-1122.00")
            for name, text in old_layout().items()
        }
        pay = [PayRow(soc=soc, employment=4_000_000) for soc in ("31-1121", "31-1122")]
        assert candidates_of(read(tmp_path, files), pay)["employment"].tolist() == [2_000_000, 2_000_000]


class TestMaking:
    @pytest.fixture
    def sources(self, tmp_path: Path, monkeypatch) -> list[str]:
        """Write what the starter set is made of, small, and return the command's arguments."""
        monkeypatch.setattr(starter_choice, "NAMED", (NURSE, DEVELOPER))
        monkeypatch.setattr(starter_choice, "SOUGHT", (PROGRAMMER,))
        write_folder(tmp_path / "db_29_3_text", old_layout())
        names = {"2.A.1.a": "Reading Comprehension", "2.A.1.b": "Active Listening", "2.B.3.e": "Programming"}
        (tmp_path / "newly_rated_30_3.txt").write_text(ratings(names, [DEVELOPER, NURSE]), encoding="utf-8")
        wages = (
            "soc,title,display_level,Employment,"
            "Annual 10th percentile wage,Annual median wage,Annual 90th percentile wage\n"
            "29-1141,Registered Nurses,3,3300000,67810,98000,136490\n"
        )
        (tmp_path / "oews_2025.csv").write_text(wages, encoding="utf-8")
        outlook = (
            "soc,employment_2024,employment_2034,employment_change_pct,annual_openings,typical_education\n"
            "29-1141,1,1,4.9,189.1,Bachelor's degree\n"
        )
        (tmp_path / "ep.csv").write_text(outlook, encoding="utf-8")
        return [
            str(tmp_path / "db_29_3_text"),
            *("--newly-rated", str(tmp_path / "newly_rated_30_3.txt")),
            *("--wages", str(tmp_path / "oews_2025.csv"), "--projections", str(tmp_path / "ep.csv")),
            *("--folder", str(tmp_path / "made")),
        ]

    def test_set_is_read_back_as_it_was_made(self, sources, tmp_path: Path, capsys):
        call_command("build_starter", *sources)
        tables = read_starter(tmp_path / "made")
        assert tables.version == "29.3"
        assert tables.occupations["code"].tolist() == [PROGRAMMER, DEVELOPER, NURSE]
        assert dict(tables.zones.itertuples(index=False)) == {PROGRAMMER: 4, DEVELOPER: 4, NURSE: 3}
        assert tables.ratings["code"].value_counts().to_dict() == {PROGRAMMER: 6, NURSE: 6, DEVELOPER: 3}
        programming = tables.ratings[tables.ratings["element_id"] == "2.B.3.e"].set_index("code")
        assert programming.loc[NURSE].to_dict() == {
            "element_id": "2.B.3.e",
            "domain": "skill",
            "importance": 1.12,
            "level": 0.25,
            "not_relevant": True,
            "suppress": False,
        }
        assert tables.related.values.tolist() == [[DEVELOPER, PROGRAMMER, "Primary-Long", 6]]
        assert tables.education.values.tolist() == [[NURSE, 5, 40.5], [NURSE, 6, 59.5]]
        assert [row.annual_openings for row in read_pay_rows(tmp_path / "made")] == [189_100]
        assert "occupations.csv: 3 rows" in capsys.readouterr().out

    def test_only_what_the_release_does_not_rate_comes_from_the_later_one(self, sources, tmp_path: Path):
        call_command("build_starter", *sources)
        made = pd.read_csv(tmp_path / "made" / "occupations.csv", dtype=str).set_index("code")["release"]
        assert made.to_dict() == {PROGRAMMER: "29.3", DEVELOPER: "30.3", NURSE: "29.3"}

    def test_no_sentence_gets_in(self, sources, tmp_path: Path):
        call_command("build_starter", *sources)
        made = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "made").iterdir())
        assert "made-up sentence" not in made
        assert "of the day" not in made
        assert "bus timetable" not in made

    def test_again_gives_the_same_bytes(self, sources, tmp_path: Path):
        call_command("build_starter", *sources)
        first = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
        call_command("build_starter", *sources)
        assert {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()} == first

    def test_release_without_a_named_occupation_is_refused(self, sources, tmp_path: Path, monkeypatch):
        monkeypatch.setattr(starter_choice, "NAMED", ("19-1021.00",))
        with pytest.raises(CommandError, match=r"no occupation 19-1021\.00"):
            call_command("build_starter", *sources)
        assert not (tmp_path / "made").exists()

    def test_likely_titles(self, tmp_path: Path):
        files = old_layout() | {
            "Alternate Titles.txt": "O*NET-SOC Code\tAlternate Title\tShort Title\tSource(s)\r\n"
            + "".join(f"{NURSE}\tVery Rare Nurse {letter}\tn/a\t08\r\n" for letter in "abcdefghijklmnop")
            + f"{NURSE}\tCommon Nurse of Five Sources\tn/a\t02,04,06,08,10\r\n"
            + f"{NURSE}\tNurse\tn/a\t08\r\n{NURSE}\tOld Nurse\tn/a\t08\r\n"
            + f"{ACUTE_NURSE}\tOther Nurse\tn/a\t08\r\n"
        }
        folder = str(write_folder(tmp_path / "db_29_3_text", files))
        titles = starter_choice.read_release(folder).alternate_titles
        likely = starter_choice.likely_titles(folder, titles, [NURSE])
        assert likely["title"].tolist()[:6] == [
            "Common Nurse of Five Sources",
            "Nurse",
            "Ward Nurse",
            "Night Nurse",
            "Old Nurse",
            "Very Rare Nurse a",
        ]
        assert len(likely) == starter_choice.TITLES_EACH
        assert set(likely["code"]) == {NURSE}
