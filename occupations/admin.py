"""The curator's desk: occupations, licences, words, releases."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from import_export import fields, resources, widgets
from import_export.admin import ImportExportModelAdmin
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from occupations import tasks
from occupations.import_summary import summary
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
from occupations.services import (
    cancel_import,
    credit_line,
    get_catalogue,
    release_status,
    settle_stale_imports,
    web_services_configured,
)
from skillsprout.queueing import queue
from skillsprout.read_only import ReadOnlyAdmin, ReadOnlyInline

LARGEST_REFRESH = 50


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
    actions = ["refresh"]

    @admin.action(description="Refresh from the Web Services", permissions=["change"])
    def refresh(self, request: HttpRequest, queryset: QuerySet[Occupation]) -> None:
        """Queue a fetch of each of the chosen occupations."""
        if not web_services_configured():
            messages.error(request, "There is no key for the Web Services: set ONET_API_KEY.")
            return
        codes = list(queryset.values_list("pk", flat=True)[:LARGEST_REFRESH])
        said = f"The refresh of {len(codes)} occupations is queued; a row of the releases tells how it ends."
        queue(request, partial(tasks.refresh_occupations.delay, codes), said)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Licence)
class LicenceAdmin(SimpleHistoryAdmin, CuratedAdmin):
    list_display = ["name", "authority", "typical_months", "checked"]
    list_filter = ["checked", "authority"]
    search_fields = ["name", "occupations__code", "occupations__onet_title"]
    autocomplete_fields = ["occupations", "covers"]


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


class SyncForm(forms.Form):
    source = forms.ChoiceField(
        label="From where?",
        choices=[
            ("auto", "The Web Services where there is a key, else the newest text release"),
            ("api", "The Web Services"),
            ("release", "The newest text release"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    tables = forms.RegexField(
        r"^[a-z0-9_ ]*$",
        label="Which tables?",
        help_text="Ids of the Web Services' tables with spaces between, such as knowledge; all where empty.",
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    force = forms.BooleanField(
        label="Even if the release is older than the loaded one", required=False, widget=UnfoldBooleanWidget
    )

    def clean_tables(self) -> list[str]:
        return self.cleaned_data["tables"].split()


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "state", "source", "started", "finished", "error"]
    list_filter = ["state", "source"]
    search_fields = ["version", "location", "error"]
    exclude = ["counts", "report", "progress", "cancel"]
    actions_list = ["sync", "import_release"]
    list_before_template = "admin/occupations/release/status.html"
    change_form_outer_before_template = "admin/occupations/release/progress.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("occupations.add_release")

    def get_urls(self) -> list[Any]:
        pages = [
            ("import/", self.import_page, "import_release_page"),
            ("sync/", self.sync_page, "sync_page"),
            ("<int:pk>/progress/", self.progress_part, "progress"),
            ("<int:pk>/cancel/", self.cancel, "cancel"),
            ("<int:pk>/resume/", self.resume, "resume"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"occupations_release_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    @action(description="Sync now", permissions=["import"])
    def sync(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:occupations_release_sync_page"))

    @action(description="Import a release", permissions=["import"])
    def import_release(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:occupations_release_import_release_page"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        settle_stale_imports()
        return super().changelist_view(request, {**(extra_context or {}), **release_status()})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        settle_stale_imports()
        release = self.get_object(request, object_id)
        more = self._progress(request, release) if release else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """Ask where the release is and queue its import; the worker does the rest."""
        self._check_may_import(request)
        form = ImportReleaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            location = form.cleaned_data["location"].strip()
            said = f"The import of {location} is queued. Its row appears when a worker starts it."
            queue(request, partial(tasks.import_release.delay, location), said)
            return HttpResponseRedirect(reverse("admin:occupations_release_changelist"))
        return self._form_page(request, "Import a release", "import_release.html", form)

    def sync_page(self, request: HttpRequest) -> HttpResponse:
        """Ask what is to be fetched from where and queue the sync; the worker does the rest."""
        self._check_may_import(request)
        form = SyncForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if Release.objects.filter(state=Release.State.RUNNING).exists():
                messages.warning(request, "Another import is at work; a sync that begins before its end does nothing.")
            said = "The sync is queued. Its row appears when a worker starts it."
            queue(request, partial(tasks.sync.delay, **form.cleaned_data), said)
            return HttpResponseRedirect(reverse("admin:occupations_release_changelist"))
        return self._form_page(request, "Sync now", "sync.html", form)

    def progress_part(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return how far a sync is, for a page that asks again and again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        settle_stale_imports()
        release = get_object_or_404(Release, pk=pk)
        return TemplateResponse(request, "admin/occupations/release/progress.html", self._progress(request, release))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask a running sync to stop."""
        release = self._posted(request, pk)
        if cancel_import(release):
            messages.success(request, "It stops at its next page; what was fetched stays.")
        else:
            messages.info(request, "It was over already.")
        return HttpResponseRedirect(reverse("admin:occupations_release_change", args=[pk]))

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a sync that goes on where this one stopped."""
        release = self._posted(request, pk)
        if release.state not in (Release.State.FAILED, Release.State.CANCELLED):
            raise Http404
        text = release.source == Release.Source.TEXT
        chosen = {"source": "release", "location": release.location} if text else {"source": "api"}
        said = "The sync is queued. It has a row of its own, and goes on where this one stopped."
        queue(request, partial(tasks.sync.delay, **chosen), said)
        return HttpResponseRedirect(reverse("admin:occupations_release_changelist"))

    def _posted(self, request: HttpRequest, pk: int) -> Release:
        self._check_may_import(request)
        if request.method != "POST":
            raise Http404
        return get_object_or_404(Release, pk=pk)

    def _check_may_import(self, request: HttpRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied

    def _progress(self, request: HttpRequest, release: Release) -> dict[str, Any]:
        progress, report = release.progress, release.report
        of = progress.get("of") or 0
        curated = Occupation.objects.in_bulk(list(report.get("curated", {})))
        return {
            "release": release,
            "running": release.state == Release.State.RUNNING,
            "resumable": release.state in (Release.State.FAILED, Release.State.CANCELLED)
            and release.source != Release.Source.STARTER,
            "may_import": self.has_import_permission(request),
            "percent": min(100 * progress.get("rows", 0) // of, 100) if of else None,
            "lines": summary(release.counts, report) if "before" in report else [],
            "curated": [
                (curated[code], ", ".join(fields))
                for code, fields in report.get("curated", {}).items()
                if code in curated
            ],
        }

    def _form_page(self, request: HttpRequest, title: str, template: str, form: forms.Form) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "form": form, "opts": self.model._meta}
        return TemplateResponse(request, f"admin/occupations/release/{template}", context)
