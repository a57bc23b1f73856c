"""The client gives whole pages and nothing less, of both generations, from the service itself and nobody else."""

import time
from collections.abc import Iterator
from itertools import count, pairwise

import pytest
import responses

from occupations.web_answers import (
    BadAnswerError,
    ChangedError,
    NoDataError,
    RateLimitedError,
    RevokedKeyError,
    UnavailableError,
    WrongKeyError,
)
from occupations.web_services import WebServices
from tests.fake_onet import FakeOnet, Release, read_release
from tests.occupations.release_builder import DEVELOPER, NURSE, PSYCHIATRIC_NURSE, old_layout, write_zip
from tests.occupations.web_clients import ABOUT, KEY, URL, Clock, client_of, sentence


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(clock: Clock) -> Iterator[WebServices]:
    with WebServices(URL, key=KEY, clock=clock, sleep=clock.sleep) as client:
        yield client


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return read_release(write_zip(tmp_path_factory.mktemp("release") / "db_29_3_text.zip", old_layout()))


@pytest.fixture
def fake(release: Release) -> Iterator[FakeOnet]:
    with FakeOnet(release) as server:
        yield server


def page(start: int, end: int, total: int, **more) -> dict:
    return {"start": start, "end": end, "total": total, "row": [{"n": n} for n in range(start, end + 1)], **more}


