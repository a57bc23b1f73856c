"""Clients of the Web Services for tests: time passes only when they sleep."""

import pytest

from occupations.web_answers import WebServicesError
from occupations.web_services import WebServices
from tests.fake_onet import FakeOnet

URL = "https://api.example/"
KEY = "secret-key-4711"
ABOUT = {"api_version": "2.0.0", "database": {"name": "O*NET 30.3"}, "taxonomy": {"name": "O*NET-SOC 2019"}}


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client_of(fake: FakeOnet, clock: Clock | None = None, **limits) -> WebServices:
    clock = clock or Clock()
    credentials = (
        {"key": fake.key} if fake.generation == "2.0" else {"username": fake.username, "password": fake.password}
    )
    return WebServices(fake.url, **credentials, clock=clock, sleep=clock.sleep, **limits)


def sentence(error: pytest.ExceptionInfo[WebServicesError]) -> str:
    """Return the message, which is one sentence without the key."""
    message = str(error.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert KEY not in message
    return message
