"""Replace the data of the release before by a new one's, and tell what changed. Runs inside a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection
from django.utils import timezone

from occupations.arrays import BoolArray, FloatArray
from occupations.bulk import insert_rows
from occupations.catalogue import write_snapshot
from occupations.estimates import estimate_missing
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    LevelAnchor,
    Occupation,
    Rating,
    RelatedOccupation,
    Release,
    Snapshot,
    SoftwareSkill,
    Task,
)
from occupations.release_files import Progress, ReleaseTables
from occupations.words import load_words_and_licences

ESTIMATED_DOMAINS = (Element.Domain.SKILL, Element.Domain.KNOWLEDGE)
DECIMALS = 2  # as O*NET publishes its figures
STEPS = 8
REPLACED = (Rating, AlternateTitle, RelatedOccupation, Task, SoftwareSkill, EducationShare)


@dataclass(frozen=True, slots=True)
class Before:
    """What the database held before: occupations by code, and O*NET's figures."""

    occupations: Mapping[str, Occupation]
    ratings: pd.DataFrame

    @classmethod
    def load(cls) -> "Before":
        figures = (
            Rating.objects.filter(estimated_from__isnull=True, occupation__retired=False)
            .order_by()
            .values_list("occupation_id", "element_id", "importance", "level")
        )
        return cls(
            occupations=Occupation.objects.in_bulk(),
            ratings=pd.DataFrame.from_records(list(figures), columns=["code", "element_id", "importance", "level"]),
        )


def replace_release(tables: ReleaseTables, release: Release, active: Release | None, progress: Progress) -> None:
    """Make the new release the active one. What a curator wrote and what is retired stays."""

    def step(number: int, what: str) -> None:
        progress(what, number, STEPS)

    step(1, "Estimating unrated occupations")
    estimates = estimated_ratings(tables)
    before = Before.load()

    step(2, "Writing occupations")
    _write_elements(tables)
    sources = _ratings_from(tables, estimates)
    _write_occupations(tables, sources, release)
    # A subquery, not a join: PostgreSQL would join the table to itself, row by row where it was filled just before.
    live = Occupation.objects.filter(retired=False)
    for model in REPLACED:
        model.objects.filter(occupation__in=live).delete()
    LevelAnchor.objects.all().delete()
    load_words_and_licences(sources.keys() - before.occupations.keys())

    step(3, "Writing ratings")
    ratings = pd.concat([tables.ratings.assign(estimated_from=None), estimates], ignore_index=True)
    ratings["release_id"] = release.pk
    # Missing values in a column of lists must be None, not NaN.
    ratings["estimated_from"] = ratings["estimated_from"].astype(object).where(ratings["estimated_from"].notna(), None)
    insert_rows(Rating, _of_occupation(ratings.drop(columns="domain")))
    step(4, "Writing titles")
    insert_rows(AlternateTitle, _of_occupation(tables.alternate_titles))
    step(5, "Writing tasks")
    insert_rows(Task, _of_occupation(tables.tasks))
    step(6, "Writing software, education and related occupations")
    insert_rows(SoftwareSkill, _of_occupation(tables.software))
    insert_rows(EducationShare, _of_occupation(tables.education))
    insert_rows(RelatedOccupation, _of_occupation(tables.related.rename(columns={"related": "related_id"})))
    insert_rows(LevelAnchor, tables.anchors)
    _analyze()

    step(7, "Computing text vectors and the search index")
    write_snapshot(release)
    # The one before stays: a process may just be reading it.
    Snapshot.objects.exclude(release__in=[release, *([active] if active else [])]).delete()
    if active:
        Release.objects.filter(pk=active.pk).update(state=Release.State.SUPERSEDED)
    release.state = Release.State.ACTIVE
    release.counts = _counts(tables, estimates, sources)
    release.report = _report(tables, before, sources, active)
    release.finished = timezone.now()
    release.progress = {}
    release.save()
    CatalogueState.advance()
    step(8, "Finishing")


def estimated_ratings(tables: ReleaseTables) -> pd.DataFrame:
    """Return ratings of the occupations that O*NET describes without rating them, with their sources."""
    codes = tables.occupations["code"].tolist()
    described = np.isin(codes, tables.zones["code"].tolist())
    related = {str(code): group.tolist() for code, group in tables.related.groupby("code")["related"]}
    return pd.concat(
        [_estimate(tables, domain, codes, described, related) for domain in ESTIMATED_DOMAINS],
        ignore_index=True,
    )


