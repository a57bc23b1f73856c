"""What people were shown and what they did, from the database as arrays."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import numpy.typing as npt

from calibration.curves.features import Bools, Floats, Ints
from calibration.curves.labels import Maturity, Target
from calibration.curves.samples import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Last places that were given by lot: s of them, each with at most m jobs in its pool.

    Args:
        item: Shape (s,), the item that each shows, an index into the dataset's items.
        chosen: Shape (s,), which of its pool it shows; 0 is the best.
        pool: Shape (s, m, len(FEATURES)); NaN beyond a pool's size.
        size: Shape (s,), jobs in each pool, at least 2.
        epsilon: Shape (s,), the share of lots in force.
    """

    item: Ints
    chosen: Ints
    pool: Floats
    size: Ints
    epsilon: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """What one scoring model's lists showed to people of one kind of traffic; n items, f feedbacks, p profiles.

    Times are days since 1970-01-01 UTC. Items are in the order of their keys.

    Args:
        item: Shape (n,), primary keys, rising.
        event: Shape (n,), numbers that tell lists apart.
        person: Shape (n,), numbers that tell people apart: the profiles of one account are one person.
        profile: Shape (n,), an index into `profiles`.
        profiles: Length p.
        tier: Shape (n,), 0 Ready now, 1 Trainable, 2 Long-term reskill.
        occupation: Shape (n,), an index into `codes`.
        codes: O*NET-SOC codes.
        position: Shape (n,), 1 is the top of the tier.
        propensity: Shape (n,).
        is_exploration: Shape (n,).
        shown_days: Shape (n,).
        features: Shape (n, len(FEATURES)); NaN where unknown.
        feedback_item: Shape (f,), an index into the items; feedback belongs to a job in a list, never to a job alone.
        action: Shape (f,), `Action` numbers.
        happened_days: Shape (f,).
        withdrawn: Shape (f,).
        seen: Shape (n,). An impression or another action says so; in a list without any impression, all jobs of a
            tier at or above the lowest that was acted on (Joachims 2002).
        slots: The last places given by lot.
        now_days: The moment of reading.
    """

    item: Ints
    event: Ints
    person: Ints
    profile: Ints
    profiles: tuple[UUID, ...]
    tier: Ints
    occupation: Ints
    codes: tuple[str, ...]
    position: Floats
    propensity: Floats
    is_exploration: Bools
    shown_days: Floats
    features: Floats
    feedback_item: Ints
    action: Ints
    happened_days: Floats
    withdrawn: Bools
    seen: Bools
    slots: Slots
    now_days: float

    def __len__(self) -> int:
        return len(self.item)

    def labels(self, target: Target, maturity: Maturity | None = None) -> Ints:
        """Return each item's label, shape (n,): 1, 0 or `NO_LABEL`; the settings' maturity where none is given."""
        raise NotImplementedError

    def samples(self, target: Target, maturity: Maturity | None = None) -> tuple[Samples, npt.NDArray[np.intp]]:
        """Return the labelled items and where they stand, shape (n_labelled,), an index into the items."""
        raise NotImplementedError


def read_dataset(
    *, model_version: str, traffic: str, since: datetime | None = None, now: datetime | None = None
) -> Dataset:
    """Read what the lists of a scoring model showed.

    Args:
        model_version: One of the recommendations' `MODELS`.
        traffic: One of `Profile.Traffic`; other people's lists are never read.
        since: Leave out lists that were shown before.
        now: The moment of reading; now where None.
    """
    raise NotImplementedError
