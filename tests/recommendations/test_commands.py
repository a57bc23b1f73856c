"""The commands recommend and score_profiles."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from occupations.models import Licence, Occupation, Release
from profiles.services import Answers
from recommendations import services
from recommendations.models import RecommendationEvent
from recommendations.scoring_file import BATCH, score_file
from tests.factories import (
    CASHIER,
    DEVELOPER,
    NURSE,
    PRACTICAL_NURSE,
    SALESPERSON,
    UNRATED,
    make_copies,
    make_world,
    refresh_catalogue,
)

V1, V2 = services.MODELS
pytestmark = pytest.mark.django_db
both_models = pytest.mark.parametrize("model", services.MODELS)


@pytest.fixture(autouse=True)
def world() -> Release:
    return make_world()


def recommend(*arguments: str) -> str:
    output = io.StringIO()
    call_command("recommend", *arguments, stdout=output)
    return output.getvalue()


@both_models
def test_recommend_prints_tiers_and_what_was_assumed(model):
    text = recommend("--occupation", CASHIER, "--model", model, "--limit", "3")
    assert text.startswith(f"{model} on O*NET 29.3\n")
    assert "35 skills are assumed from what this work asks for: Cashiers." in text
    assert "Ready now:" in text
    assert "Long-term reskill: 3 of " in text
    assert SALESPERSON in text
    assert not RecommendationEvent.objects.exists()


@both_models
def test_recommend_as_json_is_the_services_answer(model):
    answer = json.loads(recommend("--occupation", CASHIER, "--model", model, "--format", "json"))
    advice = services.recommend(Answers(current=CASHIER), model_version=model)
    assert answer["model_version"] == model
    assert answer["release"] == "29.3"
    assert answer["event_id"] is None
    for tier, items in advice.buckets.items():
        assert [item["onet_code"] for item in answer["buckets"][tier]] == [item.onet_code for item in items]
        for item, expected in zip(answer["buckets"][tier], items, strict=True):
            assert item["match_score"] == expected.match_score
            assert item["gaps"] == [{name: getattr(gap, name) for name in gap.__slots__} for gap in expected.gaps]
            assert item["training"]["kind"] == expected.training.kind


@pytest.mark.parametrize(
    "content",
    [
        {"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 4}, {"element_id": "2.A.1.b", "rating_0_4": None}]},
        {"2.A.1.a": 4, "2.A.1.b": None, "2.C.1.a": 2},
    ],
)
def test_recommend_reads_ratings_in_two_shapes(content, tmp_path):
    path = tmp_path / "ratings.json"
    path.write_text(json.dumps(content))
    assert "You rated 1 of 35 skills." in recommend("--occupation", CASHIER, "--ratings", str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"2.A.1.a": 5}', "2.A.1.a is 5"),
        ('{"2.A.1.a": true}', "2.A.1.a is True"),
        ('{"2.A.1.a": NaN}', "2.A.1.a is nan"),
        ('{"2.A.1.a": 1e400}', "2.A.1.a is inf"),
        ('{"2.A.1.a": 2.0}', "2.A.1.a is 2.0"),
        ('{"9.Z": 3, "2.A.1.a": 3}', "9.Z"),
        ('{"ratings": [7]}', "None"),
        (
            '{"ratings": [{"element_id": "2.A.1.a", "rating_0_4": 1}, {"element_id": "2.A.1.a", "rating_0_4": 2}]}',
            "twice",
        ),
        ("[1]", "neither"),
        ("{", "not JSON"),
    ],
)
def test_recommend_refuses_bad_ratings(content, said, tmp_path):
    path = tmp_path / "ratings.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=said):
        recommend("--ratings", str(path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to go by"),
        (("--occupation", "99-9999.00"), r"99-9999\.00"),
        (("--occupation", UNRATED), "no figures"),
        (("--occupation", NURSE, "--limit", "0"), "--limit"),
        (("--occupation", NURSE, "--model", "v9"), "v9"),
        (("--ratings", "/nonexistent.json"), "cannot be read"),
    ],
)
def test_recommend_says_what_is_wrong(arguments, said):
    with pytest.raises(CommandError, match=said):
        recommend(*arguments)


@pytest.fixture
def score(tmp_path: Path) -> Any:
    """Score rows under a header and return the lines of the output, and what was reported."""

    def run(header: str, *rows: str, model: str = V1, top: int = 100) -> tuple[list[dict[str, str]], str]:
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        source.write_text("\n".join([header, *rows, ""]))
        errors = io.StringIO()
        try:
            call_command(
                "score_profiles", str(source), str(target), model=model, top=top, stdout=io.StringIO(), stderr=errors
            )
        except CommandError as error:
            errors.write(str(error))
        with target.open(newline="") as lines:
            return list(csv.DictReader(lines)), errors.getvalue()

    return run


@both_models
def test_scored_file_agrees_with_the_service(score, model):
    rows, errors = score(
        "profile_id,current_occupation,2.A.1.a,2.B.1.a,2.C.1.a",
        f"ann,{CASHIER},4,,2",
        f"bob,{PRACTICAL_NURSE},,,",
        f"cyd,{NURSE},0,3,4",
        model=model,
    )
    assert errors == ""
    people = {
        "ann": Answers({"2.A.1.a": 4}, {"2.C.1.a": 2}, current=CASHIER),
        "bob": Answers(current=PRACTICAL_NURSE),
        "cyd": Answers({"2.A.1.a": 0, "2.B.1.a": 3}, {"2.C.1.a": 4}, current=NURSE),
    }
    assert list(dict.fromkeys(row["profile_id"] for row in rows)) == list(people)
    for name, answers in people.items():
        advice = services.recommend(answers, model_version=model, limit_per_bucket=100)
        expected = sorted(
            (item for items in advice.buckets.values() for item in items),
            key=lambda item: (-item.score, item.onet_code),
        )
        own = [row for row in rows if row["profile_id"] == name]
        assert [row["onet_code"] for row in own] == [item.onet_code for item in expected]
        assert [row["rank"] for row in own] == [str(rank) for rank in range(1, 12)]
        for row, item in zip(own, expected, strict=True):
            assert row["tier"] == item.bucket
            assert row["match_score"] == f"{item.match_score:.6f}"
            assert row["gap_severity"] == f"{item.gap_severity:.6f}"
            if model == V2:
                assert row["readiness"] == f"{item.readiness:.6f}"
                assert float(row["fit"]) == pytest.approx(item.fit, abs=2e-4)
                assert row["certainty"] == item.certainty
            else:
                assert "readiness" not in row


def test_holder_of_a_licensed_job_has_its_licence_in_a_file_too(score, world):
    licence = Licence.objects.get(name="Registered nurse licence")
    make_copies(NURSE, ["29-1999.00"])
    licence.occupations.add(Occupation.objects.get(pk="29-1999.00"))
    refresh_catalogue(world)
    rows, _ = score("profile_id,current_occupation", f"ann,{NURSE}", f"bob,{PRACTICAL_NURSE}", model=V2)
    tiers = {row["profile_id"]: row["tier"] for row in rows if row["onet_code"] == "29-1999.00"}
    assert tiers == {"ann": "READY_NOW", "bob": "LONG_RESKILL"}


def test_scored_file_of_many_people_keeps_their_order(score):
    n = 2 * BATCH + 3
    rows, errors = score(
        "profile_id,current_occupation,2.A.1.a",
        *(f"p{number},{CASHIER if number % 3 else NURSE},{number % 5}" for number in range(n)),
        top=2,
    )
    assert errors == ""
    assert [row["profile_id"] for row in rows] == [f"p{number}" for number in range(n) for _ in range(2)]
    assert [row["rank"] for row in rows] == ["1", "2"] * n


def test_scored_file_is_written_while_it_is_read() -> None:
    written = io.StringIO()
    written_before: dict[int, int] = {}

    def lines() -> Iterator[str]:
        yield "profile_id,current_occupation\n"
        for number in range(3 * BATCH):
            written_before[number] = written.getvalue().count("\n")
            yield f"p{number},{CASHIER}\n"

    count = score_file(lines(), written, model_version=V1, top=1, report=lambda line, sentence: None)
    assert (count.scored, count.skipped) == (3 * BATCH, 0)
    assert written_before[0] == 1  # the header
    assert written_before[BATCH + 1] == BATCH + 1
    assert written_before[2 * BATCH + 1] == 2 * BATCH + 1


def test_ties_are_ranked_by_code(score, world):
    # Of two kinds and many: a short array, or one of equal numbers, is sorted stably whatever the algorithm.
    make_copies(NURSE, [f"{number}-9999.00" for number in range(11, 98, 2)])
    make_copies(CASHIER, [f"{number}-9999.00" for number in range(12, 99, 2)])
    refresh_catalogue(world)
    rows, _ = score("profile_id,current_occupation,2.A.1.a", f"p,{DEVELOPER},1", top=200)
    ranked = [(-float(row["match_score"]), row["onet_code"]) for row in rows]
    assert len(ranked) == 11 + 88
    assert len({match for match, _ in ranked}) < 20
    assert ranked == sorted(ranked)


def test_bad_rows_are_reported_with_their_line_and_skipped(score):
    rows, errors = score(
        "profile_id,current_occupation,2.A.1.a,2.C.1.a",
        f"good,{CASHIER},3,",
        f"big,{CASHIER},5,",
        f"nan,{CASHIER},nan,",
        f"fraction,{CASHIER},1.5,",
        f"huge,{CASHIER},1e400,",
        f"knowledge,{CASHIER},,-1",
        "nowhere,11-0000.00,3,",
        f",{CASHIER},3,",
        f"short,{CASHIER},3",
        f"long,{CASHIER},3,,",
        "nothing,,,",
        f"unrated job,{UNRATED},,",
        "",
        f"  spaced ,{CASHIER}, 3 ,",
        top=1,
    )
    assert [row["profile_id"] for row in rows] == ["good", "spaced"]
    for line, said in (
        (3, "2.A.1.a is '5'"),
        (4, "2.A.1.a is 'nan'"),
        (5, "2.A.1.a is '1.5'"),
        (6, "2.A.1.a is '1e400'"),
        (7, "2.C.1.a is '-1'"),
        (8, "current_occupation '11-0000.00' is not in the loaded release"),
        (9, "profile_id is blank"),
        (10, "it has 3 cells, but the header has 4"),
        (11, "it has 5 cells, but the header has 4"),
        (12, "nothing to go by"),
        (13, "no figures for the job"),
    ):
        assert f"line {line}: {said}" in errors.replace("There is ", "").replace("O*NET has ", "")
    assert errors.endswith("11 of 13 rows were skipped.")


def test_bytes_that_are_not_utf8_are_a_bad_row(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(
        b"\xef\xbb\xbfprofile_id,current_occupation\r\n\xff\xfe,%b\r\nJos\xc3\xa9,%b\r\n" % ((CASHIER.encode(),) * 2)
    )
    errors = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 rows were skipped"):
        call_command("score_profiles", str(source), str(target), model=V1, top=1, stderr=errors)
    assert "line 2: profile_id is not UTF-8" in errors.getvalue()
    assert target.read_text(encoding="utf-8").splitlines()[1].startswith("José,1,")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("profile_id,2.A.1.a", "missing: current_occupation"),
        ("", "missing: profile_id, current_occupation"),
        ("profile_id,current_occupation,2.A.1.a,1.A.1.a.1", r"1\.A\.1\.a\.1"),
        ("profile_id,current_occupation,2.A.1.a,2.A.1.a", r"twice: 2\.A\.1\.a"),
    ],
)
def test_bad_header_ends_the_run(tmp_path, header, said):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"{header}\n")
    with pytest.raises(CommandError, match=said):
        call_command("score_profiles", str(source), str(target))
    assert target.read_text() == ""


def test_standard_streams(monkeypatch):
    text = f"profile_id,current_occupation\nann,{CASHIER}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    output = io.StringIO()
    call_command("score_profiles", "-", "-", model=V1, top=2, stdout=output)
    lines = output.getvalue().splitlines()
    assert lines[0] == "profile_id,rank,onet_code,tier,match_score,gap_severity"
    assert len(lines) == 3


def test_impossible_arguments(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("profile_id,current_occupation\n")
    for arguments, said in (
        ((str(path), str(path)), "same file"),
        ((str(path), "-", "--top", "0"), "--top"),
        ((str(tmp_path / "none.csv"), "-"), "No such file"),
        ((str(path), str(tmp_path / "no" / "out.csv")), "No such file"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("score_profiles", *arguments)
    assert path.read_text() == "profile_id,current_occupation\n"


def test_hidden_jobs_are_never_ranked(world, score):
    Occupation.objects.filter(pk=DEVELOPER).update(hidden=True)
    refresh_catalogue(world)
    rows, _ = score("profile_id,current_occupation", f"ann,{CASHIER}")
    assert DEVELOPER not in {row["onet_code"] for row in rows}
    assert len(rows) == 10
