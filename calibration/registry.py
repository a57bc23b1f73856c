"""Which curve serves: promoted, taken back, returned to, and watched by what people answer after its training.

Of each scoring model and target one model is the champion. Champions of the target that the settings name
(`CALIBRATION_TARGET`) are handed down to the recommendations, which apply them. Whoever changes a champion holds the
rows of its scoring model locked, so that two clicks at once never make two. What an operator took back is not promoted
again in another form: until somebody promotes or returns to a model, what is learnt waits for a click.
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
from calibration.json_values import json_ready
from calibration.models import CalibrationModel, CalibrationModelQuerySet
from profiles.models import Profile
from recommendations.models import Curve as StoredCurve
from recommendations.services import RefusedCurveError, UnreadableCurveError, activate_curve, load_curve, withdraw_curve

State = CalibrationModel.State

# Under these a live error is chance.
MIN_LIVE_ITEMS = 200
MIN_LIVE_PEOPLE = 50


class PromotionError(Exception):
    """This model may not serve; the message says why."""


@transaction.atomic
def promote(model: CalibrationModel) -> None:
    """Let a candidate or a retired model serve in place of the champion, which is retired.

    What served before and learnt from people who have gone steps in for nothing any more. A second click changes
    nothing.

    Raises:
        PromotionError: The gate rejected it.
        RefusedCurveError: Its bytes are not those that were written, or cannot be read.
    """
    _lock(model)
    if champion := _prepared(model):
        _retire(champion, f"{model.version} replaced it.")
    _crown(model, "Promoted.")
    _let_trainings_promote(model)


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
    _let_trainings_promote(model)


@transaction.atomic
def take_back(
    model: CalibrationModel,
    reason: str,
    *,
    may_follow: Collection[int] | None = None,
    by_operator: bool = True,
) -> CalibrationModel | None:
    """Retire the champion; the champion before it serves again, or none.

    A model that was taken back itself, or whose bytes are refused, is passed over. A second click changes nothing.

    Args:
        model: The champion.
        reason: A sentence, which is kept with it.
        may_follow: Keys of the models that may serve again; any where None.
        by_operator: Somebody decided so; then no training promotes by itself until somebody decides again.

    Returns:
        The champion from now on.
    """
    _lock(model)
    if model.state != State.CHAMPION:
        return _champion(model)
    _put_away(model, f"Taken back: {reason}")
    if by_operator:
        CalibrationModel.objects.filter(pk=model.pk).update(operator_took_back=True)
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
    # Else somebody's new champion could be withdrawn, because there was none a moment before.
    lock(model_version)
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


def refusal(model: CalibrationModel) -> str:
    """Return why a model's curve cannot be loaded; empty where it can."""
    try:
        load(model)
    except RefusedCurveError as error:
        return str(error)
    return ""


def live_figures(dataset: Dataset, model: CalibrationModel, *, since_days: float | None = None) -> dict[str, Any]:
    """Return how a model does on jobs that were shown after its training and have a mature label by now.

    Args:
        dataset: What was shown.
        model: Any model of the dataset's scoring model.
        since_days: Look at jobs shown after this moment in place of its training.

    Returns:
        JSON values: checked_days (since 1970), items, people, base_rate, brier, ece, ece_low (the lower end of its 95 %
        interval, by people), slope, intercept; null where there is nothing to say. enough: whether they are at least
        200 items of 50 people. within: False where the calibration error is surely above the limit of the settings,
        which means that even ece_low is; null if they are not enough.

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
        **dict.fromkeys(("base_rate", "brier", "ece", "ece_low", "slope", "intercept", "within")),
    }
    if figures["enough"]:
        figures["base_rate"] = label.mean()
        figures["brier"] = metrics.brier(p, label)
        n_bins = int(np.clip(len(p) // gate.ITEMS_PER_BIN, 2, gate.MAX_BINS))
        error = metrics.ece_interval(p, label, dataset.person[rows], n_bins, seed=0)
        figures["ece"], figures["ece_low"] = error.value, error.low
        figures["intercept"], figures["slope"] = metrics.calibration_line(p, label)
        figures["within"] = bool(error.low <= settings.CALIBRATION_LIVE_MAX_ERROR)
    ready: dict[str, Any] = json_ready(figures)
    return ready


def check_live(dataset: Dataset, target: Target, *, model_version: str) -> str:
    """Judge the champion by newer answers, keep the figures with it, and take it back where they prove it wrong.

    They do where even the lower end of the 95 % interval of its calibration error is above the limit.

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
    return _take_back_by_itself(champion, reason, _within_the_limit(dataset, champion))


def take_back_simulated() -> list[str]:
    """Take back all champions that learnt from simulated people; one that learnt from real people may serve again.

    Returns:
        A sentence for each.
    """
    reason = "it learnt from simulated people, and there are lists of real ones here now."
    return [
        _take_back_by_itself(champion, reason, _whole(champion, Profile.Traffic.PERSON))
        for champion in simulated_champions()
    ]


