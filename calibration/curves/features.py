"""What a curve may learn from: the features of a recommended job, in the order in which they are preferred.

| feature       | unit                                                    | sign | Platt  | logistic | boosting |
|---------------|---------------------------------------------------------|------|--------|----------|----------|
| fit           | 0-100, how much the job is like the person              | +    | first  | yes      | yes      |
| base_score    | 0-100, the score that ordered the tier                  | +    | second | yes      | yes      |
| gap_severity  | 0-100, v1's share of weight on skills that are missing  | -    |        | yes      | yes      |
| job_zone_diff | the job's zone - the person's, -4 to 4                  | -    |        | yes      | yes      |
| shortfall     | levels missing on the worst core skill, 0-7             | -    |        | yes      | yes      |
| knowledge     | 0-100, knowledge readiness                              | +    |        | yes      | yes      |
| readiness     | 0-100, level-aware skill readiness                      | +    |        | yes      | yes      |
| match_score   | 0-100, v1's match                                       | +    |        | yes      | yes      |
| confidence    | 0-1, how sure the person's figures are                  | free |        | yes      | yes      |

- Platt has one feature: the fit, or where a model gives none, the score that ordered the tier. It therefore
  never reorders a tier; it only says what the score is worth.
- Logistic takes every feature that the ones before it in this order do not already tell: one whose R² on them
  exceeds 0.8 (a variance inflation factor of 5) is left out. match_score, readiness and gap_severity measure much
  the same, so usually one or two of the three enter, and base_score only where there is no fit.
- Boosting bears collinear features and takes all but copies (R² above 0.98).
- Constant features, and features known for less than half of the items, never enter.

The sign says which way a feature may move a probability. A better fit or readiness never lowers it and a larger
gap never raises it. A larger step up never raises it: people save dreams, and a curve must not learn to push them out
of reach. Confidence is the person's, one step less for a job whose own figures were estimated; its sign is free.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LOGISTIC_MAX_R2 = 0.8
BOOSTING_MAX_R2 = 0.98
MIN_KNOWN_SHARE = 0.5


class Rung(IntEnum):
    """The steps of the ladder, from the fewest people to the most."""

    NONE = 0
    PLATT = 1
    LOGISTIC = 2
    BOOSTING = 3


class Feature(NamedTuple):
    """A feature's name and sign: 1 where more of it may not lower a probability, -1 may not raise it, 0 free."""

    name: str
    sign: int


FEATURES = (
    Feature("fit", 1),
    Feature("base_score", 1),
    Feature("gap_severity", -1),
    Feature("job_zone_diff", -1),
    Feature("shortfall", -1),
    Feature("knowledge", 1),
    Feature("readiness", 1),
    Feature("match_score", 1),
    Feature("confidence", 0),
)
NAMES = tuple(feature.name for feature in FEATURES)
SIGNS = np.array([feature.sign for feature in FEATURES])
OF_PLATT = ("fit", "base_score")


class TrainingError(ValueError):
    """No curve can be learnt from these samples; the message says why."""


class NoFeatureError(TrainingError):
    """Every feature is constant or unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The features that one curve reads, and how it standardises them.

    Args:
        columns: Shape (k,), where they stand in `FEATURES`.
        fill: Shape (k,), the training median, which stands in for an unknown value.
        mean: Shape (k,), of the training samples.
        scale: Shape (k,), their standard deviation, above 0.
    """

    columns: Ints
    fill: Floats
    mean: Floats
    scale: Floats

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(NAMES[column] for column in self.columns)

    @property
    def signs(self) -> Ints:
        return SIGNS[self.columns]

    def standardise(self, features: Floats) -> Floats:
        """Return shape (n, k) in standard deviations; a row of which nothing is known is NaN."""
        raw = features[:, self.columns]
        unknown = np.isnan(raw)
        z: Floats = (np.where(unknown, self.fill, raw) - self.mean) / self.scale
        z[unknown.all(axis=1)] = np.nan
        return z


def matrix(columns: Mapping[str, npt.ArrayLike], n: int) -> Floats:
    """Return features as one array of shape (n, len(FEATURES)); NaN where a column is missing.

    Args:
        columns: Shape (n,) each, by name; other names than those of `FEATURES` are left out.
        n: Number of items.
    """
    missing = np.full(n, np.nan)
    return np.column_stack([np.asarray(columns.get(name, missing), dtype=np.float64) for name in NAMES])


def choose_inputs(features: Floats, rung: Rung) -> Inputs:
    """Return the features that a rung's curve reads, chosen as the module says.

    Args:
        features: Shape (n, len(FEATURES)); NaN where unknown.
        rung: PLATT, LOGISTIC or BOOSTING.

    Raises:
        NoFeatureError: None of the rung's features varies and is known for at least half of the items.
    """
    known = ~np.isnan(features)
    usable = []
    for column, name in enumerate(NAMES):
        if rung == Rung.PLATT and name not in OF_PLATT:
            continue
        values = features[known[:, column], column]
        if len(values) == 0 or len(values) < MIN_KNOWN_SHARE * len(features):
            continue
        if values.std() > 1e-9 * max(1.0, np.abs(values).max()):
            usable.append(column)
    if not usable:
        raise NoFeatureError("Every feature that this curve could read is constant or unknown.")
    columns = np.array(usable)
    fill = np.nanmedian(features[:, columns], axis=0)
    filled = np.where(known[:, columns], features[:, columns], fill)
    if rung == Rung.PLATT:
        kept = [0]
    else:
        kept = _non_collinear(filled, LOGISTIC_MAX_R2 if rung == Rung.LOGISTIC else BOOSTING_MAX_R2)
    return Inputs(
        columns=columns[kept],
        fill=fill[kept],
        mean=filled[:, kept].mean(axis=0),
        scale=filled[:, kept].std(axis=0),
    )


def _non_collinear(filled: Floats, max_r2: float) -> list[int]:
    """Return the columns that those kept before them do not explain, in order."""
    correlation = np.atleast_2d(np.corrcoef(filled, rowvar=False))
    kept = [0]
    for column in range(1, filled.shape[1]):
        with_kept = correlation[column, kept]
        r2 = with_kept @ np.linalg.solve(correlation[np.ix_(kept, kept)], with_kept)
        if r2 <= max_r2:
            kept.append(column)
    return kept
