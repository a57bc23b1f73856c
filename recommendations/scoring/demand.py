"""What each job asks for, as tables that are built once per catalogue."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from occupations.arrays import BoolArray, RatedElements
from recommendations.scoring.person import Floats, job_levels, rating_for
from recommendations.scoring.thresholds import V2_DEFAULTS, V2Thresholds


class CoreElement(NamedTuple):
    """What one job asks for of one element.

    Args:
        place: The element's row in `Demand`.
        element_id: Its O*NET id.
        weight: Its share of the core's weight, 0-1.
        need: The level that the job asks for, 0-7.
        rating_needed: The smallest rating (0-4) that meets it; 4 where none does.
        loss: Weight / need.
    """

    place: int
    element_id: str
    weight: float
    need: float
    rating_needed: int
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What the jobs ask for in one domain: jobs in columns, because every sum runs over elements.

    Args:
        ids: Element ids, one per row.
        weight: Shape (n_elements, n_jobs); each column sums to 1 over the job's core, or is 0 throughout
            where the job has no figures.
        need: Shape (n_elements, n_jobs), levels 0-7; 0 off the core.
        loss: Shape (n_elements, n_jobs), weight / need: what a level short costs; 0 where need is 0.
        of_jobs: Shape (n_jobs, n_elements): the level that holding the job suggests; NaN without a figure.
    """

    ids: tuple[str, ...]
    weight: Floats
    need: Floats
    loss: Floats
    of_jobs: Floats
    _cores: dict[int, tuple[CoreElement, ...]] = field(default_factory=dict, repr=False)

    def core_of(self, row: int) -> tuple[CoreElement, ...]:
        """Return what one job asks for, the weightiest element first; kept, because plain numbers are quicker."""
        if row not in self._cores:
            weight, need, loss = self.weight[:, row], self.need[:, row], self.loss[:, row]
            heaviest_first = np.argsort(-weight, kind="stable")[: np.count_nonzero(weight)]
            figures = zip(*(of_job[heaviest_first].tolist() for of_job in (weight, need, loss)), strict=True)
            self._cores[row] = tuple(
                CoreElement(place, self.ids[place], weighs, needs, rating_for(needs), loses)
                for place, (weighs, needs, loses) in zip(heaviest_first.tolist(), figures, strict=True)
            )
        return self._cores[row]


def core(elements: RatedElements, thresholds: V2Thresholds = V2_DEFAULTS) -> BoolArray:
    """Return which elements are core to each job, (n_jobs, n_elements).

    Core is what is relevant, not suppressed and of importance >= 3; where those are fewer than 8, the 8 most
    important, with ties for the last place included so that the order of elements does not matter.
    """
    importance = _importance(elements)
    eligible = elements.relevant & ~elements.suppressed & (importance > 1)
    importance = np.where(eligible, importance, 0.0)
    size = min(thresholds.core_size, importance.shape[1])
    last_in = np.sort(importance, axis=1)[:, -size]
    return eligible & (importance >= np.minimum(thresholds.core_importance, last_in)[:, None])


def build_demand(elements: RatedElements, thresholds: V2Thresholds = V2_DEFAULTS) -> Demand:
    """Return what the jobs ask for in one domain; a core element weighs (IM - 1) / 4 of the core's sum."""
    in_core = core(elements, thresholds)
    of_jobs = job_levels(elements)
    need = np.where(in_core, np.nan_to_num(of_jobs), 0.0)
    weight = np.where(in_core, (_importance(elements) - 1) / 4, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    loss = np.divide(weight, need, out=np.zeros_like(weight), where=need > 0)
    return Demand(
        ids=elements.ids,
        weight=np.ascontiguousarray(weight.T),
        need=np.ascontiguousarray(need.T),
        loss=np.ascontiguousarray(loss.T),
        of_jobs=of_jobs,
    )


def _importance(elements: RatedElements) -> Floats:
    # The same rounding as for levels: what float32 adds to published decimals is noise.
    return elements.importance.astype(np.float64).round(4)
