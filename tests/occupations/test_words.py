"""Our own words for skills and knowledge, and the curated licences, are complete and well formed."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
ELEMENTS = json.loads((FIXTURES / "elements.json").read_text(encoding="utf-8"))
LICENCE_FILE = json.loads((FIXTURES / "licences.json").read_text(encoding="utf-8"))
LICENCES = LICENCE_FILE["licences"]

# O*NET's element ids: a branch of its content model and the letters under it; a branch without letters is rated.
SKILL_LETTERS = {
    "2.A.1": "abcdef",
    "2.A.2": "abcd",
    "2.B.1": "abcdef",
    "2.B.2": "i",
    "2.B.3": "abcdeghjklm",
    "2.B.4": "egh",
    "2.B.5": "abcd",
}
KNOWLEDGE_LETTERS = {
    "2.C.1": "abcdef",
    "2.C.2": "ab",
    "2.C.3": "abcde",
    "2.C.4": "abcdefg",
    "2.C.5": "ab",
    "2.C.6": "",
    "2.C.7": "abcde",
    "2.C.8": "ab",
    "2.C.9": "ab",
    "2.C.10": "",
}
SKILL_IDS = [f"{branch}.{letter}" for branch, letters in SKILL_LETTERS.items() for letter in letters]
KNOWLEDGE_IDS = [
    f"{branch}.{letter}" if letter else branch
    for branch, letters in KNOWLEDGE_LETTERS.items()
    for letter in letters or [""]
]
SKILL_GROUPS = {
    "2.A.1": "Content",
    "2.A.2": "Process",
    "2.B.1": "Social",
    "2.B.2": "Problem solving",
    "2.B.3": "Technical",
    "2.B.4": "Systems",
    "2.B.5": "Resources",
}
AUTHORITIES = {
    "state board",
    "state agency",
    "federal agency",
    "national certification body",
    "local authority",
}


def duplicates(values):
    return [value for value, times in Counter(values).items() if times > 1]


def by_id(element):
    return element["id"]


def by_code(licence):
    return licence["code"]


@pytest.mark.parametrize(("domain", "ids"), [("skill", SKILL_IDS), ("knowledge", KNOWLEDGE_IDS)])
def test_elements_are_onets_in_its_order(domain, ids):
    elements = [element for element in ELEMENTS if element["domain"] == domain]

    assert len(ids) == {"skill": 35, "knowledge": 33}[domain]
    assert [element["id"] for element in elements] == ids
    assert [element["order"] for element in elements] == list(range(1, len(ids) + 1))


def test_skills_come_before_knowledge_and_nothing_else_is_there():
    assert [element["id"] for element in ELEMENTS] == SKILL_IDS + KNOWLEDGE_IDS


def test_skill_groups_follow_the_ids():
    for element in ELEMENTS[: len(SKILL_IDS)]:
        assert element["group"] == SKILL_GROUPS[element["id"].rsplit(".", 1)[0]]


def test_groups_are_contiguous():
    groups = [element["group"] for element in ELEMENTS]
    starts = [group for before, group in zip(["", *groups], groups, strict=False) if group != before]

    assert duplicates(starts) == []


@pytest.mark.parametrize("element", ELEMENTS, ids=by_id)
def test_element_has_a_name_a_group_and_a_summary_sentence(element):
    assert set(element) == {"id", "domain", "name", "group", "order", "summary", "anchors"}
    for key in ("name", "group", "summary"):
        assert element[key]
        assert element[key] == element[key].strip()
    assert element["summary"].endswith(".")


@pytest.mark.parametrize("element", ELEMENTS, ids=by_id)
def test_element_has_one_short_anchor_per_rating(element):
    assert len(element["anchors"]) == 5
    for anchor in element["anchors"]:
        assert anchor
        assert anchor == anchor.strip()
        assert len(anchor) <= 90


def test_no_anchor_or_summary_is_used_twice():
    assert duplicates(anchor.casefold() for element in ELEMENTS for anchor in element["anchors"]) == []
    assert duplicates(element["summary"].casefold() for element in ELEMENTS) == []


def test_licences_are_labelled_as_general_knowledge():
    assert "general knowledge" in LICENCE_FILE["about"]
    assert "differ by state" in LICENCE_FILE["about"]
    assert len(LICENCES) >= 60


@pytest.mark.parametrize("licence", LICENCES, ids=by_code)
def test_licence_is_well_formed(licence):
    assert set(licence) == {"code", "name", "authority", "typical_months", "note"}
    assert re.fullmatch(r"\d{2}-\d{4}\.\d{2}", licence["code"])
    assert licence["name"]
    assert licence["authority"] in AUTHORITIES
    assert type(licence["typical_months"]) is int
    assert 0 <= licence["typical_months"] <= 120
    assert licence["note"].endswith(".")


def test_no_licence_is_listed_twice_for_an_occupation():
    assert duplicates((licence["code"], licence["name"]) for licence in LICENCES) == []


def test_a_licence_has_one_kind_of_authority():
    kinds = {(licence["name"], licence["authority"]) for licence in LICENCES}

    assert duplicates(name for name, _ in kinds) == []


def test_covered_licences_exist_and_none_covers_itself():
    names = {licence["name"] for licence in LICENCES}
    for name, lessers in LICENCE_FILE["covers"].items():
        assert {name, *lessers} <= names
        assert name not in lessers