class TestAnswers:
    @pytest.mark.parametrize(
        "body",
        [
            "<!DOCTYPE html><html></html>",
            '{"start": 1, "en',
            "",
            "\xff",
            '{"start": 1, "end": 1, "total": 1, "row": [{"n": NaN}]}',
            '{"start": NaN}',
            "[" * 100_000,
            "[]",
            "1",
        ],
    )
    def test_not_a_page(self, services, web, body):
        web.get(f"{URL}database/rows/skills", body=body)
        with pytest.raises(BadAnswerError) as error:
            services.rows("skills", 1, 2)
        assert "database/rows/skills?start=1&end=2" in sentence(error)

    @pytest.mark.parametrize(
        "answer",
        [
            page(1, 2, 9) | {"row": []},
            page(1, 2, 9) | {"row": [{"n": 1}]},
            page(1, 2, 9) | {"row": [{"n": 1}, {"n": 1}]},
            page(1, 2, 9) | {"row": [{"n": 1}, 2]},
            page(1, 2, 9) | {"row": [{"n": 1}, {"n": [2]}]},
            page(1, 2, 9) | {"row": {"n": 1}},
            page(1, 2, 9) | {"total": "9"},
            page(1, 1, 1) | {"total": True},
            page(1, 2, 1),
            page(1, 3, 9),
            page(2, 2, 9),
            {"row": [{"n": 1}, {"n": 2}]},
        ],
    )
    def test_page_that_is_not_whole(self, services, web, answer):
        web.get(f"{URL}database/rows/skills", json=answer)
        with pytest.raises(BadAnswerError) as error:
            services.rows("skills", 1, 2)
        sentence(error)
        assert len(web.calls) == 5

    def test_service_may_give_smaller_pages(self, services, web):
        web.get(f"{URL}database/rows/skills?start=1&end=4", json=page(1, 2, 3))
        web.get(f"{URL}database/rows/skills?start=3&end=6", json=page(3, 3, 3))
        assert [row["n"] for row in services.iter_rows("skills", page_size=4)] == [1, 2, 3]

    def test_empty_table(self, services, web):
        web.get(f"{URL}database/rows/skills", json={"start": 1, "end": 0, "total": 0})
        assert list(services.iter_rows("skills")) == []

    def test_next_is_followed_on_the_own_host(self, services, web):
        link = f"{URL}database/rows/skills?start=2&end=2&cursor=x"
        web.get(f"{URL}database/rows/skills?start=1&end=1", json=page(1, 1, 2, next=link))
        web.get(link, json=page(2, 2, 2))
        assert len(list(services.iter_rows("skills", page_size=1))) == 2

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/database/rows/skills?start=2&end=2",
            "http://api.example/database/rows/skills?start=2&end=2",
            "https://api.example:8443/database/rows/skills?start=2&end=2",
            "https://api.example@evil.example/",
            "https://me:you@api.example/database/rows/skills?start=2&end=2",
            "//evil.example/",
            "https://[",
            5,
        ],
    )
    def test_next_elsewhere_is_not_followed(self, services, web, link):
        web.get(f"{URL}database/rows/skills?start=1&end=1", json=page(1, 1, 2, next=link))
        web.get(f"{URL}database/rows/skills?start=2&end=2", json=page(2, 2, 2))
        assert len(list(services.iter_rows("skills", page_size=1))) == 2

    def test_tables_are_listed_bare_or_under_a_key(self, services, web):
        tables = [{"table_id": "skills", "title": "Skills"}, {"title": "odd"}, {"table_id": "../x"}]
        web.get(f"{URL}database", json=tables)
        web.get(f"{URL}database", json={"table": tables})
        web.get(f"{URL}database", json={"other": tables})
        assert services.tables() == services.tables() == {"skills": "Skills"}
        with pytest.raises(BadAnswerError):
            services.tables()

    @pytest.mark.parametrize("about", [{}, [], {"database": {"name": "O*NET"}}, {"database": None}])
    def test_version_that_is_not_there(self, services, web, about):
        web.get(f"{URL}about", json=about)
        with pytest.raises(BadAnswerError):
            services.about()

    @pytest.mark.parametrize("code", ["29-1141", "../about", "29-1141.00/details", ""])
    def test_codes_that_are_none_are_not_asked_for(self, services, web, code):
        with pytest.raises(NoDataError):
            services.occupation(code)
        with pytest.raises(NoDataError):
            services.occupation_rows("skills", code)

    @pytest.mark.parametrize("table", ["../about", "skills?x=1", "Skills", ""])
    def test_tables_that_are_none_are_not_asked_for(self, services, web, table):
        with pytest.raises(NoDataError):
            services.rows(table, 1, 2)

    def test_answer_that_takes_for_ever(self, web):
        hours = count(0, 3600)
        web.get(f"{URL}about", json=ABOUT)
        with (
            WebServices(URL, key=KEY, tries=1, clock=lambda: next(hours), sleep=lambda seconds: None) as client,
            pytest.raises(UnavailableError) as error,
        ):
            client.about()
        assert "too long" in sentence(error)

    def test_answer_without_end(self, services, web, monkeypatch):
        monkeypatch.setattr("occupations.web_session.LARGEST_ANSWER_BYTES", 1000)
        web.get(f"{URL}about", body=b"[" * 2000)
        with pytest.raises(BadAnswerError) as error:
            services.about()
        assert "too many bytes" in sentence(error)


