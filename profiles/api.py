"""The person in the API: a profile, their jobs, ratings and history."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from occupations.models import EducationLevel, Element
from occupations.services import get_catalogue
from profiles import services
from profiles.models import Profile, User
from skillsprout.errors import Unprocessable


class ProfileBody(serializers.Serializer[Any]):
    education = serializers.ChoiceField(
        EducationLevel.choices, required=False, allow_null=True, help_text="O*NET's category, 1-12."
    )
    traffic = serializers.ChoiceField(
        [Profile.Traffic.PERSON, Profile.Traffic.DEMO, Profile.Traffic.TEST],
        default=Profile.Traffic.PERSON,
        help_text="Demonstrations and tests are marked and never learned from.",
    )


class ProfileAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Holding it is the right to use the profile: keep it to yourself.")
    claimed = serializers.BooleanField(help_text="Whether an account has this profile.")
    education = serializers.IntegerField(allow_null=True)
    traffic = serializers.CharField()
    created_at = serializers.DateTimeField()


class CurrentOccupationBody(serializers.Serializer[Any]):
    onet_code = serializers.CharField(
        min_length=1, max_length=10, allow_null=True, help_text="null: no job at present."
    )


class CurrentOccupationAnswer(serializers.Serializer[Any]):
    onet_code = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_null=True)
    scored = serializers.BooleanField(help_text="Whether unrated skills can be assumed from this occupation.")
    estimated = serializers.BooleanField(help_text="Whether its figures are our estimate.")


class RatingBody(serializers.Serializer[Any]):
    element_id = serializers.CharField(min_length=1, max_length=20, help_text="O*NET's element id, such as 2.B.3.e.")
    rating_0_4 = serializers.IntegerField(min_value=0, max_value=4, allow_null=True, help_text="null: not sure.")


class RatingsBody(serializers.Serializer[Any]):
    ratings = RatingBody(many=True, allow_empty=False, max_length=200)  # type: ignore[call-arg]

    def validate_ratings(self, ratings: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = [rating["element_id"] for rating in ratings]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise serializers.ValidationError(f"Rated more than once: {', '.join(twice)}. Send each element once.")
        return ratings


class RatingAnswer(serializers.Serializer[Any]):
    element_id = serializers.CharField()
    rating_0_4 = serializers.IntegerField(allow_null=True)


class RatingsAnswer(serializers.Serializer[Any]):
    saved = serializers.IntegerField(help_text="How many ratings this call saved.")
    ratings = RatingAnswer(many=True, help_text="All that the person has rated.")
    assumed = RatingAnswer(many=True, help_text="What the jobs held let us assume for the rest.")


class HistoryBody(serializers.Serializer[Any]):
    past_occupations = serializers.ListField(
        child=serializers.CharField(min_length=1, max_length=10),
        required=False,
        max_length=20,
        help_text="O*NET-SOC codes.",
    )
    education = serializers.ChoiceField(EducationLevel.choices, required=False, help_text="1-12.")
    licences = serializers.ListField(
        child=serializers.CharField(min_length=1, max_length=150),
        required=False,
        max_length=20,
        help_text="Names of licences.",
    )


class HistoryAnswer(serializers.Serializer[Any]):
    current = serializers.CharField(allow_null=True)
    past_occupations = serializers.ListField(child=serializers.CharField(), source="past")
    education = serializers.IntegerField(allow_null=True)
    licences = serializers.ListField(child=serializers.CharField())


def open_profile(request: Request, profile_id: UUID) -> Profile:
    """Return the profile if this caller may use it; strangers get 404."""
    return get_object_or_404(Profile.objects.open_to(request.user), pk=profile_id)


class ProfileCreate(APIView):
    @extend_schema(request=ProfileBody, responses={201: ProfileAnswer})
    def post(self, request: Request) -> Response:
        """Make an empty profile; a signed-in caller's belongs to the account."""
        body = ProfileBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = request.user if isinstance(request.user, User) else None
        profile = services.create_profile(
            user=user, traffic=body.validated_data["traffic"], education=body.validated_data.get("education")
        )
        answer = ProfileAnswer(
            {
                "id": profile.pk,
                "claimed": user is not None,
                "education": profile.education,
                "traffic": profile.traffic,
                "created_at": profile.created_at,
            }
        )
        return Response(answer.data, status=status.HTTP_201_CREATED)


