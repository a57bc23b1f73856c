"""Saying in tests what people did with what was shown."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from recommendations import services
from recommendations.models import Feedback, RecommendationEvent
from tests.factories import NURSE


def record(event: RecommendationEvent, action: str, code: str = NURSE, **more: Any) -> tuple[Feedback, bool]:
    return services.record_feedback(event_id=event.pk, code=code, action=action, **more)


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)
