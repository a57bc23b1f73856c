"""What the world of work looks like: O*NET's occupations and figures, and what curators add beside them."""

from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

validate_onet_code = RegexValidator(r"^\d{2}-\d{4}\.\d{2}$", "An O*NET-SOC code looks like 29-1141.00.")
ZONES = [MinValueValidator(1), MaxValueValidator(5)]


class Release(models.Model):
    """One import of O*NET data: where it came from, what it held, how it ended."""

    class Source(models.TextChoices):
        TEXT = "text", "Text release"
        API_2 = "api2", "Web Services 2.0"
        API_1 = "api1", "Web Services 1.9"
        STARTER = "starter", "Starter set"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        ACTIVE = "active", "Active"
        SUPERSEDED = "superseded", "Superseded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        UNCHANGED = "unchanged", "Nothing new"
        PARTIAL = "partial", "Single occupations"

    source = models.CharField(max_length=10, choices=Source)
    location = models.CharField(max_length=500, blank=True, help_text="The path or URL that was imported.")
    version = models.CharField(max_length=20, blank=True, help_text="O*NET's own number, such as 29.3.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the tables that were read.")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    counts = models.JSONField(default=dict, blank=True, help_text="Rows read, skipped and estimated.")
    report = models.JSONField(default=dict, blank=True, help_text="What changed against the release before.")
    progress = models.JSONField(default=dict, blank=True, help_text="How far it is, while it runs.")
    touched = models.DateTimeField(default=timezone.now, help_text="When the progress was written.")
    cancel = models.BooleanField(default=False, help_text="Somebody asked to stop it.")
    error = models.TextField(blank=True)
    started = models.DateTimeField(default=timezone.now)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="release_one_active"),
        ]

    def __str__(self) -> str:
        return f"O*NET {self.version or '?'} ({self.get_source_display()})"


class NewestRelease(models.Model):
    """One row: the newest release that a check found, wherever it looked."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.CharField(max_length=20, blank=True)
    location = models.CharField(max_length=500, blank=True)
    checked = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True, help_text="Why the last check found nothing out.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="newest_release_one_row")]

    def __str__(self) -> str:
        return self.version or "unknown"


class Element(models.Model):
    """One rated descriptor of O*NET's content model."""

    class Domain(models.TextChoices):
        SKILL = "skill", "Skill"
        KNOWLEDGE = "knowledge", "Knowledge"
        ABILITY = "ability", "Ability"
        WORK_ACTIVITY = "work_activity", "Work activity"

    id = models.CharField("element id", primary_key=True, max_length=20)
    domain = models.CharField(max_length=15, choices=Domain)
    name = models.CharField(max_length=150)
    group = models.CharField(max_length=60, blank=True)
    order = models.PositiveSmallIntegerField(default=0)
    summary = models.TextField(blank=True, help_text="Our own words.")
    anchors = models.JSONField(default=list, blank=True, help_text="Our own words for the ratings 0 to 4.")
    onet_description = models.TextField("O*NET's description", blank=True)

    class Meta:
        ordering = ["domain", "order", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def description(self) -> str:
        """O*NET's description from the imported release when there is one, else our own words."""
        return self.onet_description or self.summary


class LevelAnchor(models.Model):
    """O*NET's example of what a level means, from an imported release."""

    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="level_anchors")
    level = models.FloatField()
    text = models.TextField()

    class Meta:
        ordering = ["element", "level"]
        constraints = [models.UniqueConstraint(fields=["element", "level"], name="anchor_once_per_level")]

    def __str__(self) -> str:
        return f"{self.element_id} at {self.level:g}"


class OccupationQuerySet(models.QuerySet["Occupation"]):
    def active(self) -> Self:
        """Occupations of the present release that no curator has hidden."""
        return self.filter(retired=False, hidden=False)

    def rated(self) -> Self:
        return self.filter(ratings_from__in=[Occupation.RatingsFrom.ONET, Occupation.RatingsFrom.ESTIMATE])


