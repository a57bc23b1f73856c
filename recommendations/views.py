"""What comes of the answers: the three lists, a page per occupation, a plan, and how it all works."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_POST

from occupations.models import Occupation, PayOutlook
from occupations.services import get_catalogue
from profiles.http import current_profile
from profiles.models import Profile
from profiles.services import Answers
from profiles.services import answers as answers_of
from recommendations import services
from recommendations.advice import Advice, Recommendation, Requirement
from recommendations.charts import RangeChart, RequirementChart, range_chart, requirement_chart
from recommendations.models import Evaluation, Feedback, RecommendedItem, Tier
from recommendations.scoring_run import V1, V2, thresholds_in_force
from skillsprout.htmx import HtmxRequest, render_page
from skillsprout.pages import unprocessable

MOST_PER_TIER = 60
MOST_LISTS = 100
MOST_SOFTWARE = 18
MOST_TASKS = 12
MOST_RELATED = 12
MOST_TITLES = 6

SILENT = (Feedback.Action.VIEW, Feedback.Action.CLICK)
REACTIONS = (
    (Feedback.Action.SAVE, "Save", "Saved"),
    (Feedback.Action.APPLY, "I applied", "Applied"),
    (Feedback.Action.INTERVIEW, "I had an interview", "Had an interview"),
    (Feedback.Action.OFFER, "I got an offer", "Got an offer"),
    (Feedback.Action.HIDE, "Hide", "Hidden"),
)


@dataclass(frozen=True, slots=True)
class Reactions:
    """What the person can say and has said of one occupation that was shown to them."""

    event_id: str
    code: str
    title: str
    in_force: frozenset[str]
    brief: bool

    @property
    def hidden(self) -> bool:
        return Feedback.Action.HIDE in self.in_force

    @property
    def undoable(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self.in_force.difference(SILENT))

    @property
    def buttons(self) -> list[tuple[str, str, bool]]:
        brief = (Feedback.Action.SAVE, Feedback.Action.HIDE)
        return [
            (action.value, done if action in self.in_force else words, action in self.in_force)
            for action, words, done in REACTIONS
            if action in brief or not self.brief or action in self.in_force
        ]


@dataclass(frozen=True, slots=True)
class Card:
    recommendation: Recommendation
    reactions: Reactions


@dataclass(frozen=True, slots=True)
class TierSection:
    """One list of the results page; `folded` are jobs that ask for clearly less than the person can do."""

    tier: Tier
    cards: list[Card]
    folded: list[Card]
    total: int
    more_of: list[tuple[str, str, int]]

    @property
    def n_shown(self) -> int:
        return len(self.cards) + len(self.folded)

    @property
    def next_count(self) -> int:
        """How many to ask for next; 0 where all are shown."""
        most = min(self.n_shown + settings.LIMIT_PER_BUCKET, MOST_PER_TIER)
        return most if self.n_shown < min(self.total, MOST_PER_TIER) else 0


@never_cache
@require_GET
def results(request: HtmxRequest) -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return redirect("profiles:start")
    try:
        advice = _advice(request, profile)
    except services.EmptyProfileError as error:
        return render(request, "recommendations/results_empty.html", {"reason": str(error), "step": "results"})
    done = services.feedback_in_force(profile)
    context = {
        "advice": advice,
        "sections": [_section(Tier(name), advice, done) for name in Tier.values],
        "resume_url": request.build_absolute_uri(reverse("profiles:resume", args=[profile.pk])),
        "profile": profile,
        "step": "results",
    }
    return render_page(request, "recommendations/results.html", context, partial="tiers")


def _advice(request: HttpRequest, profile: Profile) -> Advice:
    """Return the newest list, made anew only where it holds less than what is asked for."""
    advice = services.latest_advice(profile)
    asked = request.GET.get("count", "")
    count = min(int(asked), MOST_PER_TIER) if asked.isascii() and asked.isdigit() else 0
    group = request.GET.get("more_of", "")
    held_back = any(group in groups for groups in advice.held_back.values())
    shown = max(len(items) for items in advice.buckets.values())
    if any(len(items) < min(count, advice.totals[name]) for name, items in advice.buckets.items()) or held_back:
        return services.make_event(
            profile,
            limit_per_bucket=max(count, shown, 1),
            use_calibration=settings.PAGES_USE_CALIBRATION,
            enable_exploration=True,
            more_of=[group] if held_back else (),
        )
    return advice


def _section(tier: Tier, advice: Advice, done: dict[str, set[str]]) -> TierSection:
    items = advice.buckets[tier]
    cards = [
        Card(
            item,
            Reactions(
                str(advice.event_id), item.onet_code, item.title, frozenset(done.get(item.onet_code, ())), brief=True
            ),
        )
        for item in items
    ]
    best_of: dict[str, str] = {}
    for item in items:
        best_of.setdefault(item.onet_code[:4], item.title)
    return TierSection(
        tier=tier,
        cards=[card for card in cards if not card.recommendation.above_level],
        folded=[card for card in cards if card.recommendation.above_level],
        total=advice.totals[tier],
        more_of=[
            (group, best_of[group], number)
            for group, number in advice.held_back.get(tier, {}).items()
            if group in best_of
        ],
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """One occupation as its page and its plan show it."""

    occupation: Occupation
    recommendation: Recommendation | None
    requirements: tuple[Requirement, ...]
    item: RecommendedItem | None


def _sheet(profile: Profile | None, code: str) -> Sheet:
    occupation = get_object_or_404(Occupation.objects.filter(hidden=False), code=code)
    item = None
    if profile:
        shown = RecommendedItem.objects.filter(event__profile=profile, occupation=occupation)
        item = shown.select_related("event").order_by("-event__created_at").first()
    # A list that is older than the answers no longer says how the person stands.
    event = item.event if item and profile and item.event.created_at >= profile.updated_at else None
    try:
        recommendation = services.explain_occupation(profile, code, event=event) if profile else None
        requirements = services.requirements(answers_of(profile) if profile else Answers(), code)
    except services.UnknownOccupationError:
        recommendation, requirements = None, ()
    return Sheet(occupation, recommendation, requirements, item)


@never_cache
@require_GET
def occupation(request: HtmxRequest, code: str) -> HttpResponse:
    profile = current_profile(request)
    sheet = _sheet(profile, code)
    if sheet.item and "opened" in request.GET:
        services.record_feedback(event_id=sheet.item.event_id, code=code, action=Feedback.Action.CLICK)
    done = services.feedback_in_force(profile).get(code, set()) if profile and sheet.item else set()
    pay = sheet.recommendation.pay if sheet.recommendation else sheet.occupation.pay()
    related = sheet.occupation.related.filter(related__hidden=False, related__retired=False)
    context = {
        "occupation": sheet.occupation,
        "recommendation": sheet.recommendation,
        "reactions": _reactions(sheet.item, done),
        "pay": pay,
        "pay_chart": _pay_chart(pay),
        "skill_chart": _chart(sheet.requirements, "skill"),
        "knowledge_chart": _chart(sheet.requirements, "knowledge"),
        "requirements": sheet.requirements,
        "has_person": profile is not None,
        "licences": sheet.occupation.licences.all(),
        "education": sheet.occupation.education.filter(percent__gt=0).order_by("-percent")[:6],
        "software": sheet.occupation.software.all()[:MOST_SOFTWARE],
        "tasks": sheet.occupation.tasks.all()[:MOST_TASKS],
        "related": related.select_related("related")[:MOST_RELATED],
        "titles": sheet.occupation.alternate_titles.order_by(Length("title")).values_list("title", flat=True)[
            :MOST_TITLES
        ],
    }
    return render(request, "recommendations/occupation.html", context)


def _reactions(item: RecommendedItem | None, done: Collection[str]) -> Reactions | None:
    """Return the buttons of an occupation that was shown; feedback on any other refers to nothing."""
    if item is None:
        return None
    return Reactions(str(item.event_id), item.occupation_id, item.occupation.title, frozenset(done), brief=False)


def _chart(requirements: Collection[Requirement], domain: str) -> RequirementChart | None:
    core = [one for one in requirements if one.domain == domain and one.core and one.need is not None]
    core.sort(key=lambda one: -(one.importance or 0))
    return requirement_chart((one.name, one.have, one.need or 0.0, one.assumed) for one in core) if core else None


def _pay_chart(pay: PayOutlook | None) -> RangeChart | None:
    if pay is None or pay.wage_p10 is None or pay.wage_median is None or pay.wage_p90 is None:
        return None
    return range_chart(pay.wage_p10, pay.wage_median, pay.wage_p90)


@never_cache
@require_GET
def plan(request: HttpRequest, code: str) -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return redirect("profiles:start")
    sheet = _sheet(profile, code)
    context = {
        "occupation": sheet.occupation,
        "recommendation": sheet.recommendation,
        "requirements": {one.element_id: one for one in sheet.requirements},
    }
    return render(request, "recommendations/plan.html", context)


@require_POST
def feedback(request: HtmxRequest) -> HttpResponse:
    """Note what the person did with an occupation that was shown to them, and answer with its buttons."""
    profile = current_profile(request)
    action, code = request.POST.get("action", ""), request.POST.get("code", "")
    if profile is None or action not in Feedback.Action.values:
        return unprocessable(request, "There is no such button. Nothing was noted.")
    shown = RecommendedItem.objects.filter(event__profile=profile, occupation=code).order_by("-event__created_at")
    items = {str(item.event_id): item for item in shown[:MOST_LISTS]}
    if not items:
        return unprocessable(request, "This occupation was not in one of your lists. Nothing was noted.")
    event_id = request.POST.get("event", "")
    if event_id not in items:
        event_id = next(iter(items))
    if action == Feedback.Action.UNDO:
        # What is taken back may have been said of an older list.
        said = Feedback.objects.in_force().filter(item__in=items.values()).exclude(action__in=SILENT)
        newest = said.select_related("item").order_by("-recorded_at", "-pk").first()
        event_id = str(newest.item.event_id) if newest else event_id
    # A second press of Undo finds nothing: it is taken back already.
    with suppress(services.NothingToUndoError):
        services.record_feedback(event_id=event_id, code=code, action=action)
    if not request.htmx:
        return redirect(_back(request, code))
    done = services.feedback_in_force(profile).get(code, set())
    title = items[event_id].occupation.title
    reactions = Reactions(event_id, code, title, frozenset(done), brief="brief" in request.POST)
    context = {"reactions": reactions, "next": request.POST.get("next", ""), "pressed": action}
    return render(request, "recommendations/reactions.html", context)


def _back(request: HttpRequest, code: str) -> str:
    url = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if own else reverse("recommendations:occupation", args=[code])


def _bounds(model_version: str) -> dict[str, str]:
    """Return the bounds of a model's tiers as people write them: 85 and 1.5."""
    return {name: f"{bound:g}" for name, bound in asdict(thresholds_in_force(model_version)).items()}


@require_GET
def method(request: HttpRequest) -> HttpResponse:
    catalogue = get_catalogue()
    context = {
        "model_version": settings.MODEL_VERSION,
        "v1": _bounds(V1),
        "v2": _bounds(V2),
        "release": catalogue.release,
        "n_jobs": len(catalogue.jobs.codes),
        "n_rated": int((catalogue.jobs.scored & ~catalogue.jobs.estimated).sum()),
        "n_estimated": int((catalogue.jobs.scored & catalogue.jobs.estimated).sum()),
        "evaluation": Evaluation.objects.filter(release=catalogue.release).first(),
    }
    return render(request, "recommendations/method.html", context)


@require_GET
@cache_control(public=True, max_age=3600)
def evaluation_plot(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Serve a plot on its own, because it carries styles that our pages forbid."""
    evaluation = get_object_or_404(Evaluation, pk=pk)
    plots = {"recall": evaluation.recall_plot, "tiers": evaluation.tier_plot}
    if name not in plots:
        raise Http404
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HttpResponse(plots[name], content_type="image/svg+xml", headers=policy)
