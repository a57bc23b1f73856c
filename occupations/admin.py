"""The curator's desk: occupations, licences, words, releases."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from import_export import fields, resources, widgets
from import_export.admin import ImportExportModelAdmin
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from occupations import tasks
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    Element,
    Licence,
    Occupation,
    PayOutlook,
    Rating,
    Release,
)
from occupations.services import credit_line, get_catalogue


class OccupationResource(resources.ModelResource):
    """Curated values by O*NET-SOC code; an import changes these and nothing else."""

    title = fields.Field(column_name="onet_title", attribute="onet_title", readonly=True)
    zone = fields.Field(column_name="onet_zone", attribute="onet_zone", readonly=True)
    licences = fields.Field(
        column_name="licences",
        attribute="licences",
        widget=widgets.ManyToManyWidget(Licence, separator="|", field="name"),
    )

    credit = fields.Field(column_name="credit", readonly=True)

    class Meta:
        model = Occupation
        import_id_fields = ["code"]
        fields = [
            "code",
            "title",
            "zone",
            "curated_title",
            "curated_summary",
            "curated_zone",
            "hidden",
            "note",
            "licences",
            "credit",
        ]
        export_order = fields
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

    def dehydrate_credit(self, occupation: Occupation) -> str:
        return credit_line(get_catalogue().release)

    def before_import_row(self, row: dict[str, Any], **kwargs: Any) -> None:
        code = (row.get("code") or "").strip()
        if not Occupation.objects.filter(pk=code).exists():
            raise ValidationError(f"There is no occupation {code!r}. An import curates; it makes no new ones.")
        names = [name.strip() for name in (row.get("licences") or "").split("|") if name.strip()]
        unknown = set(names) - set(Licence.objects.filter(name__in=names).values_list("name", flat=True))
        if unknown:
            raise ValidationError(f"We know no licence named {', '.join(sorted(unknown))}. Add it first.")

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        if not kwargs.get("dry_run"):
            CatalogueState.advance()


class CuratedAdmin(ModelAdmin):
    """Whatever is saved here reaches every process: the catalogue's revision moves on."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        CatalogueState.advance()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        CatalogueState.advance()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        CatalogueState.advance()


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RatingInline(ReadOnlyInline):
    model = Rating
    fields = ["element", "importance", "level", "suppress", "not_relevant", "estimated_from", "release"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .select_related("element", "release")
            .order_by("element__domain", "element__order")
        )


class LicenceInline(TabularInline):
    model = Licence.occupations.through
    verbose_name = "licence"
    verbose_name_plural = "licences"
    autocomplete_fields = ["licence"]
    extra = 0
    tab = True


@admin.register(Occupation)
class OccupationAdmin(SimpleHistoryAdmin, CuratedAdmin, ImportExportModelAdmin):
    resource_classes = [OccupationResource]
    import_form_class = ImportForm
    export_form_class = ExportForm
    list_display = ["code", "title", "zone", "ratings_from", "hidden", "retired", "last_release"]
    list_filter = ["ratings_from", "hidden", "retired", "onet_zone", "last_release"]
    search_fields = ["code", "onet_title", "curated_title"]
    readonly_fields = [
        "code",
        "onet_title",
        "onet_description",
        "onet_zone",
        "ratings_from",
        "retired",
        "first_release",
        "last_release",
    ]
    fieldsets = [
        (
            "Curated: wins over O*NET's value, and no import undoes it",
            {"fields": ["curated_title", "curated_summary", "curated_zone", "hidden", "note"]},
        ),
        ("O*NET", {"fields": readonly_fields}),
    ]
    inlines = [LicenceInline, RatingInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Licence)
class LicenceAdmin(SimpleHistoryAdmin, CuratedAdmin):
    list_display = ["name", "authority", "typical_months", "checked"]
    list_filter = ["checked", "authority"]
    search_fields = ["name", "occupations__code", "occupations__onet_title"]
    autocomplete_fields = ["occupations"]


@admin.register(Element)
class ElementAdmin(CuratedAdmin):
    list_display = ["id", "name", "domain", "group"]
    list_filter = ["domain", "group"]
    search_fields = ["id", "name"]
    readonly_fields = ["id", "domain", "name", "order", "onet_description"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AlternateTitle)
class AlternateTitleAdmin(ModelAdmin):
    list_display = ["title", "short_title", "occupation"]
    list_select_related = ["occupation"]
    search_fields = ["title", "short_title", "occupation__code"]
    readonly_fields = ["occupation", "title", "short_title"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PayOutlook)
class PayOutlookAdmin(ModelAdmin):
    list_display = ["soc", "wage_median", "wage_year", "employment", "growth_percent", "outlook_years"]
    search_fields = ["soc"]


class ImportReleaseForm(forms.Form):
    location = forms.CharField(
        label="Where is the release?",
        help_text="The URL of an official text release (…/db_31_0_text.zip), or a path on this server.",
        widget=UnfoldAdminTextInputWidget,
        max_length=500,
    )


@admin.register(Release)
class ReleaseAdmin(ModelAdmin):
    list_display = ["__str__", "state", "source", "started", "finished", "error"]
    list_filter = ["state", "source"]
    search_fields = ["version", "location", "error"]
    actions_list = ["import_release"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("occupations.add_release")

    def get_urls(self) -> list[Any]:
        page = path(
            "import/", self.admin_site.admin_view(self.import_page), name="occupations_release_import_release_page"
        )
        return [page, *super().get_urls()]

    @action(description="Import a release", permissions=["import"])
    def import_release(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:occupations_release_import_release_page"))

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Ask where the release is and queue its import; the worker does the rest."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = ImportReleaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            location = form.cleaned_data["location"].strip()
            transaction.on_commit(lambda: tasks.import_release.delay(location))
            messages.success(request, f"The import of {location} is queued. Its row appears when a worker starts it.")
            return HttpResponseRedirect(reverse("admin:occupations_release_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Import a release",
            "form": form,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/occupations/release/import_release.html", context)
