"""The smallest change of skill ratings that lifts a person's tier for one job."""

from dataclasses import dataclass
from math import inf

from recommendations.scoring.explain import Code, Condition, Reasons, shortfall_bound
from recommendations.scoring.person import LEVEL_PER_RATING, MAX_RATING
from recommendations.scoring.points import ElementReason, shortfall
from recommendations.scoring.thresholds import V2_DEFAULTS, Tier, V2Thresholds
from recommendations.scoring.v2 import DECIMALS


@dataclass(frozen=True, slots=True)
class Step:
    """One skill to raise, by ratings 0-4."""

    element_id: str
    rating_from: int
    rating_to: int


@dataclass(frozen=True, slots=True)
class Change:
    """What lifts a tier.

    Args:
        target: The tier to reach.
        steps: The fewest rating steps that meet the tier's skill conditions; empty where they are met, and
            where no ratings could meet them.
        barriers: What skill ratings cannot mend: skills alone will do only where this is empty. READINESS and
            SHORTFALL stand here with the best that ratings of 4 would reach.
    """

    target: Tier
    steps: tuple[Step, ...]
    barriers: tuple[Condition, ...]

    @property
    def n_steps(self) -> int:
        return sum(step.rating_to - step.rating_from for step in self.steps)


def smallest_change(
    reasons: Reasons, target: Tier | None = None, thresholds: V2Thresholds = V2_DEFAULTS
) -> Change | None:
    """Return the smallest change that reaches a better tier; None where there is no better tier to reach.

    A step raises one known core skill by one rating. Of the changes with the fewest steps it is one that
    leaves the highest readiness. Rating an unknown skill for the first time is no step: it may lower as well.

    Args:
        reasons: Result of `explain` for a person and a job.
        target: The tier to reach; by default the next better one.
        thresholds: The bounds that the reasons were computed with.
    """
    if reasons.tier <= Tier.READY_NOW:
        return None
    if target is None:
        target = Tier(reasons.tier - 1)
    if target not in reasons.failing:
        return None
    ready = target == Tier.READY_NOW
    least = thresholds.ready_readiness if ready else thresholds.trainable_readiness
    most_short = shortfall_bound(target, bool(reasons.unchecked), thresholds)

    by_skill = (Code.READINESS, Code.SHORTFALL)
    barriers = [condition for condition in reasons.failing[target] if condition.code not in by_skill]
    gaps = reasons.gaps
    options = [_options(skill) for skill in gaps]
    best = 100.0 - sum(levels[-1][1] for levels in options)
    if round(best, DECIMALS) < least:
        barriers.append(Condition(Code.READINESS, best, least))
    for skill, levels in zip(gaps, options, strict=True):
        if levels[-1][0] >= most_short:
            barriers.append(Condition(Code.SHORTFALL, levels[-1][0], most_short, skill.element_id))
    if any(condition.code in by_skill for condition in barriers):
        return Change(target, (), tuple(barriers))

    # Steps too few to bring the shortfall under its bound are no option.
    lost = [[points if short < most_short else inf for short, points in levels] for levels in options]
    counts = _fewest(lost, 100.0 - least)
    steps = tuple(
        Step(skill.element_id, skill.rating_have, skill.rating_have + count)
        for skill, count in zip(gaps, counts, strict=True)
        if count and skill.rating_have is not None
    )
    return Change(target, steps, tuple(barriers))


def _options(skill: ElementReason) -> list[tuple[float, float]]:
    """Return levels short and points lost after 0, 1, 2 ... steps, until nothing more is gained."""
    options = [(shortfall(skill), skill.points)]
    if skill.rating_have is None or not skill.level_needed:
        return options
    for rating in range(skill.rating_have + 1, MAX_RATING + 1):
        short = round(max(0.0, skill.level_needed - LEVEL_PER_RATING * rating), DECIMALS)
        options.append((short, skill.points_possible * short / skill.level_needed))
        if short == 0:
            break
    return options


def _fewest(lost: list[list[float]], most: float) -> list[int]:
    """Return the number of steps per skill, fewest in sum, that leave at most so many points lost.

    An exact table over (skills so far, steps spent): a greedy choice would do if every step on a skill gained
    no more than the one before it, but the first step from an assumed level is often a fraction of a rating.

    Args:
        lost: Points lost per skill after 0, 1, 2 ... steps; infinite where not allowed.
        most: Points that may be lost; the last option of each skill together must keep it.
    """
    budget = _enough(lost, most)
    least = [0.0] + [inf] * budget
    chosen = []
    for options in lost:
        before, least = least, [inf] * (budget + 1)
        counts = [0] * (budget + 1)
        for count, points in enumerate(options):
            for spent in range(count, budget + 1):
                after = before[spent - count] + points
                if after < least[spent]:
                    least[spent], counts[spent] = after, count
        chosen.append(counts)
    meets = (spent for spent, points in enumerate(least) if round(points, DECIMALS) <= round(most, DECIMALS))
    spent = next(meets, budget)
    fewest = []
    for counts in reversed(chosen):
        fewest.append(counts[spent])
        spent -= counts[spent]
    return fewest[::-1]


def _enough(lost: list[list[float]], most: float) -> int:
    """Return a number of steps that suffices, found greedily: it keeps the table small."""
    counts = [next(count for count, points in enumerate(options) if points < inf) for options in lost]
    while True:
        left = [options[count:] for options, count in zip(lost, counts, strict=True)]
        gains = [options[0] - options[1] if len(options) > 1 else -inf for options in left]
        best = max(gains, default=-inf)
        if round(sum(options[0] for options in left), DECIMALS) <= round(most, DECIMALS) or best == -inf:
            return sum(counts)
        counts[gains.index(best)] += 1
