"""What was learnt from feedback, from whom, and what became of it."""

from typing import Self

from django.db import models
from django.db.models import Case, Count, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from profiles.models import Profile
from recommendations.models import Curve


class TrainingRun(models.Model):
    """One training: what it read, how far it is, and how it ended."""

    class State(models.TextChoices):
        RUNNING = "running", "At work"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started = models.DateTimeField(default=timezone.now)
    finished = models.DateTimeField(null=True, blank=True)
    model_version = models.CharField(max_length=40, help_text="The scoring model whose lists it learns from.")
    traffic = models.CharField(max_length=10, choices=Profile.Traffic, default=Profile.Traffic.PERSON)
    since = models.DateTimeField(null=True, blank=True, help_text="Lists before this are left out.")
    seed = models.PositiveIntegerField(default=0)
    progress = models.JSONField(default=dict, help_text="What is being done, and step and steps.")
    error = models.TextField(blank=True, help_text="One sentence: how it failed.")
    digest = models.CharField(max_length=64, blank=True, help_text="Of what it learnt from.")
    outcome = models.JSONField(default=list, help_text="Sentences: what came of it.")
    report = models.JSONField(default=dict, help_text="All figures, as `build_report` gives them.")

    class Meta:
        ordering = ["-started", "-pk"]

    def __str__(self) -> str:
        return f"Training {self.pk}"


class TrainedOn(models.Model):
    """A person whose answers a training learnt from, where some of what was learnt may serve.

    When they go, this goes, and the number no longer adds up.
    """

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="people")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "profile"], name="trained_on_once")]

    def __str__(self) -> str:
        return f"{self.run}: {self.profile_id}"


class CalibrationModelQuerySet(models.QuerySet["CalibrationModel"]):
    def champions(self) -> Self:
        return self.filter(state=CalibrationModel.State.CHAMPION)

    def with_people_gone(self) -> Self:
        """Add `people_gone`: how many profiles it was trained on have been deleted since; 0 for what never serves."""
        # Counted for the rows that are read and no others: a training learns from thousands of people.
        people = TrainedOn.objects.filter(run=OuterRef("run")).values("run").annotate(n=Count("pk")).values("n")
        gone = F("n_profiles") - Coalesce(Subquery(people), 0)
        never_serves = When(state=CalibrationModel.State.REJECTED, then=0)
        return self.annotate(people_gone=Case(never_serves, default=gone))


class CalibrationModel(models.Model):
    """One curve with the gate's verdict on it: the registry."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", "Candidate: passed, waits for promotion"
        CHAMPION = "champion", "Champion"
        RETIRED = "retired", "Retired: was champion"
        REJECTED = "rejected", "Rejected"

    curve = models.OneToOneField(Curve, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="trained")
    target = models.CharField(max_length=10, choices=Curve.Target)
    model_version = models.CharField(max_length=40, help_text="The scoring model whose lists it learnt from.")
    rung = models.CharField(max_length=10, help_text="platt, logistic or boosting.")
    state = models.CharField(max_length=10, choices=State)
    reasons = models.JSONField(default=list, help_text="Sentences of the gate; anybody may read them.")
    history = models.JSONField(default=list, help_text="What happened since, with the operators' words; for staff.")
    figures = models.JSONField(default=dict, help_text="What the gate judged by; null where it could not be had.")
    details = models.JSONField(default=dict, help_text="Reliability, ROC, gains and effects, for the report.")
    live = models.JSONField(default=dict, help_text="How it does on answers newer than its training.")
    inputs = models.JSONField(default=list, help_text="The features that it reads.")
    n_items = models.PositiveIntegerField(default=0)
    n_people = models.PositiveIntegerField(default=0)
    n_profiles = models.PositiveIntegerField(default=0, help_text="All profiles that its training learnt from.")
    base_rate = models.FloatField(default=0)
    created = models.DateTimeField(default=timezone.now)
    promoted = models.DateTimeField(null=True, blank=True)
    retired = models.DateTimeField(null=True, blank=True)
    taken_back = models.DateTimeField(null=True, blank=True, help_text="Since when it may not serve again by itself.")
    operator_took_back = models.BooleanField(
        default=False, help_text="An operator took it back, and nobody has promoted or returned to a model since."
    )

    objects = CalibrationModelQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "target"],
                condition=Q(state="champion"),
                name="calibration_one_champion",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def version(self) -> str:
        return self.curve.version
