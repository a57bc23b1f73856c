"""The way into a job: what kind of training it usually takes, how long, and in which order (design 3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What people usually go through for a job of a zone."""

    CERTIFICATE_OR_APPRENTICESHIP = "certificate or apprenticeship"
    BOOTCAMP_OR_CERTIFICATE = "bootcamp or certificate"
    EXTENDED_OR_DEGREE = "extended training or degree"


# (kind, fewest months, most months) by job zone, as first described.
BY_ZONE = {
    1: (Kind.CERTIFICATE_OR_APPRENTICESHIP, 3, 12),
    2: (Kind.CERTIFICATE_OR_APPRENTICESHIP, 3, 12),
    3: (Kind.BOOTCAMP_OR_CERTIFICATE, 3, 18),
    4: (Kind.EXTENDED_OR_DEGREE, 12, 48),
    5: (Kind.EXTENDED_OR_DEGREE, 12, 48),
}


class Gap(NamedTuple):
    """A skill or knowledge area to work on: ratings 0-4 and the points lost on it.

    `rating_from` is None where the person's rating is unknown.
    """

    element_id: str
    rating_from: int | None
    rating_to: int
    points: float


@dataclass(frozen=True, slots=True)
class LicenceStep:
    """A licence still to be earned; months are typical ones, its training included."""

    name: str
    months: float


@dataclass(frozen=True, slots=True)
class TrainingPath:
    """A path into a job. The months are an estimate by job zone and licence, and to be shown as one.

    Args:
        kind: The usual kind of training; None for a job without a zone, for which no path is claimed.
        months_low: Fewest months; None without a kind.
        months_high: Most months; None without a kind.
        gaps: What to learn, prerequisites first.
        licences: Licences to earn, the shortest first.
        education: (level, percent of people in the job), the most common first.
    """

    kind: Kind | None
    months_low: float | None
    months_high: float | None
    gaps: tuple[Gap, ...]
    licences: tuple[LicenceStep, ...]
    education: tuple[tuple[str, float], ...]

    @property
    def is_needed(self) -> bool:
        """Whether anything is left to learn or to earn."""
        return bool(self.gaps or self.licences)


def training_path(
    zone: int,
    gaps: Sequence[Gap],
    *,
    education_shares: Sequence[tuple[str, float]] = (),
    licences: Sequence[LicenceStep] = (),
) -> TrainingPath:
    """Return the path into a job of a zone.

    A licence takes at least its own months, so it lengthens what the zone suggests; of several the longest
    counts, because their training overlaps.

    Args:
        zone: Job zone 1-5; 0 where the job has none.
        gaps: What is to be learned, in any order.
        education_shares: (level, percent of people in the job).
        licences: Licences that the job asks for and the person lacks.

    Raises:
        ValueError: The zone is outside 0-5.
    """
    if zone != 0 and zone not in BY_ZONE:
        raise ValueError(f"job zone {zone} is outside 0-5")
    kind, low, high = BY_ZONE.get(zone, (None, None, None))
    longest = max((licence.months for licence in licences), default=0)
    return TrainingPath(
        kind=kind,
        months_low=None if low is None else max(low, longest),
        months_high=None if high is None else max(high, longest),
        gaps=basics_first(gaps),
        licences=tuple(sorted(licences, key=lambda licence: licence.months)),
        education=tuple(sorted((s for s in education_shares if s[1] > 0), key=lambda s: -s[1])),
    )


def basics_first(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Return gaps in the order to learn them: by branch of O*NET's content model, then the most costly first.

    The branches build on each other: basic content skills (2.A.1: reading, mathematics), basic process
    skills (2.A.2: learning, critical thinking), cross-functional skills (2.B), then knowledge (2.C).
    """

    def order(gap: Gap) -> tuple[str, float, str]:
        branch = gap.element_id[:5] if gap.element_id.startswith("2.A") else gap.element_id[:3]
        return branch, -gap.points, gap.element_id

    return tuple(sorted(gaps, key=order))
