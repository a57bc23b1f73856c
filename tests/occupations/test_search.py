import csv
import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occupations.search import SearchEntry, SearchHit, SearchIndex

ENTRIES = [
    SearchEntry("15-1252.00", "Software Developers", ["Software Engineer", "C++ Developer", "Developer"], 1_600_000),
    SearchEntry("15-1251.00", "Computer Programmers", ["Programmer", "Software Engineer"], 110_000),
    SearchEntry("15-1244.00", "Network and Computer Systems Administrators", ["Systems Admin"], 320_000),
    SearchEntry("25-2012.00", "Kindergarten Teachers, Except Special Education", ["Teacher"], 120_000),
    SearchEntry("25-2021.00", "Elementary School Teachers, Except Special Education", ["Teacher"], 1_400_000),
    SearchEntry("25-2056.00", "Special Education Teachers, Elementary School", ["Teacher"], 190_000),
    SearchEntry(
        "29-1141.00",
        "Registered Nurses",
        ["Operating Room Nurse (OR Nurse)", "Nurse", "Registered Nurse (RN)"],
        3e6,
    ),
    SearchEntry("29-1141.01", "Acute Care Nurses", ["Nurse"], 3e5),
    SearchEntry("29-1171.00", "Nurse Practitioners", ["NP", "Family Nurse"], 280_000),
    SearchEntry("33-2011.00", "Firefighters", ["Fire Inspector"], 330_000),
    SearchEntry("35-3031.00", "Waiters and Waitresses", ["Waiter", "Server", "Food Server"], 2_200_000),
    SearchEntry("37-3011.00", "Landscaping and Groundskeeping Workers", ["Nursery Worker", "Gardener"], 950_000),
    SearchEntry("39-9011.00", "Childcare Workers", ["Nanny", "Child Care Assistant"], 480_000),
    SearchEntry("41-2011.00", "Cashiers", ["Cashier", "Checker"], 3_200_000),
    SearchEntry("43-9199.00", "Office Support Workers, All Other", ["Cashier"], 140_000),
    SearchEntry("47-2111.00", "Electricians", ["Wireman"], 740_000),
    SearchEntry("53-3051.00", "Bus Drivers, School", ["Bus Driver"], 380_000),
    SearchEntry("19-3011.00", "Economists", ["Économiste"], 16_000),
]
INDEX = SearchIndex.build(ENTRIES)


def codes(query: str, index: SearchIndex = INDEX, **options) -> list[str]:
    return [hit.code for hit in index.search(query, **options)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sofware develper", "15-1252.00"),
        ("developer software", "15-1252.00"),
        ("software dev", "15-1252.00"),
        ("c++", "15-1252.00"),
        ("sys admin", "15-1244.00"),
        ("sysadmin", "15-1244.00"),
        ("kindergarden teacher", "25-2012.00"),
        ("RN", "29-1141.00"),
        ("rn.", "29-1141.00"),
        ("nurs", "29-1141.00"),
        ("registered  NURSES", "29-1141.00"),
        ("fire fighter", "33-2011.00"),
        ("waitress", "35-3031.00"),
        ("child care", "39-9011.00"),
        ("nannies", "39-9011.00"),
        ("electrition", "47-2111.00"),
        ("electrisi", "47-2111.00"),
        ("busdriver", "53-3051.00"),
        ("driver, bus", "53-3051.00"),
        ("économiste", "19-3011.00"),
        ("i am a programmer", "15-1251.00"),
    ],
)
def test_what_people_type_finds_the_job_first(query, code):
    assert codes(query)[0] == code


def test_ranks_exact_title_then_exact_alternate_then_prefix_then_all_words_then_some():
    entries = [
        SearchEntry("11-0001.00", "Bakers", []),
        SearchEntry("11-0002.00", "Cooks", ["Baker"]),
        SearchEntry("11-0003.00", "Baker Helpers", []),
        SearchEntry("11-0004.00", "Night Bakers", []),
    ]
    index = SearchIndex.build(reversed(entries))
    assert codes("baker", index) == ["11-0001.00", "11-0002.00", "11-0003.00", "11-0004.00"]
    assert codes("night cook", index) == ["11-0002.00", "11-0004.00"]
    scores = [hit.score for hit in index.search("baker")]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_matched_alternate_is_returned_as_it_is_written():
    assert INDEX.search("rn")[0].matched == "Registered Nurse (RN)"
    assert INDEX.search("or nurse")[0].matched == "Nurse"
    assert INDEX.search("registered nurse")[0].matched is None


