"""What was recommended and what people did with it, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from import_export import resources
from import_export.admin import ExportMixin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.contrib.import_export.forms import ExportForm

from occupations.admin import ReadOnlyInline
from recommendations.models import Evaluation, Feedback, RecommendationEvent, RecommendedItem


class ReadOnlyAdmin(ModelAdmin):
    list_filter_submit = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ItemInline(ReadOnlyInline):
    model = RecommendedItem
    fields = ["tier", "position", "occupation", "base_score", "match_score", "gap_severity", "is_exploration"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("occupation")


@admin.register(RecommendationEvent)
class RecommendationEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "profile", "model_version", "release_version", "created_at"]
    list_filter = ["model_version", "release_version", "profile__traffic", ("created_at", RangeDateTimeFilter)]
    search_fields = ["id", "profile__id", "items__occupation__code"]
    list_select_related = ["profile"]
    inlines = [ItemInline]


@admin.register(RecommendedItem)
class RecommendedItemAdmin(ReadOnlyAdmin):
    list_display = ["occupation", "tier", "position", "base_score", "match_score", "gap_severity", "event"]
    list_filter = ["tier", "is_exploration", "event__model_version", ("event__created_at", RangeDateTimeFilter)]
    search_fields = ["occupation__code", "occupation__onet_title", "event__id"]
    list_select_related = ["occupation", "event"]


class FeedbackResource(resources.ModelResource):
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
        ]


@admin.register(Feedback)
class FeedbackAdmin(ExportMixin, ReadOnlyAdmin):
    resource_classes = [FeedbackResource]
    export_form_class = ExportForm
    list_display = ["action", "occupation", "tier", "happened_at", "recorded_at", "withdrawn_at"]
    list_filter = [
        "action",
        "item__tier",
        "item__event__model_version",
        "item__event__profile__traffic",
        ("happened_at", RangeDateTimeFilter),
    ]
    search_fields = ["item__occupation__code", "item__occupation__onet_title", "item__event__id"]
    list_select_related = ["item__occupation", "item__event"]

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
