"""Which curve serves: promoted, taken back, returned to, and put away where it may serve no more.

Of each scoring model and target one model is the champion. Champions of the target that the settings name
(`CALIBRATION_TARGET`) are handed down to the recommendations, which apply them. Whoever changes a champion holds the
rows of its scoring model locked, so that two clicks at once never make two. What an operator took back is not promoted
again in another form: until somebody promotes or returns to a model, what is learnt waits for a click.
"""

from collections.abc import Collection
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calibration.curves.features import NAMES
from calibration.curves.labels import Target
from calibration.curves.ladder import Curve
from calibration.models import CalibrationModel, CalibrationModelQuerySet
from profiles.models import Profile
from recommendations.models import Curve as StoredCurve
from recommendations.models import RecommendationEvent
from recommendations.services import RefusedCurveError, UnreadableCurveError, activate_curve, load_curve, withdraw_curve

State = CalibrationModel.State

SOMEBODY = "somebody"


class PromotionError(Exception):
    """This model may not serve; the message says why."""


@transaction.atomic
def promote(model: CalibrationModel, *, by: str = SOMEBODY) -> None:
    """Let a candidate or a retired model serve in place of the champion, which is retired.

    What served before and may serve no more steps in for nothing from then on. A second click changes nothing.

    Args:
        model: Of any state.
        by: Who promotes it; kept with it.

    Raises:
        PromotionError: It may not serve: see `hindrance`.
        RefusedCurveError: Its bytes are not those that were written, or cannot be read.
    """
    _lock(model)
    if champion := _prepared(model):
        _retire(champion, f"{model.version} replaced it.")
    _crown(model, f"Promoted by {by}.")
    _put_away_unfit(model)
    _let_trainings_promote(model)


@transaction.atomic
def return_to(model: CalibrationModel, *, by: str = SOMEBODY) -> None:
    """Let an older model serve again; the champion is taken back, so that it does not step in by itself either.

    Args:
        model: Of any state.
        by: Who returns to it; kept with both.

    Raises:
        PromotionError: It may not serve: see `hindrance`.
        RefusedCurveError: Its bytes are not those that were written, or cannot be read.
    """
    _lock(model)
    if champion := _prepared(model):
        _put_away(champion, f"Taken back: {by} returned to {model.version}.")
    _crown(model, f"{by} returned to it.")
    _put_away_unfit(model)
    _let_trainings_promote(model)


@transaction.atomic
def take_back(model: CalibrationModel, reason: str = "", *, by: str = SOMEBODY) -> CalibrationModel | None:
    """Retire the champion because somebody says so; the champion before it serves again, or none.

    A model that was taken back itself, that may not serve, or whose bytes are refused, is passed over. No training
    promotes by itself until somebody decides again. A second click changes nothing.

    Args:
        model: The champion.
        reason: In their words; empty where they gave none. Kept with it.
        by: Who takes it back; kept with it.

    Returns:
        The champion from now on.
    """
    _lock(model)
    if model.state != State.CHAMPION:
        return _champion(model)
    instead = _step_down(model, f"Taken back by {by}: {reason}" if reason else f"Taken back by {by}; no reason given.")
    CalibrationModel.objects.filter(pk=model.pk).update(operator_took_back=True)
    return instead


@transaction.atomic
def take_back_by_itself(champion: CalibrationModel, reason: str, *, may_follow: Collection[int]) -> str:
    """Retire the champion because of what is known of it; the last one before it that may follow serves again, or none.

    Args:
        champion: The champion; nothing changes where it is none by now.
        reason: A sentence, which is kept with it.
        may_follow: Keys of the models that may serve again.

    Returns:
        A sentence on both.
    """
    _lock(champion)
    if champion.state == State.CHAMPION:
        instead = _step_down(champion, f"Taken back: {reason}", may_follow=may_follow)
    else:
        instead = _champion(champion)
    serves = f"{instead.version} serves again." if instead else "No calibration serves in its place."
    return f"{champion.version} was taken back: {reason} {serves}"


