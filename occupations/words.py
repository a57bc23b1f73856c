"""Our own words for skills and knowledge, and the licences that some jobs ask for, from `fixtures/`."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from simple_history.utils import bulk_create_with_history

from occupations.models import CatalogueState, Element, Licence, Occupation

FIXTURES: Path = settings.BASE_DIR / "fixtures"
WORDS = ("group", "summary", "anchors")

Entry = Mapping[str, Any]


def element_entries() -> list[dict[str, Any]]:
    """Return the elements of `fixtures/elements.json`: id, domain, name, group, order, summary, anchors."""
    return json.loads((FIXTURES / "elements.json").read_text(encoding="utf-8"))


@transaction.atomic
def load_words_and_licences(new_codes: Collection[str] = ()) -> None:
    """Give elements without words ours, and make the licences that are missing; what a curator wrote stays.

    A licence that was here once, under whatever name it has now, is not made again, and is tied to further
    occupations only where these are new.

    Args:
        new_codes: Occupations that the database has only just got.
    """
    _load_licences(new_codes)
    if _load_words():
        CatalogueState.advance()


def _load_words() -> bool:
    """Return whether any element had no words of ours."""
    there = Element.objects.in_bulk()
    changed = []
    for entry in element_entries():
        element = there.get(entry["id"])
        blank = [word for word in WORDS if element and not getattr(element, word)]
        if element and blank:
            for word in blank:
                setattr(element, word, entry[word])
            changed.append(element)
    Element.objects.bulk_update(changed, WORDS)
    return bool(changed)


def _load_licences(new_codes: Collection[str]) -> None:
    file = json.loads((FIXTURES / "licences.json").read_text(encoding="utf-8"))
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry in file["licences"]:
        entries[entry["name"]].append(entry)
    known = set(Occupation.objects.values_list("code", flat=True))
    codes = {name: known.intersection(entry["code"] for entry in group) for name, group in entries.items()}
    # Under each name that it has had: curators rename licences, and delete them.
    before = {*Licence.objects.values_list("name", "pk"), *Licence.history.values_list("name", "id")}
    ever = {name for name, _ in before}
    made = bulk_create_with_history(
        [_licence(group) for name, group in entries.items() if name not in ever and codes[name]],
        Licence,
        default_change_reason="From fixtures/licences.json",
    )
    there = set(Licence.objects.values_list("pk", flat=True))
    wanted = {(licence.pk, code) for licence in made for code in codes[licence.name]}
    wanted |= {
        (pk, code) for name, pk in before if pk in there for code in codes.get(name, set()).intersection(new_codes)
    }
    through = Licence.occupations.through
    missing = wanted.difference(through.objects.values_list("licence_id", "occupation_id"))
    through.objects.bulk_create(through(licence_id=pk, occupation_id=code) for pk, code in sorted(missing))
    _load_covers(file["covers"], {licence.name for licence in made})


def _load_covers(covers: Mapping[str, Sequence[str]], made: Collection[str]) -> None:
    """Tie licences to the lesser ones that they cover, where either has only just been made."""
    pk = dict(Licence.objects.values_list("name", "pk"))
    through = Licence.covers.through
    through.objects.bulk_create(
        (
            through(from_licence_id=pk[name], to_licence_id=pk[lesser])
            for name, lessers in covers.items()
            for lesser in lessers
            if name in pk and lesser in pk and (name in made or lesser in made)
        ),
        ignore_conflicts=True,
    )


def _licence(entries: Sequence[Entry]) -> Licence:
    """Return the licence that several occupations share: the shortest way to it, in its most usual words."""
    months = min(entry["typical_months"] for entry in entries)
    notes = Counter(entry["note"] for entry in entries if entry["typical_months"] == months)
    return Licence(
        name=entries[0]["name"],
        authority=entries[0]["authority"],
        typical_months=months,
        note=notes.most_common(1)[0][0],
    )
