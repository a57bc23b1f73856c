"""How good the estimates for unrated occupations are, on the figures of the loaded release."""

import numpy as np
import pandas as pd

from occupations.estimates import EstimateError, leave_one_out
from occupations.models import Element, Rating, RelatedOccupation


class TooFewRatingsError(Exception):
    """There are not two rated occupations near one another, so none can be hidden and estimated."""

    def __init__(self) -> None:
        super().__init__(
            "Too few rated occupations are loaded. Run `manage.py seed_demo` for the starter set, "
            "or `manage.py import_onet SOURCE` for an official release."
        )


def evaluate_estimates(domain: Element.Domain) -> EstimateError:
    """Hide each occupation that O*NET rates in turn, estimate it, and return how far off that is.

    Raises:
        TooFewRatingsError: There is nothing to hide.
    """
    ratings = pd.DataFrame.from_records(
        Rating.objects.filter(element__domain=domain, occupation__retired=False, estimated_from__isnull=True)
        .order_by()
        .values("occupation_id", "element_id", "importance", "level", "not_relevant")
    )
    if ratings.empty:
        raise TooFewRatingsError
    wide = ratings.pivot(index="occupation_id", columns="element_id")
    related: dict[str, list[str]] = {}
    for code, other in RelatedOccupation.objects.order_by("occupation", "index").values_list("occupation", "related"):
        related.setdefault(code, []).append(other)
    try:
        return leave_one_out(
            codes=wide.index.tolist(),
            importance=wide["importance"].to_numpy(np.float32),
            level=wide["level"].to_numpy(np.float32),
            relevant=~wide["not_relevant"].fillna(True).to_numpy(bool),
            related=related,
        )
    except ValueError as error:
        raise TooFewRatingsError from error
