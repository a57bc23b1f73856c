"""What was recommended, why, and what people did with it."""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone

from occupations.models import Occupation, Release
from profiles.models import Profile


class Tier(models.TextChoices):
    READY_NOW = "READY_NOW", "Ready now"
    TRAINABLE = "TRAINABLE", "Trainable"
    LONG_RESKILL = "LONG_RESKILL", "Long-term reskill"


class Curve(models.Model):
    """A calibration curve that may be applied: bytes of this installation's own, and whether it serves."""

    class Target(models.TextChoices):
        INTEREST = "interest", "Interest: saved or applied"
        OUTCOME = "outcome", "Outcome: interview or offer"

    version = models.CharField(max_length=40, unique=True)
    model_version = models.CharField(max_length=40, help_text="The scoring model whose lists it learnt from.")
    target = models.CharField(max_length=10, choices=Target, help_text="What its probability is of.")
    feature_names = models.JSONField(help_text="The columns that it reads, in order.")
    artifact = models.BinaryField()
    made_of = models.TextField(help_text="Its classes with their fields, as they were when it was stored.")
    digest = models.CharField(max_length=64, help_text="Keyed with this installation's secret.")
    created_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True, help_text="When it last began to serve.")
    may_serve = models.BooleanField(default=False, help_text="It has served and was not taken back.")
    serving = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version"], condition=Q(serving=True), name="curve_one_serves_per_model"
            ),
        ]

    def __str__(self) -> str:
        return self.version


