"""Score a file of people against all jobs: read, score and write in batches, in constant memory."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from occupations.services import Catalogue, get_catalogue
from recommendations.scoring import v1
from recommendations.scoring.batch import score_many
from recommendations.scoring.fit import fit_many
from recommendations.scoring.person import UNRATED, Floats, Person
from recommendations.scoring.thresholds import TIER_NAMES, V1Thresholds, V2Thresholds
from recommendations.scoring_run import (
    V1,
    EmptyProfileError,
    Tables,
    Thresholds,
    certainty,
    check_not_empty,
    get_tables,
    licence_months,
    order_by,
    thresholds_in_force,
    unmet_licences,
)

BATCH = 256
PERSON_COLUMNS = ("profile_id", "current_occupation")
COLUMNS = ("profile_id", "rank", "onet_code", "tier", "match_score", "gap_severity")
LEVEL_AWARE_COLUMNS = ("readiness", "knowledge_readiness", "fit", "certainty")
RATINGS = {"": UNRATED, "0": 0, "1": 1, "2": 2, "3": 3, "4": 4}

# Two different matches over whole-number weights (at most 3,500 in sum) differ by more than 2e-6, so that six
# decimals keep every rank of the baseline visible in the file; fit is rounded to four before it is ranked.
NUMBER = "{:.6f}".format

Report = Callable[[int, str], None]


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


class BadHeaderError(Exception):
    """The first line does not say which columns the file has."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many people were scored, and how many rows skipped."""

    scored: int
    skipped: int


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """A batch's figures; arrays have shape (n_people, n_jobs).

    Args:
        score: What ranks the jobs.
        tier: `Tier` numbers.
        match: v1's match.
        gap: v1's gap.
        more: Further columns: a person and rows in, one text for each row out.
    """

    score: Floats
    tier: npt.NDArray[np.int8]
    match: Floats
    gap: Floats
    more: tuple[Callable[[int, npt.NDArray[np.intp]], list[str]], ...] = ()


def score_file(lines: Iterable[str], output: Writable, *, model_version: str, top: int, report: Report) -> Count:
    """Score each person of a CSV file against all jobs but the one they hold, and write the best as CSV.

    The input has `profile_id`, `current_occupation` and one column per skill or knowledge area, named by its
    element id: 0-4, or blank for unrated. The output has `COLUMNS`, and `LEVEL_AWARE_COLUMNS` under the
    level-aware model; jobs stand in the order of the model's score, ties by code; numbers have six decimals.

    Args:
        lines: The input, with its line ends.
        output: Where to write.
        model_version: One of `MODELS`.
        top: The most jobs of a person.
        report: Called with the line number and a sentence for each row that is skipped.

    Raises:
        BadHeaderError: A column is missing, unknown or there twice; nothing is written.
        UnknownModelError: There is no such model.
        NoReleaseError: No O*NET data is loaded.
    """
    catalogue = get_catalogue()
    tables = get_tables(catalogue)
    thresholds = thresholds_in_force(model_version)
    skipped = 0

    def skip(line: int, sentence: str) -> None:
        nonlocal skipped
        skipped += 1
        report(line, sentence)

    people = _read(lines, catalogue, model_version, skip)
    next(people)  # the header is read before anything is written
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS if model_version == V1 else COLUMNS + LEVEL_AWARE_COLUMNS)
    scored_rows = np.flatnonzero(catalogue.jobs.scored)
    months = _months_by_current(tables)
    scored = 0
    for batch in _batches(people):
        persons = [person for _, person in batch]
        figures = _figures(persons, tables, thresholds, months)
        # Rows are sorted by code, and a stable sort keeps that order among ties.
        order = scored_rows[np.argsort(-figures.score[:, scored_rows], axis=1, kind="stable")]
        for number, (profile_id, person) in enumerate(batch):
            best = order[number, : top + 1]
            best = best[best != person.current][:top] if person.current is not None else best[:top]
            writer.writerows(_lines(profile_id, number, best, figures, catalogue.jobs.codes))
        scored += len(batch)
    return Count(scored, skipped)


def _read(lines: Iterable[str], catalogue: Catalogue, model_version: str, skip: Report) -> Iterator[tuple[str, Person]]:
    """Yield each good row's profile id and person; first, once the header is read, an empty one."""
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise BadHeaderError(f"The first line cannot be read: {error}.") from error
    jobs = catalogue.jobs
    _check_header(header, {*jobs.skills.ids, *jobs.knowledge.ids})
    at = {name: column for column, name in enumerate(header)}
    parse_skills = _parser(header, jobs.skills.ids)
    parse_knowledge = _parser(header, jobs.knowledge.ids)
    yield "", Person(np.zeros(0, np.int8), np.zeros(0, np.int8))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            skip(reader.line_num, f"it cannot be read: {error}.")
            continue
        if not cells:
            continue
        try:
            if len(cells) != len(header):
                raise ValueError(f"it has {len(cells)} cells, but the header has {len(header)}.")
            profile_id, current = cells[at["profile_id"]].strip(), cells[at["current_occupation"]].strip()
            if not profile_id:
                raise ValueError("profile_id is blank.")
            if not _is_text(profile_id):
                raise ValueError("profile_id is not UTF-8.")
            if current and current not in catalogue.row:
                raise ValueError(f"current_occupation {current!a} is not in the loaded release.")
            person = Person(
                ratings=parse_skills(cells),
                knowledge_ratings=parse_knowledge(cells),
                current=catalogue.row[current] if current else None,
            )
            check_not_empty(person, catalogue, model_version)
        except (ValueError, EmptyProfileError) as error:
            skip(reader.line_num, str(error))
            continue
        yield profile_id, person


