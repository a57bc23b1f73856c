"""The session asks politely, tries again where that helps, says in one sentence what is wrong, and keeps the key."""

import logging
from collections.abc import Iterator

import pytest
import requests
import responses

from occupations.web_answers import (
    About,
    NoDataError,
    NotConfiguredError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
    WebServicesError,
    WrongKeyError,
)
from occupations.web_services import WebServices
from tests.occupations.web_clients import ABOUT, KEY, URL, Clock, sentence


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(clock: Clock) -> Iterator[WebServices]:
    with WebServices(URL, key=KEY, clock=clock, sleep=clock.sleep) as client:
        yield client


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


class TestCredentials:
    def test_key_goes_into_the_header_only(self, services, web):
        web.get(f"{URL}about", json=ABOUT)
        assert services.about() == About("30.3", "2.0.0", "O*NET-SOC 2019")
        request = web.calls[0].request
        assert request.headers["X-API-Key"] == KEY
        assert request.headers["Accept"] == "application/json"
        assert KEY not in request.url
        assert "Authorization" not in request.headers

    def test_user_name_and_password_mean_generation_1_9(self, web):
        web.get(f"{URL}ws/about", json={"database": "O*NET 30.1"})
        with WebServices(f"{URL}ws", username="sprout", password="pass") as client:
            assert client.generation == "1.9"
            assert client.about().version == "30.1"
        assert web.calls[0].request.headers["Authorization"] == "Basic c3Byb3V0OnBhc3M="
        assert web.calls[0].request.headers["Accept"] == "application/json"

    @pytest.mark.parametrize("credentials", [{}, {"key": ""}, {"username": "sprout"}, {"password": "pass"}])
    def test_nothing_to_log_in_with(self, credentials):
        with pytest.raises(NotConfiguredError) as error:
            WebServices(URL, **credentials)
        assert "ONET_API_KEY" in sentence(error)

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.example/",
            "https://me:you@api.example/",
            "https://api.example/?key=secret-key-4711",
            "ftp://api.example",
            "api.example",
            "https://",
            "https://[",
        ],
    )
    def test_addresses_that_no_key_is_sent_to(self, url):
        with pytest.raises(NotConfiguredError) as error:
            WebServices(url, key=KEY)
        assert "ONET_BASE_URL" in sentence(error)

    @pytest.mark.parametrize("key", ["secret\nkey", "clé", "key\r\nX-Other: 1"])
    def test_key_that_cannot_be_one(self, key):
        with pytest.raises(NotConfiguredError) as error:
            WebServices(URL, key=key)
        assert key not in sentence(error)

    def test_settings_choose_the_generation(self, settings):
        settings.ONET_API_KEY = settings.ONET_USERNAME = settings.ONET_PASSWORD = settings.ONET_BASE_URL = ""
        with pytest.raises(NotConfiguredError):
            WebServices.from_settings()
        settings.ONET_USERNAME, settings.ONET_PASSWORD = "sprout", "pass"
        with WebServices.from_settings() as client:
            assert (client.generation, client.base_url) == ("1.9", "https://services.onetcenter.org/ws/")
        settings.ONET_API_KEY = KEY
        with WebServices.from_settings() as client:
            assert (client.generation, client.base_url) == ("2.0", "https://api-v2.onetcenter.org/")
        settings.ONET_BASE_URL = "http://127.0.0.1:8765"
        with WebServices.from_settings() as client:
            assert client.base_url == "http://127.0.0.1:8765/"

    @pytest.mark.parametrize("status", [200, 403, 422, 429, 500])
    def test_key_is_in_no_log_error_or_repr(self, services, web, caplog, status):
        caplog.set_level(logging.DEBUG)
        web.get(f"{URL}about", status=status, json={"error": f"the key {KEY} is odd"})
        with pytest.raises(WebServicesError) as error:
            services.about()
        assert KEY not in repr(error.value)
        assert KEY not in f"{services!r}{services._session!r}{vars(services)}"
        assert KEY not in caplog.text

    def test_password_the_service_repeats_is_not_shown(self, web):
        web.get(f"{URL}online/search", status=422, json={"error": f"password {KEY} is odd."})
        with WebServices(URL, username="sprout", password=KEY) as client, pytest.raises(RefusedError) as error:
            client.search("nurse")
        assert "password … is odd" in sentence(error)


