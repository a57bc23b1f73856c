"""The desk for what was learnt: trainings and their reports, models and which of them serves."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from calibration import services, tasks
from calibration.models import CalibrationModel, TrainingRun
from calibration.report_pages import model_charts, training_charts
from calibration.tables import Table, csv_rows, details_tables, figures_table, live_table, report_tables
from recommendations.services import RefusedCurveError, served_curve
from skillsprout.queueing import queue
from skillsprout.read_only import ReadOnlyAdmin

State = CalibrationModel.State
BEST_FIRST = (State.CHAMPION, State.RETIRED, State.CANDIDATE, State.REJECTED)


class ReportAdmin(ReadOnlyAdmin):
    """Rows that a training wrote: to look at, with the numbers of each report as CSV."""

    class Media:
        css = {"all": ["css/report.css"]}

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
    """What may be done with a model.

    Args:
        name: Of its page.
        button: What its button says.
        effect: What pressing that does.
        done: What is said of the model then.
        act: Does it, told by whom, and for what reason where it asks why.
        asks_why: Whether they may say why.
    """

    name: str
    button: str
    effect: str
    done: str
    act: Callable[..., object]
    asks_why: bool = False


DECISIONS = {
    State.CANDIDATE: Decision(
        "promote",
        "Promote",
        "It is then the champion; the one before it is retired.",
        "is the champion.",
        services.promote,
    ),
    State.RETIRED: Decision(
        "return_to",
        "Return to this one",
        "It is then the champion again. If another serves, it is taken back.",
        "is the champion again.",
        services.return_to,
    ),
    State.CHAMPION: Decision(
        "take_back",
        "Take back",
        "The one before it is then the champion again, or none.",
        "was taken back.",
        services.take_back,
        asks_why=True,
    ),
}


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
        ours = [
            path(
                f"<int:pk>/{decision.name}/",
                self.admin_site.admin_view(self.decide),
                {"decision": decision},
                name=f"calibration_calibrationmodel_{decision.name}",
            )
            for decision in DECISIONS.values()
        ]
        return [*ours, *super().get_urls()]

    @admin.display(ordering="curve__version")
    def version(self, model: CalibrationModel) -> str:
        return model.version

    @display(label={"yes": "success", "no": "warning", "no, refused": "danger"})
    def serves(self, model: CalibrationModel) -> str:
        if model.state != State.CHAMPION:
            return ""
        serving = services.serving_of(model)
        return "yes" if serving and serving.serves else "no, refused" if serving and serving.alert else "no"

    @display(description="learnt from", ordering="run__traffic", label={"simulated people": "danger"})
    def learnt_from(self, model: CalibrationModel) -> str:
        return "simulated people" if services.learnt_from_simulated(model) else "people"

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

    def decide(self, request: HttpRequest, pk: int, decision: Decision) -> HttpResponse:
        """Do with a model what may be done in its state, and say what came of it."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        model = get_object_or_404(self.get_queryset(request), pk=pk)
        reason = {"reason": request.POST.get("reason", "").strip()[:200]} if decision.asks_why else {}
        if DECISIONS.get(State(model.state)) != decision:
            messages.warning(request, f"Nothing was done. {model} has changed since: {model.get_state_display()}.")
        else:
            try:
                decision.act(model, by=request.user.get_username(), **reason)
            except (services.PromotionError, RefusedCurveError) as error:
                messages.error(request, str(error))
            else:
                serving = services.serving_of(self.get_queryset(request).get(pk=pk))
                sentence = f"{model} {decision.done} {serving.sentence if serving else ''}"
                messages.success(request, sentence.rstrip())
        return HttpResponseRedirect(reverse("admin:calibration_calibrationmodel_change", args=[pk]))

    def tables(self, row: CalibrationModel) -> list[Table]:
        return [figures_table(row.figures, row.details), live_table(row.live), *details_tables(row.details)]

    def page(self, request: HttpRequest, row: CalibrationModel) -> dict[str, Any]:
        figures, live, *of_details = self.tables(row)
        return {
            "model": row,
            "serving": services.serving_of(row),
            "simulated": services.learnt_from_simulated(row),
            "figures": figures,
            "live": live,
            "tables": {table.name: table for table in of_details},
            "decision": DECISIONS.get(State(row.state)),
            "hindrance": "" if row.state == State.CHAMPION else services.hindrance(row),
            "may_decide": self.has_decide_permission(request),
            **model_charts(row.details),
        }


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
                (champion, services.serving_of(champion), services.learnt_from_simulated(champion))
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
        trained = CalibrationModel.objects.select_related("curve")
        told = trained.only("run", "target", "rung", "state", "curve__version")
        return runs.defer("report").prefetch_related(Prefetch("trained", told))

    @admin.display(description="what came of it")
    def came_of_it(self, run: TrainingRun) -> str:
        """Say what became of the best curve of each target; the run's page has the sentences."""
        if run.error:
            return "its page says why"
        states: dict[str, list[str]] = {}
        for model in run.trained.all():
            states.setdefault(model.target, []).append(model.state)
        if not states and run.state == TrainingRun.State.DONE:
            return "nothing learnt"
        return "; ".join(f"{target}: {min(some, key=BEST_FIRST.index)}" for target, some in sorted(states.items()))

    def train(self, request: HttpRequest) -> HttpResponse:
        """Queue a training; the worker does the rest."""
        if not self.has_train_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        if TrainingRun.objects.filter(state=TrainingRun.State.RUNNING).exists():
            messages.warning(request, "A training is at work. One that begins before its end does nothing.")
        queue(request, tasks.train.delay, "The training is queued. Its row appears when a worker starts it.")
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
        tables = {table.name: table for table in self.tables(row)}
        return {**_progress(row), "tables": tables, **training_charts(row.report)}


def _progress(run: TrainingRun) -> dict[str, Any]:
    step, steps = run.progress.get("step"), run.progress.get("steps")
    return {
        "run": run,
        "running": run.state == TrainingRun.State.RUNNING,
        "percent": min(100 * step // steps, 100) if step is not None and steps else None,
        "models": run.trained.all(),
    }


def _figure(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.4f}"
