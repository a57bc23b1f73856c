"""Occupations in the API: search, one occupation, its figures."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from occupations.models import Element, Occupation, Rating, validate_onet_code
from occupations.services import credit_line, get_catalogue

CODE = OpenApiParameter("code", str, "path", description="O*NET-SOC code, such as 29-1141.00.")


class SearchQuery(serializers.Serializer[Any]):
    q = serializers.CharField(
        min_length=1, max_length=200, help_text="A title, an alternate title, a code or its beginning."
    )
    limit = serializers.IntegerField(min_value=1, max_value=50, default=10)


class SearchResult(serializers.Serializer[Any]):
    onet_code = serializers.CharField()
    title = serializers.CharField()
    matched_title = serializers.CharField(allow_null=True, help_text="The alternate title that matched.")
    score = serializers.FloatField(help_text="Higher is better; only its order means anything.")
    job_zone = serializers.IntegerField(allow_null=True)
    scored = serializers.BooleanField(help_text="Whether there are figures to score this occupation by.")
    estimated = serializers.BooleanField(help_text="Whether those figures are our estimate.")


class SearchAnswer(serializers.Serializer[Any]):
    query = serializers.CharField()
    results = SearchResult(many=True)
    credit = serializers.CharField()


class PaySerializer(serializers.Serializer[Any]):
    employment = serializers.IntegerField(allow_null=True)
    wage_p10 = serializers.IntegerField(allow_null=True, help_text="US dollars a year.")
    wage_median = serializers.IntegerField(allow_null=True, help_text="US dollars a year.")
    wage_p90 = serializers.IntegerField(allow_null=True, help_text="US dollars a year.")
    wage_year = serializers.IntegerField(allow_null=True)
    wage_source = serializers.CharField()
    growth_percent = serializers.FloatField(allow_null=True)
    annual_openings = serializers.IntegerField(allow_null=True)
    typical_education = serializers.CharField()
    outlook_years = serializers.CharField()
    outlook_source = serializers.CharField()


class LicenceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    authority = serializers.CharField()
    typical_months = serializers.IntegerField()
    note = serializers.CharField()
    checked = serializers.BooleanField(help_text="False: from general knowledge, not yet checked by a curator.")


class EducationSerializer(serializers.Serializer[Any]):
    level = serializers.IntegerField(help_text="O*NET's category, 1-12.")
    name = serializers.CharField(source="get_level_display")
    percent = serializers.FloatField()


class RelatedSerializer(serializers.Serializer[Any]):
    onet_code = serializers.CharField(source="related_id")
    title = serializers.CharField(source="related.title")
    tier = serializers.CharField()
    index = serializers.IntegerField()


class OccupationSerializer(serializers.Serializer[Any]):
    onet_code = serializers.CharField(source="code")
    title = serializers.CharField()
    summary = serializers.CharField()
    job_zone = serializers.IntegerField(source="zone", allow_null=True)
    ratings_from = serializers.CharField(help_text="onet, estimate or none.")
    estimated = serializers.BooleanField()
    retired = serializers.BooleanField()
    first_release = serializers.CharField()
    last_release = serializers.CharField()
    alternate_titles = serializers.ListField(child=serializers.CharField())
    education = EducationSerializer(many=True)
    licences = LicenceSerializer(many=True)
    related = RelatedSerializer(many=True, help_text="O*NET's own list; never an input to a score.")
    pay = PaySerializer(allow_null=True)
    credit = serializers.CharField()


class FigureSerializer(serializers.Serializer[Any]):
    element_id = serializers.CharField()
    name = serializers.CharField(source="element.name")
    domain = serializers.CharField(source="element.domain")
    importance = serializers.FloatField(help_text="O*NET's scale IM, 1-5.")
    level = serializers.FloatField(help_text="O*NET's scale LV, 0-7.")
    suppress = serializers.BooleanField(help_text="O*NET recommends suppressing a figure: low precision.")
    not_relevant = serializers.BooleanField()
    estimated_from = serializers.ListField(child=serializers.CharField(), allow_null=True)


class SkillsAnswer(serializers.Serializer[Any]):
    onet_code = serializers.CharField()
    estimated = serializers.BooleanField()
    skills = FigureSerializer(many=True)
    knowledge = FigureSerializer(many=True)
    release = serializers.CharField()
    credit = serializers.CharField()


def _occupation(code: str) -> Occupation:
    # PostgreSQL refuses to look for null characters, which an address may hold.
    try:
        validate_onet_code(code)
    except ValidationError as error:
        raise Http404 from error
    occupation = Occupation.objects.filter(code=code, hidden=False).first()
    if occupation is None:
        raise Http404
    return occupation


class OccupationSearch(APIView):
    @extend_schema(parameters=[SearchQuery], responses=SearchAnswer)
    def get(self, request: Request) -> Response:
        """Find occupations by title, alternate title or code; forgiving of typos, plurals and word order."""
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        catalogue = get_catalogue()
        jobs = catalogue.jobs
        hits = catalogue.index.search(query.validated_data["q"], query.validated_data["limit"], hidden=catalogue.hidden)
        results = []
        for hit in hits:
            row = catalogue.row[hit.code]
            results.append(
                {
                    "onet_code": hit.code,
                    "title": hit.title,
                    "matched_title": hit.matched,
                    "score": round(hit.score, 4),
                    "job_zone": int(jobs.zones[row]) or None,
                    "scored": bool(jobs.scored[row]),
                    "estimated": bool(jobs.estimated[row]),
                }
            )
        answer = {
            "query": query.validated_data["q"],
            "results": results,
            "credit": credit_line(catalogue.release),
        }
        return Response(answer)


class OccupationDetail(APIView):
    @extend_schema(parameters=[CODE], responses=OccupationSerializer)
    def get(self, request: Request, code: str) -> Response:
        """Return what is known of one occupation."""
        occupation = _occupation(code)
        catalogue = get_catalogue()
        related = occupation.related.filter(related__hidden=False, related__retired=False).select_related("related")
        answer = OccupationSerializer(
            {
                **{name: getattr(occupation, name) for name in ("code", "title", "summary", "zone", "ratings_from")},
                **{name: getattr(occupation, name) for name in ("estimated", "retired")},
                **{name: getattr(occupation, name) for name in ("first_release", "last_release")},
                "alternate_titles": occupation.alternate_titles.values_list("title", flat=True),
                "education": occupation.education.all(),
                "licences": occupation.licences.all(),
                "related": related,
                "pay": occupation.pay(),
                "credit": credit_line(catalogue.release),
            }
        )
        return Response(answer.data)


class OccupationSkills(APIView):
    @extend_schema(parameters=[CODE], responses=SkillsAnswer)
    def get(self, request: Request, code: str) -> Response:
        """Return the occupation's importance and level on each skill and knowledge area."""
        occupation = _occupation(code)
        release = get_catalogue().release
        figures: dict[str, list[Rating]] = {Element.Domain.SKILL: [], Element.Domain.KNOWLEDGE: []}
        ratings = occupation.ratings.filter(element__domain__in=figures).select_related("element")
        for rating in ratings.order_by("element__order"):
            figures[rating.element.domain].append(rating)
        answer = SkillsAnswer(
            {
                "onet_code": occupation.code,
                "estimated": occupation.estimated,
                "skills": figures[Element.Domain.SKILL],
                "knowledge": figures[Element.Domain.KNOWLEDGE],
                "release": release.version,
                "credit": credit_line(release),
            }
        )
        return Response(answer.data)
