"""What was recommended and what people did with it, to look at."""

import re
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from import_export import fields, resources
from import_export.admin import ExportMixin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.import_export.forms import ExportForm
from unfold.views import ChangeList

from recommendations.models import Curve, Evaluation, Feedback, RecommendationEvent, RecommendedItem, Tier
from recommendations.services import RefusedCurveError, load_curve
from skillsprout.deletion import CountedDeletionAdmin
from skillsprout.read_only import ReadOnlyAdmin, ReadOnlyInline

ONET_CODE = re.compile(r"\d{2}-\d{4}\.\d{2}")
# More would be held in memory whole.
MOST_EXPORTED = 20_000


def _probability(item: RecommendedItem) -> str:
    """Say a calibrated probability with its interval: 32 % (28-37 %)."""
    p, low, high = item.calibrated_probability, item.calibrated_low, item.calibrated_high
    if p is None or low is None or high is None:
        return ""
    return f"{100 * p:.1f} % ({100 * low:.1f}-{100 * high:.1f} %)"


class ManyRowsAdmin(ReadOnlyAdmin):
    """Tables that may hold millions of rows: one count to a page, and keys are found whole, by their index."""

    show_full_result_count = False
    list_per_page = 50
    id_lookups: tuple[str, ...]
    occupation_lookup: str

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        sought = search_term.strip()
        if ONET_CODE.fullmatch(sought):
            return queryset.filter(**{self.occupation_lookup: sought}), False
        try:
            key = UUID(sought)
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(Q.create([(lookup, key) for lookup in self.id_lookups], connector=Q.OR)), False


