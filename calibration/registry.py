"""Which curve serves: promoted, taken back, returned to, and watched by what people answer after its training.

Of each scoring model and target one model is the champion. Champions of the target that the settings name
(`CALIBRATION_TARGET`) are handed down to the recommendations, which apply them. Whoever changes a champion holds the
rows of its scoring model locked, so that two clicks at once never make two.
"""

from collections.abc import Collection
from typing import Any, cast

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calibration.curves import gate, metrics
from calibration.curves.features import NAMES
from calibration.curves.labels import NO_LABEL, Target
from calibration.curves.ladder import Curve
from calibration.dataset import Dataset
from calibration.models import CalibrationModel, CalibrationModelQuerySet
from calibration.reports import json_ready
from profiles.models import Profile
from recommendations.models import Curve as StoredCurve
from recommendations.services import RefusedCurveError, UnreadableCurveError, activate_curve, load_curve, withdraw_curve

State = CalibrationModel.State

# Under these a live error is chance.
MIN_LIVE_ITEMS = 200
MIN_LIVE_PEOPLE = 20


class PromotionError(Exception):
    """This model may not serve; the message says why."""


@transaction.atomic
def promote(model: CalibrationModel) -> None:
    """Let a candidate or a retired model serve in place of the champion, which is retired.

    A second click changes nothing.

    Raises:
        PromotionError: The gate rejected it.
        RefusedCurveError: Its bytes are not those that were written, or cannot be read.
    """
    _lock(model)
    if champion := _prepared(model):
        _retire(champion, f"{model.version} replaced it.")
    _crown(model, "Promoted.")


@transaction.atomic
def return_to(model: CalibrationModel) -> None:
    """Let an older model serve again; the champion is taken back, so that it does not step in by itself either.

    Raises:
        PromotionError: The gate rejected it.
        RefusedCurveError: Its bytes are not those that were written, or cannot be read.
    """
    _lock(model)
    if champion := _prepared(model):
        _put_away(champion, f"Taken back: {model.version} serves again.")
    _crown(model, "Returned to.")


@transaction.atomic
def take_back(
    model: CalibrationModel, reason: str, *, may_follow: Collection[int] | None = None
) -> CalibrationModel | None:
    """Retire the champion; the champion before it serves again, or none.

    A model that was taken back itself, or whose bytes are refused, is passed over. A second click changes nothing.

    Args:
        model: The champion.
        reason: A sentence, which is kept with it.
        may_follow: Keys of the models that may serve again; any where None.

    Returns:
        The champion from now on.
    """
    _lock(model)
    if model.state != State.CHAMPION:
        return _champion(model)
    _put_away(model, f"Taken back: {reason}")
    for before in predecessors(model):
        if may_follow is not None and before.pk not in may_follow:
            continue
        try:
            load(before)
        except RefusedCurveError:
            continue
        _crown(before, f"Serves again: {model.version} was taken back.")
        return before
    return None


def predecessors(model: CalibrationModel) -> list[CalibrationModel]:
    """Return the models that have served its scoring model and target and were not taken back, the last one first."""
    retired = CalibrationModel.objects.filter(
        model_version=model.model_version,
        target=model.target,
        state=State.RETIRED,
        promoted__isnull=False,
        taken_back=None,
    )
    return list(
        retired.exclude(pk=model.pk)
        .select_related("curve", "run")
        .defer("details", "run__report")
        .order_by("-promoted", "-pk")
    )


@transaction.atomic
def serve_champion(model_version: str) -> CalibrationModel | None:
    """Hand down the champion of the settings' target, and let no other curve serve this scoring model.

    Returns:
        The champion; None where there is none.

    Raises:
        RefusedCurveError: Its bytes are not those that were written, or cannot be read; nothing changes.
    """
    curves = StoredCurve.objects.filter(model_version=model_version, may_serve=True).defer("artifact")
    for other in curves.exclude(target=settings.CALIBRATION_TARGET):
        withdraw_curve(other)
    champion = (
        CalibrationModel.objects.champions()
        .filter(model_version=model_version, target=settings.CALIBRATION_TARGET)
        .select_related("curve")
        .first()
    )
    if champion is None:
        for orphan in curves.filter(serving=True):
            withdraw_curve(orphan)
    elif not champion.curve.serving:
        activate_curve(champion.curve)
    return champion


def load(model: CalibrationModel) -> Curve:
    """Return a model's curve, to be applied to features in the order of `NAMES`.

    Raises:
        RefusedCurveError: Its bytes are not those that were written, or cannot be read by this version.
    """
    if model.curve.feature_names != list(NAMES):
        raise UnreadableCurveError(model.version)
    return cast(Curve, load_curve(model.curve))


