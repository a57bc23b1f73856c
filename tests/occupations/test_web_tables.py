"""What the Web Services give is, table for table, what the text release of the same data gives."""

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from django.conf import settings

from occupations.release_files import ReleaseError, ReleaseTables, read_release
from occupations.web_pages import PageStore, fetch_table
from occupations.web_services import WebServices
from occupations.web_tables import read_tables, wanted_tables
from tests import fake_onet
from tests.fake_onet import FakeOnet
from tests.occupations.release_builder import NURSE, SKILLS, Files, new_layout, old_layout, ratings, write_folder

STARTER = settings.BASE_DIR / "fixtures" / "starter"
FRAMES = [field.name for field in fields(ReleaseTables) if field.type is pd.DataFrame or "DataFrame" in str(field.type)]


class RowSource:
    """Tables in memory, some of them changed."""

    def __init__(self, folder: Path, files: Files | None = None, **options) -> None:
        self.release = fake_onet.read_release(write_folder(folder / "source", files or old_layout()), **options)
        self.tables = {table.id: table.title for table in self.release.tables.values()}
        self.changed: dict[str, list[dict]] = {}

    def columns(self, table: str) -> dict[str, str]:
        return {title: identity for identity, title in self.release.tables[table].column_ids}

    def rows(self, table: str) -> Iterator[dict]:
        yield from self.changed.get(table) or self.release.tables[table].rows()

    def change(self, table: str, place: int, **values) -> None:
        rows = self.changed.setdefault(table, list(self.release.tables[table].rows()))
        rows[place] |= values


def fetch(release: Path, folder: Path, **options) -> ReleaseTables:
    """Fetch a release from the fake and read it."""
    with FakeOnet(release, **options) as fake:
        key = {"key": fake.key} if fake.generation == "2.0" else {"username": fake.username, "password": fake.password}
        with WebServices(fake.url, requests_per_second=1e6, **key) as services:
            about = services.about()
            tables = services.tables()
            store = PageStore.of_release(folder / "pages", services, about)
            store.write_tables({table: tables[table] for table in wanted_tables(tables).values()})
            for table in store.tables:
                fetch_table(services, store, table)
    return read_tables(store, about.version, "The Web Services")


def assert_same(web: ReleaseTables, text: ReleaseTables, *, sort: tuple[str, ...] = ()) -> None:
    """Compare everything but the digest, which is of other bytes."""
    assert len(FRAMES) == 10
    for name in FRAMES:
        ours, theirs = getattr(web, name), getattr(text, name)
        if name in sort:
            ours, theirs = (table.sort_values(["code", "element_id"], ignore_index=True) for table in (ours, theirs))
        pd.testing.assert_frame_equal(ours, theirs, obj=name)
    assert (web.version, web.missing) == (text.version, text.missing)


