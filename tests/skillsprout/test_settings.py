"""Settings: what is documented is what is read; a missing secret or a value out of bounds stops the start."""

import os
import re
import runpy
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def names_read() -> set[str]:
    source = (settings.BASE_DIR / "skillsprout" / "settings.py").read_text()
    return set(re.findall(r"""(?:env\.\w+|number)\(\s*"([A-Z0-9_]+)\"""", source))


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Read the settings anew, with these variables in the environment."""

    def read(**variables: str) -> dict[str, object]:
        for name, value in {"VAR_DIR": str(tmp_path), "SECRET_KEY": "x", **variables}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(settings.BASE_DIR / "skillsprout" / "settings.py"))

    return read


def test_every_setting_is_documented_and_every_documented_one_is_read():
    example = (settings.BASE_DIR / ".env.example").read_text()
    documented = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert documented == names_read()


def test_the_documented_defaults_are_the_defaults(tmp_path):
    """A copy of .env.example changes nothing but the secret and DEBUG."""
    example = (settings.BASE_DIR / ".env.example").read_text()
    given = dict(line.split("=", 1) for line in example.splitlines() if re.match(r"[A-Z0-9_]+=", line))
    names = ("MODEL_VERSION", "V2_THRESHOLDS", "DATABASES", "CACHES", "LABEL_MATURITY", "SECRET_KEY_FALLBACKS")
    shown = f"from skillsprout import settings as s; print([getattr(s, name) for name in {names}])"

    def run(more: dict[str, str]) -> str:
        environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "SECRET_KEY": "x"}
        return subprocess.run(
            [sys.executable, "-c", shown],
            env={**environment, **more, "SECRET_KEY": "x"},
            capture_output=True,
            text=True,
            check=True,
            cwd=settings.BASE_DIR,
        ).stdout

    assert run(given) == run({})


def test_a_missing_secret_stops_the_start_with_what_to_do(tmp_path):
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
    )
    assert run.returncode != 0
    assert "SECRET_KEY is not set. Set it to a long random string" in run.stderr


@pytest.mark.parametrize(
    ("name", "values", "allowed"),
    [
        ("EXPLORATION_EPSILON", ("1.5", "-0.1", "nan", "inf", "a tenth", ""), "a number from 0.0 to 1.0"),
        ("EXPLORATION_POOL", ("-1", "40000", "2.5", "all"), "a whole number from 0 to 32,767"),
        ("READY_NOW_MATCH_THRESHOLD", ("500", "-1", "nan", "abc"), "a number from 0.0 to 100.0"),
        ("V2_READY_SHORTFALL", ("8", "-0.1", "much"), "a number from 0.0 to 7.0"),
        ("V2_TRAINABLE_ZONE_STEPS", ("5", "0.5"), "a whole number from -4 to 4"),
        ("V2_KNOWN_SHARE", ("7", "60"), "a number from 0.0 to 1.0"),
        ("LIMIT_PER_BUCKET", ("-1", "0", "101", "40000", "ten"), "a whole number from 1 to 100"),
        ("CALIBRATION_TARGET", ("foo", "Interest", ""), "interest or outcome"),
        ("CALIBRATION_LIVE_MAX_ERROR", ("0", "-1", "1.1", "nan"), "a number from 0.01 to 1.0"),
        ("MODEL_TRAINING_MIN_SAMPLES", ("0", "-50", "1e9"), "a whole number from 1 to 1,000,000"),
        ("SAVE_MATURITY_DAYS", ("0", "-14", "nan", "inf"), "a number from 0.001 to 3,650.0"),
        ("APPLY_MATURITY_DAYS", ("0", "two weeks"), "a number from 0.001 to 3,650.0"),
        ("INTERVIEW_MATURITY_DAYS", ("0", "-60"), "a number from 0.001 to 3,650.0"),
        ("OFFER_MATURITY_DAYS", ("0", "4000"), "a number from 0.001 to 3,650.0"),
    ],
)
def test_a_value_out_of_bounds_stops_the_start_with_what_is_allowed(read, name, values, allowed):
    for value in values:
        with pytest.raises(ImproperlyConfigured) as stop:
            read(**{name: value})
        assert str(stop.value) == f"{name} is {value!r}. It must be {allowed}."


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("EXPLORATION_EPSILON", {"0": 0.0, "1": 1.0}),
        ("EXPLORATION_POOL", {"0": 0, "32767": 32_767}),
        ("LIMIT_PER_BUCKET", {"1": 1, "100": 100}),
        ("CALIBRATION_TARGET", {"interest": "interest", "outcome": "outcome"}),
        ("MODEL_TRAINING_MIN_SAMPLES", {"1": 1}),
        ("SECRET_KEY_FALLBACKS", {"": [], "old": ["old"], "old,older": ["old", "older"], "old,": ["old"]}),
    ],
)
def test_values_that_are_allowed_are_read(read, name, values):
    for given, value in values.items():
        assert read(**{name: given})[name] == value


def test_a_value_out_of_bounds_stops_every_command(tmp_path):
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "SECRET_KEY": "x", "EXPLORATION_EPSILON": "1.5"},
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
    )
    assert run.returncode != 0
    assert "EXPLORATION_EPSILON is '1.5'. It must be a number from 0.0 to 1.0." in run.stderr
