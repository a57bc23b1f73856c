"""What is written to the log: enough to find a request again, and no id that would let a reader in."""

import io
import logging
import uuid

import pytest

from skillsprout.logs import MaskingFormatter
from tests.factories import make_profile, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(monkeypatch):
    """What the handler of the settings writes, which is the only one."""
    (console,) = (handler for handler in logging.root.handlers if isinstance(handler.formatter, MaskingFormatter))
    monkeypatch.setattr(console, "stream", io.StringIO())
    return console.stream


def handlers_of(name):
    """Return the handlers of a logger up to, and without, the root's."""
    logger, found = logging.getLogger(name), []
    while logger is not logging.root:
        found += logger.handlers
        assert logger.propagate
        logger = logger.parent
    return found


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("post", "/api/v1/user/{}/recommendations", 422, {"limit_per_bucket": 0}),
        ("get", "/api/v1/user/{}/nowhere", 404, None),
        ("delete", "/api/v1/user/{}/history", 405, None),
        ("get", "/resume/{}/nowhere", 404, None),
    ],
)
def test_a_refused_request_is_logged_without_the_profiles_id(client, log, method, path, status, body):
    make_world()
    profile = make_profile()

    answer = getattr(client, method)(path.format(profile.pk), body, content_type="application/json")

    assert answer.status_code == status
    assert path.format(f"{str(profile.pk)[:8]}…") in log.getvalue()
    assert str(profile.pk)[9:] not in log.getvalue()


@pytest.mark.parametrize("name", ["django.request", "django.server", "django.security.csrf", "recommendations.events"])
def test_no_logger_writes_an_id_in_full(log, name):
    secret = uuid.uuid4()
    try:
        raise LookupError(f"There is no profile {secret}.")
    except LookupError:
        logging.getLogger(name).exception('"POST /resume/%s/ %s"', secret, str(secret).upper())

    assert str(secret)[9:] not in log.getvalue().lower()
    assert log.getvalue().lower().count(f"{str(secret)[:8]}…") == 3
    assert handlers_of(name) == []


def test_other_numbers_are_left_alone(log):
    digest = "0123456789abcdef" * 4
    logging.getLogger("calibration").error("Release 29.3 of 2026-11-24, %s", digest)

    assert log.getvalue().endswith(f"Release 29.3 of 2026-11-24, {digest}\n")