def test_equal_alternates_are_ordered_by_the_official_title_and_then_by_weight():
    assert codes("software engineer") == ["15-1252.00", "15-1251.00"]
    assert codes("cashier") == ["41-2011.00", "43-9199.00"]
    assert codes("teacher")[0] == "25-2021.00"
    light = [SearchEntry("11-0001.00", "Alphas", ["Porter"], 1), SearchEntry("11-0002.00", "Betas", ["Porter"], 9)]
    assert codes("porter", SearchIndex.build(light)) == ["11-0002.00", "11-0001.00"]


def test_words_after_except_are_not_matched():
    assert codes("special education teacher")[0] == "25-2056.00"


def test_each_job_is_found_once():
    found = codes("nurse")
    assert len(found) == len(set(found))
    assert found[:2] == ["29-1141.00", "29-1141.01"]


@pytest.mark.parametrize("query", ["29-1141", " 29-1141 ", "291141", "29–1141", "29-1141.0", "29-114"])
def test_code_prefix_finds_the_codes_in_order(query):
    assert codes(query) == ["29-1141.00", "29-1141.01"]


def test_whole_code_finds_one():
    assert INDEX.search("29-1141.01") == [SearchHit("29-1141.01", "Acute Care Nurses", None, 1.0)]
    assert codes("29-11") == ["29-1141.00", "29-1141.01", "29-1171.00"]
    assert codes("99-9999") == []


def test_limit_and_hidden():
    assert codes("nurse", limit=1) == ["29-1141.00"]
    assert codes("nurse", limit=0) == codes("nurse", limit=-1) == []
    assert codes("nurse", limit=1, hidden=frozenset({"29-1141.00"})) == ["29-1141.01"]
    assert codes("29-1141.00", hidden=frozenset({"29-1141.00"})) == []


@pytest.mark.parametrize("query", ["", "   ", "--- , .", "\x00", "😀", "'", "zzzzzz", "?" * 5000, "q" * 5000, "\ud800"])
def test_nothing_sensible_finds_nothing(query):
    assert INDEX.search(query) == []


@given(st.text(max_size=300))
def test_no_query_raises(query):
    hits = INDEX.search(query)
    assert len({hit.code for hit in hits}) == len(hits) <= 20
    assert all(0 < hit.score <= 1 for hit in hits)


@given(st.lists(st.tuples(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=4), st.floats()), max_size=6))
def test_any_titles_can_be_indexed_found_and_stored(rows):
    index = SearchIndex.build(SearchEntry(f"11-000{i}.00", *row) for i, row in enumerate(rows))
    restored = SearchIndex.from_arrays(index.to_arrays())
    for i, (title, alternates, _) in enumerate(rows):
        for text in (title, *alternates):
            assert restored.search(text) == index.search(text)
        assert index.with_titles({f"11-000{i}.00": "Stargazers"}).search("stargazer")[0].title == "Stargazers"


def test_typing_a_whole_title_finds_it_first():
    for entry in ENTRIES:
        assert INDEX.search(entry.title)[0].code == entry.code
        assert INDEX.search(entry.title.upper())[0].matched is None


def test_snapshot_needs_no_pickle_and_answers_the_same():
    stored = io.BytesIO()
    np.savez_compressed(stored, **INDEX.to_arrays())
    stored.seek(0)
    restored = SearchIndex.from_arrays(np.load(stored, allow_pickle=False))
    for query in ("nurs", "sofware develper", "29-11", "économiste"):
        assert restored.search(query) == INDEX.search(query)


def test_snapshot_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format"):
        SearchIndex.from_arrays({**INDEX.to_arrays(), "format": np.array(0)})
    with pytest.raises(ValueError, match="format"):
        SearchIndex.from_arrays({})


