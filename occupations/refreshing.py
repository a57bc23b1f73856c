"""Bring single occupations up to date from the Web Services, between two whole syncs."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd
from django.db import transaction
from django.utils import timezone

from occupations.bulk import insert_rows
from occupations.catalogue import NoReleaseError, write_snapshot
from occupations.importing import only_import, sentences
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    Occupation,
    Rating,
    RelatedOccupation,
    Release,
    SoftwareSkill,
    Task,
)
from occupations.release_files import ANCHORS, CONTENT_MODEL, OCCUPATIONS, RELATED, ReleaseTables
from occupations.syncing import api_source
from occupations.web_answers import NoDataError
from occupations.web_services import WebServices
from occupations.web_tables import read_part, wanted_tables
from occupations.words import load_words_and_licences

__all__ = ["find_occupations", "refresh_occupations"]

WHOLE_TABLES = (CONTENT_MODEL, ANCHORS)  # not about occupations
REPLACED = (AlternateTitle, RelatedOccupation, Task, SoftwareSkill, EducationShare)


def refresh_occupations(codes: Collection[str], *, services: WebServices | None = None) -> Release:
    """Fetch these occupations and nothing else, and return the row that tells of it.

    They may come from a newer release than the loaded one: their ratings then point at that row. Estimates of
    other occupations stay; the next sync makes them anew.

    Args:
        codes: O*NET-SOC codes; one that the loaded release does not have is added.
        services: A client in place of the one that the settings name.

    Raises:
        NoReleaseError: No data is loaded that they could be added to.
        ImportRunningError: An import is running.
        ReleaseError, WebServicesError: There is something wrong with what the service gave; nothing has changed.
        ImportFailedError: The database did not take it.
    """
    wanted = sorted(set(codes))
    with sentences(), only_import():
        active = Release.objects.filter(state=Release.State.ACTIVE).first()
        if active is None:
            raise NoReleaseError
        if services is None:
            with WebServices.from_settings() as client:
                rows = _Rows(client, wanted)
        else:
            rows = _Rows(services, wanted)
        content = read_part(rows, rows.version, "The Web Services' answer")
        release = Release(
            source=rows.origin,
            location=rows.place,
            version=content.version,
            digest=content.digest,
            state=Release.State.PARTIAL,
            counts={"codes": wanted, "ratings": len(content.ratings)},
            finished=timezone.now(),
        )
        with transaction.atomic():
            release.save()
            _replace(content, wanted, release)
            write_snapshot(active)
            CatalogueState.advance()
    return release


def find_occupations(keywords: str, *, limit: int = 20, services: WebServices | None = None) -> list[str]:
    """Return the codes of the occupations that the Web Services find for keywords, by relevance.

    Raises:
        WebServicesError: They do not answer.
    """
    if services is None:
        with WebServices.from_settings() as client:
            return find_occupations(keywords, limit=limit, services=client)
    found = services.search(keywords, 1, limit)
    return [row["code"] for row in found.rows if isinstance(row.get("code"), str)]


class _Rows:
    """What the Web Services have on some occupations, as the reader of whole tables takes it.

    Its table of occupations holds those of the database as well, so that what points at them is known.
    """

    def __init__(self, client: WebServices, codes: Collection[str]) -> None:
        self.version = client.about().version
        self.origin, self.place = api_source(client), client.base_url
        titles = client.tables()
        of_file = {file: table for file, table in wanted_tables(titles).items() if file not in WHOLE_TABLES}
        self.tables = {table: titles[table] for table in of_file.values()}
        self._rows: dict[str, list[Mapping[str, Any]]] = {
            table: [row for code in codes for row in client.occupation_rows(table, code)] for table in of_file.values()
        }
        occupations = self._rows.get(of_file.get(OCCUPATIONS, ""), [])
        given = {row.get("onetsoc_code") for row in occupations}
        if unknown := [code for code in codes if code not in given]:
            raise NoDataError(f"O*NET Web Services have no occupation {', '.join(unknown)}.")
        known = Occupation.objects.exclude(pk__in=codes).values_list("code", "onet_title", "onet_description")
        occupations += [
            {"onetsoc_code": code, "title": title, "description": description} for code, title, description in known
        ]
        everybody = {row.get("onetsoc_code") for row in occupations}
        related = of_file.get(RELATED, "")
        self._rows[related] = [
            row for row in self._rows.get(related, []) if row.get("related_onetsoc_code") in everybody
        ]
        self._names = dict(Element.objects.values_list("id", "name"))

    def columns(self, table: str) -> Mapping[str, str]:
        return {}

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        for row in self._rows[table]:
            name = self._names.get(str(row.get("element_id")))
            yield row if name is None else {"element_name": name, **row}


def _replace(content: ReleaseTables, codes: Collection[str], release: Release) -> None:
    before = Occupation.objects.in_bulk(codes)
    _write_occupations(content, codes, release, before)
    load_words_and_licences(set(codes) - before.keys())
    known = set(Element.objects.values_list("id", flat=True))
    ratings = content.ratings[content.ratings["element_id"].isin(known)]
    for domain, of_domain in ratings.groupby("domain"):
        # Where O*NET still gives no figures, our estimate stays.
        Rating.objects.filter(occupation__in=set(of_domain["code"]), element__domain=domain).delete()
    Rating.objects.filter(occupation__in=codes, estimated_from__isnull=True).delete()
    insert_rows(Rating, _of(ratings.drop(columns="domain").assign(estimated_from=None, release_id=release.pk)))
    for model in REPLACED:
        model.objects.filter(occupation__in=codes).delete()
    insert_rows(AlternateTitle, _of(content.alternate_titles))
    insert_rows(Task, _of(content.tasks))
    insert_rows(SoftwareSkill, _of(content.software))
    insert_rows(EducationShare, _of(content.education))
    insert_rows(RelatedOccupation, _of(content.related.rename(columns={"related": "related_id"})))


def _write_occupations(
    content: ReleaseTables, codes: Collection[str], release: Release, before: Mapping[str, Occupation]
) -> None:
    zones = {code: int(zone) for code, zone in zip(content.zones["code"], content.zones["zone"], strict=True)}
    rated = set(content.ratings.loc[content.ratings["domain"] == Element.Domain.SKILL, "code"])
    for row in content.occupations[content.occupations["code"].isin(codes)].to_dict("records"):
        code = row["code"]
        old = before.get(code)
        estimated = old is not None and old.ratings_from == Occupation.RatingsFrom.ESTIMATE
        unrated = Occupation.RatingsFrom.ESTIMATE if estimated else Occupation.RatingsFrom.NONE
        Occupation.objects.update_or_create(
            code=code,
            defaults={
                "onet_title": row["title"],
                "onet_description": row["description"],
                "onet_zone": zones.get(code),
                "ratings_from": Occupation.RatingsFrom.ONET if code in rated else unrated,
                "retired": False,
                "last_release": release.version,
            },
            create_defaults={
                "onet_title": row["title"],
                "onet_description": row["description"],
                "onet_zone": zones.get(code),
                "ratings_from": Occupation.RatingsFrom.ONET if code in rated else unrated,
                "first_release": release.version,
                "last_release": release.version,
            },
        )


def _of(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={"code": "occupation_id"})
