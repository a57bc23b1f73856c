"""What a person can tell us: their jobs, ratings, education and licences."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.forms import ModelForm

from occupations.models import EducationLevel, Element, Licence, Occupation
from occupations.services import Catalogue
from profiles.models import ElementRating, HeldJob, Profile, User


class UnknownElementsError(Exception):
    """Some element ids are not elements of the domain that was rated; nothing was saved."""

    def __init__(self, ids: Collection[str], domain: str) -> None:
        self.ids = sorted(ids)
        self.domain = domain
        name = {"skill": "skills", "knowledge": "knowledge areas"}[domain]
        super().__init__(f"These are not O*NET {name}: {', '.join(self.ids)}. Nothing was saved.")


class UnknownOccupationsError(Exception):
    """Some codes are not active occupations of the loaded release; nothing was saved."""

    def __init__(self, codes: Collection[str]) -> None:
        self.codes = sorted(codes)
        super().__init__(
            f"There is no occupation with the code {', '.join(self.codes)} in the loaded release. "
            "Search for it with /api/v1/occupations/search?q=. Nothing was saved."
        )


class UnknownLicencesError(Exception):
    """Some names are not licences that we know of; nothing was saved."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = sorted(names)
        super().__init__(f"We know no licence named {', '.join(self.names)}. Nothing was saved.")


class ProfileClaimedError(Exception):
    """The profile belongs to another account."""

    def __init__(self) -> None:
        super().__init__("This profile belongs to another account.")


class ProfileGoneError(Exception):
    """The person has deleted the profile meanwhile, with all that was theirs; nothing was saved."""

    def __init__(self) -> None:
        super().__init__("This profile was deleted. Nothing was saved.")


