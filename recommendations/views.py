"""What comes of the answers: the three lists, a page per occupation, a plan, and how it all works."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from occupations.models import Occupation, PayOutlook
from occupations.services import get_catalogue
from profiles.http import current_profile, to_start
from profiles.models import Profile
from profiles.services import Answers, ProfileGoneError, mark_staff
from profiles.services import answers as answers_of
from recommendations import services
from recommendations.advice import Advice, Recommendation, Requirement
from recommendations.charts import RangeChart, RequirementChart, range_chart, requirement_chart
from recommendations.forms import OutcomeForm
from recommendations.models import Evaluation, Feedback, RecommendedItem, Tier
from recommendations.scoring_run import V1, V2, thresholds_in_force
from skillsprout.htmx import HtmxRequest, render_page
from skillsprout.pages import unprocessable

MOST_PER_TIER = 60
MOST_DIGITS = 9
MOST_LISTS = 100
MOST_SOFTWARE = 18
MOST_TASKS = 12
MOST_RELATED = 12
MOST_TITLES = 6

REACTIONS = (
    (Feedback.Action.SAVE, "Save", "Saved"),
    (Feedback.Action.APPLY, "I applied", "Applied"),
    (Feedback.Action.INTERVIEW, "I had an interview", "Had an interview"),
    (Feedback.Action.OFFER, "I got an offer", "Got an offer"),
    (Feedback.Action.HIDE, "Hide", "Hidden"),
)

DONE = {action.value: done for action, _, done in REACTIONS}


@dataclass(frozen=True, slots=True)
class Reactions:
    """What the person can say and has said of one occupation that was shown to them."""

    event_id: str
    code: str
    title: str
    in_force: frozenset[str]
    brief: bool
    dated: Mapping[str, Feedback] = field(default_factory=dict)

    @property
    def hidden(self) -> bool:
        return Feedback.Action.HIDE in self.in_force

    @property
    def undoable(self) -> bool:
        """Whether one button undoes the newest; the page of an occupation has one for each thing said."""
        return bool(self.in_force.difference(services.SILENT)) and (self.brief or self.hidden)

    @property
    def told(self) -> list[tuple[str, Feedback]]:
        if self.brief or self.hidden:
            return []
        return [(done, self.dated[action]) for action, _, done in REACTIONS if action in self.dated]

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
        return to_start(request)
    try:
        advice = _advice(request, profile)
    except services.EmptyProfileError as error:
        if request.htmx:
            return HttpResponseClientRedirect(request.path)
        return render(request, "recommendations/results_empty.html", {"reason": str(error), "step": "results"})
    mark_staff(profile.pk, request.user)
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
    count = min(int(asked[:MOST_DIGITS]), MOST_PER_TIER) if asked.isascii() and asked.isdigit() else 0
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
            # Whoever asks for more finds what they have seen where it was.
            after=None if held_back else advice,
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
    occupation = get_object_or_404(Occupation.objects.filter(hidden=False), code=_without_null(code))
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
        services.record_feedback(
            event_id=sheet.item.event_id, code=code, action=Feedback.Action.CLICK, user=request.user
        )
    return render(request, "recommendations/occupation.html", _occupation_context(profile, sheet, OutcomeForm()))


def _occupation_context(profile: Profile | None, sheet: Sheet, form: OutcomeForm) -> dict[str, object]:
    told = services.told_of(profile, sheet.occupation.code) if profile and sheet.item else {}
    pay = sheet.recommendation.pay if sheet.recommendation else sheet.occupation.pay()
    related = sheet.occupation.related.filter(related__hidden=False, related__retired=False)
    return {
        "occupation": sheet.occupation,
        "recommendation": sheet.recommendation,
        "reactions": _reactions(sheet.item, told),
        "outcome_form": form,
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


def _reactions(item: RecommendedItem | None, told: Mapping[str, Feedback], *, brief: bool = False) -> Reactions | None:
    """Return the buttons of an occupation that was shown; feedback on any other refers to nothing."""
    if item is None:
        return None
    title = item.occupation.title
    return Reactions(str(item.event_id), item.occupation_id, title, frozenset(told), brief=brief, dated=told)


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
    action, undoes, code = (_posted(request, name) for name in ("action", "undoes", "code"))
    action = Feedback.Action.UNDO if undoes else action
    if profile is None:
        return _gone(request)
    if action not in Feedback.Action.values:
        return unprocessable(request, "There is no such button. Nothing was noted.")
    shown = RecommendedItem.objects.filter(event__profile=profile, occupation=code).order_by("-event__created_at")
    items = {str(item.event_id): item for item in shown.select_related("occupation")[:MOST_LISTS]}
    if not items:
        return unprocessable(request, "This occupation was not in one of your lists. Nothing was noted.")
    mark_staff(profile.pk, request.user)
    event_id = _posted(request, "event")
    item = items.get(event_id) or next(iter(items.values()))
    form = OutcomeForm(request.POST) if "day" in request.POST else OutcomeForm()
    taken_back = ""
    try:
        if action == Feedback.Action.UNDO:
            taken_back = services.take_back_feedback(profile, code, undoes)
        elif not form.is_bound or form.is_valid():
            _note(profile, item, action, form)
    except ProfileGoneError:
        return _gone(request)
    if not request.htmx and form.errors:
        context = _occupation_context(profile, _sheet(profile, code), form)
        return render(request, "recommendations/occupation.html", context, status=422)
    told = services.told_of(profile, code)
    remark = _remark(told, action) if not form.errors else ""
    if not request.htmx:
        messages.success(request, f"{_done(action, taken_back, item.occupation.title)} {remark}".strip())
        return HttpResponseRedirect(_back(request, code))
    context = {
        "reactions": _reactions(item, told, brief="brief" in request.POST),
        "outcome_form": None if "brief" in request.POST else form if form.errors else OutcomeForm(),
        "next": request.POST.get("next", ""),
        "pressed": action,
        "taken_back": taken_back,
        "remark": remark,
        "noted_day": form.is_bound and form.is_valid(),
    }
    return render(request, "recommendations/reactions.html", context)


@dataclass(slots=True)
class Kept:
    """One occupation of which the person has said something, and when each was, the newest first."""

    occupation: Occupation
    event_id: str
    told: dict[str, datetime] = field(default_factory=dict)


@never_cache
@require_GET
def kept(request: HttpRequest) -> HttpResponse:
    """Show all that the person has saved, applied for or hidden, in whichever of their lists."""
    profile = current_profile(request)
    if profile is None:
        return redirect("profiles:start")
    said = Feedback.objects.of(profile).filter(action__in=DONE)
    jobs: dict[str, Kept] = {}
    for one in said.select_related("item__occupation").defer("item__features").order_by("-happened_at", "-pk"):
        job = jobs.setdefault(one.item.occupation_id, Kept(one.item.occupation, str(one.item.event_id)))
        job.told.setdefault(DONE[one.action], one.happened_at)
    hidden = DONE[Feedback.Action.HIDE]
    context = {
        "kept": [job for job in jobs.values() if hidden not in job.told],
        "hidden": [job for job in jobs.values() if hidden in job.told],
        "step": "kept",
    }
    return render(request, "recommendations/kept.html", context)


def _without_null(word: str) -> str:
    """Return a word that PostgreSQL can look for; it refuses null characters even there."""
    return word.replace("\0", "\ufffd")


def _posted(request: HttpRequest, name: str) -> str:
    return _without_null(request.POST.get(name, ""))


def _note(profile: Profile, item: RecommendedItem, action: str, form: OutcomeForm) -> None:
    """Note what was pressed, with the day if one was given; a day that cannot be is told in the form."""
    try:
        services.note_feedback(profile, item, action, form.happened_at() if form.is_bound else None)
    except services.FutureFeedbackError:
        form.add_error("day", "That day is still to come. Tell us once it has happened.")
    except services.TooLongAgoError:
        form.add_error("day", "That is more than five years ago. Please check the year.")


def _gone(request: HttpRequest) -> HttpResponse:
    words = "Your answers are no longer kept in this browser. Nothing was noted."
    return render(request, "422.html", {"message": words}, status=410)


def _done(action: str, taken_back: str, title: str) -> str:
    """Return what came of a press, for a page that is loaded anew."""
    if action == Feedback.Action.HIDE:
        return f"Hidden: {title}. You find it under Your jobs."
    if action != Feedback.Action.UNDO:
        return f"{DONE.get(action, 'Noted')}: {title}."
    if taken_back == Feedback.Action.HIDE:
        return f"No longer hidden: {title}."
    return f"Taken back: {title}." if taken_back else f"There was nothing to take back: {title}."


def _remark(told: Mapping[str, Feedback], action: str) -> str:
    """Return what is odd about the day of what was noted, which stands all the same; mostly nothing."""
    later = services.step_dated_later(told, action)
    if later is None:
        return ""
    what = "the day you applied" if later.action == Feedback.Action.APPLY else "the day of your interview"
    day = date_format(timezone.localtime(later.happened_at), "j F Y")
    return f"That is before {what} ({day}). Is it right?"


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Note the cards that came into sight, as the page's script reports them."""
    codes = [_without_null(code) for code in request.POST.getlist("code")]
    if not 0 < len(codes) <= services.MOST_SEEN:
        return unprocessable(request, "That names no card, or too many. Nothing was noted.")
    try:
        services.record_views(event_id=_posted(request, "event"), codes=codes, user=request.user)
    except (services.UnknownEventError, services.NotShownError) as error:
        return unprocessable(request, f"{error} Nothing was noted.")
    return HttpResponse(status=204)


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
        "calibration": served.version if (served := services.served_curve(settings.MODEL_VERSION)) else "",
        "exploration_percent": 100 * settings.EXPLORATION_EPSILON,
        "exploration_pool": settings.EXPLORATION_POOL,
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
