"""The routes of the API, version 1, and what it says of itself."""

from typing import Any

import numpy as np
from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calibration.api import ModelStatus
from calibration.services import calibration_alerts
from occupations.api import OccupationDetail, OccupationSearch, OccupationSkills
from occupations.services import credit_line, get_catalogue, newer_release
from profiles.api import CurrentOccupation, History, KnowledgeRatings, ProfileCreate, SkillRatings
from recommendations.api import FeedbackCreate, Recommendations, ViewsCreate
from skillsprout.throttles import cache_alerts


class ReleaseHealth(serializers.Serializer[Any]):
    version = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    finished = serializers.DateTimeField(allow_null=True)
    occupations = serializers.IntegerField()
    rated = serializers.IntegerField(help_text="Occupations with O*NET's skill figures.")
    estimated = serializers.IntegerField(help_text="Occupations with figures that we estimated.")


class NewerRelease(serializers.Serializer[Any]):
    version = serializers.CharField()
    checked = serializers.DateTimeField(help_text="When it was found.")


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ok", "degraded"], help_text="degraded: it answers, but see the alerts.")
    alerts = serializers.ListField(child=serializers.CharField(), help_text="Sentences: what wants looking after.")
    release = ReleaseHealth()
    newer_release = NewerRelease(allow_null=True, help_text="A release that is known and not loaded.")
    credit = serializers.CharField()


class Health(APIView):
    throttle_classes = ()

    @extend_schema(responses=HealthAnswer)
    def get(self, request: Request) -> Response:
        """Say whether SkillSprout can answer, and from which O*NET release."""
        catalogue = get_catalogue()
        jobs, release, newer = catalogue.jobs, catalogue.release, newer_release()
        alerts = [*cache_alerts(), *calibration_alerts()]
        return Response(
            {
                "status": "degraded" if alerts else "ok",
                "alerts": alerts,
                "release": {
                    "version": release.version,
                    "source": release.source,
                    "finished": release.finished,
                    "occupations": len(jobs.codes),
                    "rated": int(np.sum(jobs.scored & ~jobs.estimated)),
                    "estimated": int(np.sum(jobs.scored & jobs.estimated)),
                },
                "newer_release": {"version": newer.version, "checked": newer.checked} if newer else None,
                "credit": credit_line(release),
            }
        )


# Swagger's page styles itself inline.
docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="v1:schema"))

v1 = [
    path("health", Health.as_view(), name="health"),
    path("occupations/search", OccupationSearch.as_view(), name="occupation-search"),
    path("occupations/<str:code>", OccupationDetail.as_view(), name="occupation"),
    path("occupations/<str:code>/skills", OccupationSkills.as_view(), name="occupation-skills"),
    path("user/profile", ProfileCreate.as_view(), name="profile"),
    path("user/<uuid:profile_id>/current-occupation", CurrentOccupation.as_view(), name="current-occupation"),
    path("user/<uuid:profile_id>/skills/ratings", SkillRatings.as_view(), name="skill-ratings"),
    path("user/<uuid:profile_id>/knowledge/ratings", KnowledgeRatings.as_view(), name="knowledge-ratings"),
    path("user/<uuid:profile_id>/history", History.as_view(), name="history"),
    path("user/<uuid:profile_id>/recommendations", Recommendations.as_view(), name="recommendations"),
    path("feedback", FeedbackCreate.as_view(), name="feedback"),
    path("feedback/views", ViewsCreate.as_view(), name="feedback-views"),
    path("model/status", ModelStatus.as_view(), name="model-status"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", docs, name="docs"),
]

urlpatterns = [path("v1/", include((v1, "v1")))]
