"""What is wrong with the settings, where only this app can tell."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from recommendations.scoring_run import MODELS


@register
def model_version_is_known(**kwargs: Any) -> list[CheckMessage]:
    if settings.MODEL_VERSION in MODELS:
        return []
    words = f"MODEL_VERSION is {settings.MODEL_VERSION!r}. It must be {' or '.join(MODELS)}."
    return [Error(words, id="recommendations.E001")]
