"""Recommendations and feedback in the API."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from occupations.api import EducationSerializer, LicenceSerializer, PaySerializer
from occupations.models import EducationLevel
from occupations.services import credit_line, get_catalogue
from profiles.api import open_profile
from profiles.services import mark_staff
from recommendations import services
from recommendations.advice import Advice, Recommendation, SkillPoint, Training
from recommendations.feedback import MOST_SEEN, SILENT
from recommendations.lists import REORDERED
from recommendations.models import Feedback
from skillsprout.errors import Conflict, Unprocessable


class RecommendationsBody(serializers.Serializer[Any]):
    limit_per_bucket = serializers.IntegerField(min_value=1, max_value=100, default=settings.LIMIT_PER_BUCKET)
    use_calibration = serializers.BooleanField(
        default=False,
        help_text=f"Put the best {REORDERED} of each bucket into the order of their calibrated probabilities, where a "
        "calibration is promoted.",
    )
    enable_exploration = serializers.BooleanField(
        default=False, help_text="Let each bucket's last place hold something a little different now and then."
    )
    model_version = serializers.CharField(min_length=1, max_length=40, required=False, help_text="Such as v1_baseline.")
    more_of = serializers.ListField(
        child=serializers.RegexField(r"^[0-9]{2}-[0-9]$"),
        default=list,
        max_length=100,
        help_text="SOC minor groups, such as 29-1, of which a tier's first ten may hold more than three.",
    )


class PointSerializer(serializers.Serializer[Any]):
    element_id = serializers.CharField()
    name = serializers.CharField()
    have = serializers.FloatField(allow_null=True, help_text="The person's level, 0-6.")
    need = serializers.FloatField(help_text="The level that the job asks for, 0-7.")
    rating_have = serializers.IntegerField(allow_null=True)
    rating_needed = serializers.IntegerField()
    points = serializers.FloatField(help_text="Points that it costs; all of a job's sum to 100 minus its score.")
    shown = serializers.FloatField(help_text="The points to one decimal, rounded so that the sum still holds.")
    worth = serializers.FloatField(help_text="Points that it can give at most.")
    assumed = serializers.BooleanField(help_text="Not rated by the person; a job they hold suggests it.")


class TrainingSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    months_low = serializers.IntegerField()
    months_high = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.CharField())
    education = EducationSerializer(many=True)
    licences = LicenceSerializer(many=True)
    estimate = serializers.CharField()


class RecommendationSerializer(serializers.Serializer[Any]):
    onet_code = serializers.CharField()
    title = serializers.CharField()
    bucket = serializers.CharField(allow_null=True)
    position = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True, help_text="The chosen model's score, which orders the bucket.")
    match_score = serializers.FloatField(allow_null=True, help_text="v1's match, 0-100.")
    gap_severity = serializers.FloatField(allow_null=True, help_text="v1's gap, 0-100.")
    readiness = serializers.FloatField(allow_null=True)
    knowledge_readiness = serializers.FloatField(allow_null=True)
    fit = serializers.FloatField(allow_null=True)
    fit_parts = serializers.DictField(child=serializers.FloatField())
    certainty = serializers.CharField(allow_null=True)
    firm = serializers.BooleanField(allow_null=True)
    above_level = serializers.BooleanField()
    related = serializers.BooleanField(help_text="O*NET lists it as related; never an input.")
    job_zone = serializers.IntegerField(allow_null=True)
    estimated = serializers.BooleanField(help_text="The job's figures are our estimate.")
    is_exploration = serializers.BooleanField()
    propensity = serializers.FloatField()
    calibrated_probability = serializers.FloatField(allow_null=True, help_text="0-1; see calibration_target.")
    calibrated_low = serializers.FloatField(
        allow_null=True,
        help_text="Of the 95 % interval of the average over people with such figures, if the curve's form is right; "
        "one person's own chance varies much more.",
    )
    calibrated_high = serializers.FloatField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    gaps = PointSerializer(many=True)
    strengths = PointSerializer(many=True)
    training = TrainingSerializer(allow_null=True)
    pay = PaySerializer(allow_null=True)


class BucketsSerializer(serializers.Serializer[Any]):
    READY_NOW = RecommendationSerializer(many=True)
    TRAINABLE = RecommendationSerializer(many=True)
    LONG_RESKILL = RecommendationSerializer(many=True)


class RecommendationsAnswer(serializers.Serializer[Any]):
    event_id = serializers.UUIDField(allow_null=True)
    model_version = serializers.CharField()
    release = serializers.CharField()
    buckets = BucketsSerializer()
    totals = serializers.DictField(child=serializers.IntegerField(), help_text="Jobs in each bucket in all.")
    held_back = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="By bucket: SOC minor groups whose jobs gave way to variety, and how many. Ask with more_of.",
    )
    notes = serializers.ListField(child=serializers.CharField())
    calibration = serializers.CharField(help_text="The version that was applied, or why none was.")
    calibration_target = serializers.CharField(help_text="What the probabilities are of: interest or outcome.")
    epsilon = serializers.FloatField(help_text="Share of lots in the last places.")
    pool_sizes = serializers.DictField(child=serializers.IntegerField(), help_text="Jobs in each bucket's lot.")
    credit = serializers.CharField()


# Browsers may send it in a form.
CSRF_FIELD = "csrfmiddlewaretoken"
MOST_UNKNOWN = 10


class FeedbackBody(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    target_onet_code = serializers.CharField(min_length=1, max_length=10)
    action_type = serializers.ChoiceField(Feedback.Action.choices)
    happened_at = serializers.DateTimeField(
        required=False,
        help_text="When it happened; now if not given. The same action with another date corrects the date. A decision "
        "dated more than a day before the list is flagged: before_the_list.",
    )
    undoes = serializers.ChoiceField(
        [action for action in Feedback.Action.choices if action[0] not in (*SILENT, Feedback.Action.UNDO)],
        required=False,
        help_text="Of undo, the action to take back; the newest if not given. An undo that may be repeated names what "
        "it undoes, or sends an idempotency_key: else each takes back one thing more.",
    )
    idempotency_key = serializers.CharField(
        min_length=1,
        max_length=100,
        required=False,
        help_text="The same call with the same key again answers the same feedback and changes nothing.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(self.initial_data) - set(self.fields) - {CSRF_FIELD}):
            raise serializers.ValidationError(
                dict.fromkeys(unknown[:MOST_UNKNOWN], "There is no such field. Nothing was saved."), "unknown_field"
            )
        if "undoes" in attrs and attrs["action_type"] != Feedback.Action.UNDO:
            raise serializers.ValidationError({"undoes": "Only undo takes something back. Leave undoes out."})
        return attrs


class FeedbackAnswer(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    target_onet_code = serializers.CharField()
    action_type = serializers.CharField()
    happened_at = serializers.DateTimeField()
    created = serializers.BooleanField(help_text="False: the same feedback was here already.")
    flags = serializers.ListField(
        child=serializers.CharField(),
        help_text="What is odd, and kept all the same. outcome_without_application: an interview or offer without a "
        "word of an application. before_the_list: a save, application, interview or offer dated more than a day before "
        "its list was shown; from that list nothing is learnt of the job.",
    )


class ViewsBody(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    target_onet_codes = serializers.ListField(
        child=serializers.CharField(min_length=1, max_length=10),
        allow_empty=False,
        max_length=MOST_SEEN,
        help_text="What was really seen on a screen, not all that was sent.",
    )


class ViewsAnswer(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    recorded = serializers.IntegerField(help_text="How many had not been seen before.")


# Django's get_level_display() builds the whole table for each of some hundred shares.
LEVEL_NAMES = dict(EducationLevel.choices)


def _point(point: SkillPoint) -> dict[str, Any]:
    return {
        "element_id": point.element_id,
        "name": point.name,
        "have": point.have,
        "need": round(point.need, 2),
        "rating_have": point.rating_have,
        "rating_needed": point.rating_needed,
        "points": point.points,
        "shown": point.shown,
        "worth": point.worth,
        "assumed": point.assumed,
    }


def _fields(serializer: type[serializers.Serializer[Any]], value: object) -> dict[str, Any]:
    """Return the attributes that a flat serializer names, without the cost of a serializer for each row."""
    declared = serializer._declared_fields
    return {name: getattr(value, field.source or name) for name, field in declared.items()}


def _training(training: Training) -> dict[str, Any]:
    return {
        "kind": training.kind,
        "months_low": training.months_low,
        "months_high": training.months_high,
        "steps": list(training.steps),
        "education": [
            {"level": share.level, "name": LEVEL_NAMES[share.level], "percent": share.percent}
            for share in training.education
        ],
        "licences": [_fields(LicenceSerializer, licence) for licence in training.licences],
        "estimate": training.estimate,
    }


def recommendation_json(item: Recommendation) -> dict[str, Any]:
    """Return one recommendation as JSON values, in the shape of `RecommendationSerializer`."""
    plain = {
        name: getattr(item, name)
        for name in RecommendationSerializer._declared_fields
        if name not in ("gaps", "strengths", "training", "pay", "reasons", "fit_parts")
    }
    return plain | {
        "fit_parts": dict(item.fit_parts),
        "reasons": list(item.reasons),
        "gaps": [_point(point) for point in item.gaps],
        "strengths": [_point(point) for point in item.strengths],
        "training": _training(item.training) if item.training else None,
        "pay": _fields(PaySerializer, item.pay) if item.pay else None,
    }


def advice_json(advice: Advice, credit: str) -> dict[str, Any]:
    """Return a list of recommendations as JSON values, in the shape of `RecommendationsAnswer`."""
    return {
        "event_id": advice.event_id,
        "model_version": advice.model_version,
        "release": advice.release,
        "buckets": {tier: [recommendation_json(item) for item in items] for tier, items in advice.buckets.items()},
        "totals": advice.totals,
        "held_back": advice.held_back,
        "notes": list(advice.notes),
        "calibration": advice.calibration,
        "calibration_target": advice.calibration_target,
        "epsilon": advice.epsilon,
        "pool_sizes": advice.pool_sizes,
        "credit": credit,
    }


class Recommendations(APIView):
    @extend_schema(request=RecommendationsBody, responses=RecommendationsAnswer)
    def post(self, request: Request, profile_id: UUID) -> Response:
        """Recommend occupations in three tiers; the list is stored, so that feedback can refer to it."""
        profile = open_profile(request, profile_id)
        body = RecommendationsBody(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            advice = services.make_event(profile, **body.validated_data)
        except services.EmptyProfileError as error:
            # Whoever was deleted meanwhile has no answers either.
            open_profile(request, profile_id)
            raise Unprocessable(str(error), "empty_profile") from error
        except services.UnknownModelError as error:
            raise Unprocessable(str(error), "unknown_model", field="model_version") from error
        mark_staff(profile.pk, request.user)
        return Response(advice_json(advice, credit_line(get_catalogue().release)))


class FeedbackCreate(APIView):
    @extend_schema(request=FeedbackBody, responses={200: FeedbackAnswer, 201: FeedbackAnswer})
    def post(self, request: Request) -> Response:
        """Say what the person did with a recommended occupation; a repeated call is one feedback.

        The exception is an undo that neither names what it undoes nor sends an idempotency key: each takes back the
        newest thing in force, so that a repeated one takes back one thing more. Nothing is learnt from a list of which
        no views were reported (feedback/views).
        """
        body = FeedbackBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            feedback, created = services.record_feedback(
                event_id=given["event_id"],
                code=given["target_onet_code"],
                action=given["action_type"],
                happened_at=given.get("happened_at"),
                undoes=given.get("undoes", ""),
                idempotency_key=given.get("idempotency_key", ""),
                user=request.user,
            )
        except services.UnknownEventError as error:
            raise NotFound(str(error)) from error
        except services.KeyReusedError as error:
            raise Conflict(str(error), "key_reused", field="idempotency_key") from error
        except services.NotShownError as error:
            raise Unprocessable(str(error), "not_shown", field="target_onet_code") from error
        except services.FutureFeedbackError as error:
            raise Unprocessable(str(error), "in_the_future", field="happened_at") from error
        except services.TooLongAgoError as error:
            raise Unprocessable(str(error), "too_long_ago", field="happened_at") from error
        except services.NothingToUndoError as error:
            field = "undoes" if "undoes" in given else "action_type"
            raise Unprocessable(str(error), "nothing_to_undo", field=field) from error
        answer = {
            "event_id": given["event_id"],
            "target_onet_code": given["target_onet_code"],
            "action_type": feedback.action,
            "happened_at": feedback.happened_at,
            "created": created,
            "flags": services.feedback_flags(feedback),
        }
        return Response(FeedbackAnswer(answer).data, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class ViewsCreate(APIView):
    @extend_schema(request=ViewsBody, responses=ViewsAnswer)
    def post(self, request: Request) -> Response:
        """Say which recommended occupations the person really saw, many in one call; a repeat adds nothing.

        Nothing is learnt from a list of which no views were reported.
        """
        body = ViewsBody(data=request.data)
        body.is_valid(raise_exception=True)
        event_id, codes = body.validated_data["event_id"], body.validated_data["target_onet_codes"]
        try:
            recorded = services.record_views(event_id=event_id, codes=codes, user=request.user)
        except services.UnknownEventError as error:
            raise NotFound(str(error)) from error
        except services.NotShownError as error:
            raise Unprocessable(str(error), "not_shown", field="target_onet_codes", unknown=error.codes) from error
        return Response(ViewsAnswer({"event_id": event_id, "recorded": recorded}).data)
