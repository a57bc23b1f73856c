"""The catalogue: an immutable snapshot of the active data as arrays, one per process, rebuilt when it is old."""

import io
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from occupations.arrays import JobArrays, RatedElements
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    Element,
    Occupation,
    PayOutlook,
    Rating,
    Release,
    Snapshot,
    Task,
)
from occupations.search import SearchEntry, SearchIndex
from occupations.text import task_vectors, title_vectors


class NoReleaseError(Exception):
    """No O*NET data is loaded, so there is nothing to search or to score."""

    def __init__(self) -> None:
        super().__init__(
            "No O*NET data is loaded yet. Run `manage.py seed_demo` for the starter set, "
            "or `manage.py import_onet SOURCE` for an official release."
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All active occupations of one revision.

    Args:
        revision: The number in the database that this was built for.
        release: The active release.
        jobs: The figures, one row per occupation, sorted by code.
        titles: One per row; a curator's title wins.
        row: The row of each O*NET-SOC code.
        elements: Skills and knowledge areas by element id.
        index: The search index over titles, alternate titles and codes.
        hidden: Codes that a curator has hidden.
    """

    revision: int
    release: Release
    jobs: JobArrays
    titles: tuple[str, ...]
    row: dict[str, int]
    elements: dict[str, Element]
    index: SearchIndex
    hidden: frozenset[str]


_lock = threading.Lock()
_current: Catalogue | None = None


def get_catalogue() -> Catalogue:
    """Return this process's catalogue, built anew when the database has a newer revision.

    Raises:
        NoReleaseError: No release is active.
    """
    global _current
    revision = CatalogueState.objects.filter(pk=1).values_list("revision", flat=True).first()
    if revision is None:
        raise NoReleaseError
    if _current is None or _current.revision != revision:
        with _lock:
            if _current is None or _current.revision != revision:
                _current = _load(revision)
    return _current


def read_catalogue() -> Catalogue:
    """Return a catalogue of what this transaction sees; no process keeps it.

    Raises:
        NoReleaseError: No release is active.
    """
    return _load(revision=-1)


def forget_catalogue() -> None:
    """Drop this process's catalogue; for tests, where each test has a database of its own."""
    global _current
    _current = None


def _load(revision: int) -> Catalogue:
    release = Release.objects.filter(state=Release.State.ACTIVE).first()
    snapshot = Snapshot.objects.filter(release=release).first() if release else None
    if release is None or snapshot is None:
        raise NoReleaseError
    arrays = dict(np.load(io.BytesIO(snapshot.arrays), allow_pickle=False))
    codes = tuple(str(code) for code in arrays["codes"])
    jobs_by_code = Occupation.objects.defer("onet_description", "curated_summary", "note").in_bulk(codes)
    occupations = [jobs_by_code[code] for code in codes]
    elements = Element.objects.in_bulk([*map(str, arrays["skill_ids"]), *map(str, arrays["knowledge_ids"])])
    curated = {job.code: job.curated_title for job in occupations if job.curated_title}
    index = SearchIndex.from_arrays(
        {name.removeprefix("search_"): array for name, array in arrays.items() if name.startswith("search_")}
    )
    jobs = JobArrays(
        codes=codes,
        zones=np.array([job.zone or 0 for job in occupations], np.int8),
        scored=np.array([job.ratings_from != Occupation.RatingsFrom.NONE and not job.hidden for job in occupations]),
        estimated=np.array([job.estimated for job in occupations]),
        skills=_rated_elements(arrays, "skill"),
        knowledge=_rated_elements(arrays, "knowledge"),
        task_vectors=arrays["task_vectors"],
        title_vectors=arrays["title_vectors"],
    )
    return Catalogue(
        revision=revision,
        release=release,
        jobs=jobs,
        titles=tuple(job.title for job in occupations),
        row={code: row for row, code in enumerate(codes)},
        elements=elements,
        index=index.with_titles(curated) if curated else index,
        hidden=frozenset(job.code for job in occupations if job.hidden),
    )


def _rated_elements(arrays: dict[str, np.ndarray], domain: str) -> RatedElements:
    return RatedElements(
        ids=tuple(str(element) for element in arrays[f"{domain}_ids"]),
        importance=arrays[f"{domain}_importance"],
        level=arrays[f"{domain}_level"],
        relevant=arrays[f"{domain}_relevant"],
        suppressed=arrays[f"{domain}_suppressed"],
    )


def write_snapshot(release: Release) -> None:
    """Compute the release's arrays, text vectors and search index from the database and store them."""
    codes = list(Occupation.objects.filter(retired=False).order_by("code").values_list("code", flat=True))
    row = {code: number for number, code in enumerate(codes)}
    arrays: dict[str, np.ndarray] = {"codes": np.array(codes, dtype="U10")}
    for domain in (Element.Domain.SKILL, Element.Domain.KNOWLEDGE):
        arrays |= _rating_arrays(domain, row)
    occupations = list(Occupation.objects.filter(retired=False).order_by("code"))
    alternates = _texts(AlternateTitle.objects.values_list("occupation_id", "title"))
    short_titles = _texts(AlternateTitle.objects.exclude(short_title="").values_list("occupation_id", "short_title"))
    tasks = _texts(Task.objects.values_list("occupation_id", "text"))
    arrays["title_vectors"] = title_vectors(
        [" ; ".join([job.onet_title, *alternates[job.code]]) for job in occupations]
    )
    arrays["task_vectors"] = task_vectors(
        [" ".join([job.onet_description, *tasks[job.code]]) if tasks[job.code] else "" for job in occupations]
    )
    employment = dict(PayOutlook.objects.exclude(employment=None).values_list("soc", "employment"))
    index = SearchIndex.build(
        SearchEntry(
            code=job.code,
            title=job.onet_title,
            alternates=[*alternates[job.code], *short_titles[job.code]],
            weight=float(np.log1p(employment.get(job.soc, 0) or 0)),
        )
        for job in occupations
    )
    arrays |= {f"search_{name}": array for name, array in index.to_arrays().items()}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    Snapshot.objects.update_or_create(release=release, defaults={"arrays": packed.getvalue()})


def _texts(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for code, text in pairs:
        texts[code].append(text)
    return texts


def _rating_arrays(domain: str, row: dict[str, int]) -> dict[str, np.ndarray]:
    ids = list(Element.objects.filter(domain=domain).order_by("order", "id").values_list("id", flat=True))
    column = {element: number for number, element in enumerate(ids)}
    shape = (len(row), len(ids))
    importance = np.full(shape, np.nan, np.float32)
    level = np.full(shape, np.nan, np.float32)
    relevant = np.zeros(shape, bool)
    suppressed = np.zeros(shape, bool)
    ratings = Rating.objects.filter(element__domain=domain, occupation__retired=False).values_list(
        "occupation_id", "element_id", "importance", "level", "not_relevant", "suppress"
    )
    for code, element, im, lv, not_relevant, suppress in ratings.order_by().iterator(chunk_size=20_000):
        at = row[code], column[element]
        importance[at], level[at] = im, lv
        relevant[at], suppressed[at] = not not_relevant, suppress
    return {
        f"{domain}_ids": np.array(ids, dtype="U20"),
        f"{domain}_importance": importance,
        f"{domain}_level": level,
        f"{domain}_relevant": relevant,
        f"{domain}_suppressed": suppressed,
    }
