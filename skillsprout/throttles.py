"""How often a caller may call the API: counted in the cache, without which nobody is kept from calling."""

import logging
import math
import time
from typing import TYPE_CHECKING, ClassVar

from django.core.cache import cache
from redis import RedisError
from rest_framework import throttling
from rest_framework.request import Request

if TYPE_CHECKING:
    # It imports this module in its turn.
    from rest_framework.views import APIView

SECONDS_BETWEEN_WARNINGS = 60.0
AWAY = "The cache does not answer, so calls of the API are not limited. See whether Redis runs (REDIS_URL)."

logger = logging.getLogger(__name__)


class LenientThrottle(throttling.SimpleRateThrottle):
    """Lets calls through while the cache is away, and writes that down now and then."""

    warned_at: ClassVar[float] = -math.inf

    def allow_request(self, request: Request, view: "APIView") -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            now = time.monotonic()
            if now - LenientThrottle.warned_at >= SECONDS_BETWEEN_WARNINGS:
                LenientThrottle.warned_at = now
                logger.warning("%s %s", AWAY, error)
            return True


class AnonRateThrottle(LenientThrottle, throttling.AnonRateThrottle):
    pass


class UserRateThrottle(LenientThrottle, throttling.UserRateThrottle):
    pass


def cache_alerts() -> list[str]:
    """Return a sentence if the cache does not answer."""
    try:
        cache.get("health")
    except RedisError:
        return [AWAY]
    return []
