"""Labelled samples, and their folds by person."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from calibration.curves.features import FEATURES, Bools, Floats, Ints, TrainingError


class OneClassError(TrainingError):
    """All labels are positive, or all negative, or there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Recommended jobs with a mature label of one target.

    Args:
        features: Shape (n, len(FEATURES)); NaN where unknown.
        position: Shape (n,), the place in the tier at which the job was shown; 1 is the top.
        person: Shape (n,), whole numbers that tell people apart.
        shown_days: Shape (n,), when it was shown, in days since any fixed moment.
        label: Shape (n,), 1 positive or 0 negative.

    Raises:
        ValueError: Shapes differ, a feature is infinite, a position is below 1, or a label is neither 0 nor 1.
    """

    features: Floats
    position: Floats
    person: Ints
    shown_days: Floats
    label: Ints

    def __post_init__(self) -> None:
        n = len(self.label)
        if self.features.shape != (n, len(FEATURES)):
            raise ValueError(f"features must have shape ({n}, {len(FEATURES)}): {self.features.shape}")
        for name in ("position", "person", "shown_days"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},): {getattr(self, name).shape}")
        if np.isinf(self.features).any():
            raise ValueError("a feature is infinite")
        if not (self.position >= 1).all():
            raise ValueError("positions start at 1")
        if not ((self.label == 0) | (self.label == 1)).all():
            raise ValueError("labels are 0 or 1")

    def __len__(self) -> int:
        return len(self.label)

    def take(self, mask: Bools) -> Self:
        """Return the samples of a mask, shape (n,)."""
        return type(self)(
            self.features[mask], self.position[mask], self.person[mask], self.shown_days[mask], self.label[mask]
        )


def people_of_rarer_class(samples: Samples) -> int:
    """Return how many distinct people have a mature label of the rarer class: what the ladder counts by."""
    return min(len(np.unique(samples.person[samples.label == label])) for label in (0, 1))


def folds(person: Ints, n_folds: int, seed: int) -> Ints:
    """Return each sample's fold, shape (n,), 0 to n_folds - 1; all samples of a person share one.

    People are shuffled by the seed and dealt out in turn, so folds differ by one person at most.
    """
    people, index = np.unique(person, return_inverse=True)
    dealt = np.empty(len(people), np.int64)
    dealt[np.random.default_rng(seed).permutation(len(people))] = np.arange(len(people)) % n_folds
    return dealt[index]


def require_both_classes(label: Ints) -> None:
    """Refuse labels of shape (n,) that are all alike.

    Raises:
        OneClassError: They are.
    """
    positives = int(label.sum())
    if positives == 0 or positives == len(label):
        raise OneClassError(f"{positives} of {len(label)} labels are positive: both kinds are needed.")
