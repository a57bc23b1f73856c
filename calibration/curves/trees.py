"""Boosted trees as plain arrays: quicker than scikit-learn for a page of jobs, and no pickled estimator to trust."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from calibration.curves.features import Floats, Ints

# So few that what one step needs stays in the processor's cache.
ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Regression trees whose sum is a log odds; nodes of all trees stand in one row.

    Args:
        roots: Shape (n_trees,), each tree's first node.
        column: Shape (n_nodes,), the input that a node splits on; 0 for a leaf.
        threshold: Shape (n_nodes,); up to it, a row goes left.
        left, right: Shape (n_nodes,), the next node; a leaf leads to itself.
        value: Shape (n_nodes,), what a leaf adds to the log odds.
        baseline: The log odds before any tree.
        depth: Steps from a root to its furthest leaf.
    """

    roots: Ints
    column: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    baseline: float
    depth: int

    def log_odds(self, inputs: Floats) -> Floats:
        """Return the log odds of rows, shape (n,), for inputs of shape (n, k) without NaN."""
        parts = [self._log_odds(inputs[first : first + ROWS_AT_ONCE]) for first in range(0, len(inputs), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _log_odds(self, inputs: Floats) -> Floats:
        # One column after the other, and both ways out of a node side by side: few and near reads.
        n, by_column = len(inputs), np.ascontiguousarray(inputs.T)
        values, row, first = by_column.ravel(), np.arange(n), n * self.column
        ways = np.stack([self.right, self.left], axis=1).ravel()
        goes_left = by_column[self.column[self.roots]] <= self.threshold[self.roots][:, None]
        node = ways.take(2 * self.roots[:, None] + goes_left)
        for _ in range(self.depth - 1):
            goes_left = values.take(first.take(node) + row) <= self.threshold.take(node)
            node = ways.take(2 * node + goes_left)
        result: Floats = self.baseline + self.value.take(node).sum(axis=0)
        return result


def trees_of(estimator: HistGradientBoostingClassifier) -> Trees:
    """Return the trees of a fitted two-class estimator whose inputs are all numbers.

    They are read from scikit-learn's private `_predictors`; a test holds that the log odds are the estimator's own.
    """
    predictors = [of_class[0] for of_class in estimator._predictors]
    sizes = [len(predictor.nodes) for predictor in predictors]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    first = np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    itself = np.arange(len(nodes))
    return Trees(
        roots=roots,
        column=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, itself, first + nodes["left"]),
        right=np.where(leaf, itself, first + nodes["right"]),
        value=np.where(leaf, nodes["value"], 0.0),
        baseline=float(np.ravel(estimator._baseline_prediction)[0]),
        depth=int(nodes["depth"].max()),
    )