@dataclass(frozen=True, slots=True)
class Answers:
    """All that a person has said, as plain values that an event can freeze.

    Args:
        ratings: Skill ratings by element id, 0-4; None is "not sure". Unrated skills are absent.
        knowledge_ratings: The same for knowledge areas.
        current: The O*NET-SOC code of the current job.
        past: Codes of past jobs.
        education: O*NET's category of the highest education, 1-12.
        licences: Names of the licences held.
    """

    ratings: dict[str, int | None] = field(default_factory=dict)
    knowledge_ratings: dict[str, int | None] = field(default_factory=dict)
    current: str | None = None
    past: tuple[str, ...] = ()
    education: int | None = None
    licences: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to score: no job, and no rating but "not sure"."""
        rated = [*self.ratings.values(), *self.knowledge_ratings.values()]
        return not self.current and not self.past and all(rating is None for rating in rated)

    def frozen(self) -> dict[str, Any]:
        """Return the answers as JSON values."""
        return asdict(self) | {"past": list(self.past), "licences": list(self.licences)}

    @classmethod
    def thawed(cls, inputs: Mapping[str, Any]) -> "Answers":
        """Return the answers that `frozen` wrote."""
        return cls(**{**inputs, "past": tuple(inputs["past"]), "licences": tuple(inputs["licences"])})


def create_profile(
    *, user: User | None = None, traffic: str = Profile.Traffic.PERSON, education: int | None = None
) -> Profile:
    """Make an empty profile; anonymous unless an account is given. Staff who try it out are not taken for a person."""
    if user and user.is_staff and traffic == Profile.Traffic.PERSON:
        traffic = Profile.Traffic.STAFF
    return Profile.objects.create(user=user, traffic=traffic, education=education)


def hold(profile_id: UUID) -> None:
    """Let nobody delete a profile, or write anything else of it, until this transaction ends.

    Whoever writes what belongs to a profile holds it first. Deleting locks the profile, then what belongs to it; in
    another order two transactions could wait for each other.

    Raises:
        ProfileGoneError: It is deleted already.
    """
    held = Profile.objects.filter(pk=profile_id).select_for_update(no_key=True)
    if not held.values_list("pk", flat=True):
        raise ProfileGoneError


@transaction.atomic
def save_form(profile: Profile, form: ModelForm) -> None:
    """Save a valid form of a profile, which a deletion meanwhile must not bring back.

    Raises:
        ProfileGoneError: It was deleted.
    """
    hold(profile.pk)
    form.save()


@transaction.atomic
def claim_profile(profile: Profile, user: User) -> None:
    """Give an anonymous profile to an account, so that nobody else can use it; staff's is marked as such.

    Raises:
        ProfileGoneError: It was deleted.
        ProfileClaimedError: Another account has it.
    """
    hold(profile.pk)
    if not Profile.objects.filter(pk=profile.pk, user=None).update(user=user):
        profile.refresh_from_db()
        if profile.user_id != user.pk:
            raise ProfileClaimedError
    profile.user = user
    if mark_staff(profile.pk, user):
        profile.traffic = Profile.Traffic.STAFF


def mark_staff(profile_id: UUID, user: object) -> bool:
    """Mark a profile as staff's if staff use it as if it were a person's, and say whether that was so.

    Only one that nobody has claimed, or they themselves: nothing is learnt from it any more.
    """
    if not getattr(user, "is_staff", False):
        return False
    of_person = Profile.objects.open_to(user).filter(pk=profile_id, traffic=Profile.Traffic.PERSON)
    return bool(of_person.update(traffic=Profile.Traffic.STAFF))


def _known_occupations(codes: Collection[str]) -> None:
    known = set(Occupation.objects.active().filter(code__in=codes).values_list("code", flat=True))
    if unknown := set(codes) - known:
        raise UnknownOccupationsError(unknown)


@transaction.atomic
def set_current_occupation(profile: Profile, code: str | None) -> None:
    """Say which job the person holds now; None for none. A current job before it is forgotten.

    Raises:
        ProfileGoneError: The profile was deleted.
        UnknownOccupationsError: No active occupation has this code.
    """
    hold(profile.pk)
    if code:
        _known_occupations([code])
    HeldJob.objects.filter(profile=profile, current=True).delete()
    if code:
        HeldJob.objects.update_or_create(profile=profile, occupation_id=code, defaults={"current": True})
    profile.save(update_fields=["updated_at"])


@transaction.atomic
def set_history(
    profile: Profile,
    *,
    past: Collection[str] | None = None,
    education: int | None = None,
    licences: Collection[str] | None = None,
) -> None:
    """Replace the past jobs, the education and the licences that are given; None leaves one as it is.

    Raises:
        ProfileGoneError: The profile was deleted.
        UnknownOccupationsError: A code is not an active occupation; nothing is saved.
        UnknownLicencesError: A licence name is not known; nothing is saved.
        ValueError: The education is not one of O*NET's categories 1 to 12.
    """
    hold(profile.pk)
    if past is not None:
        _known_occupations(past)
        HeldJob.objects.filter(profile=profile, current=False).exclude(occupation__in=past).delete()
        for code in dict.fromkeys(past):
            HeldJob.objects.get_or_create(profile=profile, occupation_id=code)
    if licences is not None:
        found = {licence.name: licence for licence in Licence.objects.filter(name__in=licences)}
        if unknown := set(licences) - set(found):
            raise UnknownLicencesError(unknown)
        profile.licences.set(found.values())
    if education is not None:
        profile.education = EducationLevel(education)
    profile.save(update_fields=["education", "updated_at"])


@transaction.atomic
def save_ratings(profile: Profile, ratings: Mapping[str, int | None], *, domain: str = Element.Domain.SKILL) -> int:
    """Save ratings 0-4 (None for "not sure") of elements of one domain and return their number.

    Raises:
        ProfileGoneError: The profile was deleted.
        UnknownElementsError: An id is not an element of the domain; nothing is saved.
        ValueError: A rating is not 0 to 4; nothing is saved.
    """
    hold(profile.pk)
    known = set(Element.objects.filter(domain=domain, pk__in=ratings).values_list("pk", flat=True))
    if unknown := set(ratings) - known:
        raise UnknownElementsError(unknown, domain)
    if any(rating is not None and rating not in range(5) for rating in ratings.values()):
        raise ValueError("A rating is a whole number from 0 to 4, or nothing for not sure.")
    ElementRating.objects.bulk_create(
        [ElementRating(profile=profile, element_id=id_, rating=rating) for id_, rating in ratings.items()],
        update_conflicts=True,
        unique_fields=["profile", "element"],
        update_fields=["rating", "updated_at"],
    )
    profile.save(update_fields=["updated_at"])
    return len(ratings)


def answers(profile: Profile) -> Answers:
    """Return all that the person has said, in four queries at most."""
    rated: dict[str, dict[str, int | None]] = {Element.Domain.SKILL: {}, Element.Domain.KNOWLEDGE: {}}
    for id_, domain, rating in profile.ratings.values_list("element_id", "element__domain", "rating"):
        rated[domain][id_] = rating
    jobs = list(profile.jobs.values_list("occupation_id", "current"))
    return Answers(
        ratings=rated[Element.Domain.SKILL],
        knowledge_ratings=rated[Element.Domain.KNOWLEDGE],
        current=next((code for code, current in jobs if current), None),
        past=tuple(code for code, current in jobs if not current),
        education=profile.education,
        licences=tuple(profile.licences.values_list("name", flat=True)),
    )


def assumed_ratings(catalogue: Catalogue, codes: Collection[str], domain: str) -> dict[str, int]:
    """Return what holding these jobs lets us assume: the nearest rating of the highest level, by element id.

    Jobs without figures, and elements that are not relevant to any of the jobs, are left out.
    """
    figures = catalogue.jobs.skills if domain == Element.Domain.SKILL else catalogue.jobs.knowledge
    rows = [catalogue.row[code] for code in codes if code in catalogue.row]
    if not rows:
        return {}
    level = np.where(figures.relevant[rows], figures.level[rows], np.nan)
    known = ~np.isnan(level).all(axis=0)
    highest = np.nanmax(level[:, known], axis=0)
    nearest = np.minimum(np.floor(highest / 1.5 + 0.5), 4).astype(int)
    return {figures.ids[column]: int(rating) for column, rating in zip(np.flatnonzero(known), nearest, strict=True)}