class TestAgainstTheFake:
    ONCE = (
        "429",
        "500",
        "503",
        "cut",
        "html",
        "truncated",
        "short",
        "duplicate",
        "repeat",
        "total",
        "hang",
        "hang_body",
    )

    @pytest.fixture
    def truth(self, fake) -> list[dict]:
        return list(fake.release.tables["skills"].rows())

    @pytest.mark.parametrize("kind", ONCE)
    def test_one_bad_page_costs_one_request_more(self, fake, truth, kind):
        fake.fail(kind, "rows/skills", after=1, times=1, seconds=2)
        with client_of(fake, read_seconds=0.1) as client:
            assert list(client.iter_rows("skills", page_size=5)) == truth
        assert len(fake.requests) == len(truth) // 5 + 1 + 1

    @pytest.mark.parametrize(
        ("kind", "error_class"),
        [
            ("429", RateLimitedError),
            ("500", UnavailableError),
            ("cut", UnavailableError),
            ("hang", UnavailableError),
            ("hang_body", UnavailableError),
            ("html", BadAnswerError),
            ("truncated", BadAnswerError),
            ("short", BadAnswerError),
            ("duplicate", BadAnswerError),
            ("repeat", ChangedError),
            ("total", ChangedError),
        ],
    )
    def test_lasting_trouble_has_a_name(self, fake, kind, error_class):
        fake.fail(kind, "rows/skills", after=1, seconds=30)
        began = time.monotonic()
        with client_of(fake, read_seconds=0.05, tries=2) as client, pytest.raises(error_class) as error:
            list(client.iter_rows("skills", page_size=5))
        sentence(error)
        assert time.monotonic() - began < 10

    def test_wrong_key(self, fake):
        with WebServices(fake.url, key="another") as client, pytest.raises(WrongKeyError) as error:
            client.about()
        assert "403" in sentence(error)
        assert not isinstance(error.value, RevokedKeyError)
        assert len(fake.requests) == 1

    def test_key_revoked_half_way(self, fake):
        fake.fail("key", after=2)
        with client_of(fake) as client, pytest.raises(RevokedKeyError) as error:
            list(client.iter_rows("skills", page_size=5))
        sentence(error)
        assert len(fake.requests) == 3

    def test_server_that_is_gone(self, fake):
        fake.close()
        with client_of(fake, tries=2) as client, pytest.raises(UnavailableError) as error:
            client.about()
        sentence(error)

    def test_foreign_next_is_not_followed(self, fake, truth):
        fake.fail("foreign_next")
        with client_of(fake) as client:
            assert list(client.iter_rows("skills", page_size=5)) == truth

    @pytest.mark.parametrize("filter_name", ["filter", "filter1", ""])
    def test_rows_of_one_occupation(self, release, filter_name):
        with FakeOnet(release, filter_name=filter_name) as fake, client_of(fake) as client:
            rows = client.occupation_rows("skills", NURSE)
            assert client.occupation_rows("skills", DEVELOPER) == []
        assert rows == [row for row in release.tables["skills"].rows() if row["onetsoc_code"] == NURSE]

    @pytest.mark.parametrize("generation", ["2.0", "1.9"])
    def test_both_generations(self, release, truth, generation):
        with FakeOnet(release, generation=generation) as fake, client_of(fake) as client:
            assert client.about().version == "29.3"
            assert client.tables()["skills"] == "Skills"
            assert client.table_info("skills")["table_id"] == "skills"
            assert client.columns("skills")["O*NET-SOC Code"] == "onetsoc_code"
            assert list(client.iter_rows("skills", page_size=4)) == truth
            found = client.search("nurses", 1, 2)
            assert (found.total, len(found.rows)) == (3, 2)
            assert client.search("nobody does this").rows == []
            occupation = client.occupation(NURSE)
            assert (occupation["code"], occupation["title"]) == (NURSE, "Registered Nurses")
            assert occupation["sample_of_reported_titles"] == ["Ward Nurse", "Night Nurse"]
            assert len(client.details(NURSE, "skills")["element"]) == 3
            assert client.details(NURSE, "job_zone")["code"] == 3

    @pytest.mark.parametrize(("generation", "status"), [("2.0", 404), ("2.0", 422), ("1.9", 422)])
    def test_nothing_under_a_code(self, release, generation, status):
        with (
            FakeOnet(release, generation=generation, unknown_code_status=status) as fake,
            client_of(fake) as client,
        ):
            for code, section in (("99-9999.00", ""), (PSYCHIATRIC_NURSE, "skills")):
                with pytest.raises(NoDataError) as error:
                    client.details(code, section) if section else client.occupation(code)
                sentence(error)
            with pytest.raises(NoDataError):
                client.rows("no_such_table", 1, 2)

    def test_requests_come_one_at_a_time(self, fake):
        with client_of(fake) as client:
            list(client.iter_rows("skills", page_size=5))
        assert all(one.at + one.seconds <= other.at for one, other in pairwise(fake.requests))
