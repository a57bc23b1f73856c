"""Figures as values that JSON holds."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def json_ready(value: Any) -> Any:
    """Return a value with Python's own numbers, lists and dicts, and None for NaN and infinities, which JSON lacks."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(of_key) for key, of_key in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_ready(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [json_ready(element) for element in value]
    return value