def _estimate(
    tables: ReleaseTables,
    domain: str,
    codes: Sequence[str],
    described: BoolArray,
    related: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    ids = tables.elements.loc[tables.elements["domain"] == domain, "id"].tolist()
    ratings = tables.ratings[tables.ratings["domain"] == domain]
    at = (
        pd.Index(codes).get_indexer(pd.Index(ratings["code"])),
        pd.Index(ids).get_indexer(pd.Index(ratings["element_id"])),
    )
    shape = len(codes), len(ids)
    importance: FloatArray = np.full(shape, np.nan, np.float32)
    level: FloatArray = np.full(shape, np.nan, np.float32)
    relevant = np.zeros(shape, bool)
    importance[at], level[at], relevant[at] = ratings["importance"], ratings["level"], ~ratings["not_relevant"]
    wanted = described & np.isnan(importance).all(axis=1)
    found = estimate_missing(codes, wanted, importance, level, relevant, related)
    estimated = [codes[row] for row in found.rows]
    return pd.DataFrame(
        {
            "code": np.repeat(np.array(estimated, object), len(ids)),
            "element_id": np.tile(np.array(ids, object), len(estimated)),
            "domain": domain,
            "importance": found.importance.astype(np.float64).ravel().round(DECIMALS),
            "level": found.level.astype(np.float64).ravel().round(DECIMALS),
            "suppress": False,
            "not_relevant": ~found.relevant.ravel(),
            "estimated_from": [list(sources) for sources in found.sources for _ in ids],
        }
    )


def _ratings_from(tables: ReleaseTables, estimates: pd.DataFrame) -> dict[str, str]:
    """Return where each occupation's skill ratings come from."""

    def rated(ratings: pd.DataFrame) -> set[str]:
        return set(ratings.loc[ratings["domain"] == Element.Domain.SKILL, "code"])

    sources: dict[str, str] = dict.fromkeys(tables.occupations["code"], Occupation.RatingsFrom.NONE)
    sources |= dict.fromkeys(rated(estimates), Occupation.RatingsFrom.ESTIMATE)
    return sources | dict.fromkeys(rated(tables.ratings), Occupation.RatingsFrom.ONET)


def _write_elements(tables: ReleaseTables) -> None:
    """Add new elements and refresh O*NET's words; our own words, groups and order stay."""
    Element.objects.bulk_create(
        [
            Element(
                id=row["id"],
                domain=row["domain"],
                name=row["name"],
                order=row["order"],
                onet_description=row["description"],
            )
            for row in tables.elements.to_dict("records")
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["domain", "name", "onet_description"],
    )


def _write_occupations(tables: ReleaseTables, sources: Mapping[str, str], release: Release) -> None:
    """Add new occupations and refresh O*NET's values; those that the release does not have are retired."""
    zones = {code: int(zone) for code, zone in zip(tables.zones["code"], tables.zones["zone"], strict=True)}
    Occupation.objects.update(retired=True)
    Occupation.objects.bulk_create(
        [
            Occupation(
                code=row["code"],
                onet_title=row["title"],
                onet_description=row["description"],
                onet_zone=zones.get(row["code"]),
                ratings_from=sources[row["code"]],
                first_release=release.version,
                last_release=release.version,
            )
            for row in tables.occupations.to_dict("records")
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["onet_title", "onet_description", "onet_zone", "ratings_from", "retired", "last_release"],
    )


def _of_occupation(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={"code": "occupation_id"})


def _counts(tables: ReleaseTables, estimates: pd.DataFrame, sources: Mapping[str, str]) -> dict[str, Any]:
    """Return what was read, skipped and estimated, for the Release row."""
    of_domain = tables.elements["domain"].value_counts()
    estimated_codes = estimates.groupby("domain")["code"].nunique()
    return {
        "occupations": len(tables.occupations),
        "described": len(tables.zones),
        "rated": sum(source == Occupation.RatingsFrom.ONET for source in sources.values()),
        "estimated": int(estimated_codes.get(Element.Domain.SKILL, 0)),
        "estimated_knowledge": int(estimated_codes.get(Element.Domain.KNOWLEDGE, 0)),
        "elements": {domain: int(of_domain.get(domain, 0)) for domain in Element.Domain.values},
        "ratings": len(tables.ratings),
        "estimated_ratings": len(estimates),
        "alternate_titles": len(tables.alternate_titles),
        "related": len(tables.related),
        "tasks": len(tables.tasks),
        "software": len(tables.software),
        "education": len(tables.education),
        "anchors": len(tables.anchors),
        "skipped": dict(tables.skipped),
        "missing": list(tables.missing),
    }


def _report(
    tables: ReleaseTables, before: Before, sources: Mapping[str, str], active: Release | None
) -> dict[str, Any]:
    """Return what changed, for the Release row. Codes are listed where a person should look at them."""
    zones = dict(zip(tables.zones["code"], map(int, tables.zones["zone"]), strict=True))
    changed = {"title": 0, "description": 0, "zone": 0}
    curated: dict[str, list[str]] = {}
    new_codes = set()
    for row in tables.occupations.to_dict("records"):
        old = before.occupations.get(row["code"])
        if old is None:
            new_codes.add(row["code"])
            continue
        for field, was, is_now, ours in (
            ("title", old.onet_title, row["title"], old.curated_title),
            ("description", old.onet_description, row["description"], old.curated_summary),
            ("zone", old.onet_zone, zones.get(row["code"]), old.curated_zone),
        ):
            if was != is_now:
                changed[field] += 1
                if ours and ours != is_now:
                    curated.setdefault(row["code"], []).append(field)
    both = before.ratings.merge(tables.ratings, on=["code", "element_id"], suffixes=("_was", ""))
    differs = (both["importance"] != both["importance_was"]) | (both["level"] != both["level_was"])
    retired = [code for code, old in before.occupations.items() if not old.retired and code not in sources]
    return {
        "before": str(active) if active else "",
        "added": len(new_codes),
        "retired": len(retired),
        "retired_codes": sorted(retired),
        "changed": {**changed, "ratings": int(differs.sum())},
        "curated": curated,
        "now_estimated": sorted(
            code
            for code, source in sources.items()
            if source == Occupation.RatingsFrom.ESTIMATE
            and code in before.occupations
            and before.occupations[code].ratings_from == Occupation.RatingsFrom.ONET
        ),
    }


def _analyze() -> None:
    """Tell PostgreSQL's planner of the new rows at once, not only when autovacuum comes by."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (Occupation, *REPLACED):
                cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
