"""Recommend occupations on the command line, without storing anything."""

import json
from argparse import ArgumentParser
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model
from django.forms.models import model_to_dict

from occupations.models import Element
from occupations.services import NoReleaseError, get_catalogue
from profiles.services import Answers
from recommendations import services
from recommendations.advice import Advice
from recommendations.models import Tier


class Command(BaseCommand):
    help = "Recommend occupations to somebody who holds an occupation, or has rated their skills, or both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--occupation", metavar="CODE", help="The present job; what is not rated is assumed from it."
        )
        parser.add_argument(
            "--ratings",
            metavar="FILE.json",
            help='{"ratings": [{"element_id": "2.B.3.e", "rating_0_4": 4}]} or {"2.B.3.e": 4}; null is "not sure".',
        )
        parser.add_argument("--model", default=settings.MODEL_VERSION, choices=services.MODELS)
        parser.add_argument("--limit", type=int, default=settings.LIMIT_PER_BUCKET, help="The most jobs of a tier.")
        parser.add_argument("--format", default="table", choices=("table", "json"))

    def handle(self, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit must be 1 or more.")
        try:
            code = options["occupation"]
            if code and code not in get_catalogue().row:
                raise CommandError(f"There is no occupation with the code {code} in the loaded release.")
            ratings = _read_ratings(Path(options["ratings"])) if options["ratings"] else {}
            advice = services.recommend(
                _answers(code, ratings), limit_per_bucket=options["limit"], model_version=options["model"]
            )
        except (NoReleaseError, services.EmptyProfileError) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(advice, default=_plain, indent=2, allow_nan=False))
        else:
            self._write_table(advice)

    def _write_table(self, advice: Advice) -> None:
        self.stdout.write(f"{advice.model_version} on O*NET {advice.release}")
        for note in advice.notes:
            self.stdout.write(f"  {note}")
        for tier, items in advice.buckets.items():
            self.stdout.write(f"\n{Tier(tier).label}: {len(items)} of {advice.totals[tier]}")
            for item in items:
                self.stdout.write(
                    f"{item.position:4} {item.onet_code}  {item.title[:52]:52} zone {item.job_zone or '-'}  "
                    f"score {item.score:5.1f}  match {item.match_score:5.1f}  gap {item.gap_severity:5.1f}"
                    f"{'  estimated' if item.estimated else ''}"
                )
        self.stdout.write("\nScores are SkillSprout's own; figures are O*NET's, by USDOL/ETA, used under CC BY 4.0.")


def _answers(code: str | None, ratings: dict[str, int | None]) -> Answers:
    domains = {
        domain: set(Element.objects.filter(domain=domain).values_list("pk", flat=True))
        for domain in (Element.Domain.SKILL, Element.Domain.KNOWLEDGE)
    }
    if unknown := sorted(set(ratings) - set().union(*domains.values())):
        raise CommandError(f"These are not O*NET skills or knowledge areas: {', '.join(unknown)}.")
    skills, knowledge = (
        {element: rating for element, rating in ratings.items() if element in ids} for ids in domains.values()
    )
    return Answers(ratings=skills, knowledge_ratings=knowledge, current=code)


def _read_ratings(path: Path) -> dict[str, int | None]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if isinstance(content, dict) and isinstance(content.get("ratings"), list):
        entries = [entry if isinstance(entry, dict) else {} for entry in content["ratings"]]
        pairs = [(entry.get("element_id"), entry.get("rating_0_4")) for entry in entries]
    elif isinstance(content, dict):
        pairs = list(content.items())
    else:
        raise CommandError(f"{path} holds neither a list of ratings nor ratings by element id.")
    ratings: dict[str, int | None] = {}
    for element, rating in pairs:
        whole = isinstance(rating, int) and not isinstance(rating, bool) and 0 <= rating <= 4
        if not isinstance(element, str) or not (whole or rating is None):
            raise CommandError(f"{path}: the rating of {element} is {rating}; it must be 0 to 4, or null.")
        if element in ratings:
            raise CommandError(f"{path}: {element} is rated twice.")
        ratings[element] = rating
    return ratings


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Model):
        return model_to_dict(value, exclude=("id", "occupation", "occupations"))
    raise TypeError(f"{type(value).__name__} is no JSON value")
