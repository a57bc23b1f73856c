"""What another way of choosing would have been worth, from what was logged under this one.

Each row is one random choice, such as an exploration slot: what was chosen, with which probability, and the reward.
With w = target / logged:

- IPS: mean(w r) (Horvitz & Thompson 1952; Dudik, Langford, Li 2011, eq. 1).
- SNIPS: sum(w r) / sum(w), less noisy and unmoved by a constant added to r (Swaminathan & Joachims 2015, eq. 8).
- DR: mean(q_target + w (r - q_logged)), right if either the propensities or q are (Dudik, Langford, Li 2011, eq. 2).

Intervals resample people. The effective sample size is sum(w)² / sum(w²) (Kish 1965), but no more than what is to be
expected from all that could have been chosen, n / mean(sum over a of target(a)² / logged(a)): the other policy's rare
choices may simply not have been drawn, and then all weights are much alike and tell nothing.

What makes the other policy another one are the places where it does not put everything on the best of the pool, which
is what nearly all logged choices are. However many places agree, the few that do not rest on their own answers alone,
so the smaller of the two sizes over just these places counts where that is less; in a difference of two policies, the
one over the places where the two differ. Under 100 there is no verdict.
"""

from dataclasses import dataclass

import numpy as np

from calibration.curves.features import Bools, Floats, Ints
from calibration.curves.resampling import Estimate, bootstrap, ratio

MIN_EFFECTIVE_SIZE = 100.0
NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Logged choices, each among at most m, and how another policy would have made them.

    Args:
        person: Shape (n,), whole numbers that tell people apart.
        reward: Shape (n,), of what was chosen.
        chosen: Shape (n,), what was chosen, 0 to m - 1; 0 is the best.
        logged: Shape (n, m), the probability with which each could be chosen, that of the chosen one above 0.
        target: Shape (n, m), the probability with which the other policy chooses each.

    Raises:
        ValueError: Shapes differ, or a probability lies outside its range.
    """

    person: Ints
    reward: Floats
    chosen: Ints
    logged: Floats
    target: Floats

    def __post_init__(self) -> None:
        n = len(self.reward)
        if not self.person.shape == self.reward.shape == self.chosen.shape == (n,):
            raise ValueError("person, reward and chosen must have the same shape")
        if not (self.logged.ndim == 2 and len(self.logged) == n and self.logged.shape == self.target.shape):
            raise ValueError(f"logged and target must have the same shape, ({n}, m)")
        for name, chances in (("logged propensities", self.logged), ("target probabilities", self.target)):
            if not ((chances >= 0) & (chances <= 1)).all():
                raise ValueError(f"{name} must be 0 to 1")
        if not (self._of_chosen(self.logged) > 0).all():
            raise ValueError("what was chosen must have had a propensity above 0")

    @property
    def weight(self) -> Floats:
        """Shape (n,): target over logged probability of what was chosen."""
        return self._of_chosen(self.target) / self._of_chosen(self.logged)

    @property
    def effective_size(self) -> float:
        """How many choices made by the other policy itself would tell as much: see the module."""
        apart: Bools = np.any(self.target[:, :1] < 1, axis=1)
        return self.effective_size_with(apart)

    def effective_size_with(self, apart: Bools) -> float:
        """Return the smaller effective size of all choices and of some alone, shape (n,), if there are any."""
        everywhere = np.ones(len(self.reward), bool)
        return min(self._effective_size(places) for places in ((everywhere, apart) if apart.any() else (everywhere,)))

    def _effective_size(self, places: Bools) -> float:
        target, logged = self.target[places], self.logged[places]
        # What could not have been chosen but is wanted leaves no size.
        squares = np.divide(target**2, logged, where=logged > 0, out=np.where(target > 0, np.inf, 0.0)).sum()
        found = effective_size(self.weight[places])
        return min(found, len(target) ** 2 / float(squares)) if squares > 0 else found

    def _of_chosen(self, chances: Floats) -> Floats:
        return chances[np.arange(len(chances)), self.chosen]


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
        least: Effective size that both must reach, where they differ too, for a verdict; the smallest one is returned.
    """
    differ: Bools = np.any(choices.target != other.target, axis=1)
    size = min(choices.effective_size_with(differ), other.effective_size_with(differ))
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