def test_replaced_title_is_shown_and_found_and_the_old_one_still_finds_it():
    renamed = INDEX.with_titles({"35-3031.00": "Restaurant Hosts", "99-9999.00": "Nobody"})
    assert renamed.search("restaurant host")[0] == SearchHit(
        "35-3031.00", "Restaurant Hosts", None, pytest.approx(0.97, abs=0.03)
    )
    assert renamed.search("waiters and waitresses")[0].matched == "Waiters and Waitresses"
    assert renamed.search("35-3031")[0].title == "Restaurant Hosts"
    assert codes("nurse", renamed) == codes("nurse")
    assert INDEX.search("waiter")[0].title == "Waiters and Waitresses"
    again = SearchIndex.from_arrays(renamed.with_titles({"35-3031.00": "Table Staff"}).to_arrays())
    assert again.search("table staff")[0].title == "Table Staff"
    assert again.search("restaurant host")[0].matched == "Restaurant Hosts"
    assert INDEX.with_titles({}) is INDEX


def test_order_of_entries_does_not_matter():
    shuffled = SearchIndex.build(reversed(ENTRIES))
    for query in ("nurse", "teacher", "worker", "29"):
        assert shuffled.search(query) == INDEX.search(query)


def test_empty_index_and_repeated_code():
    assert SearchIndex.from_arrays(SearchIndex.build([]).to_arrays()).search("nurse") == []
    with pytest.raises(ValueError, match="twice"):
        SearchIndex.build([ENTRIES[0], ENTRIES[0]])


@pytest.fixture(scope="module")
def release_index() -> SearchIndex:
    path = os.environ.get("ONET_RELEASE")
    if not path or not zipfile.is_zipfile(path):
        pytest.skip("ONET_RELEASE does not name the zip of an O*NET text release")
    with zipfile.ZipFile(path) as release:
        tables = {}
        for wanted in ("Occupation Data.txt", "Alternate Titles.txt"):
            member = next((name for name in release.namelist() if name.rpartition("/")[2] == wanted), None)
            if member is None:
                pytest.skip(f"the release has no {wanted}")
            lines = io.TextIOWrapper(release.open(member), "utf-8")
            tables[wanted] = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    alternates: dict[str, list[str]] = {}
    for row in tables["Alternate Titles.txt"]:
        alternates.setdefault(row["O*NET-SOC Code"], []).append(row["Alternate Title"])
    return SearchIndex.build(
        SearchEntry(row["O*NET-SOC Code"], row["Title"], alternates.get(row["O*NET-SOC Code"], []))
        for row in tables["Occupation Data.txt"]
    )


@pytest.mark.release
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("RN", "29-1141.00"),
        ("nurs", "29-1141.00"),
        ("sofware develper", "15-1252.00"),
        ("developer software", "15-1252.00"),
        ("programmer", "15-1251.00"),
        ("cashiers", "41-2011.00"),
        ("truck driver", "53-3032.00"),
        ("cdl driver", "53-3032.00"),
        ("kindergarden teacher", "25-2012.00"),
        ("waiter", "35-3031.00"),
        ("ceo", "11-1011.00"),
        ("hr manager", "11-3121.00"),
        ("electrition", "47-2111.00"),
        ("plumer", "47-2152.00"),
        ("bookeeper", "43-3031.00"),
        ("bus driver", "53-3051.00"),
        ("cna", "31-1131.00"),
        ("customer service rep", "43-4051.00"),
        ("secretary", "43-6014.00"),
        ("attorney", "23-1011.00"),
        ("dental hygenist", "29-1292.00"),
        ("hair stylist", "39-5012.00"),
        ("cpa", "13-2011.00"),
        ("sys admin", "15-1244.00"),
        ("cyber security", "15-1212.00"),
        ("fire fighter", "33-2011.00"),
        ("child care", "39-9011.00"),
        ("office clerk", "43-9061.00"),
    ],
)
def test_real_titles_are_found_among_the_first_three(release_index, query, code):
    assert code in codes(query, release_index, limit=3)