def error_of(source: RowSource) -> str:
    with pytest.raises(ReleaseError) as error:
        read_tables(source, "29.3", "The Web Services")
    message = str(error.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


class TestSameAsText:
    @pytest.mark.parametrize("generation", ["2.0", "1.9"])
    @pytest.mark.parametrize("plain_rows", [False, True])
    @pytest.mark.parametrize("files", [old_layout(), new_layout()], ids=["old", "new"])
    def test_each_layout_from_each_generation(self, tmp_path, files, generation, plain_rows):
        if plain_rows:
            files = with_whole_content_model(files)
        release = write_folder(tmp_path / "release", files)
        web = fetch(release, tmp_path, generation=generation, plain_rows=plain_rows)
        assert_same(web, read_release(release))
        assert web.skipped == read_release(release).skipped

    def test_old_release_in_the_new_layout(self, tmp_path):
        release = write_folder(tmp_path / "release", old_layout())
        assert_same(fetch(release, tmp_path, layout="new"), read_release(release), sort=("ratings",))

    def test_merged_zones(self, tmp_path):
        files = old_layout()
        files["Job Zones.txt"] = files["Job Zones.txt"].replace(f"{NURSE}\t3", f"{NURSE}\t1")
        web = fetch(write_folder(tmp_path / "release", files), tmp_path, merge_zones=True)
        assert web.zones.set_index("code")["zone"][NURSE] == 2

    def test_digest_tells_data_apart(self, tmp_path):
        source = RowSource(tmp_path)
        digest = read_tables(source, "29.3", "").digest
        assert read_tables(source, "29.3", "").digest == digest
        source.change("skills", 0, data_value=4.26)
        assert read_tables(source, "29.3", "").digest != digest

    @pytest.mark.parametrize("layout", ["old", "new"])
    def test_starter_set(self, tmp_path, layout):
        tables = fetch(STARTER, tmp_path, layout=layout)
        ratings = pd.read_csv(STARTER / "ratings.csv", keep_default_na=False)
        expected = ratings.assign(suppress=ratings["flags"].str.contains("S")).drop(columns="flags")
        key = ["code", "element_id"]
        pd.testing.assert_frame_equal(
            tables.ratings.sort_values(key, ignore_index=True)[list(expected)].astype({"code": str}),
            expected.sort_values(key, ignore_index=True),
            check_dtype=False,
        )
        occupations = pd.read_csv(STARTER / "occupations.csv")
        assert tables.zones.to_dict("list") == occupations[["code", "zone"]].to_dict("list")

    @pytest.mark.release
    @pytest.mark.parametrize(("generation", "layout"), [("2.0", "old"), ("2.0", "new"), ("1.9", "old")])
    def test_official_release(self, tmp_path, generation, layout):
        source = os.environ.get("ONET_RELEASE")
        if not source:
            pytest.skip("ONET_RELEASE names no official text release")
        text = read_release(source)
        web = fetch(Path(source), tmp_path, generation=generation, layout=layout)
        assert_same(web, text, sort=("ratings",) if layout == "new" else ())


class TestDiscovery:
    def test_ids_are_found_by_title_first(self):
        tables = {"knowledge_2": "Knowledge", "job_zones": "", "other": "Other"}
        assert wanted_tables(tables) == {"Knowledge.txt": "knowledge_2", "Job Zones.txt": "job_zones"}

    def test_id_that_is_not_the_title_in_snake_case(self):
        assert wanted_tables({"education_training_experience": ""}) == {
            "Education, Training, and Experience.txt": "education_training_experience"
        }

    @pytest.mark.parametrize(
        ("tables", "wanted"),
        [
            ({"skills", "essential_skills", "transferable_skills"}, {"essential_skills", "transferable_skills"}),
            ({"skills", "essential_skills"}, {"skills"}),
            ({"essential_skills"}, {"essential_skills"}),
            ({"job_titles", "alternate_titles"}, {"job_titles"}),
            ({"software_skills", "technology_skills"}, {"software_skills"}),
            ({"education", "education_training_experience"}, {"education"}),
            ({"work_values", "tools_used"}, set()),
        ],
    )
    def test_each_fact_is_fetched_once(self, tables, wanted):
        assert set(wanted_tables(dict.fromkeys(tables, "")).values()) == wanted

    def test_columns_are_found_by_what_the_service_says_of_them(self, tmp_path):
        source = RowSource(tmp_path)
        expected = read_tables(source, "29.3", "")
        named = source.columns
        source.columns = lambda table: {
            title: f"{identity}_2" if table == "skills" else identity for title, identity in named(table).items()
        }
        source.changed["skills"] = [
            {f"{column}_2": value for column, value in row.items()} for row in source.release.tables["skills"].rows()
        ]
        assert_same(read_tables(source, "29.3", ""), expected)

    def test_columns_that_the_service_says_nothing_of(self, tmp_path):
        source = RowSource(tmp_path)
        expected = read_tables(source, "29.3", "")
        source.columns = lambda table: {}
        assert_same(read_tables(source, "29.3", ""), expected)


class TestValues:
    @pytest.mark.parametrize(
        ("value", "level"), [(3, 3.0), (3.0, 3.0), ("3.00", 3.0), (" 3 ", 3.0), (0.00001, 0.00001), (3.88, 3.88)]
    )
    def test_figures(self, tmp_path, value, level):
        source = RowSource(tmp_path)
        source.change("skills", 1, data_value=value)
        assert read_tables(source, "29.3", "").ratings["level"][0] == level

    @pytest.mark.parametrize(
        ("value", "flag"), [("Y", True), ("N", False), (True, True), (False, False), (None, False)]
    )
    def test_flags(self, tmp_path, value, flag):
        source = RowSource(tmp_path)
        source.change("skills", 1, recommend_suppress=value)
        assert bool(read_tables(source, "29.3", "").ratings["suppress"][0]) is flag

    def test_whole_numbers_may_come_as_decimals(self, tmp_path):
        source = RowSource(tmp_path)
        source.change("job_zones", 0, job_zone=4.0)
        assert read_tables(source, "29.3", "").zones["zone"][0] == 4

    def test_nothing_may_be_null_or_absent(self, tmp_path):
        source = RowSource(tmp_path)
        source.change("occupation_data", 0, description=None)
        source.changed["occupation_data"][1].pop("description")
        described = read_tables(source, "29.3", "").occupations
        assert sorted(described["description"])[:2] == ["", ""]
        assert len(described) == 6


class TestRefusals:
    @pytest.mark.parametrize(
        ("table", "values", "says"),
        [
            ("skills", {"data_value": 9}, "The table skills, row 3: Data Value is '9', outside the scale"),
            ("skills", {"data_value": "high"}, "Data Value is 'high', which is not a number"),
            ("skills", {"data_value": [1]}, "The table skills, row 3: data_value is not a plain value"),
            ("skills", {"onetsoc_code": "99-9999.00"}, "row 3: O*NET-SOC Code is '99-9999.00'"),
            ("skills", {"onetsoc_code": None}, "row 3: O*NET-SOC Code is 'n/a'"),
            ("skills", {"element_id": "2.A.1.a"}, "The table skills, row 3: repeats row 1 (15-1251.00, 2.A.1.a, IM)"),
            ("skills", {"recommend_suppress": "?"}, "Recommend Suppress is '?', neither Y nor N"),
            ("job_zones", {"job_zone": 6}, "The table job_zones, row 3: Job Zone is '6', outside the scale"),
            ("occupation_data", {"title": "a\0b"}, "title is a text with a NUL character"),
            ("occupation_data", {"title": "a\ud800"}, "title is half a character"),
            ("related_occupations", {"relatedness_tier": "Close"}, "Relatedness Tier is 'Close'"),
        ],
    )
    def test_wrong_value(self, tmp_path, table, values, says):
        source = RowSource(tmp_path)
        source.change(table, 2, **values)
        assert says in error_of(source)

    def test_table_without_rows(self, tmp_path):
        source = RowSource(tmp_path)
        source.rows = lambda table: iter(())
        assert error_of(source) == "The table occupation_data holds no rows."

    def test_column_that_no_row_has(self, tmp_path):
        source = RowSource(tmp_path)
        source.changed["skills"] = [
            {column: value for column, value in row.items() if column != "data_value"}
            for row in source.release.tables["skills"].rows()
        ]
        assert error_of(source) == "The table skills has no column 'data_value'."

    def test_names_of_elements_that_are_nowhere(self, tmp_path):
        files = old_layout()
        del files["Content Model Reference.txt"]
        assert "Element Name" in error_of(RowSource(tmp_path, files, plain_rows=True))

    @pytest.mark.parametrize("table", ["skills", "knowledge", "occupation_data", "job_zones", "related_occupations"])
    def test_table_that_is_needed(self, tmp_path, table):
        source = RowSource(tmp_path)
        del source.tables[table]
        assert "The Web Services lacks" in error_of(source)


class TestUnknown:
    def test_unknown_scale_is_left_out_and_counted(self, tmp_path):
        source = RowSource(tmp_path)
        source.change("skills", 2, scale_id="ZZ")
        tables = read_tables(source, "29.3", "")
        assert tables.skipped["rows of Skills.txt on other scales"] == 1
        assert tables.skipped["figures of Skills.txt without importance or level"] == 1
        assert len(tables.ratings[tables.ratings["domain"] == "skill"]) == 8

    def test_unknown_element_is_an_element_like_others(self, tmp_path):
        files = old_layout()
        known = SKILLS["2.A.1.b"]
        more = ratings({"2.A.1.b": known}).replace("2.A.1.b", "2.B.9.z").replace(known, "Newly Found")
        files["Skills.txt"] += more.split("\r\n", 1)[1]
        tables = read_tables(RowSource(tmp_path, files), "29.3", "")
        assert tables.elements.set_index("id")["name"]["2.B.9.z"] == "Newly Found"


def with_whole_content_model(files: Files) -> Files:
    """Return the files with every rated element in the content model, as in an official release."""
    names: dict[str, str] = {}
    for name, text in files.items():
        columns, *rows = (line.split("\t") for line in text.strip().split("\r\n"))
        if "Element ID" in columns and "Element Name" in columns and name != "Content Model Reference.txt":
            places = columns.index("Element ID"), columns.index("Element Name")
            names |= {row[places[0]]: row[places[1]] for row in rows}
    table = files["Content Model Reference.txt"]
    more = "".join(f"{identity}\t{name}\tn/a\r\n" for identity, name in names.items() if f"\n{identity}\t" not in table)
    return files | {"Content Model Reference.txt": table + more}