def _check_header(header: list[str], elements: set[str]) -> None:
    if missing := [name for name in PERSON_COLUMNS if name not in header]:
        raise BadHeaderError(f"The first line must name the columns; missing: {', '.join(missing)}.")
    if unknown := sorted(set(header) - elements - set(PERSON_COLUMNS)):
        raise BadHeaderError(f"These columns are no skills or knowledge areas: {', '.join(map(ascii, unknown))}.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadHeaderError(f"These columns are there twice: {', '.join(twice)}.")


def _parser(header: Sequence[str], ids: Sequence[str]) -> Callable[[Sequence[str]], npt.NDArray[np.int8]]:
    column_of = {name: column for column, name in enumerate(header)}
    given = [(number, column_of[element]) for number, element in enumerate(ids) if element in column_of]
    places = np.array([number for number, _ in given], np.intp)
    columns = [column for _, column in given]

    def parse(cells: Sequence[str]) -> npt.NDArray[np.int8]:
        ratings = np.full(len(ids), UNRATED, np.int8)
        try:
            ratings[places] = [RATINGS[cells[column]] for column in columns]
        except KeyError:
            ratings[places] = [_rating(header[column], cells[column]) for column in columns]
        return ratings

    return parse


def _rating(element: str, cell: str) -> int:
    rating = RATINGS.get(cell.strip())
    if rating is None:
        raise ValueError(f"{element} is {cell[:40]!a}; a rating is a whole number from 0 to 4, or blank.")
    return rating


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _batches(people: Iterator[tuple[str, Person]]) -> Iterator[list[tuple[str, Person]]]:
    batch: list[tuple[str, Person]] = []
    for one in people:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _figures(
    people: list[Person], tables: Tables, thresholds: Thresholds, months: Callable[[int | None], Floats]
) -> Figures:
    jobs = tables.catalogue.jobs
    ratings = np.stack([v1.capability_ratings(person, jobs)[0] for person in people])
    match, gap = v1.score(ratings, tables.v1_weights)
    if isinstance(thresholds, V1Thresholds):
        return Figures(match, v1.tier(match, gap, thresholds), match, gap)
    return _level_aware(people, tables, thresholds, months, match, gap)


def _level_aware(
    people: list[Person],
    tables: Tables,
    thresholds: V2Thresholds,
    months: Callable[[int | None], Floats],
    match: Floats,
    gap: Floats,
) -> Figures:
    scores = score_many(
        people,
        tables.v2(thresholds),
        licence_months=np.stack([months(person.current) for person in people]),
        thresholds=thresholds,
    )
    fitting = fit_many(people, tables.fit)
    estimated = tables.catalogue.jobs.estimated
    score = order_by(fitting.fit, scores.readiness)
    knowledge = np.where(scores.knowledge_known_share >= thresholds.known_share, scores.knowledge, np.nan)
    fit = np.where(np.isnan(fitting.fit), np.nan, score)
    return Figures(
        score,
        scores.tier,
        match,
        gap,
        more=(
            lambda person, rows: _numbers(scores.readiness[person, rows]),
            lambda person, rows: _numbers(knowledge[person, rows]),
            lambda person, rows: _numbers(fit[person, rows]),
            lambda person, rows: certainty(fitting, estimated[rows], person).tolist(),
        ),
    )


def _months_by_current(tables: Tables) -> Callable[[int | None], Floats]:
    """Return what gives the months to each job's unmet licence for somebody who holds this job and tells no licence."""
    n_skills, n_knowledge = len(tables.catalogue.jobs.skills.ids), len(tables.catalogue.jobs.knowledge.ids)

    @cache
    def months(current: int | None) -> Floats:
        somebody = Person(np.full(n_skills, UNRATED, np.int8), np.full(n_knowledge, UNRATED, np.int8), current=current)
        return licence_months(unmet_licences(somebody, tables), len(tables.catalogue.jobs.codes))

    return months


def _lines(
    profile_id: str, person: int, rows: npt.NDArray[np.intp], figures: Figures, codes: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    tiers = figures.tier[person, rows].tolist()
    return zip(
        [profile_id] * len(rows),
        map(str, range(1, len(rows) + 1)),
        [codes[row] for row in rows.tolist()],
        [TIER_NAMES[tier] if tier >= 0 else "" for tier in tiers],
        _numbers(figures.match[person, rows]),
        _numbers(figures.gap[person, rows]),
        *(column(person, rows) for column in figures.more),
        strict=True,
    )


def _numbers(figures: npt.NDArray[np.floating]) -> list[str]:
    return ["" if figure != figure else NUMBER(figure) for figure in figures.tolist()]