class CurrentOccupation(APIView):
    @extend_schema(responses=CurrentOccupationAnswer)
    def get(self, request: Request, profile_id: UUID) -> Response:
        """Return the job that the person holds."""
        code = services.answers(open_profile(request, profile_id)).current
        return Response(self._answer(code))

    @extend_schema(request=CurrentOccupationBody, responses=CurrentOccupationAnswer)
    def post(self, request: Request, profile_id: UUID) -> Response:
        """Say which job the person holds; skills they have not rated are then assumed from it."""
        profile = open_profile(request, profile_id)
        body = CurrentOccupationBody(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            services.set_current_occupation(profile, body.validated_data["onet_code"])
        except services.UnknownOccupationsError as error:
            raise Unprocessable(str(error), "unknown_occupation", field="onet_code", unknown=error.codes) from error
        return Response(self._answer(body.validated_data["onet_code"]))

    @staticmethod
    def _answer(code: str | None) -> dict[str, Any]:
        catalogue = get_catalogue()
        row = catalogue.row.get(code) if code else None
        return {
            "onet_code": code,
            "title": catalogue.titles[row] if row is not None else None,
            "scored": bool(row is not None and catalogue.jobs.scored[row]),
            "estimated": bool(row is not None and catalogue.jobs.estimated[row]),
        }


class SkillRatings(APIView):
    domain: str = Element.Domain.SKILL

    @extend_schema(responses=RatingsAnswer)
    def get(self, request: Request, profile_id: UUID) -> Response:
        """Return what the person has rated, and what their jobs let us assume for the rest."""
        return Response(self._answer(open_profile(request, profile_id), saved=0))

    @extend_schema(request=RatingsBody, responses=RatingsAnswer)
    def post(self, request: Request, profile_id: UUID) -> Response:
        """Save ratings 0-4, null for "not sure"; all of them or, if one cannot be used, none."""
        profile = open_profile(request, profile_id)
        body = RatingsBody(data=request.data)
        body.is_valid(raise_exception=True)
        ratings = {rating["element_id"]: rating["rating_0_4"] for rating in body.validated_data["ratings"]}
        try:
            saved = services.save_ratings(profile, ratings, domain=self.domain)
        except services.UnknownElementsError as error:
            raise Unprocessable(str(error), "unknown_element", field="ratings", unknown=error.ids) from error
        return Response(self._answer(profile, saved))

    def _answer(self, profile: Profile, saved: int) -> dict[str, Any]:
        answers = services.answers(profile)
        rated = answers.ratings if self.domain == Element.Domain.SKILL else answers.knowledge_ratings
        held = [code for code in (answers.current, *answers.past) if code]
        assumed = services.assumed_ratings(get_catalogue(), held, self.domain) if held else {}
        return {
            "saved": saved,
            "ratings": [{"element_id": id_, "rating_0_4": rating} for id_, rating in rated.items()],
            "assumed": [
                {"element_id": id_, "rating_0_4": rating} for id_, rating in assumed.items() if rated.get(id_) is None
            ],
        }


class KnowledgeRatings(SkillRatings):
    domain = Element.Domain.KNOWLEDGE


class History(APIView):
    @extend_schema(responses=HistoryAnswer)
    def get(self, request: Request, profile_id: UUID) -> Response:
        """Return past jobs, highest education and licences."""
        return Response(HistoryAnswer(services.answers(open_profile(request, profile_id))).data)

    @extend_schema(request=HistoryBody, responses=HistoryAnswer)
    def post(self, request: Request, profile_id: UUID) -> Response:
        """Replace what is given of past jobs, highest education and licences; leave the rest as it is."""
        profile = open_profile(request, profile_id)
        body = HistoryBody(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            services.set_history(
                profile,
                past=body.validated_data.get("past_occupations"),
                education=body.validated_data.get("education"),
                licences=body.validated_data.get("licences"),
            )
        except services.UnknownOccupationsError as error:
            raise Unprocessable(
                str(error), "unknown_occupation", field="past_occupations", unknown=error.codes
            ) from error
        except services.UnknownLicencesError as error:
            raise Unprocessable(str(error), "unknown_licence", field="licences", unknown=error.names) from error
        return Response(HistoryAnswer(services.answers(profile)).data)