class ItemInline(ReadOnlyInline):
    model = RecommendedItem
    fields = [
        "tier",
        "position",
        "occupation",
        "base_score",
        "match_score",
        "gap_severity",
        "probability",
        "propensity",
        "is_exploration",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("occupation")

    @admin.display(description="calibrated probability", ordering="calibrated_probability")
    def probability(self, item: RecommendedItem) -> str:
        return _probability(item)


@admin.register(RecommendationEvent)
class RecommendationEventAdmin(CountedDeletionAdmin, ManyRowsAdmin):
    list_display = [
        "id",
        "profile",
        "model_version",
        "calibration_version",
        "epsilon",
        "lots",
        "release_version",
        "created_at",
    ]
    list_filter = [
        "model_version",
        "calibration_version",
        "release_version",
        "profile__traffic",
        ("created_at", RangeDateTimeFilter),
    ]
    search_fields = ["calibration_version"]
    search_help_text = "Whole ids of lists or people, whole O*NET-SOC codes, or calibration versions."
    id_lookups = ("pk", "profile")
    occupation_lookup = "items__occupation_id"
    list_select_related = ["profile"]
    inlines = [ItemInline]
    fieldsets = [
        (None, {"fields": ["profile", "created_at", "model_version", "release_version", "limit_per_bucket"]}),
        ("Calibration", {"fields": ["use_calibration", "calibration_version"]}),
        ("Something a little different", {"fields": ["epsilon", "lots", "pool_limit", "seed"]}),
        (
            "What made it",
            {
                "fields": [
                    "inputs",
                    "left_out",
                    "more_of",
                    "first",
                    "drawn_before",
                    "bucket_rule",
                    "catalogue_revision",
                    "pools",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = ["lots"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("pools", "inputs", "bucket_rule", "first")

    @admin.display(description="jobs in the lots")
    def lots(self, event: RecommendationEvent) -> str:
        """Name each tier's pool, where its last place was given by lot."""
        sizes = [f"{Tier(name).label} {size}" for name, size in event.pool_sizes.items() if size]
        return ", ".join(sizes)


@admin.register(RecommendedItem)
class RecommendedItemAdmin(ManyRowsAdmin):
    list_display = [
        "occupation",
        "tier",
        "position",
        "base_score",
        "match_score",
        "gap_severity",
        "probability",
        "propensity",
        "is_exploration",
        "event",
    ]
    list_filter = [
        "tier",
        "is_exploration",
        "event__model_version",
        "event__calibration_version",
        ("event__created_at", RangeDateTimeFilter),
    ]
    search_fields = ["occupation__onet_title"]
    search_help_text = "Whole ids of lists, whole O*NET-SOC codes, or titles."
    id_lookups = ("event",)
    occupation_lookup = "occupation_id"
    ordering = ["-pk"]
    list_select_related = ["occupation", "event"]
    fields = [
        "event",
        "occupation",
        "tier",
        "position",
        "base_score",
        "match_score",
        "gap_severity",
        "probability",
        "is_exploration",
        "propensity",
        "features",
    ]
    readonly_fields = ["probability"]

    def get_queryset(self, request: HttpRequest) -> Any:
        of_event = [f"event__{name}" for name in ("pools", "inputs", "bucket_rule", "first")]
        return super().get_queryset(request).defer("features", *of_event)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="calibrated probability", ordering="calibrated_probability")
    def probability(self, item: RecommendedItem) -> str:
        return _probability(item)


@admin.register(Curve)
class CurveAdmin(ReadOnlyAdmin):
    """What may be applied, to look at; promoting and taking back is done with the models that were trained."""

    list_display = ["version", "model_version", "target", "serving", "may_serve", "created_at", "activated_at"]
    list_filter = ["model_version", "target", "serving", ("created_at", RangeDateTimeFilter)]
    search_fields = ["version"]
    fields = [*list_display, "feature_names", "digest", "soundness"]
    readonly_fields = ["soundness"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("artifact")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="stored bytes")
    def soundness(self, curve: Curve) -> str:
        try:
            load_curve(curve)
        except RefusedCurveError as error:
            return str(error)
        return "They are those that were written here."


class FlagFilter(admin.SimpleListFilter):
    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return Feedback.Flag.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.with_flag().filter(flag__contains=self.value()) if self.value() else queryset


class FlaggedChangeList(ChangeList):
    """Rows with their flags, which are looked up for the rows of the page alone: thousands may stand before them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        flagged = Feedback.objects.with_flag().filter(pk__in=[row.pk for row in self.result_list])
        flags = {row.pk: row.flag for row in flagged}
        for row in self.result_list:
            row.flag = flags[row.pk]


class FeedbackResource(resources.ModelResource):
    flag = fields.Field(column_name="flag", attribute="flag", readonly=True)
    # The key of the list alone: lists are long.
    item__event = fields.Field(column_name="item__event", attribute="item__event_id", readonly=True)

    class Meta:
        model = Feedback
        fields = [
            "id",
            "item__event",
            "item__occupation",
            "item__tier",
            "item__position",
            "action",
            "happened_at",
            "recorded_at",
            "withdrawn_at",
            "flag",
        ]


@admin.register(Feedback)
class FeedbackAdmin(ExportMixin, ManyRowsAdmin):
    resource_classes = [FeedbackResource]
    export_form_class = ExportForm
    list_display = ["action", "occupation", "tier", "happened_at", "recorded_at", "withdrawn_at", "flag"]
    list_filter = [
        FlagFilter,
        "action",
        "item__tier",
        "item__event__model_version",
        "item__event__profile__traffic",
        ("happened_at", RangeDateTimeFilter),
    ]
    search_fields = ["item__occupation__onet_title"]
    search_help_text = "Whole ids of lists, whole O*NET-SOC codes, or titles."
    id_lookups = ("item__event",)
    occupation_lookup = "item__occupation_id"
    ordering = ["-recorded_at"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FlaggedChangeList

    def get_queryset(self, request: HttpRequest) -> Any:
        shown = ["action", "happened_at", "recorded_at", "withdrawn_at"]
        of_item = ["tier", "position", "event", "occupation__onet_title", "occupation__curated_title"]
        rows = super().get_queryset(request).select_related("item__occupation")
        return rows.only(*shown, *(f"item__{name}" for name in of_item))

    def get_export_queryset(self, request: HttpRequest) -> Any:
        return super().get_export_queryset(request).with_flag()

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **options: Any) -> Any:
        if (chosen := queryset.count()) > MOST_EXPORTED:
            # The page shows it above the form.
            raise ValueError(
                f"Nothing was exported: this is {chosen:,} rows, and an export holds at most {MOST_EXPORTED:,}. "
                "Filter the list first."
            )
        return super().get_export_data(file_format, request, queryset, **options)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def flag(self, feedback: Feedback) -> str:
        return feedback.flag.replace("_", " ").capitalize()

    @admin.display(ordering="item__occupation")
    def occupation(self, feedback: Feedback) -> str:
        return str(feedback.item.occupation)

    @admin.display(ordering="item__tier")
    def tier(self, feedback: Feedback) -> str:
        return feedback.item.get_tier_display()


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["release", "created", "seed", "targets_met"]
    list_filter = ["release__version", ("created", RangeDateTimeFilter)]
    list_select_related = ["release"]
    fields = ["release", "created", "seed", "options", "figures"]

    @admin.display(description="targets met")
    def targets_met(self, evaluation: Evaluation) -> str:
        targets = evaluation.figures["targets"]
        return f"{sum(target['met'] is True for target in targets)} of {len(targets)}"
