"""The desk for what was learnt: trainings and their reports, models and which of them serves."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from calibration import charts, services, tasks
from calibration.models import CalibrationModel, TrainingRun
from calibration.reports import ALL, LARGEST_SHARE, STEPS
from calibration.tables import (
    FEATURE_WORDS,
    STEP_WORDS,
    Table,
    csv_rows,
    details_tables,
    figures_table,
    live_table,
    report_tables,
    tier_words,
    zone_words,
)
from profiles.models import Profile
from recommendations.services import RefusedCurveError, served_curve

MOST_SHOWN = 10

State = CalibrationModel.State


class ReportAdmin(ModelAdmin):
    """Rows that a training wrote: to look at, with the numbers of each report as CSV."""

    list_filter_submit = True

    class Media:
        css = {"all": ["css/report.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def tables(self, row: Any) -> list[Table]:
        """Return the tables of a row's report."""
        raise NotImplementedError

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what a row's page shows."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        if "csv" in request.GET:
            return self._csv(row, request.GET["csv"])
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **self.page(request, row)})

    def _csv(self, row: Any, name: str) -> HttpResponse:
        table = next((table for table in self.tables(row) if table.name == name), None)
        if table is None:
            raise Http404
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{row} {table.name}.csv"'
        csv.writer(response).writerows(csv_rows(table))
        return response


@dataclass(frozen=True, slots=True)
class Decision:
    """What may be done with a model: the button, and what pressing it does."""

    url: str
    words: str
    effect: str
    asks_why: bool = False


