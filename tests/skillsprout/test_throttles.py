"""Callers are kept from calling too often; without the cache nobody is, and somebody is told."""

import math

import pytest
from rest_framework.views import APIView

from skillsprout.throttles import AWAY, AnonRateThrottle, LenientThrottle, UserRateThrottle
from tests.factories import NURSE, make_profile, make_user, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def throttled(monkeypatch):
    make_world()
    monkeypatch.setattr(APIView, "throttle_classes", [AnonRateThrottle, UserRateThrottle])
    monkeypatch.setattr(LenientThrottle, "warned_at", -math.inf)


@pytest.fixture
def no_cache(settings):
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}


@pytest.fixture
def cache(settings):
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "throttles"}}


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("signed_in", [False, True])
def test_without_the_cache_every_call_is_answered_and_one_line_is_logged(client, caplog, signed_in):
    profile = make_profile(NURSE)
    if signed_in:
        client.force_login(make_user())
    for _ in range(3):
        assert client.get("/api/v1/occupations/search", {"q": "nurse"}).status_code == 200
        assert client.post(f"/api/v1/user/{profile.pk}/recommendations").status_code == 200
    assert sum(AWAY in line for line in caplog.messages) == 1


@pytest.mark.usefixtures("no_cache")
def test_without_the_cache_the_line_comes_again_in_a_while(client, caplog, monkeypatch):
    monkeypatch.setattr(APIView, "throttle_classes", [AnonRateThrottle])
    monkeypatch.setattr("skillsprout.throttles.SECONDS_BETWEEN_WARNINGS", 0.0)
    for _ in range(2):
        client.get("/api/v1/occupations/search", {"q": "nurse"})
    assert sum(AWAY in line for line in caplog.messages) == 2


@pytest.mark.usefixtures("no_cache")
def test_health_tells_that_the_cache_is_away(client):
    answer = client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["alerts"]) == (200, "degraded", [AWAY])


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("signed_in", "throttle"), [(False, AnonRateThrottle), (True, UserRateThrottle)])
def test_with_the_cache_too_many_calls_are_refused(client, monkeypatch, signed_in, throttle):
    monkeypatch.setattr(throttle, "rate", "2/min", raising=False)
    if signed_in:
        client.force_login(make_user())
    answers = [client.get("/api/v1/occupations/search", {"q": "nurse"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "throttled"
    assert client.get("/api/v1/health").json()["status"] == "ok"
