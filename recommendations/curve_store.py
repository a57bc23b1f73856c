"""The calibration curve that is applied: kept as bytes with a keyed digest, checked before every load.

Unpickling runs what the bytes say, so only bytes that this installation has written are unpickled: their digest is
keyed with its secret (`SECRET_KEY`, or one of `SECRET_KEY_FALLBACKS` after a change of it). It covers what a row says
of its curve as well, so that no curve can be passed off as another. Unpickling also puts the values of a dataclass into
whatever fields it has by now, so a row names the classes and fields that its curve is made of, and a curve is applied
only where today's are the same. Calibration fits curves and hands them down; whatever has the two methods of
`Applicable` will do.
"""

import hmac
import io
import json
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import NamedTuple, Protocol, cast

import joblib
import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from recommendations.models import Curve
from recommendations.scoring.person import Floats

logger = logging.getLogger(__name__)

SALT = "skillsprout.calibration.curve"
MOST_LOADED = 8
SERVING = f"SELECT * FROM {Curve._meta.db_table} WHERE model_version = %s AND serving"


class Applicable(Protocol):
    """A curve as it is applied: features have shape (n, k), in the order of the stored names; NaN where unknown.

    An interval may use probabilities that are known already, shape (n,).
    """

    def probability(self, features: Floats) -> Floats: ...

    def interval(self, features: Floats, probability: Floats | None = None) -> tuple[Floats, Floats]: ...


class RefusedCurveError(Exception):
    """A stored curve may not be applied."""


class TamperedCurveError(RefusedCurveError):
    """The stored bytes are not those that this installation wrote; nothing was loaded."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"The stored bytes of calibration {version} are not those that were written here, so it was not loaded. "
            "Promote another model or train anew."
        )


class UnreadableCurveError(RefusedCurveError):
    """The bytes are our own, but the code that they call for is no longer there, or no longer the same."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"Calibration {version} was stored by another version of the program and cannot be read by this one. "
            "Train anew."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """The curve that is applied to the lists of one scoring model."""

    version: str
    target: str
    feature_names: list[str]
    curve: Applicable


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
    stored = Curve(
        version=version,
        model_version=model_version,
        target=target,
        feature_names=list(feature_names),
        artifact=dumped(curve),
        made_of=_made_of(curve),
    )
    stored.digest = _digest(_content(stored), settings.SECRET_KEY)
    stored.save(force_insert=True)
    return stored


def dumped(curve: Applicable) -> bytes:
    """Return a curve's joblib bytes."""
    buffer = io.BytesIO()
    joblib.dump(curve, buffer)
    return buffer.getvalue()


def load_curve(stored: Curve) -> Applicable:
    """Return the curve of a row after a check that this installation wrote it.

    Raises:
        TamperedCurveError: It did not, or not these bytes under this name.
        UnreadableCurveError: It did, but this version of the program cannot read them.
    """
    keys, content = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), _content(stored)
    loaded = _loaded.get(stored.digest)
    if loaded and loaded.keys == keys and loaded.content == content:
        return loaded.curve
    if not any(hmac.compare_digest(_digest(content, key), stored.digest) for key in keys):
        raise TamperedCurveError(stored.version)
    try:
        curve = cast(Applicable, joblib.load(io.BytesIO(bytes(stored.artifact))))
    except Exception as error:  # Unpickling calls whatever the bytes name, so anything may be raised.
        raise UnreadableCurveError(stored.version) from error
    if _made_of(curve) != stored.made_of:
        raise UnreadableCurveError(stored.version)
    if len(_loaded) >= MOST_LOADED:
        _loaded.clear()
    _loaded[stored.digest] = Loaded(keys, content, curve)
    return curve


class Loaded(NamedTuple):
    """A curve as it was unpickled, with the content and the secrets that were checked."""

    keys: tuple[str | bytes, ...]
    content: bytes
    curve: Applicable


_loaded: dict[str, Loaded] = {}
"""By digest. A row is compared with what was checked at each use, and unpickled once."""


@transaction.atomic
def activate_curve(stored: Curve) -> None:
    """Let a curve serve in place of the one that serves its scoring model now.

    Raises:
        RefusedCurveError: Its bytes are not those that were written, or cannot be read; nothing changes.
    """
    rivals = Curve.objects.filter(model_version=stored.model_version)
    # All of them are locked first: of two that are activated at once, the second must see the first.
    list(rivals.order_by("pk").select_for_update().values_list("pk"))
    stored.refresh_from_db()
    load_curve(stored)
    rivals.filter(serving=True).update(serving=False)
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
    for stored in _may_serve(model_version):
        try:
            return _served(stored)
        except RefusedCurveError as error:
            if stored.version not in _told:
                _told.add(stored.version)
                logger.error("%s", error)
    return None


_told: set[str] = set()
"""Versions whose refusal this process has logged: they are met again at each list."""


def _may_serve(model_version: str) -> Iterator[Curve]:
    """Yield the serving curve, then those that served before it, the last one first; nothing where none serves."""
    # Read for each list, and Django would need longer to word this query than the database to answer it.
    serving = list(Curve.objects.raw(SERVING, [model_version]))
    yield from serving
    if serving:
        before = Curve.objects.filter(model_version=model_version, may_serve=True, serving=False)
        # One by one: the first of them is nearly always good, and all their bytes together are many.
        for key in before.order_by("-activated_at", "-pk").values_list("pk", flat=True):
            yield from Curve.objects.filter(pk=key)


def curve_of(version: str) -> Served | None:
    """Return a curve by its version, for a list that it ordered; None where it is gone or refused."""
    stored = Curve.objects.filter(version=version).first()
    try:
        return _served(stored) if stored else None
    except RefusedCurveError:
        return None


def refused_curves() -> list[str]:
    """Return a sentence for each curve that should serve and is refused: what is wrong and what serves instead."""
    refused = []
    for stored in Curve.objects.filter(serving=True).order_by("model_version"):
        try:
            load_curve(stored)
        except RefusedCurveError as error:
            instead = served_curve(stored.model_version)
            serves = f"{instead.version} serves in its place." if instead else "None serves in its place."
            refused.append(f"{error} {serves}")
    return refused


def rank(probability: Floats) -> npt.NDArray[np.intp]:
    """Return places by probability, the largest first; equal and unknown ones keep their order, unknown last."""
    return np.argsort(-probability, kind="stable")


def _served(stored: Curve) -> Served:
    return Served(stored.version, stored.target, stored.feature_names, load_curve(stored))


def _made_of(curve: object) -> str:
    """Return a line for each dataclass in a curve: its name and its fields in order, as the code has them now."""
    lines: set[str] = set()

    def look(value: object) -> None:
        if is_dataclass(value):
            names = [field.name for field in fields(value)]
            lines.add(f"{type(value).__module__}.{type(value).__qualname__}({', '.join(names)})")
            # After a change of its class a value may lack fields.
            look([getattr(value, name, None) for name in names])
        elif isinstance(value, list | tuple | set | frozenset):
            for inner in value:
                look(inner)
        elif isinstance(value, dict):
            look([*value.keys(), *value.values()])

    look(curve)
    return "\n".join(sorted(lines))


def _content(stored: Curve) -> bytes:
    """Return what a digest covers: what the row says of its curve, and the curve."""
    says = json.dumps([stored.version, stored.model_version, stored.target, stored.feature_names, stored.made_of])
    return says.encode() + b"\n" + bytes(stored.artifact)


def _digest(content: bytes, key: str | bytes) -> str:
    return salted_hmac(SALT, content, secret=key, algorithm="sha256").hexdigest()
