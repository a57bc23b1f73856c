"""Boosted trees as plain arrays: quicker than scikit-learn for a page of jobs, and no pickled estimator to trust."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from calibration.curves.features import Floats, Ints

MOST_LEAVES = 8
ALL_LEAVES = 2**MOST_LEAVES - 1
FIRST_LEAF = np.array([(leaves & -leaves).bit_length() - 1 for leaves in range(ALL_LEAVES + 1)])
"""The first leaf of a set of them."""
# So few that what one step needs stays in the processor's cache.
ROWS_AT_ONCE = 256

Sets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Regression trees whose sum is a log odds, of at most 8 leaves each.

    Every split is tried, no path is walked: a row ends in the first leaf, from the left, that none of the splits at
    which it goes right rules out (QuickScorer: Lucchese et al. 2015). A set of leaves is a number, bit i for leaf i.

    Args:
        column: Shape (n_splits, n_trees), the input that a split looks at.
        threshold: Shape (n_splits, n_trees); up to it, a row goes left. Infinite where a tree has fewer splits.
        left_out: Shape (n_splits, n_trees), all leaves but those on a split's left.
        value: Shape (n_trees, 8), what a leaf adds to the log odds.
        baseline: The log odds before any tree.
    """

    column: Ints
    threshold: Floats
    left_out: Sets
    value: Floats
    baseline: float

    def log_odds(self, inputs: Floats) -> Floats:
        """Return the log odds of rows, shape (n,), for inputs of shape (n, k) without NaN."""
        parts = [self._log_odds(inputs[first : first + ROWS_AT_ONCE]) for first in range(0, len(inputs), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _log_odds(self, inputs: Floats) -> Floats:
        by_column = np.ascontiguousarray(inputs.T)
        goes_left = by_column[self.column] <= self.threshold[:, :, None]
        # As numbers: false is 0 and rules out nothing beyond its set, true is 1 and becomes the set of all leaves.
        possible = np.bitwise_and.reduce(goes_left * np.uint8(ALL_LEAVES) | self.left_out[:, :, None])
        leaf = FIRST_LEAF[possible] + MOST_LEAVES * np.arange(len(self.value))[:, None]
        result: Floats = self.baseline + self.value.take(leaf).sum(axis=0)
        return result


def trees_of(estimator: HistGradientBoostingClassifier) -> Trees:
    """Return the trees of a fitted two-class estimator whose inputs are all numbers, and whose leaves are at most 8.

    They are read from scikit-learn's private `_predictors`; a test holds that the log odds are the estimator's own.
    """
    trees = [of_class[0].nodes for of_class in estimator._predictors]
    shape = (MOST_LEAVES - 1, len(trees))
    column, threshold = np.zeros(shape, np.int64), np.full(shape, np.inf)
    left_out, value = np.full(shape, ALL_LEAVES, np.uint8), np.zeros((len(trees), MOST_LEAVES))
    for number, nodes in enumerate(trees):
        splits, leaves = _read(nodes)
        value[number, : len(leaves)] = leaves
        for place, split in enumerate(splits):
            column[place, number], threshold[place, number], left_out[place, number] = split
    return Trees(column, threshold, left_out, value, float(np.ravel(estimator._baseline_prediction)[0]))


def _read(nodes: Any) -> tuple[list[tuple[int, float, int]], list[float]]:
    """Return a tree's splits, as column, threshold and the leaves that are not on its left, and its leaves' values."""
    splits: list[tuple[int, float, int]] = []
    leaves: list[float] = []

    def walk(node: Any) -> int:
        """Take up what is under a node, from left to right, and return the set of its leaves."""
        if node["is_leaf"]:
            leaves.append(float(node["value"]))
            return 1 << (len(leaves) - 1)
        left = walk(nodes[node["left"]])
        splits.append((int(node["feature_idx"]), float(node["num_threshold"]), ALL_LEAVES & ~left))
        return left | walk(nodes[node["right"]])

    walk(nodes[0])
    return splits, leaves
