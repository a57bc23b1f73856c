"""Curves for tests: as small as can be, and their order unlike that of the score."""

import os
from dataclasses import dataclass

import numpy as np

from recommendations import services
from recommendations.models import Curve

NAMES = ("gap_severity", "match_score")


@dataclass(frozen=True)
class Ramp:
    """A probability that rises with one column of 0-100, or falls where it is turned over."""

    column: int = 0
    falls: bool = False
    width: float = 0.1

    def probability(self, features):
        p = features[:, self.column] / 100
        return 1 - p if self.falls else p

    def interval(self, features, probability=None):
        p = self.probability(features) if probability is None else probability
        return np.clip(p - self.width, 0, 1), np.clip(p + self.width, 0, 1)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a curve: where the ramp starts and how steep it is."""

    start: float = 0.1
    slope: float = 0.5


@dataclass(frozen=True, slots=True)
class Whole:
    """A curve that is made of parts, as the real ones are."""

    part: Part = Part()
    more: tuple[Part, ...] = (Part(0.2), Part(0.3))
    column: int = 0

    def probability(self, features):
        return self.part.start + self.part.slope * features[:, self.column] / 100

    def interval(self, features, probability=None):
        p = self.probability(features)
        return p, p


@dataclass(frozen=True)
class Bomb:
    """Whoever loads this makes a folder."""

    folder: str

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def make_curve(
    version="ramp-1", *, curve=None, model_version="v2_level", target="interest", names=NAMES, serves=True
) -> Curve:
    """Store a curve; by default it serves, and the larger the gap, the more probable it says a job is."""
    stored = services.store_curve(
        version=version, model_version=model_version, target=target, feature_names=names, curve=curve or Ramp()
    )
    if serves:
        services.activate_curve(stored)
    return stored