@admin.register(CalibrationModel)
class CalibrationModelAdmin(ReportAdmin):
    list_display = [
        "version",
        "target",
        "rung",
        "state",
        "serves",
        "learnt_from",
        "retraining",
        "created_on",
        "promoted_on",
        "brier",
        "brier_of_constant",
        "ece",
        "auc",
    ]
    list_filter = ["state", "target", "rung", "model_version", "run__traffic", ("created", RangeDateTimeFilter)]
    search_fields = ["curve__version"]
    fields = [
        "version",
        "model_version",
        "target",
        "rung",
        "state",
        "run",
        "reads",
        "n_items",
        "n_people",
        "n_profiles",
        "base_rate",
        "created",
        "promoted",
        "retired",
        "taken_back",
    ]
    list_per_page = 50
    change_form_outer_before_template = "admin/calibration/calibrationmodel/report.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalibrationModel]:
        models: QuerySet[CalibrationModel] = super().get_queryset(request)
        return models.with_people_gone().select_related("curve", "run").defer("curve__artifact", "run__report")  # type: ignore[attr-defined]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("calibration.change_calibrationmodel")

    def get_urls(self) -> list[Any]:
        pages = [
            ("<int:pk>/promote/", self.promote, "promote"),
            ("<int:pk>/take-back/", self.take_back, "take_back"),
            ("<int:pk>/return/", self.return_to, "return_to"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"calibration_calibrationmodel_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    @admin.display(ordering="curve__version")
    def version(self, model: CalibrationModel) -> str:
        return model.version

    @display(label={"yes": "success", "no": "warning", "no, refused": "danger"})
    def serves(self, model: CalibrationModel) -> str:
        if model.state != State.CHAMPION:
            return ""
        service = services.service_of(model)
        return "yes" if service and service.serves else "no, refused" if service and service.alert else "no"

    @display(description="learnt from", ordering="run__traffic", label={"simulated people": "danger"})
    def learnt_from(self, model: CalibrationModel) -> str:
        return "simulated people" if _simulated(model) else "people"

    @admin.display(description="created", ordering="created")
    def created_on(self, model: CalibrationModel) -> str:
        return f"{model.created:%Y-%m-%d}"

    @admin.display(description="promoted", ordering="promoted")
    def promoted_on(self, model: CalibrationModel) -> str:
        return f"{model.promoted:%Y-%m-%d}" if model.promoted else "–"

    @admin.display(description="reads")
    def reads(self, model: CalibrationModel) -> str:
        return ", ".join(model.inputs)

    @admin.display(description="Brier")
    def brier(self, model: CalibrationModel) -> str:
        return _figure(model.figures.get("brier"))

    @admin.display(description="constant's")
    def brier_of_constant(self, model: CalibrationModel) -> str:
        return _figure(model.figures.get("brier_of_constant"))

    @admin.display(description="ECE")
    def ece(self, model: CalibrationModel) -> str:
        return _figure(model.figures.get("ece"))

    @admin.display(description="AUC")
    def auc(self, model: CalibrationModel) -> str:
        return _figure(model.details.get("roc", {}).get("auc"))

    @admin.display(description="for retraining", ordering="people_gone")
    def retraining(self, model: Any) -> str:
        return f"{model.people_gone} of {model.n_profiles} gone" if model.people_gone else ""

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a candidate the champion."""
        return self._decide(request, pk, (State.CANDIDATE,), services.promote, "{model} is the champion.")

    def return_to(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a model the champion again that was it before."""
        return self._decide(request, pk, (State.RETIRED,), services.return_to, "{model} is the champion again.")

    def take_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the champion back."""
        who, why = request.user.get_username(), request.POST.get("reason", "").strip()[:200]
        reason = f"{who} says: {why}" if why else f"{who} took it back without a word."
        return self._decide(
            request,
            pk,
            (State.CHAMPION,),
            lambda model: services.take_back(model, reason),
            "{model} was taken back.",
        )

    def tables(self, row: CalibrationModel) -> list[Table]:
        return [figures_table(row.figures, row.details), live_table(row.live), *details_tables(row.details)]

    def page(self, request: HttpRequest, row: CalibrationModel) -> dict[str, Any]:
        figures, live, *of_details = self.tables(row)
        details = row.details
        context: dict[str, Any] = {
            "model": row,
            "service": services.service_of(row),
            "simulated": _simulated(row),
            "figures": figures,
            "live": live,
            "tables": {table.name: table for table in of_details},
            "decision": self._decision(row),
            "may_decide": self.has_decide_permission(request),
        }
        if details:
            effects = details["effects"]
            top = max((max(effect["mean"]) for effect in effects), default=0.0)
            context |= {
                "reliability": charts.reliability_chart(details["reliability"]),
                "roc": charts.roc_chart(details["roc"]),
                "gains": charts.gains_chart(details["gains"]),
                "effects": [
                    charts.effect_chart(effect, FEATURE_WORDS.get(effect["feature"], effect["feature"]), top=top)
                    for effect in effects
                ],
            }
        return context

    def _decision(self, model: CalibrationModel) -> Decision | None:
        def url(name: str) -> str:
            return reverse(f"admin:calibration_calibrationmodel_{name}", args=[model.pk])

        if model.state == State.CANDIDATE:
            return Decision(url("promote"), "Promote", "It is then the champion; the one before it is retired.")
        if model.state == State.RETIRED:
            return Decision(
                url("return_to"), "Return to this one", "It is then the champion again; the present one is taken back."
            )
        if model.state == State.CHAMPION:
            return Decision(
                url("take_back"), "Take back", "The one before it is then the champion again, or none.", asks_why=True
            )
        return None

    def _decide(
        self,
        request: HttpRequest,
        pk: int,
        states: Sequence[str],
        decide: Callable[[CalibrationModel], object],
        done: str,
    ) -> HttpResponse:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        model = get_object_or_404(self.get_queryset(request), pk=pk)
        if model.state not in states:
            messages.warning(request, f"Nothing was done. {model} has changed since: {model.get_state_display()}.")
        else:
            try:
                decide(model)
            except (services.PromotionError, RefusedCurveError) as error:
                messages.error(request, str(error))
            else:
                service = services.service_of(self.get_queryset(request).get(pk=pk))
                sentences = [done.format(model=model), service.sentence if service else ""]
                messages.success(request, " ".join(sentences).rstrip())
        return HttpResponseRedirect(reverse("admin:calibration_calibrationmodel_change", args=[pk]))


@admin.register(TrainingRun)
class TrainingRunAdmin(ReportAdmin):
    list_display = ["__str__", "state", "model_version", "traffic", "started", "finished", "came_of_it"]
    list_filter = ["state", "model_version", "traffic", ("started", RangeDateTimeFilter)]
    search_fields = ["error", "digest"]
    fields = ["state", "model_version", "traffic", "since", "seed", "started", "finished", "digest", "error"]
    list_before_template = "admin/calibration/trainingrun/status.html"
    change_form_outer_before_template = "admin/calibration/trainingrun/report.html"

    def has_train_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("calibration.add_trainingrun")

    def get_urls(self) -> list[Any]:
        pages = [("train/", self.train, "train"), ("<int:pk>/progress/", self.progress_part, "progress")]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"calibration_trainingrun_{name}")
            for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        services.settle_stale_trainings()
        champions = CalibrationModel.objects.champions().with_people_gone().select_related("curve", "run")
        status = {
            "may_train": self.has_train_permission(request),
            "serves": served_curve(settings.MODEL_VERSION) is not None,
            "champions": [
                (champion, services.service_of(champion), _simulated(champion))
                for champion in champions.defer("curve__artifact", "details", "run__report")
            ],
        }
        return super().changelist_view(request, {**(extra_context or {}), **status})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        services.settle_stale_trainings()
        return super().change_view(request, object_id, form_url, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        runs: QuerySet[TrainingRun] = super().get_queryset(request)
        return runs.defer("report")

    @admin.display(description="what came of it")
    def came_of_it(self, run: TrainingRun) -> str:
        # The first sentence of each; the page has the reasons.
        return run.error or " ".join(sentence.split(". ")[0].rstrip(".") + "." for sentence in run.outcome)

    def train(self, request: HttpRequest) -> HttpResponse:
        """Queue a training; the worker does the rest."""
        if not self.has_train_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        if TrainingRun.objects.filter(state=TrainingRun.State.RUNNING).exists():
            messages.warning(request, "A training is at work. One that begins before its end does nothing.")
        transaction.on_commit(tasks.train.delay)
        messages.success(request, "The training is queued. Its row appears when a worker starts it.")
        return HttpResponseRedirect(reverse("admin:calibration_trainingrun_changelist"))

    def progress_part(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return how far a training is, for a page that asks again and again until there is a report to load."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        services.settle_stale_trainings()
        run = get_object_or_404(self.get_queryset(request), pk=pk)
        page = TemplateResponse(request, "admin/calibration/trainingrun/progress.html", _progress(run))
        if run.state != TrainingRun.State.RUNNING:
            page["HX-Refresh"] = "true"
        return page

    def tables(self, row: TrainingRun) -> list[Table]:
        return report_tables(row.report)

    def page(self, request: HttpRequest, row: TrainingRun) -> dict[str, Any]:
        context = {**_progress(row), "tables": {table.name: table for table in self.tables(row)}}
        return context | _report(row.report) if row.report else context


def _progress(run: TrainingRun) -> dict[str, Any]:
    step, steps = run.progress.get("step"), run.progress.get("steps")
    return {
        "run": run,
        "running": run.state == TrainingRun.State.RUNNING,
        "percent": min(100 * step // steps, 100) if step is not None and steps else None,
        "models": run.trained.select_related("curve").defer("curve__artifact", "details"),
    }


def _report(report: Mapping[str, Any]) -> dict[str, Any]:
    exposure, drift, maturity = report["exposure"], report["drift"], report["maturity"]
    months = [row["month"] for row in drift["months"]]
    of_names = {
        name: [row["psi"][name] for row in drift["months"]] for name in (drift["months"][0]["psi"] if months else ())
    }
    known = {name: psi for name, psi in of_names.items() if any(value is not None for value in psi)}
    top = max((value for psi in known.values() for value in psi if value is not None), default=0.0)
    return {
        "funnel": _funnel_charts(report["funnel"]),
        "waits": ", ".join(f"{STEP_WORDS[step].lower()} {maturity[step]:g}" for step in STEPS if maturity[step]),
        "exposure": exposure,
        "gini": _gini_words(exposure),
        "most_shown": charts.bar_chart(
            "The occupations shown most often",
            [
                (row["title"], row["share"], f"{100 * row['share']:.1f} %", row["alert"] is True)
                for row in exposure["rows"][:MOST_SHOWN]
            ],
            most=max(1.2 * LARGEST_SHARE, exposure["largest_share"] or 0.0),
            mark=LARGEST_SHARE,
        ),
        "drift": drift,
        "drift_charts": [
            charts.drift_chart(months, psi, FEATURE_WORDS.get(name, name), top=top)
            for name, psi in sorted(known.items(), key=lambda pair: pair[0] != "probability")
        ],
    }


def _funnel_charts(rows: Sequence[Mapping[str, Any]]) -> list[charts.BarChart]:
    """Return the bars of each tier and of each zone, all on one scale: what was seen early enough is the whole."""
    made = []
    for row in rows:
        if ALL not in (row["tier"], row["zone"]) or not row["seen"]:
            continue
        title = zone_words(row["zone"]) if row["tier"] == ALL and row["zone"] != ALL else tier_words(row["tier"])
        bars = [("Seen", 1.0, f"{row['seen']:,}", False)]
        for step in STEPS:
            share, did, of = row["shares"][step], row["did"][step], row["of"][step]
            figure = "too early to say" if share is None else f"{did:,} of {of:,} = {100 * share:.1f} %"
            bars.append((STEP_WORDS[step], share or 0.0, figure, False))
        chart = charts.bar_chart(title, bars, most=1.0)
        if chart:
            made.append(chart)
    return made


def _gini_words(exposure: Mapping[str, Any]) -> str:
    if exposure["gini"] is None:
        return "Nothing was shown yet."
    return (
        f"{len(exposure['rows']):,} of {exposure['jobs']:,} occupations that could be shown were, "
        f"{exposure['total']:,} times in all. Gini coefficient over all of them: {exposure['gini']:.3f} "
        "(0: all alike, near 1: one has all)."
    )


def _simulated(model: CalibrationModel) -> bool:
    return model.run.traffic == Profile.Traffic.SIMULATED


def _figure(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.4f}"