def take_back_gone(champion: CalibrationModel, why: str) -> str:
    """Take back a champion that learnt from people who have gone; one before it that did not may serve again.

    Returns:
        A sentence on it, with `why` nothing better can be done.
    """
    reason = f"{gone_sentence(champion)}, and {why}."
    return _take_back_by_itself(champion, reason, _whole(champion, champion.run.traffic))


def take_back_gone_of_others(model_version: str) -> list[str]:
    """Take back champions that learnt from people who have gone, of scoring models that nobody learns from.

    Those of the scoring model in use, and of the one given, are learnt anew in place of it.

    Returns:
        A sentence for each.
    """
    looked_after = {model_version, settings.MODEL_VERSION}
    others = CalibrationModel.objects.champions().exclude(model_version__in=looked_after).select_related("curve", "run")
    return [
        take_back_gone(champion, f"{champion.model_version} is not the scoring model in use, so it is not learnt anew")
        for champion in others.defer("run__report")
        if people_gone(champion)
    ]


def simulated_champions() -> CalibrationModelQuerySet:
    """Return the champions that learnt from simulated people."""
    champions = CalibrationModel.objects.champions().filter(run__traffic=Profile.Traffic.SIMULATED)
    return champions.select_related("curve", "run").defer("curve__artifact", "run__report")


def champion_of(model_version: str, target: Target) -> CalibrationModel | None:
    """Return the champion of a scoring model and target; None where there is none."""
    champions = CalibrationModel.objects.champions().select_related("curve", "run").defer("run__report")
    return champions.filter(model_version=model_version, target=target.name.lower()).first()


def operator_took_back(model_version: str, target: Target) -> CalibrationModel | None:
    """Return the model that an operator took back, where nobody has promoted or returned to a model since."""
    models = CalibrationModel.objects.filter(model_version=model_version, target=target.name.lower())
    taken = models.filter(operator_took_back=True).select_related("curve").defer("curve__artifact")
    return taken.order_by("-taken_back").first()


def people_gone(model: CalibrationModel) -> int:
    """Return how many of the profiles that a model's training learnt from have been deleted since."""
    return model.n_profiles - model.run.people.count()


def gone_sentence(model: CalibrationModel) -> str:
    """Say how many of the people whom a model learnt from have gone; without a full stop."""
    return f"{people_gone(model):,} of the people whom {model.version} learnt from have gone"


def lock(model_version: str) -> None:
    """Let nobody else change what serves a scoring model until the transaction ends."""
    rivals = CalibrationModel.objects.filter(model_version=model_version).order_by("pk")
    list(rivals.select_for_update().values_list("pk"))


def _within_the_limit(dataset: Dataset, champion: CalibrationModel) -> list[int]:
    """Return the key of the last model before the champion whose error on the same jobs is within the limit."""
    since = champion.run.started.timestamp() / 86_400
    for before in predecessors(champion):
        try:
            error = live_figures(dataset, before, since_days=since)["ece"]
            if error is not None and error <= settings.CALIBRATION_LIVE_MAX_ERROR:
                return [before.pk]
        except RefusedCurveError:
            continue
    return []


def _take_back_by_itself(champion: CalibrationModel, reason: str, may_follow: Collection[int]) -> str:
    instead = take_back(champion, reason, may_follow=may_follow, by_operator=False)
    serves = f"{instead.version} serves again." if instead else "No calibration serves in its place."
    return f"{champion.version} was taken back: {reason} {serves}"


def _whole(champion: CalibrationModel, traffic: str) -> list[int]:
    """Return the keys of the models before the champion that learnt from such people, of whom none has gone."""
    alike = (before for before in predecessors(champion) if before.run.traffic == traffic)
    return [before.pk for before in alike if not people_gone(before)]


def _lock(model: CalibrationModel) -> None:
    """Lock the registry's rows of its scoring model, and read the model anew."""
    lock(model.model_version)
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
    champion.state, champion.retired = State.RETIRED, champion.retired or timezone.now()
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
    for before in predecessors(model):
        if people_gone(before):
            # Retired alone, it would still step in where this one's bytes are refused.
            _put_away(before, f"Taken back: {gone_sentence(before)}.")
    if model.target == settings.CALIBRATION_TARGET:
        serve_champion(model.model_version)


def _let_trainings_promote(model: CalibrationModel) -> None:
    """Forget that an operator took a model of this scoring model and target back: somebody has decided anew."""
    taken = CalibrationModel.objects.filter(model_version=model.model_version, target=model.target)
    taken.filter(operator_took_back=True).update(operator_took_back=False)


def _dated(sentence: str) -> str:
    return f"{timezone.now():%Y-%m-%d}: {sentence}"