class Occupation(models.Model):
    """One O*NET-SOC occupation. A curator's value stands beside O*NET's and wins over it."""

    class RatingsFrom(models.TextChoices):
        ONET = "onet", "O*NET"
        ESTIMATE = "estimate", "Our estimate"
        NONE = "none", "Not rated"

    code = models.CharField("O*NET-SOC code", primary_key=True, max_length=10, validators=[validate_onet_code])
    onet_title = models.CharField("O*NET's title", max_length=150)
    onet_description = models.TextField("O*NET's description", blank=True)
    onet_zone = models.PositiveSmallIntegerField("O*NET's job zone", null=True, blank=True, validators=ZONES)
    ratings_from = models.CharField(max_length=10, choices=RatingsFrom, default=RatingsFrom.NONE)
    retired = models.BooleanField(default=False, help_text="No longer in the loaded release.")
    first_release = models.CharField(max_length=20, blank=True)
    last_release = models.CharField(max_length=20, blank=True)

    curated_title = models.CharField(max_length=150, blank=True)
    curated_summary = models.TextField(blank=True)
    curated_zone = models.PositiveSmallIntegerField("curated job zone", null=True, blank=True, validators=ZONES)
    hidden = models.BooleanField(default=False, help_text="Never searched, scored or recommended.")
    note = models.TextField(blank=True, help_text="For curators; people never see it.")
    history = HistoricalRecords()

    objects = OccupationQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^\d{2}-\d{4}\.\d{2}$"), name="occupation_code_form"),
            models.CheckConstraint(
                condition=Q(onet_zone__isnull=True) | Q(onet_zone__range=(1, 5)),
                name="occupation_onet_zone_1_to_5",
            ),
            models.CheckConstraint(
                condition=Q(curated_zone__isnull=True) | Q(curated_zone__range=(1, 5)),
                name="occupation_curated_zone_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.code})"

    @property
    def title(self) -> str:
        return self.curated_title or self.onet_title

    @property
    def summary(self) -> str:
        return self.curated_summary or self.onet_description

    @property
    def zone(self) -> int | None:
        return self.curated_zone or self.onet_zone

    @property
    def soc(self) -> str:
        """The SOC code that pay and outlook are published by: `29-1141` of `29-1141.00`."""
        return self.code[:7]

    def pay(self) -> "PayOutlook | None":
        return PayOutlook.objects.filter(pk=self.soc).first()

    @property
    def estimated(self) -> bool:
        return self.ratings_from == self.RatingsFrom.ESTIMATE


class Rating(models.Model):
    """An occupation's figures on one element."""

    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="ratings")
    element = models.ForeignKey(Element, on_delete=models.CASCADE, related_name="+")
    importance = models.FloatField(help_text="1 to 5")
    level = models.FloatField(help_text="0 to 7")
    suppress = models.BooleanField(default=False, help_text="O*NET recommends suppressing a figure: low precision.")
    not_relevant = models.BooleanField(default=False)
    estimated_from = models.JSONField(null=True, blank=True, help_text="Codes that our estimate came from.")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["occupation", "element"]
        constraints = [
            models.UniqueConstraint(fields=["occupation", "element"], name="rating_once_per_element"),
            models.CheckConstraint(condition=Q(importance__range=(1, 5)), name="rating_importance_1_to_5"),
            models.CheckConstraint(condition=Q(level__range=(0, 7)), name="rating_level_0_to_7"),
        ]

    def __str__(self) -> str:
        return f"{self.occupation_id} {self.element_id}"


class AlternateTitle(models.Model):
    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="alternate_titles")
    title = models.CharField(max_length=250)
    short_title = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["occupation", "title"]

    def __str__(self) -> str:
        return self.title


class RelatedOccupation(models.Model):
    """O*NET's own list: a yardstick and a badge, never an input to a score."""

    class Tier(models.TextChoices):
        PRIMARY_SHORT = "Primary-Short", "Primary, short list"
        PRIMARY_LONG = "Primary-Long", "Primary, long list"
        SUPPLEMENTAL = "Supplemental", "Supplemental"

    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="related")
    related = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="+")
    tier = models.CharField(max_length=20, choices=Tier)
    index = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["occupation", "index"]
        constraints = [models.UniqueConstraint(fields=["occupation", "related"], name="related_once")]

    def __str__(self) -> str:
        return f"{self.occupation_id} -> {self.related_id}"


class Task(models.Model):
    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="tasks")
    task_id = models.PositiveIntegerField()
    text = models.TextField()
    core = models.BooleanField(default=False)

    class Meta:
        ordering = ["occupation", "-core", "task_id"]
        constraints = [models.UniqueConstraint(fields=["occupation", "task_id"], name="task_once")]

    def __str__(self) -> str:
        return self.text


class SoftwareSkill(models.Model):
    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="software")
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=200)
    hot = models.BooleanField(default=False, help_text="Often asked for in job postings.")
    in_demand = models.BooleanField(default=False, help_text="Often asked for in postings of this occupation.")

    class Meta:
        ordering = ["occupation", "-in_demand", "-hot", "name"]

    def __str__(self) -> str:
        return self.name


