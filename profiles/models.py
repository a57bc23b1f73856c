"""Who the person is: an account if they want one, a profile, ratings, jobs and licences held."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models import Q

from occupations.models import EducationLevel, Element, Licence, Occupation


class User(AbstractUser):
    """An account. Nobody needs one to use SkillSprout; it keeps a profile from everybody else."""


def is_open_to(user: object, profile: str = "") -> Q:
    """Hold for profiles that this caller may use: unclaimed ones (their id is the right) and the caller's own.

    Args:
        user: Who calls.
        profile: How another table names its profile: `profile__`.
    """
    is_open = Q(**{f"{profile}user": None})
    return is_open | Q(**{f"{profile}user": user}) if getattr(user, "is_authenticated", False) else is_open


class ProfileQuerySet(models.QuerySet["Profile"]):
    def open_to(self, user: object) -> Self:
        """Profiles that this caller may use."""
        return self.filter(is_open_to(user))


class Profile(models.Model):
    """One person's answers, anonymous until an account claims it."""

    class Traffic(models.TextChoices):
        PERSON = "person", "A person"
        DEMO = "demo", "Demonstration"
        TEST = "test", "Test"
        STAFF = "staff", "Staff"
        SIMULATED = "simulated", "Simulated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="profiles"
    )
    education = models.PositiveSmallIntegerField(choices=EducationLevel, null=True, blank=True)
    licences = models.ManyToManyField(Licence, blank=True, related_name="+")
    allow_exploration = models.BooleanField(default=True, help_text="May see something a little different.")
    traffic = models.CharField(max_length=10, choices=Traffic, default=Traffic.PERSON)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, help_text="When an answer last changed.")

    objects = ProfileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.id)

    @transaction.atomic
    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        # Locked first: what others are just storing of this person is waited for, and goes too.
        list(Profile.objects.filter(pk=self.pk).select_for_update().values_list("pk"))
        return super().delete(*args, **options)


class ElementRating(models.Model):
    """What a person says of one skill or knowledge area: 0 to 4, or not sure (null)."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="ratings")
    element = models.ForeignKey(Element, on_delete=models.PROTECT, related_name="+")
    rating = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(4)])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["profile", "element__domain", "element__order"]
        constraints = [
            models.UniqueConstraint(fields=["profile", "element"], name="element_rating_once"),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__range=(0, 4)), name="element_rating_0_to_4"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.element_id}: {'not sure' if self.rating is None else self.rating}"


class HeldJob(models.Model):
    """A job that the person holds or has held."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="jobs")
    occupation = models.ForeignKey(Occupation, on_delete=models.PROTECT, related_name="+")
    current = models.BooleanField(default=False)

    class Meta:
        ordering = ["-current", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["profile", "occupation"], name="held_job_once"),
            models.UniqueConstraint(fields=["profile"], condition=Q(current=True), name="held_job_one_current"),
        ]

    def __str__(self) -> str:
        return self.occupation_id