class RecommendationEvent(models.Model):
    """One list of recommendations as it was made, with all that is needed to make it again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="events")
    created_at = models.DateTimeField(default=timezone.now)
    model_version = models.CharField(max_length=40)
    bucket_rule = models.JSONField(default=dict, help_text="The thresholds in force.")
    catalogue_revision = models.PositiveIntegerField()
    release_version = models.CharField(max_length=20)
    limit_per_bucket = models.PositiveSmallIntegerField()
    use_calibration = models.BooleanField(default=False)
    calibration_version = models.CharField(max_length=40, blank=True)
    epsilon = models.FloatField(default=0)
    seed = models.BigIntegerField(default=0)
    pool_limit = models.PositiveSmallIntegerField(default=0, help_text="The most jobs of a pool; 0: all of the tier.")
    pool_sizes = models.JSONField(default=dict, help_text="Jobs that each tier's last place could show; 0: no lot.")
    pools = models.JSONField(default=dict, help_text="By tier, these jobs: code and features as the curve reads them.")
    inputs = models.JSONField(default=dict, help_text="The person's answers, frozen.")
    left_out = models.JSONField(default=list, help_text="Codes that the person had hidden.")
    more_of = models.JSONField(default=list, help_text="Minor groups that variety did not limit.")
    first = models.JSONField(default=dict, help_text="By tier, the codes of the list that this one goes on from.")
    drawn_before = models.JSONField(default=list, help_text="Which of these were there by lot.")

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["profile", "-created_at"], name="event_by_profile"),
            models.Index(fields=["-created_at"], name="event_by_created_at"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RecommendedItem(models.Model):
    """One occupation in one list."""

    event = models.ForeignKey(RecommendationEvent, on_delete=models.CASCADE, related_name="items")
    occupation = models.ForeignKey(Occupation, on_delete=models.PROTECT, related_name="+")
    tier = models.CharField(max_length=12, choices=Tier)
    position = models.PositiveSmallIntegerField(help_text="1 is the top of its tier.")
    base_score = models.FloatField(help_text="The score that ordered the tier, 0 to 100.")
    match_score = models.FloatField()
    gap_severity = models.FloatField()
    calibrated_probability = models.FloatField(null=True, blank=True)
    calibrated_low = models.FloatField(null=True, blank=True, help_text="Of the average's 95 % interval.")
    calibrated_high = models.FloatField(null=True, blank=True)
    is_exploration = models.BooleanField(default=False)
    propensity = models.FloatField(default=1)
    features = models.JSONField(default=dict, help_text="What the models saw of the job.")

    class Meta:
        ordering = ["event", "tier", "position"]
        constraints = [
            models.UniqueConstraint(fields=["event", "occupation"], name="item_once"),
            models.UniqueConstraint(fields=["event", "tier", "position"], name="item_one_per_position"),
            models.CheckConstraint(condition=Q(propensity__gt=0, propensity__lte=1), name="item_propensity_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.get_tier_display()} {self.position}: {self.occupation_id}"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def in_force(self) -> Self:
        """What people did and have not taken back."""
        return self.filter(withdrawn_at=None).exclude(action=Feedback.Action.UNDO)

    def of(self, profile: Profile) -> Self:
        """What one person did, in whichever of their lists, and has not taken back."""
        return self.in_force().filter(item__event__profile=profile)

    def with_application(self) -> Self:
        """Each with `applied`: whether the person says, in whichever of their lists, that they applied for that job."""
        applications = Feedback.objects.in_force().filter(
            action=Feedback.Action.APPLY,
            item__occupation=OuterRef("item__occupation"),
            item__event__profile=OuterRef("item__event__profile"),
        )
        return self.annotate(applied=Exists(applications))

    def with_flag(self) -> Self:
        """Each with `flag`: what is odd about one in force, of `Feedback.Flag`, with a comma between two."""
        in_force, day = Q(withdrawn_at=None), timedelta(days=1)
        alone = in_force & Q(action__in=Feedback.OUTCOMES, applied=False)
        early = in_force & Q(action__in=Feedback.DECISIONS, happened_at__lt=F("item__event__created_at") - day)
        return self.with_application().annotate(
            flag=Case(
                When(alone & early, then=Value(", ".join(Feedback.Flag.values))),
                When(alone, then=Value(Feedback.Flag.WITHOUT_APPLICATION)),
                When(early, then=Value(Feedback.Flag.BEFORE_THE_LIST)),
                default=Value(""),
            )
        )


class Feedback(models.Model):
    """What a person did with one recommended occupation."""

    class Action(models.TextChoices):
        VIEW = "view", "Seen on screen"
        CLICK = "click", "Opened"
        SAVE = "save", "Saved"
        APPLY = "apply", "Applied"
        INTERVIEW = "interview", "Interview"
        OFFER = "offer", "Offer"
        HIDE = "hide", "Hidden"
        UNDO = "undo", "Taken back"

    class Flag(models.TextChoices):
        WITHOUT_APPLICATION = "outcome_without_application", "Outcome without an application"
        BEFORE_THE_LIST = "before_the_list", "Dated before its list"

    OUTCOMES = (Action.INTERVIEW, Action.OFFER)
    DECISIONS = (Action.SAVE, Action.APPLY, *OUTCOMES)

    item = models.ForeignKey(RecommendedItem, on_delete=models.CASCADE, related_name="feedback")
    action = models.CharField(max_length=10, choices=Action)
    happened_at = models.DateTimeField(default=timezone.now)
    recorded_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    undoes = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    # Only where `with_flag` was asked for.
    applied: bool
    flag: str

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ["recorded_at"]
        verbose_name_plural = "feedback"
        indexes = [models.Index(fields=["-recorded_at"], name="feedback_by_recorded_at")]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "action"],
                condition=Q(withdrawn_at=None) & ~Q(action="undo"),
                name="feedback_once_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.item.occupation_id}"


class FeedbackKey(models.Model):
    """A key that a caller sent with a feedback, so that the same call again changes nothing."""

    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent with it.")
    feedback = models.ForeignKey(Feedback, on_delete=models.CASCADE, related_name="+", help_text="The answer.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["profile", "key"], name="feedback_key_once_per_person")]

    def __str__(self) -> str:
        return self.key


class Evaluation(models.Model):
    """How well the models served simulated people on one release: what the method page shows."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="evaluations")
    created = models.DateTimeField(default=timezone.now)
    seed = models.PositiveIntegerField(default=0)
    options = models.JSONField(default=dict, help_text="The bounds in force and the licences that counted.")
    figures = models.JSONField(default=dict)
    recall_plot = models.TextField(help_text="SVG")
    tier_plot = models.TextField(help_text="SVG")

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.release}, {self.created:%Y-%m-%d}"
