"""What the API says of the models in use."""

from typing import Any

from django.conf import settings
from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from occupations.services import get_catalogue
from recommendations.models import Feedback
from recommendations.services import MODELS


class ModelStatusAnswer(serializers.Serializer[Any]):
    model_version = serializers.CharField(help_text="The model that answers when none is asked for.")
    models = serializers.ListField(child=serializers.CharField(), help_text="What model_version can name.")
    calibration = serializers.CharField()
    samples = serializers.DictField(child=serializers.IntegerField(), help_text="Feedback in force, by action.")
    release = serializers.CharField()


class ModelStatus(APIView):
    @extend_schema(responses=ModelStatusAnswer)
    def get(self, request: Request) -> Response:
        """Return the models in use and the feedback that there is to learn from."""
        counted = dict(
            Feedback.objects.in_force().order_by().values("action").annotate(n=Count("pk")).values_list("action", "n")
        )
        return Response(
            {
                "model_version": settings.MODEL_VERSION,
                "models": list(MODELS),
                "calibration": "not calibrated yet",
                "samples": {
                    action: counted.get(action, 0)
                    for action in Feedback.Action.values
                    if action != Feedback.Action.UNDO
                },
                "release": get_catalogue().release.version,
            }
        )