def live_figures(dataset: Dataset, model: CalibrationModel, *, since_days: float | None = None) -> dict[str, Any]:
    """Return how a model does on jobs that were shown after its training and have a mature label by now.

    Args:
        dataset: What was shown.
        model: Any model of the dataset's scoring model.
        since_days: Look at jobs shown after this moment in place of its training.

    Returns:
        JSON values: checked_days (since 1970), items, people, base_rate, brier, ece, slope, intercept; null where there
        is nothing to say. enough: whether they are at least 200 items of 20 people. within: whether the calibration
        error is within the limit of the settings; null if they are not enough.

    Raises:
        RefusedCurveError: Its bytes are refused.
    """
    curve = load(model)
    labels = dataset.labels(Target[model.target.upper()])
    since = model.run.started.timestamp() / 86_400 if since_days is None else since_days
    rows = np.flatnonzero((labels != NO_LABEL) & (dataset.shown_days > since))
    p = curve.probability(dataset.features[rows], dataset.position[rows])
    rows, p = rows[~np.isnan(p)], p[~np.isnan(p)]
    label, n_people = labels[rows], len(np.unique(dataset.person[rows]))
    figures: dict[str, Any] = {
        "checked_days": dataset.now_days,
        "items": len(rows),
        "people": n_people,
        "enough": len(rows) >= MIN_LIVE_ITEMS and n_people >= MIN_LIVE_PEOPLE,
        **dict.fromkeys(("base_rate", "brier", "ece", "slope", "intercept", "within")),
    }
    if figures["enough"]:
        figures["base_rate"] = label.mean()
        figures["brier"] = metrics.brier(p, label)
        figures["ece"] = metrics.ece(p, label, n_bins=int(np.clip(len(p) // gate.ITEMS_PER_BIN, 2, gate.MAX_BINS)))
        figures["intercept"], figures["slope"] = metrics.calibration_line(p, label)
        figures["within"] = bool(figures["ece"] <= settings.CALIBRATION_LIVE_MAX_ERROR)
    ready: dict[str, Any] = json_ready(figures)
    return ready


def check_live(dataset: Dataset, target: Target, *, model_version: str) -> str:
    """Judge the champion by newer answers, keep the figures with it, and take it back where its error passes the limit.

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
        f"its calibration error on {figures['items']:,} answers since its training is {figures['ece']:.3f}, above "
        f"{settings.CALIBRATION_LIVE_MAX_ERROR:g}."
    )
    instead = take_back(champion, reason, may_follow=_within_the_limit(dataset, champion))
    serves = f"{instead.version} serves again." if instead else "No calibration serves in its place."
    return f"{champion.version} was taken back: {reason} {serves}"


def take_back_simulated(model_version: str) -> list[str]:
    """Take back champions that learnt from simulated people; one that learnt from real people may serve again.

    Returns:
        A sentence for each.
    """
    sentences = []
    for champion in simulated_champions().filter(model_version=model_version):
        real = [model.pk for model in predecessors(champion) if model.run.traffic == Profile.Traffic.PERSON]
        reason = "it learnt from simulated people, and there are lists of real ones here now."
        take_back(champion, reason, may_follow=real)
        sentences.append(f"{champion.version} was taken back: {reason}")
    return sentences


def simulated_champions() -> CalibrationModelQuerySet:
    """Return the champions that learnt from simulated people."""
    champions = CalibrationModel.objects.champions().filter(run__traffic=Profile.Traffic.SIMULATED)
    return champions.select_related("curve", "run").defer("curve__artifact", "run__report")


def champion_of(model_version: str, target: Target) -> CalibrationModel | None:
    """Return the champion of a scoring model and target; None where there is none."""
    champions = CalibrationModel.objects.champions().select_related("curve", "run").defer("run__report")
    return champions.filter(model_version=model_version, target=target.name.lower()).first()


def people_gone(model: CalibrationModel) -> int:
    """Return how many of the profiles that a model's training learnt from have been deleted since."""
    return model.n_profiles - model.run.people.count()


def _within_the_limit(dataset: Dataset, champion: CalibrationModel) -> list[int]:
    """Return the key of the last model before the champion whose error on the same jobs is within the limit."""
    since = champion.run.started.timestamp() / 86_400
    for before in predecessors(champion):
        try:
            if live_figures(dataset, before, since_days=since)["within"]:
                return [before.pk]
        except RefusedCurveError:
            continue
    return []


def _lock(model: CalibrationModel) -> None:
    """Let nobody else change what serves its scoring model until the transaction ends, and read the model anew."""
    rivals = CalibrationModel.objects.filter(model_version=model.model_version).order_by("pk")
    list(rivals.select_for_update().values_list("pk"))
    model.refresh_from_db()


def _prepared(model: CalibrationModel) -> CalibrationModel | None:
    """Return the champion that a model is to replace, if any, once it is sure that it may.

    Raises:
        PromotionError, RefusedCurveError: It may not.
    """
    if model.state == State.REJECTED:
        raise PromotionError(f"The gate has rejected {model.version}, so it cannot serve. Its reasons say why.")
    load(model)
    champion = _champion(model)
    return None if champion is None or champion.pk == model.pk else champion


def _champion(model: CalibrationModel) -> CalibrationModel | None:
    return CalibrationModel.objects.champions().filter(model_version=model.model_version, target=model.target).first()


def _retire(champion: CalibrationModel, sentence: str) -> None:
    champion.state, champion.retired = State.RETIRED, timezone.now()
    champion.history = [*champion.history, _dated(sentence)]
    champion.save(update_fields=["state", "retired", "taken_back", "history"])


def _put_away(champion: CalibrationModel, sentence: str) -> None:
    champion.taken_back = timezone.now()
    _retire(champion, sentence)
    withdraw_curve(champion.curve)


def _crown(model: CalibrationModel, sentence: str) -> None:
    if model.state != State.CHAMPION:
        model.state, model.promoted = State.CHAMPION, timezone.now()
        model.retired = model.taken_back = None
        model.history = [*model.history, _dated(sentence)]
        model.save(update_fields=["state", "promoted", "retired", "taken_back", "history"])
    if model.target == settings.CALIBRATION_TARGET:
        serve_champion(model.model_version)


def _dated(sentence: str) -> str:
    return f"{timezone.now():%Y-%m-%d}: {sentence}"
