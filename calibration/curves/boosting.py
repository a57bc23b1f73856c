"""The ladder's challenger: monotone gradient boosting, itself calibrated.

Trees (Friedman 2001) bend where a line cannot. They may not bend against a feature's sign, and the position may not
interact with anything, so that in the log odds it stays a separate summand, as in the logistic curve. Boosted trees
are poorly calibrated (Niculescu-Mizil & Caruana 2005), so two parameters of Platt are fitted on log odds that each
person got from trees grown without them (cross-fitting); unlike isotonic regression they tie no jobs.

An interval has two parts, added in quadrature: how well the rate of jobs with such a probability is known, and how much
this job's own probability hangs on the people whom the trees were grown on. The second is the delete-a-group jackknife
(Kott 2001); its replicates are the trees that cross-fitting grew without a third of the people, so it grows no others.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from calibration.curves.features import Bools, Floats, Inputs, Ints, Rung, choose_inputs
from calibration.curves.linear import platt_targets
from calibration.curves.logistic import fit_logistic
from calibration.curves.metrics import equal_mass_bins
from calibration.curves.resampling import Z95, binned_intervals
from calibration.curves.samples import Samples, folds, require_both_classes
from calibration.curves.trees import MOST_LEAVES, Trees, trees_of

N_FOLDS = 3
N_TREES = 100
N_BINS = 20
ITEMS_FOR_ERRORS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class BoostedCurve:
    """A curve whose log odds are calibrated sums of trees.

    Args:
        rung: BOOSTING.
        inputs: The features that it reads; the log position is the trees' last input.
        trees: Their sum is a log odds.
        calibration: Shape (2,), intercept and slope that make of it a calibrated one.
        centres: Shape (n_bins,), rising: mean cross-fitted probability of each bin of training samples.
        below, above: Shape (n_bins,), how far the 95 % interval of such a probability reaches below and above it.
        reference_position: The position at which jobs are read unless one is given, at least 1.
        base_rate: Share of positive labels in training.
        n_items: Number of training samples.
        n_people: Number of people in them.
    """

    rung: Rung
    inputs: Inputs
    trees: Trees
    calibration: Floats
    centres: Floats
    below: Floats
    above: Floats
    reference_position: float
    base_rate: float
    n_items: int
    n_people: int

    def probability(self, features: Floats, position: Floats | None = None) -> Floats:
        """Return probabilities, shape (n,); NaN for a job of which the curve knows nothing.

        Args:
            features: Shape (n, len(FEATURES)).
            position: Shape (n,), where the jobs were shown; by default all at the reference position.
        """
        inputs = _tree_inputs(self.inputs, features, position, self.reference_position)
        unknown: Bools = np.any(np.isnan(inputs), axis=1)
        log_odds = self.trees.log_odds(np.where(unknown[:, None], 0.0, inputs))
        return np.where(unknown, np.nan, _calibrated(self.calibration, log_odds))

    def interval(self, features: Floats, probability: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the ends of the 95 % interval of `probability` at the reference position, shapes (n,).

        Of the average over people with such features, not of one person's chance. Its width is that of training samples
        with about the same probability, people being the units.

        Args:
            features: Shape (n, len(FEATURES)).
            probability: Shape (n,), what `probability` said of them, if that is known already.
        """
        p = self.probability(features) if probability is None else probability
        low = p - np.interp(p, self.centres, self.below)
        high = p + np.interp(p, self.centres, self.above)
        return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _tree_inputs(inputs: Inputs, features: Floats, position: Floats | None, reference_position: float) -> Floats:
    log_position = np.zeros(len(features)) if position is None else np.log(position / reference_position)
    return np.column_stack([inputs.standardise(features), log_position])


def _calibrated(calibration: Floats, log_odds: Floats) -> Floats:
    probability: Floats = expit(calibration[0] + calibration[1] * log_odds)
    return probability


def fit_boosted(samples: Samples, seed: int) -> BoostedCurve:
    """Return the calibrated, monotone boosted curve; the same samples and seed give the same curve.

    Raises:
        TrainingError: No feature varies, or one class only.
    """
    inputs = choose_inputs(samples.features, Rung.BOOSTING)
    reference = float(np.exp(np.log(samples.position).mean()))
    table = _tree_inputs(inputs, samples.features, samples.position, reference)
    known = ~np.isnan(table).any(axis=1)
    table, label, person = table[known], samples.label[known], samples.person[known]
    require_both_classes(label)
    fold = folds(person, N_FOLDS, seed)
    log_odds = np.empty(len(label))
    replicates = []
    for number in range(N_FOLDS):
        held_out = fold == number
        require_both_classes(label[~held_out])
        replicate = _grow(table[~held_out], label[~held_out], inputs, seed)
        log_odds[held_out] = replicate.decision_function(table[held_out])
        replicates.append(replicate)
    trees = trees_of(_grow(table, label, inputs, seed))
    calibration = fit_logistic(
        np.column_stack([np.ones(len(label)), log_odds]),
        platt_targets(label),
        penalty=np.zeros(2),
        lower=np.array([-np.inf, 0.0]),
        upper=np.array([np.inf, np.inf]),
    )
    cross_fitted = _calibrated(calibration, log_odds)
    bins = equal_mass_bins(cross_fitted, N_BINS)
    centres, below, above = binned_intervals(cross_fitted, label, person, bins)

    asked = table[np.random.default_rng(seed).permutation(len(table))[:ITEMS_FOR_ERRORS]]
    asked[:, -1] = 0.0  # read as they are when applied, at the reference position
    error = Z95 * _errors_at(
        centres,
        _calibrated(calibration, trees.log_odds(asked)),
        np.stack([_calibrated(calibration, replicate.decision_function(asked)) for replicate in replicates]),
    )
    return BoostedCurve(
        rung=Rung.BOOSTING,
        inputs=inputs,
        trees=trees,
        calibration=calibration,
        centres=centres,
        below=np.hypot(below, error),
        above=np.hypot(above, error),
        reference_position=reference,
        base_rate=float(label.mean()),
        n_items=len(label),
        n_people=len(np.unique(person)),
    )


def _errors_at(probability: Floats, p: Floats, replicates: Floats) -> Floats:
    """Return the jackknife's standard error of probabilities, in their shape.

    One job's would be noise, as the replicates are few: it is the root mean square of jobs with about the same one.

    Args:
        probability: Of which the error is asked.
        p: Shape (n,), probabilities of some jobs.
        replicates: Shape (n_groups, n), what they are without one group of people each.
    """
    variance = (len(replicates) - 1) * replicates.var(axis=0)
    bins = equal_mass_bins(p, N_BINS)
    count = np.bincount(bins)
    return np.interp(probability, np.bincount(bins, p) / count, np.sqrt(np.bincount(bins, variance) / count))


def _grow(table: Floats, label: Ints, inputs: Inputs, seed: int) -> HistGradientBoostingClassifier:
    k = len(inputs.columns)
    estimator = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=N_TREES,
        max_leaf_nodes=MOST_LEAVES,
        max_depth=4,
        min_samples_leaf=max(50, len(label) // 1000),
        # Its early stopping would split a person's items between training and validation.
        early_stopping=False,
        monotonic_cst=[*inputs.signs.tolist(), -1],
        interaction_cst=[set(range(k)), {k}],
        random_state=seed,
    )
    return estimator.fit(table, label)