class EducationLevel(models.IntegerChoices):
    """O*NET's twelve categories of required education (element 2.D.1, scale RL)."""

    LESS_THAN_HIGH_SCHOOL = 1, "Less than high school"
    HIGH_SCHOOL = 2, "High school diploma or equivalent"
    CERTIFICATE = 3, "Certificate after high school"
    SOME_COLLEGE = 4, "Some college"
    ASSOCIATE = 5, "Associate's degree"
    BACHELOR = 6, "Bachelor's degree"
    POST_BACHELOR = 7, "Certificate after a bachelor's degree"
    MASTER = 8, "Master's degree"
    POST_MASTER = 9, "Certificate after a master's degree"
    PROFESSIONAL = 10, "First professional degree"
    DOCTORAL = 11, "Doctoral degree"
    POST_DOCTORAL = 12, "Training after a doctorate"

    @property
    def zone(self) -> int:
        """The job zone whose usual education this is (O*NET's Job Zone Reference)."""
        if self >= self.MASTER:
            return 5
        if self >= self.BACHELOR:
            return 4
        if self >= self.CERTIFICATE:
            return 3
        return 2 if self == self.HIGH_SCHOOL else 1


class EducationShare(models.Model):
    """The share of respondents who say that a new hire needs this education."""

    occupation = models.ForeignKey(Occupation, on_delete=models.CASCADE, related_name="education")
    level = models.PositiveSmallIntegerField(choices=EducationLevel)
    percent = models.FloatField()

    class Meta:
        ordering = ["occupation", "level"]
        constraints = [
            models.UniqueConstraint(fields=["occupation", "level"], name="education_once"),
            models.CheckConstraint(condition=Q(percent__range=(0, 100)), name="education_percent_0_to_100"),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()}: {self.percent:g} %"


class PayOutlook(models.Model):
    """Pay and outlook of one SOC code in the United States, as the Bureau of Labor Statistics publishes them."""

    soc = models.CharField("SOC code", primary_key=True, max_length=7)
    employment = models.PositiveIntegerField(null=True, blank=True, help_text="Employed people.")
    wage_p10 = models.PositiveIntegerField("10th percentile of annual pay", null=True, blank=True)
    wage_median = models.PositiveIntegerField("median annual pay", null=True, blank=True)
    wage_p90 = models.PositiveIntegerField("90th percentile of annual pay", null=True, blank=True)
    wage_year = models.PositiveSmallIntegerField(null=True, blank=True)
    wage_source = models.CharField(max_length=100, blank=True)
    growth_percent = models.FloatField("growth over the projection, percent", null=True, blank=True)
    annual_openings = models.PositiveIntegerField(null=True, blank=True)
    typical_education = models.CharField(max_length=60, blank=True)
    outlook_years = models.CharField(max_length=9, blank=True, help_text="Such as 2024-2034.")
    outlook_source = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["soc"]
        verbose_name = verbose_name_plural = "pay and outlook"

    def __str__(self) -> str:
        return self.soc


class Licence(models.Model):
    """A licence that some jobs ask for by law; from general knowledge until a curator has checked it."""

    name = models.CharField(max_length=150, unique=True)
    authority = models.CharField(max_length=60, help_text="The kind of authority, such as a state board.")
    typical_months = models.PositiveSmallIntegerField(help_text="Months that the step typically takes.")
    note = models.TextField(blank=True)
    checked = models.BooleanField(default=False, help_text="A curator has checked this; else general knowledge.")
    occupations = models.ManyToManyField(Occupation, related_name="licences", blank=True)
    covers = models.ManyToManyField(
        "self",
        symmetrical=False,
        blank=True,
        related_name="covered_by",
        help_text="Lesser licences whose work its holder may do, such as a practical nurse's for a registered nurse.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Snapshot(models.Model):
    """The catalogue's arrays as one compressed file, so that a new process is ready at once."""

    release = models.OneToOneField(Release, on_delete=models.CASCADE, related_name="snapshot")
    arrays = models.BinaryField()
    created = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Snapshot of {self.release}"


class CatalogueState(models.Model):
    """One row: the number that tells each process when its catalogue has become old."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="catalogue_state_one_row")]

    def __str__(self) -> str:
        return f"Revision {self.revision}"

    @classmethod
    def advance(cls) -> None:
        """Make every process rebuild its catalogue at its next request."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1).update(revision=F("revision") + 1)
