"""The tiers, and every figure that decides between them: the defaults are the design's, settings may differ."""

from dataclasses import dataclass
from enum import IntEnum


class Tier(IntEnum):
    """Best first, so a smaller number is a better tier; NONE where nothing may be claimed."""

    NONE = -1
    READY_NOW = 0
    TRAINABLE = 1
    LONG_RESKILL = 2


TIER_NAMES = tuple(tier.name for tier in sorted(Tier) if tier >= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class V1Thresholds:
    """Bounds of the baseline's tiers, in percent (design 3.1).

    Raises:
        ValueError: A bound lies outside 0-100, or Ready now is easier to reach than Trainable.
    """

    ready_match: float = 75.0
    ready_gap: float = 25.0
    trainable_match: float = 50.0
    trainable_gap: float = 55.0

    def __post_init__(self) -> None:
        if not 0 <= self.trainable_match <= self.ready_match <= 100:
            raise ValueError("match thresholds must satisfy 0 <= trainable <= ready <= 100")
        if not 0 <= self.ready_gap <= self.trainable_gap <= 100:
            raise ValueError("gap thresholds must satisfy 0 <= ready <= trainable <= 100")


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Thresholds:
    """Bounds of the level-aware tiers (design 3.2).

    Readiness and knowledge are percentages; shortfall, slack and errors are levels on O*NET's 0-7 scale;
    zone steps are job zones; a shortfall must stay below its bound, everything else may reach it.

    Args:
        core_importance: Importance (1-5) from which an element is core to a job.
        core_size: A job with fewer core elements gets this many, its most important ones.
        known_share: Least share of a job's weight (0-1) that must be known before a tier is given, and
            before knowledge counts.
        top_zone: The zone that nobody is called trainable for from a lower one.
        ready_needs_all_known: Refuse READY_NOW where the person's knowledge or either zone is unknown.
            Otherwise what is unknown is left out, and the tier is never firm.
        ready_shortfall_unchecked: The bound on the shortfall where knowledge or zone is unknown, if it is the
            lower one: what cannot be checked must be made up for by skills closer to what the job asks.
        above_zone_steps: So many zones below the person's, a job is below their level.
        above_slack: Levels above a job's need that are not yet a surplus.
        above_surplus: Weighted mean surplus (levels) beyond which a job is below the person's level.
        rated_error: How far off a rated level may be, for telling firm from borderline.
        assumed_error: The same for a level assumed from a held job.

    Raises:
        ValueError: Ready now is easier to reach than Trainable on some condition, or a bound is out of range.
    """

    core_importance: float = 3.0
    core_size: int = 8
    known_share: float = 0.6
    top_zone: int = 5
    ready_needs_all_known: bool = False

    ready_readiness: float = 85.0
    ready_knowledge: float = 84.0
    ready_shortfall: float = 2.25
    ready_shortfall_unchecked: float = 1.5
    ready_zone_steps: int = 0

    trainable_readiness: float = 65.0
    trainable_knowledge: float = 55.0
    trainable_shortfall: float = 3.0
    trainable_zone_steps: int = 1
    trainable_licence_months: float = 18.0

    above_zone_steps: int = 2
    above_slack: float = 1.5
    above_surplus: float = 1.0
    rated_error: float = 0.75
    assumed_error: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.trainable_readiness <= self.ready_readiness <= 100:
            raise ValueError("readiness thresholds must satisfy 0 <= trainable <= ready <= 100")
        if not 0 <= self.trainable_knowledge <= self.ready_knowledge <= 100:
            raise ValueError("knowledge thresholds must satisfy 0 <= trainable <= ready <= 100")
        if not 0 < self.ready_shortfall <= self.trainable_shortfall or self.ready_shortfall_unchecked <= 0:
            raise ValueError("shortfall thresholds must be positive and satisfy ready <= trainable")
        # A move up into the top zone is never trainable, so it must not be "ready" either.
        if not self.ready_zone_steps <= min(0, self.trainable_zone_steps):
            raise ValueError("zone steps must satisfy ready <= 0 and ready <= trainable")
        if self.trainable_licence_months < 0 or min(self.rated_error, self.assumed_error) < 0:
            raise ValueError("licence months and errors must not be negative")
        if not 0 < self.known_share <= 1 or self.core_size < 1:
            raise ValueError("known share must be in (0, 1] and the core at least one element")


V1_DEFAULTS = V1Thresholds()
V2_DEFAULTS = V2Thresholds()
