"""The fake answers as O*NET Web Services are known to: each point of the checklist, with nothing but requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fake_onet import FakeOnet, Release, read_release
from tests.occupations.release_builder import (
    DEVELOPER,
    NURSE,
    PROGRAMMER,
    TITLES,
    ZONES,
    new_layout,
    old_layout,
    table,
    write_folder,
    write_zip,
)

SECONDS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    zone_names = ["Job Zone", "Name", "Experience", "Education", "Job Training", "Examples", "SVP Range"]
    zones = [[zone, f"Job Zone {zone}", "Some", "Some", "Some", "A", "(Below 4)"] for zone in range(1, 6)]
    files = old_layout() | {
        "Job Zone Reference.txt": table(zone_names, zones),
        "Scales Reference.txt": table(
            ["Scale ID", "Scale Name", "Minimum", "Maximum"], [["IM", "Importance", 1, 5], ["LV", "Level", 0, 7]]
        ),
    }
    files["Job Zones.txt"] = files["Job Zones.txt"].replace(f"{NURSE}\t3", f"{NURSE}\t1")
    return write_folder(tmp_path_factory.mktemp("old") / "release", files)


@pytest.fixture(scope="module")
def release(folder: Path) -> Release:
    return read_release(folder)


@pytest.fixture
def fake(release: Release) -> Iterator[FakeOnet]:
    with FakeOnet(release) as server:
        yield server


def get(fake: FakeOnet, path: str, headers: dict | None = None) -> requests.Response:
    if headers is None:
        headers = {"X-API-Key": fake.key}
    with requests.Session() as session:
        if fake.generation == "1.9":
            session.auth = (fake.username, fake.password)
            headers = {"Accept": "application/json"} if "Accept" not in headers else headers
        answer = session.get(f"{fake.url}{path}", headers=headers, timeout=SECONDS, allow_redirects=False)
        assert answer.content is not None
    return answer


def rows_of(fake: FakeOnet, table_id: str) -> list[dict]:
    return get(fake, f"database/rows/{table_id}?start=1&end=1000").json()["row"]


class TestKey:
    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("about", {}),
            ("about", {"X-API-Key": "wrong"}),
            ("about?key=a-made-up-key&X-API-Key=a-made-up-key", {}),
            ("about", {"Authorization": "Bearer a-made-up-key"}),
        ],
    )
    def test_missing_or_wrong(self, fake, path, headers):
        answer = get(fake, path, headers)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "text/html"
        with pytest.raises(requests.JSONDecodeError):
            answer.json()

    def test_only_this_machine_is_served(self, fake):
        assert fake.url.startswith("http://127.0.0.1:")
        assert fake._server.server_address[0] == "127.0.0.1"


class TestPaths:
    @pytest.mark.parametrize("path", ["about", "about/"])
    def test_about(self, fake, path):
        about = get(fake, path).json()
        assert about["api_version"] == "2.0.0"
        assert about["database"]["name"] == "O*NET 29.3"

    def test_tables(self, fake):
        tables = get(fake, "database").json()
        assert {"skills", "occupation_data", "education_training_experience"} <= {one["table_id"] for one in tables}
        assert set(tables[0]) == {"table_id", "title", "description", "info", "rows"}

    def test_columns(self, fake):
        columns = {one["column_id"]: one for one in get(fake, "database/info/skills").json()["column"]}
        assert columns["onetsoc_code"]["title"] == "O*NET-SOC Code"
        assert columns["data_value"]["type"] == "Number"
        assert columns["date_updated"]["type"] == "Date"

    def test_rows(self, fake):
        page = get(fake, "database/rows/skills?start=2&end=3").json()
        assert (page["start"], page["end"], page["total"]) == (2, 3, 18)
        assert page["row"][0] == {
            "onetsoc_code": PROGRAMMER,
            "title": "Computer Programmers",
            "element_id": "2.A.1.a",
            "element_name": "Reading Comprehension",
            "scale_id": "LV",
            "scale_name": "Level",
            "data_value": page["row"][0]["data_value"],
            "n": 8,
            "standard_error": 0.1,
            "lower_ci_bound": 0,
            "upper_ci_bound": 7,
            "recommend_suppress": "N",
            "not_relevant": "N",
            "date_updated": "2023-08-01",
            "domain_source": "Analyst",
        }

    def test_occupation_and_its_sections(self, fake):
        overview = get(fake, f"online/occupations/{NURSE}/").json()
        assert overview["title"] == TITLES[NURSE]
        assert overview["sample_of_reported_titles"] == ["Ward Nurse", "Night Nurse"]
        for kind in ("details", "summary"):
            elements = get(fake, f"online/occupations/{NURSE}/{kind}/skills").json()["element"]
            assert ("importance" in elements[0]) == (kind == "details")
            assert "level" not in elements[0]
        assert get(fake, f"online/occupations/{NURSE}/details/job_zone").json()["code"] == 1
        education = get(fake, f"online/occupations/{NURSE}/details/education").json()["response"]
        assert [share["code"] for share in education] == [5, 6]
        related = get(fake, f"online/occupations/{NURSE}/details/related_occupations").json()
        assert related["total"] == 1

    def test_importance_is_rounded_half_up(self, folder):
        release = read_release(folder)
        lines = release.tables["skills"].lines
        lines[0] = lines[0].replace(lines[0].split("\t")[4], "4.86")  # 96.5
        with FakeOnet(release) as fake:
            elements = get(fake, f"online/occupations/{PROGRAMMER}/details/skills").json()["element"]
        assert elements[0]["importance"] == 97

    def test_list_of_all_occupations(self, fake):
        page = get(fake, "online/occupations/?start=1&end=1000").json()
        assert {one["code"] for one in page["occupation"]} == set(TITLES)

    @pytest.mark.parametrize("path", ["nothing", "database/rows/nothing", "database/info/nothing", "mnm/careers/x"])
    def test_other_paths(self, fake, path):
        assert get(fake, path).status_code == 404

    @pytest.mark.parametrize("status", [404, 422])
    def test_unknown_code(self, release, status):
        with FakeOnet(release, unknown_code_status=status) as fake:
            answer = get(fake, "online/occupations/99-9999.00/")
            assert answer.status_code == status
            assert ("error" in answer.text) == (status == 422)

    def test_occupation_without_skills_and_one_without_a_zone(self, fake):
        (without,) = set(TITLES) - set(ZONES)
        assert get(fake, f"online/occupations/{DEVELOPER}/details/skills").status_code == 404
        assert get(fake, f"online/occupations/{DEVELOPER}/details/job_zone").status_code == 200
        assert get(fake, f"online/occupations/{without}/details/job_zone").status_code == 404

    def test_flags_and_nulls(self, folder):
        release = read_release(folder)
        lines = release.tables["skills"].lines
        lines[1] = lines[1].replace("\t0.1\t0\t7\tN", "\tn/a\t0\t7\tY")
        with FakeOnet(release) as fake:
            rows = rows_of(fake, "skills")
        assert rows[1]["standard_error"] is None
        assert rows[1]["recommend_suppress"] == "Y"
        assert rows[0]["not_relevant"] is None
        assert any(row["not_relevant"] == "Y" for row in rows)


class TestPaging:
    @pytest.mark.parametrize(
        ("path", "size"),
        [
            ("database/rows/skills", 18),
            ("database/rows/knowledge", 18),
            ("online/occupations/", 6),
        ],
    )
    def test_twenty_by_default(self, fake, path, size):
        page = get(fake, path).json()
        assert (page["start"], page["end"]) == (1, size)

    def test_default_sizes(self, folder):
        many = read_release(folder)
        skills = many.tables["skills"]
        extra = [line.replace("2.A.1.a", f"2.A.9.{place}") for place in range(30) for line in skills.lines[:1]]
        skills.lines = [*skills.lines, *extra]
        with FakeOnet(many) as fake:
            assert get(fake, "database/rows/skills").json()["end"] == 20
            assert get(fake, f"online/occupations/{PROGRAMMER}/details/skills").json()["end"] == 10
            assert get(fake, f"online/occupations/{PROGRAMMER}/summary/skills").json()["end"] == 5

    def test_links_where_there_is_something(self, fake):
        first, middle, last = (
            get(fake, f"database/rows/skills?start={start}&end={start + 5}").json() for start in (1, 7, 13)
        )
        assert "prev" not in first
        assert first["next"] == f"{fake.url}database/rows/skills?start=7&end=12"
        assert middle["prev"] == f"{fake.url}database/rows/skills?start=1&end=6"
        assert "next" not in last

    @pytest.mark.parametrize("window", ["start=1&end=1001", "start=0&end=5", "start=5&end=1", "start=x&end=1"])
    def test_windows_that_are_refused(self, fake, window):
        answer = get(fake, f"database/rows/skills?{window}")
        assert answer.status_code == 422
        assert isinstance(answer.json()["error"], str)

    def test_beyond_the_end(self, fake):
        page = get(fake, "database/rows/skills?start=19&end=30").json()
        assert (page["total"], page["row"]) == (18, [])

    def test_filter(self, fake):
        rows = get(fake, f"database/rows/skills?filter=onetsoc_code.eq.{NURSE}&filter=scale_id.eq.im").json()
        assert rows["total"] == 3
        ignored = get(fake, f"database/rows/skills?filter1=onetsoc_code.eq.{NURSE}").json()
        assert ignored["total"] == 18


class TestSearch:
    def test_no_keyword(self, fake):
        answer = get(fake, "online/search")
        assert answer.status_code == 422
        assert answer.json() == {"error": "must have required property 'keyword'"}

    def test_nothing_found(self, fake):
        page = get(fake, "online/search?keyword=astronaut").json()
        assert page == {"start": 1, "end": 0, "total": 0, "occupation": []}

    def test_found(self, fake):
        page = get(fake, "online/search?keyword=nurse&start=1&end=2").json()
        assert page["total"] == 3
        assert set(page["occupation"][0]) == {"href", "code", "title", "tags"}
        assert "keyword=nurse" in page["next"]
        assert get(fake, "online/search?keyword=29-1141").json()["total"] == 3


class TestOldGeneration:
    @pytest.fixture
    def fake(self, release: Release) -> Iterator[FakeOnet]:
        with FakeOnet(release, generation="1.9") as server:
            yield server

    def test_password_and_paths(self, fake):
        assert fake.url.endswith("/ws/")
        with requests.Session() as session:
            for credentials in (None, (fake.username, "wrong")):
                answer = session.get(f"{fake.url}about", auth=credentials, timeout=SECONDS)
                assert answer.status_code == 401
            assert session.get(f"http://127.0.0.1:{fake.port}/about", timeout=SECONDS).status_code in (401, 404)

    def test_xml_unless_asked_for_json(self, fake):
        assert get(fake, "about", {"Accept": "*/*"}).text.startswith("<?xml")
        assert get(fake, "about", {}).json()["api_version"] == "1.9"

    def test_links(self, fake):
        page = get(fake, "database/rows/skills?start=1&end=5").json()
        assert page["link"] == [{"href": f"{fake.url}database/rows/skills?start=6&end=10", "rel": "next"}]
        assert "next" not in page
        assert page["table_id"] == "skills"

    def test_search(self, fake):
        page = get(fake, "online/search?keyword=nurse").json()
        assert page["keyword"] == "nurse"
        assert page["occupation"][0]["relevance_score"] == 100
        assert page["occupation"][0]["tags"] == {"bright_outlook": False, "green": False}
        answer = get(fake, "online/search")
        assert answer.json() == {"error": 'The required parameter "keyword" was not provided.'}

    def test_unknown_code_and_no_data(self, fake):
        for path in ("online/occupations/99-9999.00/", f"online/occupations/{DEVELOPER}/details/skills"):
            answer = get(fake, path)
            assert answer.status_code == 422
            assert answer.json()["error"]


class TestLayouts:
    def test_old_release_split_and_renamed(self, folder, release):
        with FakeOnet(folder, layout="new") as fake:
            tables = {one["table_id"] for one in get(fake, "database").json()}
            essential, transferable = rows_of(fake, "essential_skills"), rows_of(fake, "transferable_skills")
            software = rows_of(fake, "software_skills")[0]
            assert rows_of(fake, "job_titles")[0]["job_title"] == "Registered Nurse (RN)"
            assert {row["element_id"] for row in rows_of(fake, "education")} == {"2.D.1"}
            assert {row["element_id"] for row in rows_of(fake, "training_and_experience")} == {"3.A.1"}
            assert get(fake, f"online/occupations/{NURSE}/details/skills").json()["total"] == 3
        assert not tables & {"skills", "alternate_titles", "technology_skills", "education_training_experience"}
        assert {row["element_id"][:3] for row in essential} == {"2.A"}
        assert {row["element_id"][:3] for row in transferable} == {"2.B"}
        assert len(essential) + len(transferable) == len(release.tables["skills"])
        assert (software["workplace_example"], software["element_name"]) == (
            "Python",
            "Web platform development software",
        )

    def test_zones_are_merged_only_when_asked(self, folder):
        for merge, zones, first in (
            (False, {1, 3, 4, 5}, "Job Zone 1"),
            (True, {2, 3, 4, 5}, "Job Zone 1-2: Very Little to Some Preparation Needed"),
        ):
            with FakeOnet(folder, layout="new", merge_zones=merge) as fake:
                assert {row["job_zone"] for row in rows_of(fake, "job_zones")} == zones
                reference = rows_of(fake, "job_zone_reference")
                assert reference[0]["name"] == first
                assert len(reference) == (4 if merge else 5)

    def test_new_release(self, tmp_path):
        release = write_zip(tmp_path / "db_30_3_text.zip", new_layout())
        with FakeOnet(release) as fake:
            assert get(fake, "about").json()["database"]["name"] == "O*NET 30.3"
            assert rows_of(fake, "essential_skills")
        with pytest.raises(ValueError, match="old layout"):
            FakeOnet(release, layout="old")

    def test_plain_rows(self, folder):
        with FakeOnet(folder, plain_rows=True) as fake:
            assert not {"title", "element_name", "scale_name"} & set(rows_of(fake, "skills")[0])
            assert rows_of(fake, "occupation_data")[0]["title"]
