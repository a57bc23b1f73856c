"""What every test needs."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from pytest_django import Settings

from occupations.catalogue import forget_catalogue

# No test is timed: machines are shared. In CI the examples are the same each time; elsewhere they are new.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _fresh_catalogue() -> Iterator[None]:
    """Keep no catalogue from one test's database to the next."""
    forget_catalogue()
    yield
    forget_catalogue()


@pytest.fixture(autouse=True)
def _no_cache(settings: Settings) -> None:
    """Keep no answer from one test to the next."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture(scope="session")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(autouse=True)
def _own_var_dir(settings: Settings, var_dir: Path) -> None:
    """Give each test process files of its own: databases in memory have the same name in all of them."""
    settings.VAR_DIR = var_dir
