"""What the API says of the models in use: read from stored rows, so that asking costs next to nothing."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from redis import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calibration.models import CalibrationModel, TrainingRun
from calibration.reports import BY_CALIBRATION
from occupations.services import get_catalogue
from profiles.models import Profile
from recommendations.models import Curve, Feedback, RecommendationEvent
from recommendations.services import MODELS, served_curve

NOT_CALIBRATED = "not calibrated yet"
SECONDS_OF_SAMPLES = 60
STORED = (
    "version",
    "target",
    "rung",
    "state",
    "created",
    "promoted",
    "inputs",
    "n_items",
    "n_people",
    "base_rate",
    "people_gone",
)

State = CalibrationModel.State


class NumberField(serializers.FloatField):
    """A figure that may be unknown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)


class Interval(serializers.Serializer[Any]):
    value = NumberField()
    low = NumberField(help_text="Of the 95 % interval, which counts people.")
    high = NumberField()


class ReliabilityBin(serializers.Serializer[Any]):
    low = serializers.FloatField(help_text="The least probability in it, 0-1.")
    high = serializers.FloatField()
    mean = serializers.FloatField(help_text="Mean predicted probability.")
    rate = serializers.FloatField(help_text="Observed share of positives.")
    rate_low = serializers.FloatField(help_text="Of the 95 % interval of the rate.")
    rate_high = serializers.FloatField()
    n = serializers.IntegerField(help_text="Jobs in it.")
    positives = serializers.IntegerField()


class Verdict(serializers.Serializer[Any]):
    version = serializers.CharField(help_text="The model that was judged.")
    traffic = serializers.CharField(help_text="Whose answers it learnt from: person or simulated.")
    judged = serializers.DateTimeField()
    passed = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


class LearntModel(serializers.Serializer[Any]):
    """A calibration model with its figures on people and a time that it had not seen."""

    version = serializers.CharField()
    target = serializers.ChoiceField(choices=Curve.Target.choices)
    traffic = serializers.CharField(help_text="Whose answers it learnt from: person or simulated.")
    rung = serializers.CharField(help_text="platt, logistic or boosting.")
    state = serializers.ChoiceField(choices=CalibrationModel.State.choices)
    created = serializers.DateTimeField()
    promoted = serializers.DateTimeField(allow_null=True)
    inputs = serializers.ListField(child=serializers.CharField(), help_text="The features that it reads.")
    n_items = serializers.IntegerField(help_text="Labelled jobs that it learnt from.")
    n_people = serializers.IntegerField()
    base_rate = serializers.FloatField(help_text="Share of positives in training.")
    brier = NumberField(help_text="Lower is better.")
    brier_of_constant = NumberField(help_text="What always saying the base rate would score.")
    brier_skill = NumberField(help_text="1 - Brier / that of the best constant; above 0 is better than any constant.")
    log_loss = NumberField(help_text="In nats.")
    auc = Interval()
    ece = NumberField(help_text="Expected calibration error, 0-1.")
    slope = NumberField(help_text="Calibration slope; 1 is ideal.")
    intercept = NumberField(help_text="Calibration intercept; 0 is ideal.")
    reliability = ReliabilityBin(many=True)
    effective_sample_size = NumberField(help_text="Of the explored choices that it was compared on.")
    retrain = serializers.BooleanField(help_text="People that it learnt from have gone: it is to be trained anew.")
    people_gone = serializers.IntegerField()


class Drift(serializers.Serializer[Any]):
    month = serializers.CharField(help_text="The newest month with enough jobs and people to say.")
    n = serializers.IntegerField(help_text="Jobs shown in it.")
    people = serializers.IntegerField(help_text="People to whom they were shown.")
    psi = serializers.DictField(
        child=NumberField(),
        help_text="Population stability index of each feature and of the probability against the training period; "
        "above 0.25 is drift, and so is what became known or unknown; null where nothing is known on either side.",
    )


class LastTraining(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=TrainingRun.State.choices)
    started = serializers.DateTimeField()
    finished = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ListField(child=serializers.CharField())


class ModelStatusAnswer(serializers.Serializer[Any]):
    model_version = serializers.CharField(help_text="The model that answers when none is asked for.")
    models = serializers.ListField(child=serializers.CharField(), help_text="What model_version can name.")
    calibration = serializers.CharField(help_text="The calibration that is applied, or that there is none yet.")
    target = serializers.ChoiceField(
        choices=Curve.Target.choices, help_text="What a calibrated probability is the probability of."
    )
    champion = LearntModel(allow_null=True)
    challenger = LearntModel(allow_null=True, help_text="The newest model that does not serve, if it is newer.")
    verdict = Verdict(allow_null=True, help_text="The gate's last one.")
    samples = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="People's feedback in force, by action; no tests, no simulations, nobody of the staff. "
        "It may be a minute old.",
    )
    epsilon = serializers.FloatField(help_text="Share of last places that are given by lot.")
    effective_sample_size = NumberField(
        help_text="Of the explored places for what the last training's calibration would choose; "
        "under 100 nothing is said of its worth."
    )
    drift = Drift(allow_null=True, help_text="null where no month had 100 jobs and 50 people.")
    retrain = serializers.BooleanField(help_text="People that the champion learnt from have gone.")
    last_training = LastTraining(allow_null=True)
    release = serializers.CharField(help_text="The O*NET release that is loaded.")