def hindrance(model: CalibrationModel) -> str:
    """Return why a model may not serve, whoever wants it to; empty where it may."""
    if model.state == State.REJECTED:
        return f"The gate has rejected {model.version}, so it cannot serve. Its reasons say why."
    if learnt_from_simulated(model) and any_lists_of(Profile.Traffic.PERSON):
        return "It learnt from simulated people, and real people have lists here, so it cannot serve them."
    return ""


def learnt_from_simulated(model: CalibrationModel) -> bool:
    """Return whether a model learnt from simulated people."""
    return model.run.traffic == Profile.Traffic.SIMULATED


def any_lists_of(traffic: str) -> bool:
    """Return whether anybody of this kind has a list here."""
    return RecommendationEvent.objects.filter(profile__traffic=traffic).exists()


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


def take_back_simulated() -> list[str]:
    """Take back all champions that learnt from simulated people; one that learnt from real people may serve again.

    Returns:
        A sentence for each.
    """
    reason = "it learnt from simulated people, and there are lists of real ones here now."
    return [
        take_back_by_itself(champion, reason, may_follow=_whole(champion, Profile.Traffic.PERSON))
        for champion in simulated_champions()
    ]


def take_back_gone(champion: CalibrationModel, why: str) -> str:
    """Take back a champion that learnt from people who have gone; one before it that did not may serve again.

    Returns:
        A sentence on it, with `why` nothing better can be done.
    """
    reason = f"{gone_sentence(champion)}, and {why}."
    return take_back_by_itself(champion, reason, may_follow=_whole(champion, champion.run.traffic))


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
    if why := hindrance(model):
        raise PromotionError(why)
    load(model)
    champion = _champion(model)
    return None if champion is None or champion.pk == model.pk else champion


def _champion(model: CalibrationModel) -> CalibrationModel | None:
    return CalibrationModel.objects.champions().filter(model_version=model.model_version, target=model.target).first()


def _step_down(
    champion: CalibrationModel, sentence: str, *, may_follow: Collection[int] | None = None
) -> CalibrationModel | None:
    """Put the champion away, and let the last one before it that may serve, and may follow, serve again."""
    _put_away(champion, sentence)
    for before in predecessors(champion):
        if hindrance(before) or (may_follow is not None and before.pk not in may_follow):
            continue
        try:
            load(before)
        except RefusedCurveError:
            continue
        _crown(before, f"Serves again: {champion.version} was taken back.")
        _put_away_unfit(before)
        return before
    return None


def _crown(model: CalibrationModel, sentence: str) -> None:
    if model.state != State.CHAMPION:
        model.state, model.promoted = State.CHAMPION, timezone.now()
        model.retired = model.taken_back = None
        model.history = [*model.history, _dated(sentence)]
        model.save(update_fields=["state", "promoted", "retired", "taken_back", "history"])
    if model.target == settings.CALIBRATION_TARGET:
        serve_champion(model.model_version)


def _retire(champion: CalibrationModel, sentence: str) -> None:
    champion.state, champion.retired = State.RETIRED, champion.retired or timezone.now()
    champion.history = [*champion.history, _dated(sentence)]
    champion.save(update_fields=["state", "retired", "history"])


def _put_away(model: CalibrationModel, sentence: str) -> None:
    """Retire a model for good: it steps in for no other."""
    _retire(model, sentence)
    model.taken_back = timezone.now()
    model.save(update_fields=["taken_back"])
    withdraw_curve(model.curve)


def _put_away_unfit(champion: CalibrationModel) -> None:
    """Put those before the champion away that may serve no more: retired alone, they would still step in for it."""
    for before in predecessors(champion):
        if people_gone(before):
            _put_away(before, f"Taken back: {gone_sentence(before)}.")
        elif why := hindrance(before):
            _put_away(before, f"Taken back: {why}")


def _let_trainings_promote(model: CalibrationModel) -> None:
    """Forget that an operator took a model of this scoring model and target back: somebody has decided anew."""
    taken = CalibrationModel.objects.filter(model_version=model.model_version, target=model.target)
    taken.filter(operator_took_back=True).update(operator_took_back=False)


def _dated(sentence: str) -> str:
    return f"{timezone.now():%Y-%m-%d}: {sentence}"
