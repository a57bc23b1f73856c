"""Settings: what is documented is what is read, and a missing secret stops the start."""

import os
import re
import subprocess
import sys

from django.conf import settings


def names_read() -> set[str]:
    source = (settings.BASE_DIR / "skillsprout" / "settings.py").read_text()
    return set(re.findall(r"""env\.\w+\(\s*"([A-Z0-9_]+)\"""", source))


def test_every_setting_is_documented_and_every_documented_one_is_read():
    example = (settings.BASE_DIR / ".env.example").read_text()
    documented = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert documented == names_read()


def test_the_documented_defaults_are_the_defaults(tmp_path):
    """A copy of .env.example changes nothing but the secret and DEBUG."""
    example = (settings.BASE_DIR / ".env.example").read_text()
    given = dict(line.split("=", 1) for line in example.splitlines() if re.match(r"[A-Z0-9_]+=", line))
    shown = "from skillsprout import settings as s; print(s.MODEL_VERSION, s.V2_THRESHOLDS, s.DATABASES, s.CACHES)"

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