class ModelStatus(APIView):
    @extend_schema(responses=ModelStatusAnswer)
    def get(self, request: Request) -> Response:
        """Return the models in use, how good they are, and the feedback that there is to learn from."""
        served = served_curve(settings.MODEL_VERSION)
        judged = (
            CalibrationModel.objects.with_people_gone()
            .filter(model_version=settings.MODEL_VERSION, target=settings.CALIBRATION_TARGET)
            .select_related("curve", "run")
            .defer("curve__artifact", "run__report")
            # Django leaves a model's own order out of a query that counts.
            .order_by("-created", "-pk")
        )
        champion: Any = judged.champions().first()
        newest = judged.first()
        challengers = judged.filter(state__in=(State.CANDIDATE, State.REJECTED))
        if champion is not None:
            # Models of one training are of one moment; the later row is the one that had to beat the other.
            since = Q(created__gt=champion.created) | Q(created=champion.created, pk__gt=champion.pk)
            challengers = challengers.filter(since)
        runs = TrainingRun.objects.filter(model_version=settings.MODEL_VERSION, traffic=Profile.Traffic.PERSON)
        last = runs.defer("report").first()
        reported = runs.filter(state=TrainingRun.State.DONE).exclude(report={}).first()
        report = reported.report if reported else {}
        return Response(
            {
                "model_version": settings.MODEL_VERSION,
                "models": list(MODELS),
                "calibration": served.version if served else NOT_CALIBRATED,
                "target": settings.CALIBRATION_TARGET,
                "champion": _learnt(champion),
                "challenger": _learnt(challengers.first()),
                "verdict": _verdict(newest),
                "samples": _samples(),
                "epsilon": settings.EXPLORATION_EPSILON,
                "effective_sample_size": _effective_size(report),
                "drift": _drift(report),
                "retrain": bool(champion and champion.people_gone),
                "last_training": LastTraining(last).data if last else None,
                "release": get_catalogue().release.version,
            }
        )


def _samples() -> dict[str, int]:
    """Return the counts of people's feedback, of a minute ago where the cache still has them."""
    key = f"samples:{settings.MODEL_VERSION}"
    with suppress(RedisError):
        if (samples := cache.get(key)) is not None:
            return dict(samples)
    samples = _counted_samples()
    with suppress(RedisError):
        cache.set(key, samples, SECONDS_OF_SAMPLES)
    return samples


def _counted_samples() -> dict[str, int]:
    """Count people's feedback: all of it less that of tests, simulations and staff, where there is little to join."""
    in_force = Feedback.objects.in_force()
    of_others = RecommendationEvent.objects.filter(
        ~Q(profile__traffic=Profile.Traffic.PERSON) | Q(profile__user__is_staff=True)
    )
    everybody, others = _by_action(in_force), _by_action(in_force.filter(item__event__in=of_others))
    return {
        action: everybody.get(action, 0) - others.get(action, 0)
        for action in Feedback.Action.values
        if action != Feedback.Action.UNDO
    }


def _by_action(feedback: QuerySet[Feedback]) -> dict[str, int]:
    return dict(feedback.order_by().values("action").annotate(n=Count("pk")).values_list("action", "n"))


def _learnt(model: Any) -> dict[str, Any] | None:
    if model is None:
        return None
    figures, details = model.figures, model.details
    roc = details.get("roc", {})
    answer = {
        **{name: getattr(model, name) for name in STORED},
        "traffic": model.run.traffic,
        **{name: details.get(name) for name in ("brier_skill", "log_loss")},
        **{name: figures.get(name) for name in ("brier", "brier_of_constant", "ece", "slope", "intercept")},
        "reliability": details.get("reliability", []),
        "auc": {"value": roc.get("auc"), "low": roc.get("auc_low"), "high": roc.get("auc_high")},
        "effective_sample_size": figures.get("effective_size"),
        "retrain": model.people_gone > 0,
    }
    return dict(LearntModel(answer).data)


def _verdict(model: CalibrationModel | None) -> dict[str, Any] | None:
    if model is None:
        return None
    judged = {
        "version": model.version,
        "traffic": model.run.traffic,
        "judged": model.created,
        "passed": model.state != State.REJECTED,
        "reasons": model.reasons,
    }
    return dict(Verdict(judged).data)


def _effective_size(report: Mapping[str, Any]) -> float | None:
    rows = report.get("off_policy", [])
    return next((row["effective_size"] for row in rows if row["policy"] == BY_CALIBRATION), None)


def _drift(report: Mapping[str, Any]) -> dict[str, Any] | None:
    months = report.get("drift", {}).get("months", [])
    told = (row for row in reversed(months) if any(figure is not None for figure in row["psi"].values()))
    newest = next(told, None)
    return {name: newest[name] for name in ("month", "n", "people", "psi")} if newest else None
