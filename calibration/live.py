"""The champion is watched: by what people answer after its training it may be taken back by itself."""

from typing import Any

import numpy as np
from django.conf import settings

from calibration.curves import metrics
from calibration.curves.labels import NO_LABEL, Target
from calibration.curves.resampling import bootstrap, ratio
from calibration.dataset import Dataset
from calibration.json_values import json_ready
from calibration.models import CalibrationModel
from calibration.registry import champion_of, load, predecessors, take_back_by_itself
from recommendations.services import RefusedCurveError

# Under these a live error is chance.
MIN_LIVE_ITEMS = 200
MIN_LIVE_PEOPLE = 50
# Where few jobs are taken up, no error is ever as large as the limit, however wrong the curve: then this many times as
# often, or as seldom, as it says is too far off. With fewer positive answers to expect that is chance.
MOST_TIMES_OFF = 1.5
MIN_EXPECTED = 20


def check_live(dataset: Dataset, target: Target, *, model_version: str) -> str:
    """Judge the champion by newer answers, keep the figures with it, and take it back where they prove it wrong.

    They do where even the lower end of the 95 % interval of its calibration error is above the limit, and where people
    surely answered yes more than 1.5 times as often as it says, or less than that often.

    The champion before it serves again if its own error on the same jobs is within the limit, else none.

    Args:
        dataset: What the scoring model's lists showed.
        target: Whose champion.
        model_version: The scoring model.

    Returns:
        A sentence on what was done; empty where nothing had to be.
    """
    champion = champion_of(model_version, target)
    if champion is None:
        return ""
    try:
        figures = live_figures(dataset, champion)
    except RefusedCurveError:
        return ""
    CalibrationModel.objects.filter(pk=champion.pk).update(live=figures)
    if figures["within"] is not False:
        return ""
    reason = (
        f"its calibration error on {figures['items']:,} answers since its training is {figures['ece']:.3f}, at least "
        f"{figures['ece_low']:.3f} whatever chance did, above {settings.CALIBRATION_LIVE_MAX_ERROR:g}."
    )
    if figures["ece_low"] <= settings.CALIBRATION_LIVE_MAX_ERROR:
        reason = (
            f"of {figures['items']:,} answers since its training {figures['times']:.2f} times as many were positive as "
            f"it says, {figures['times_low']:.2f} to {figures['times_high']:.2f} whatever chance did."
        )
    return take_back_by_itself(champion, reason, may_follow=_within_the_limit(dataset, champion))


def live_figures(dataset: Dataset, model: CalibrationModel, *, since_days: float | None = None) -> dict[str, Any]:
    """Return how a model does on jobs that were shown after its training and have a mature label by now.

    Args:
        dataset: What was shown.
        model: Any model of the dataset's scoring model.
        since_days: Look at jobs shown after this moment in place of its training.

    Returns:
        JSON values: checked_days (since 1970), items, people, base_rate, brier, ece, ece_low (the lower end of its 95 %
        interval, by people), times, times_low, times_high (how many times as many answers were positive as it says,
        with its 95 % interval; null where it expects under 20), slope, intercept; null where there is nothing to say.
        enough: whether they are at least 200 items of 50 people; of people who differ in how much they answered, so
        many fewer count (Kish 1965). within: False where it is surely off: even ece_low is above the limit of the
        settings, or all between times_low and times_high is above 1.5 or below 1 / 1.5; null if they are not enough.

    Raises:
        RefusedCurveError: Its bytes are refused.
    """
    curve = load(model)
    labels = dataset.labels(Target[model.target.upper()])
    since = model.run.started.timestamp() / 86_400 if since_days is None else since_days
    rows = np.flatnonzero((labels != NO_LABEL) & (dataset.shown_days > since))
    p = curve.probability(dataset.features[rows], dataset.position[rows])
    rows, p = rows[~np.isnan(p)], p[~np.isnan(p)]
    label, person = labels[rows], dataset.person[rows]
    of_each = np.unique(person, return_counts=True)[1]
    effective = len(rows) ** 2 / int((of_each**2).sum()) if len(rows) else 0.0
    figures: dict[str, Any] = {
        "checked_days": dataset.now_days,
        "items": len(rows),
        "people": len(of_each),
        "enough": len(rows) >= MIN_LIVE_ITEMS and effective >= MIN_LIVE_PEOPLE,
        **dict.fromkeys(("base_rate", "brier", "ece", "ece_low", "times", "times_low", "times_high")),
        **dict.fromkeys(("slope", "intercept", "within")),
    }
    if figures["enough"]:
        figures["base_rate"] = label.mean()
        figures["brier"] = metrics.brier(p, label)
        error = metrics.ece_interval(p, label, person, metrics.n_bins_of(len(p)), seed=0)
        figures["ece"], figures["ece_low"] = error.value, error.low
        figures["intercept"], figures["slope"] = metrics.calibration_line(p, label)
        figures["within"] = bool(error.low <= settings.CALIBRATION_LIVE_MAX_ERROR)
        if p.sum() >= MIN_EXPECTED:
            times = bootstrap(person, np.column_stack([label, p]), ratio, seed=0)
            figures["times"], figures["times_low"], figures["times_high"] = times.value, times.low, times.high
            figures["within"] &= bool(times.low <= MOST_TIMES_OFF and times.high >= 1 / MOST_TIMES_OFF)
    ready: dict[str, Any] = json_ready(figures)
    return ready


def _within_the_limit(dataset: Dataset, champion: CalibrationModel) -> list[int]:
    """Return the key of the last model before the champion that is not off on the same jobs, as far as can be told."""
    since = champion.run.started.timestamp() / 86_400
    for before in predecessors(champion):
        try:
            figures = live_figures(dataset, before, since_days=since)
            if figures["within"] and figures["ece"] <= settings.CALIBRATION_LIVE_MAX_ERROR:
                return [before.pk]
        except RefusedCurveError:
            continue
    return []
