"""The calibration curve that is applied: kept as bytes with a keyed digest, checked before every load.

Unpickling runs what the bytes say, so only bytes that this installation has written are unpickled: their digest is
keyed with its secret (`SECRET_KEY`, or one of `SECRET_KEY_FALLBACKS` after a change of it). Calibration fits curves and
hands them down; whatever has these two methods will do.
"""

import hmac
import io
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, cast

import joblib
import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from recommendations.models import Curve
from recommendations.scoring.person import Floats

logger = logging.getLogger(__name__)

SALT = "skillsprout.calibration.curve"


class Applicable(Protocol):
    """A curve as it is applied: features have shape (n, k), in the order of the stored names; NaN where unknown."""

    def probability(self, features: Floats) -> Floats: ...

    def interval(self, features: Floats) -> tuple[Floats, Floats]: ...


class TamperedCurveError(Exception):
    """The stored bytes are not those that this installation wrote; nothing was loaded."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"The stored bytes of calibration {version} are not those that were written here, so it was not loaded. "
            "Promote another model or train anew."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """The curve that is applied to the lists of one scoring model."""

    version: str
    target: str
    feature_names: list[str]
    curve: Applicable

    def figures(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Return probability, low and high of features, shape (n, k); three times shape (n,)."""
        return (self.curve.probability(features), *self.curve.interval(features))


def store_curve(
    *, version: str, model_version: str, target: str, feature_names: Collection[str], curve: Applicable
) -> Curve:
    """Store a curve; it does not serve yet.

    Args:
        version: Its name, which no other curve has.
        model_version: The scoring model whose lists it learnt from.
        target: One of `Curve.Target`.
        feature_names: Names from `curve_columns`, in the order in which the curve reads them.
        curve: The curve. The same curve gives the same bytes.
    """
    artifact = dumped(curve)
    return Curve.objects.create(
        version=version,
        model_version=model_version,
        target=target,
        feature_names=list(feature_names),
        artifact=artifact,
        digest=_digest(artifact, settings.SECRET_KEY),
    )


def dumped(curve: Applicable) -> bytes:
    """Return a curve's joblib bytes."""
    buffer = io.BytesIO()
    joblib.dump(curve, buffer)
    return buffer.getvalue()


def load_curve(stored: Curve) -> Applicable:
    """Return the curve of a row after a check that this installation wrote it.

    Raises:
        TamperedCurveError: It did not, or not these bytes.
    """
    artifact = bytes(stored.artifact)
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(hmac.compare_digest(_digest(artifact, key), stored.digest) for key in keys):
        raise TamperedCurveError(stored.version)
    if stored.digest not in _loaded:
        _loaded[stored.digest] = cast(Applicable, joblib.load(io.BytesIO(artifact)))
    return _loaded[stored.digest]


_loaded: dict[str, Applicable] = {}
"""Curves by the digest of their bytes, which are checked again at each use, but unpickled once."""


@transaction.atomic
def activate_curve(stored: Curve) -> None:
    """Let a curve serve in place of the one that serves its scoring model now.

    Raises:
        TamperedCurveError: Its bytes are not those that were written; nothing changes.
    """
    load_curve(stored)
    Curve.objects.select_for_update().filter(model_version=stored.model_version, serving=True).update(serving=False)
    stored.serving = stored.may_serve = True
    stored.activated_at = timezone.now()
    stored.save(update_fields=["serving", "may_serve", "activated_at"])


def withdraw_curve(stored: Curve) -> None:
    """Take a curve back: it neither serves nor steps in for another one."""
    stored.serving = stored.may_serve = False
    stored.save(update_fields=["serving", "may_serve"])


def served_curve(model_version: str) -> Served | None:
    """Return the curve to apply to a scoring model's lists: the serving one, or the last good one before it.

    None where none serves, or where all are refused.
    """
    may_serve = Curve.objects.filter(model_version=model_version, may_serve=True).order_by("-serving", "-activated_at")
    candidates = list(may_serve.values_list("pk", "serving"))
    if not any(serving for _, serving in candidates):
        return None
    for pk, _ in candidates:
        stored = Curve.objects.get(pk=pk)
        try:
            return _served(stored)
        except TamperedCurveError:
            logger.exception("A calibration curve was refused")
    return None


def curve_of(version: str) -> Served | None:
    """Return a curve by its version, for a list that it ordered; None where it is gone or refused."""
    stored = Curve.objects.filter(version=version).first()
    try:
        return _served(stored) if stored else None
    except TamperedCurveError:
        return None


def refused_curves() -> list[str]:
    """Return a sentence for each curve that should serve and whose bytes are refused."""
    refused = []
    for stored in Curve.objects.filter(serving=True).order_by("model_version"):
        try:
            load_curve(stored)
        except TamperedCurveError as error:
            instead = served_curve(stored.model_version)
            serves = f"{instead.version} serves in its place." if instead else "None serves in its place."
            refused.append(f"{error} {serves}")
    return refused


def _served(stored: Curve) -> Served:
    return Served(stored.version, stored.target, stored.feature_names, load_curve(stored))


def _digest(artifact: bytes, key: str | bytes) -> str:
    return salted_hmac(SALT, artifact, secret=key, algorithm="sha256").hexdigest()


def rank(probability: Floats) -> list[int]:
    """Return places by probability, the largest first; equal and unknown ones keep their order, unknown last."""
    return [int(place) for place in np.argsort(-np.nan_to_num(probability, nan=-1.0), kind="stable")]
