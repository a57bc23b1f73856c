"""What another way of choosing would have been worth, from what was logged under this one.

Each row is one random choice, such as an exploration slot: what was chosen, with which probability, and the reward.
With w = target / logged:

- IPS: mean(w r) (Horvitz & Thompson 1952; Dudik, Langford, Li 2011, eq. 1).
- SNIPS: sum(w r) / sum(w), less noisy and unmoved by a constant added to r (Swaminathan & Joachims 2015, eq. 8).
- DR: mean(q_target + w (r - q_logged)), right if either the propensities or q are (Dudik, Langford, Li 2011, eq. 2).

Intervals resample people. The effective sample size is sum(w)² / sum(w²) (Kish 1965), and where all that could have
been chosen was logged, no more than what is to be expected of it, n / mean(sum over a of target(a)² / logged(a)): the
other policy's rare choices may simply not have been drawn, and then all weights are much alike and tell nothing. Under
100 there is no verdict.
"""

from dataclasses import dataclass

import numpy as np

from calibration.curves.features import Floats, Ints
from calibration.curves.resampling import Estimate, bootstrap, ratio

MIN_EFFECTIVE_SIZE = 100.0
NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Logged choices, and how another policy would have made them.

    Args:
        person: Shape (n,), whole numbers that tell people apart.
        reward: Shape (n,), of what was chosen.
        logged: Shape (n,), the probability with which it was chosen, above 0.
        target: Shape (n,), the probability with which the other policy chooses it.
        squared_weight: Shape (n,), the squared weight to be expected of each choice: the sum of target² / logged over
            all that could have been chosen, at least 1; None where that was not logged.

    Raises:
        ValueError: Shapes differ, or a probability lies outside its range.
    """

    person: Ints
    reward: Floats
    logged: Floats
    target: Floats
    squared_weight: Floats | None = None

    def __post_init__(self) -> None:
        if not self.person.shape == self.reward.shape == self.logged.shape == self.target.shape:
            raise ValueError("person, reward, logged and target must have the same shape")
        if not ((self.logged > 0) & (self.logged <= 1)).all():
            raise ValueError("logged propensities must be above 0 and at most 1")
        if not ((self.target >= 0) & (self.target <= 1)).all():
            raise ValueError("target probabilities must be 0 to 1")
        if self.squared_weight is not None and self.squared_weight.shape != self.target.shape:
            raise ValueError("squared_weight must have the shape of the target")

    @property
    def weight(self) -> Floats:
        return self.target / self.logged

    @property
    def effective_size(self) -> float:
        """How many choices made by the other policy itself would tell as much: see the module."""
        found = effective_size(self.weight)
        if self.squared_weight is None or len(self.squared_weight) == 0:
            return found
        return min(found, len(self.squared_weight) / float(self.squared_weight.mean()))


@dataclass(frozen=True, slots=True)
class Value:
    """A policy's estimated mean reward.

    Args:
        estimate: With its 95 % interval; NaN under the least effective sample size.
        effective_size: See the module.
        enough: Whether a verdict may be given.
    """

    estimate: Estimate
    effective_size: float
    enough: bool


def effective_size(weight: Floats) -> float:
    """Return Kish's effective sample size of weights, shape (n,); 0 where all are 0."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def ips(choices: Choices, *, seed: int, least: float = MIN_EFFECTIVE_SIZE) -> Value:
    """Return the target policy's value by inverse propensities; `least` is the effective size for a verdict."""
    gained = choices.weight * choices.reward
    return _value(choices, [gained, np.ones(len(gained))], seed, least)


def snips(choices: Choices, *, seed: int, least: float = MIN_EFFECTIVE_SIZE) -> Value:
    """Return the target policy's value by self-normalised inverse propensities."""
    return _value(choices, [choices.weight * choices.reward, choices.weight], seed, least)


def doubly_robust(
    choices: Choices, q_logged: Floats, q_target: Floats, *, seed: int, least: float = MIN_EFFECTIVE_SIZE
) -> Value:
    """Return the target policy's value by the doubly robust estimator.

    Args:
        choices: What was logged.
        q_logged: Shape (n,), the reward that a model expects of what was chosen; fitted on other people.
        q_target: Shape (n,), the reward that it expects of the target policy: the mean over what that may choose.
        seed: Of the resampling.
        least: Effective size for a verdict.

    Raises:
        ValueError: Shapes differ.
    """
    if not q_logged.shape == q_target.shape == choices.reward.shape:
        raise ValueError("expected rewards must have the shape of the rewards")
    gained = q_target + choices.weight * (choices.reward - q_logged)
    return _value(choices, [gained, np.ones(len(gained))], seed, least)


def snips_difference(choices: Choices, other: Choices, *, seed: int, least: float = MIN_EFFECTIVE_SIZE) -> Value:
    """Return the target policy's SNIPS value minus another's on the same choices, resampled together.

    Args:
        choices: What was logged, with the challenger's target probabilities.
        other: The same, with the champion's.
        seed: Of the resampling.
        least: Effective size that both must reach for a verdict; the smaller one is returned.
    """
    size = min(choices.effective_size, other.effective_size)
    if size < least:
        return Value(NOTHING, size, False)
    columns = np.column_stack(
        [choices.weight * choices.reward, choices.weight, other.weight * other.reward, other.weight]
    )
    estimate = bootstrap(choices.person, columns, lambda sums: ratio(sums) - ratio(sums, 2, 3), seed=seed)
    return Value(estimate, size, True)


def _value(choices: Choices, columns: list[Floats], seed: int, least: float) -> Value:
    size = choices.effective_size
    if size < least:
        return Value(NOTHING, size, False)
    estimate = bootstrap(choices.person, np.column_stack(columns), ratio, seed=seed)
    return Value(estimate, size, True)
