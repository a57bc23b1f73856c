"""A list of recommendations as it is made: chosen, put into the order of a calibration, and said."""

from typing import Any

import numpy as np

from profiles.services import Answers
from recommendations.advice import NOT_ASKED_FOR, NOT_CALIBRATED, Advice
from recommendations.curve_store import Served, rank
from recommendations.explaining import read_facts, recommendation
from recommendations.features import curve_columns, curve_matrix, frozen_columns, frozen_features, known
from recommendations.models import RecommendationEvent, RecommendedItem
from recommendations.scoring.thresholds import TIER_NAMES
from recommendations.scoring_run import Choice, Rows, Run
from recommendations.sentences import calibration_notes, list_notes

# Of each tier, how many of the best by score a calibration puts into its own order: about what is shown or drawn.
REORDERED = 30
PROBABILITY_DECIMALS = 6

Items = dict[str, list[RecommendedItem]]
Figures = tuple[float | None, float | None, float | None]


class Scored:
    """One model's run, with the calibration that is applied to it, if one is."""

    def __init__(self, run: Run, served: Served | None = None) -> None:
        self.run = run
        self.served = served
        self.columns = curve_columns(run)
        self._told: dict[int, float] = {}

    def reorder(self, best: dict[str, Rows]) -> dict[str, Rows]:
        """Put each tier's best jobs by score into the order of their probabilities.

        Only the best: the curve has learnt from what was shown, and what ranks far below never was.
        """
        if self.served is None:
            return best
        heads = [rows[:REORDERED] for rows in best.values()]
        # One call for all tiers: what a curve costs is mostly the calling.
        rows_of_all = np.concatenate(heads)
        features = curve_matrix(self.columns, self.served.feature_names, rows_of_all)
        probabilities = self.served.curve.probability(features)
        self._told = dict(zip(rows_of_all.tolist(), probabilities.tolist(), strict=True))
        of_tiers = np.split(probabilities, np.cumsum([len(head) for head in heads])[:-1])
        return {
            name: np.concatenate([head[rank(probability)], rows[REORDERED:]])
            for (name, rows), head, probability in zip(best.items(), heads, of_tiers, strict=True)
        }

    def figures(self, rows: list[int]) -> list[Figures]:
        """Return probability, low and high of some jobs; None where there is none."""
        if self.served is None or not rows:
            return [(None, None, None)] * len(rows)
        curve, features = self.served.curve, curve_matrix(self.columns, self.served.feature_names, rows)
        told = all(row in self._told for row in rows)
        p = np.array([self._told[row] for row in rows]) if told else curve.probability(features)
        figures = (known(figure, PROBABILITY_DECIMALS) for figure in (p, *curve.interval(features, p)))
        return list(zip(*figures, strict=True))


def items_of(scored: Scored, choice: Choice, event: RecommendationEvent | None = None) -> Items:
    """Return the jobs of a choice as unsaved rows, by tier; with frozen features where an event will keep them."""
    run = scored.run
    codes = run.tables.catalogue.jobs.codes
    places = [(name, place, row) for name, rows in choice.rows.items() for place, row in enumerate(rows)]
    rows = [row for _, _, row in places]
    features = frozen_features(run, scored.columns, rows) if event else [{} for _ in rows]
    items: Items = {name: [] for name in choice.rows}
    for (name, place, row), seen, (probability, low, high) in zip(places, features, scored.figures(rows), strict=True):
        item = RecommendedItem(
            event=event,
            occupation_id=codes[row],
            tier=name,
            position=place + 1,
            base_score=float(run.score[row]),
            match_score=float(run.match[row]),
            gap_severity=float(run.gap[row]),
            calibrated_probability=probability,
            calibrated_low=low,
            calibrated_high=high,
            is_exploration=choice.is_exploration[name][place],
            propensity=choice.propensity[name][place],
            features=seen,
        )
        items[name].append(item)
    return items


def pools_of(scored: Scored, choice: Choice) -> dict[str, dict[str, list[Any]]]:
    """Return the pools that hold more than one job, as JSON values.

    By tier: their codes, and a list for each column that a curve may read, the best of the pool first.
    """
    codes = scored.run.tables.catalogue.jobs.codes
    return {
        name: {"codes": [codes[row] for row in rows], **frozen_columns(scored.columns, rows)}
        for name, rows in choice.pools.items()
        if len(rows) > 1
    }


def advice_of(
    scored: Scored, answers: Answers, items: Items, choice: Choice, event: RecommendationEvent | None = None
) -> Advice:
    """Say everything about a list.

    Args:
        scored: The run that it came from, and the calibration that ordered it.
        answers: What the person said.
        items: The jobs that are shown, by tier.
        choice: How many there are beside them.
        event: The list as it is stored; None for one that is not.
    """
    run, served = scored.run, scored.served
    catalogue = run.tables.catalogue
    codes = [item.occupation_id for of_tier in items.values() for item in of_tier]
    facts = read_facts(run.tables, codes, answers)
    asked = event is not None and event.use_calibration
    target = served.target if served else ""
    return Advice(
        event_id=str(event.pk) if event else None,
        model_version=run.model_version,
        release=event.release_version if event else catalogue.release.version,
        buckets={
            name: [recommendation(run, catalogue.row[item.occupation_id], facts, item, target) for item in items[name]]
            for name in TIER_NAMES
        },
        totals=choice.totals,
        held_back=choice.held_back,
        notes=(*list_notes(run), *calibration_notes(served.version if served else "")),
        calibration=served.version if served else NOT_CALIBRATED if asked else NOT_ASKED_FOR,
        calibration_target=target,
        epsilon=event.epsilon if event else 0.0,
        pool_sizes={name: len(rows) for name, rows in choice.pools.items()},
    )