class TestDistance:
    def test_four_requests_take_a_second(self, services, web, clock):
        web.get(f"{URL}about", json=ABOUT)
        for _ in range(5):
            services.about()
        assert clock.slept == pytest.approx([0.25] * 4)

    @pytest.mark.parametrize("rate", [0, -1])
    def test_rate_that_is_none(self, rate):
        with pytest.raises(NotConfiguredError):
            WebServices(URL, key=KEY, requests_per_second=rate)

    def test_retries_keep_the_distance_too(self, web, clock):
        web.get(f"{URL}about", status=500)
        with (
            WebServices(URL, key=KEY, requests_per_second=0.1, clock=clock, sleep=clock.sleep, tries=3) as client,
            pytest.raises(UnavailableError),
        ):
            client.about()
        assert clock.now - 1000 >= 20

    @pytest.mark.parametrize("leap", [-86400.0, 86400.0])
    def test_clock_that_jumps_does_no_harm(self, services, web, clock, leap):
        web.get(f"{URL}about", json=ABOUT)
        services.about()
        clock.now += leap
        services.about()
        assert sum(clock.slept) <= 0.25


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_passing_failure_is_tried_again(self, services, web, status):
        web.get(f"{URL}about", status=status)
        web.get(f"{URL}about", json=ABOUT)
        assert services.about().version == "30.3"

    @pytest.mark.parametrize(
        ("status", "error_class"), [(429, RateLimitedError), (500, UnavailableError), (503, UnavailableError)]
    )
    def test_lasting_failure_ends_after_five_tries(self, services, web, status, error_class):
        web.get(f"{URL}about", status=status)
        with pytest.raises(error_class) as error:
            services.about()
        sentence(error)
        assert len(web.calls) == 5

    def test_back_off_grows_and_varies(self, web):
        def waits() -> list[float]:
            clock = Clock()
            with (
                WebServices(URL, key=KEY, requests_per_second=1e9, clock=clock, sleep=clock.sleep) as client,
                pytest.raises(UnavailableError),
            ):
                client.about()
            return [seconds for seconds in clock.slept if seconds > 1e-6]

        web.get(f"{URL}about", status=500)
        some = [waits() for _ in range(5)]
        for place, least in enumerate([0.5, 1, 2, 4]):
            assert all(least <= one[place] <= least + 0.5 for one in some)
        assert len({one[0] for one in some}) == 5

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        "headers",
        [
            {"Retry-After": "17"},
            {"Retry-After": "Tue, 24 Nov 2026 10:00:17 GMT", "Date": "Tue, 24 Nov 2026 10:00:00 GMT"},
        ],
    )
    def test_retry_after_is_honoured(self, services, web, clock, status, headers):
        web.get(f"{URL}about", status=status, headers=headers)
        web.get(f"{URL}about", json=ABOUT)
        services.about()
        assert max(clock.slept) == 17

    @pytest.mark.parametrize("asked", ["soon", "-3", "Tue, 24 Nov 2026 10:00:17 GMT", ""])
    def test_retry_after_that_says_nothing(self, services, web, clock, asked):
        web.get(f"{URL}about", status=429, headers={"Retry-After": asked})
        web.get(f"{URL}about", json=ABOUT)
        services.about()
        assert max(clock.slept) <= 1

    def test_retry_after_too_long_to_wait_for(self, services, web):
        web.get(f"{URL}about", status=429, headers={"Retry-After": "3600"})
        with pytest.raises(RateLimitedError) as error:
            services.about()
        assert error.value.wait_seconds == 3600
        assert "3,600 seconds" in sentence(error)
        assert len(web.calls) == 1

    @pytest.mark.parametrize(
        ("failure", "says"),
        [
            (requests.ConnectTimeout(), "in time"),
            (requests.ReadTimeout(), "in time"),
            (requests.ConnectionError("refused"), "reached"),
            (requests.exceptions.ChunkedEncodingError(), "reached"),
        ],
    )
    def test_network_failures_are_tried_again(self, services, web, failure, says):
        web.get(f"{URL}about", body=failure)
        with pytest.raises(UnavailableError) as error:
            services.about()
        assert says in sentence(error)
        assert len(web.calls) == 5

    def test_wrong_certificate_is_not(self, services, web):
        web.get(f"{URL}about", body=requests.exceptions.SSLError("no"))
        with pytest.raises(WebServicesError) as error:
            services.about()
        assert "TLS" in sentence(error)
        assert len(web.calls) == 1

    @pytest.mark.parametrize(
        ("status", "error_class"),
        [
            (400, RefusedError),
            (401, WrongKeyError),
            (403, WrongKeyError),
            (404, NoDataError),
            (408, RefusedError),
            (422, RefusedError),
            (204, RefusedError),
        ],
    )
    def test_other_refusals_are_not_tried_again(self, services, web, status, error_class):
        web.get(f"{URL}about", status=status, body="<html>no</html>" if status != 204 else "")
        with pytest.raises(error_class) as error:
            services.about()
        assert str(status) in sentence(error) or status == 404
        assert len(web.calls) == 1

    def test_redirect_is_not_followed(self, services, web):
        web.get(f"{URL}about", status=302, headers={"Location": "https://evil.example/"})
        with pytest.raises(RefusedError):
            services.about()
        assert len(web.calls) == 1
