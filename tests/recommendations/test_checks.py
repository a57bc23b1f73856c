"""Settings that only this app can judge are refused before anything is served."""

import pytest
from django.core.checks import run_checks

from recommendations.services import MODELS


@pytest.mark.parametrize("unknown", ["foo", "", "V2_LEVEL"])
def test_a_model_that_there_is_not_is_an_error(settings, unknown):
    settings.MODEL_VERSION = unknown
    (error,) = (found for found in run_checks() if found.id == "recommendations.E001")
    assert error.is_serious()
    assert error.msg == f"MODEL_VERSION is {unknown!r}. It must be v1_baseline or v2_level."


@pytest.mark.parametrize("known", MODELS)
def test_every_model_may_be_the_default(settings, known):
    settings.MODEL_VERSION = known
    assert not [found for found in run_checks() if found.id == "recommendations.E001"]
