"""The wizard's pages: find your job, rate, add history, check; and the account that may keep it all."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from occupations.models import Element, Licence
from occupations.services import Catalogue, get_catalogue
from profiles import services
from profiles.forms import ElementGroup, ExplorationForm, HistoryForm, RatingForm, SignupForm, element_groups
from profiles.http import SESSION_KEY, current_profile, ensure_profile, is_account, keep_profile, to_start
from profiles.models import Profile
from profiles.services import Answers
from skillsprout.htmx import HtmxRequest, render_page
from skillsprout.pages import unprocessable

PLACE_KEY = "place"
HITS = 8
MAX_QUERY_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One occupation found, and what we can do with it."""

    code: str
    title: str
    matched: str | None
    scored: bool
    estimated: bool


def find_occupations(catalogue: Catalogue, query: str) -> list[Hit]:
    hits = catalogue.index.search(query[:MAX_QUERY_CHARS], HITS, hidden=catalogue.hidden) if query else []
    jobs = catalogue.jobs
    return [
        Hit(
            hit.code,
            hit.title,
            hit.matched,
            scored=bool(jobs.scored[catalogue.row[hit.code]]),
            estimated=bool(jobs.estimated[catalogue.row[hit.code]]),
        )
        for hit in hits
    ]


def _job(catalogue: Catalogue, code: str | None) -> dict[str, str] | None:
    """Return a job's code and title for a page; a job that the release has dropped keeps its code."""
    if code is None:
        return None
    row = catalogue.row.get(code)
    return {"code": code, "title": code if row is None else catalogue.titles[row]}


def _keep_place(request: HtmxRequest) -> None:
    # Only when it changes: every touch of the session is a write.
    if request.session.get(PLACE_KEY) != request.path:
        request.session[PLACE_KEY] = request.path


@require_http_methods(["GET", "POST"])
def start(request: HtmxRequest) -> HttpResponse:
    if request.method == "POST":
        return _choose_job(request)
    catalogue = get_catalogue()
    profile = current_profile(request)
    said = services.answers(profile) if profile else Answers()
    query = request.GET.get("q", "").strip()
    context = {
        "query": query,
        "hits": find_occupations(catalogue, query),
        "current": _job(catalogue, said.current),
        "place": request.session.get(PLACE_KEY) if profile else None,
        "step": "job",
    }
    return render_page(request, "profiles/start.html", context, partial="hits")


def _choose_job(request: HtmxRequest) -> HttpResponse:
    if "code" not in request.POST:
        return unprocessable(request, "No job was chosen. Search for one and choose it from the list.")
    is_new = current_profile(request) is None
    try:
        with transaction.atomic():
            services.set_current_occupation(ensure_profile(request), request.POST["code"] or None)
    except services.UnknownOccupationsError:
        # A profile that was new went with the transaction.
        if is_new:
            request.session.pop(SESSION_KEY, None)
        return unprocessable(request, "There is no such occupation in the loaded release. Nothing was saved.")
    return redirect("profiles:rate")


@never_cache
@require_GET
def resume(request: HttpRequest, profile_id: UUID) -> HttpResponse:
    """Bring a person back on another device: the id is the right to an unclaimed profile."""
    profile = get_object_or_404(Profile, pk=profile_id)
    if profile.user_id and not is_account(request.user):
        return redirect_to_login(request.path)
    keep_profile(request, get_object_or_404(Profile.objects.open_to(request.user), pk=profile_id))
    return redirect("profiles:check")


def _rating_form(
    request: HttpRequest, catalogue: Catalogue, said: Answers, groups: list[ElementGroup], domain: str
) -> RatingForm:
    held = [code for code in (said.current, *said.past) if code]
    return RatingForm(
        [element for group in groups for element in group.elements],
        rated=said.ratings if domain == Element.Domain.SKILL else said.knowledge_ratings,
        assumed=services.assumed_ratings(catalogue, held, domain),
        data=request.POST if request.method == "POST" else None,
    )


def _save_ratings(
    profile: Profile, form: RatingForm, groups: list[ElementGroup], confirmed: str, domain: str
) -> dict[str, int | None]:
    """Save what was chosen and, for the group that the person has confirmed, what was assumed."""
    ratings: dict[str, int | None] = {
        element.id: form.assumed[element.id]
        for group in groups
        if group.slug == confirmed
        for element in group.elements
        if element.id in form.assumed
    }
    ratings |= form.ratings()
    if ratings:
        services.save_ratings(profile, ratings, domain=domain)
    return ratings


def _progress(groups: list[ElementGroup], ratings: Mapping[str, int | None]) -> dict[str, object]:
    """Return how far the person has come, in all and by group."""
    return {
        "n_rated": sum(group.rated(ratings) for group in groups),
        "n_elements": sum(len(group.elements) for group in groups),
        "steps": [(group, group.rated(ratings)) for group in groups],
    }


INVALID_RATING = "A rating is a whole number from 0 to 4, or “not sure”. Nothing was saved."


@require_http_methods(["GET", "POST"])
def rate(request: HtmxRequest, group: str = "") -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return to_start(request)
    catalogue = get_catalogue()
    groups = element_groups(catalogue, Element.Domain.SKILL)
    if not group:
        return redirect("profiles:rate", groups[0].slug)
    here = next((index for index, one in enumerate(groups) if one.slug == group), None)
    if here is None:
        raise Http404("There is no such group of skills.")
    said = services.answers(profile)
    form = _rating_form(request, catalogue, said, [groups[here]], Element.Domain.SKILL)
    rated = said.ratings
    _keep_place(request)
    if request.method == "POST":
        if not form.is_valid():
            return unprocessable(request, INVALID_RATING)
        confirmed = request.POST.get("confirm", "")
        rated = rated | _save_ratings(profile, form, groups, confirmed, Element.Domain.SKILL)
        if not request.htmx:
            return (
                redirect("profiles:rate", groups[here + 1].slug)
                if here + 1 < len(groups)
                else redirect("profiles:history")
            )
    context = {
        "form": form,
        "group": groups[here],
        "fields": list(form.of(groups[here])),
        "before": groups[here - 1] if here else None,
        "after": groups[here + 1] if here + 1 < len(groups) else None,
        "current": _job(catalogue, said.current),
        "saved": request.method == "POST",
        "step": "skills",
        **_progress(groups, rated),
    }
    return render_page(request, "profiles/rate.html", context, partial="progress")


@require_http_methods(["GET", "POST"])
def rate_knowledge(request: HtmxRequest) -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return to_start(request)
    catalogue = get_catalogue()
    groups = element_groups(catalogue, Element.Domain.KNOWLEDGE)
    said = services.answers(profile)
    form = _rating_form(request, catalogue, said, groups, Element.Domain.KNOWLEDGE)
    rated = said.knowledge_ratings
    _keep_place(request)
    if request.method == "POST":
        if not form.is_valid():
            return unprocessable(request, INVALID_RATING)
        confirmed = request.POST.get("confirm", "")
        rated = rated | _save_ratings(profile, form, groups, confirmed, Element.Domain.KNOWLEDGE)
        if not request.htmx:
            return redirect(f"{request.path}#{confirmed}" if confirmed else "profiles:check")
    context = {
        "form": form,
        "sections": [
            {
                "group": group,
                "fields": list(form.of(group)),
                "rated": group.rated(rated),
                "assumed": sum(element.id in form.assumed for element in group.elements),
            }
            for group in groups
        ],
        "current": _job(catalogue, said.current),
        "saved": request.method == "POST",
        "step": "more",
        **_progress(groups, rated),
    }
    return render_page(request, "profiles/rate_knowledge.html", context, partial="progress")


@require_http_methods(["GET", "POST"])
def history(request: HtmxRequest) -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return to_start(request)
    catalogue = get_catalogue()
    said = services.answers(profile)
    form = HistoryForm(request.POST if request.method == "POST" else None, instance=profile)
    _keep_place(request)
    if request.method == "POST" and form.is_valid():
        # One form: whoever adds a job loses nothing that is typed elsewhere on the page.
        services.save_form(profile, form)
        add, remove = request.POST.get("add"), request.POST.get("remove")
        if not (add or remove):
            return redirect("profiles:check")
        past = [code for code in [*said.past, *([add] if add else [])] if code != remove]
        try:
            services.set_history(profile, past=past)
        except services.UnknownOccupationsError:
            return unprocessable(request, "There is no such occupation in the loaded release.")
        return redirect(reverse("profiles:history") + "#past-jobs")
    query = request.GET.get("q", "").strip()
    held = [code for code in (said.current, *said.past) if code]
    context = {
        "form": form,
        "query": query,
        "hits": find_occupations(catalogue, query),
        "past": [_job(catalogue, code) for code in said.past],
        "current": _job(catalogue, said.current),
        "near": set(Licence.objects.filter(occupations__in=held).values_list("pk", flat=True)) | _chosen(form),
        "step": "more",
    }
    return render_page(request, "profiles/history.html", context, partial="hits")


def _chosen(form: HistoryForm) -> set[int]:
    """Return the licences that the form has ticked, so that they stay in sight."""
    return {int(getattr(licence, "pk", licence)) for licence in form["licences"].value() or ()}


@never_cache
@require_http_methods(["GET", "POST"])
def check(request: HtmxRequest) -> HttpResponse:
    profile = current_profile(request)
    if profile is None:
        return to_start(request)
    form = ExplorationForm(request.POST if request.method == "POST" else None, instance=profile)
    if request.method == "POST" and form.is_valid():
        services.save_form(profile, form)
        return redirect("recommendations:results")
    catalogue = get_catalogue()
    said = services.answers(profile)
    held = [code for code in (said.current, *said.past) if code]
    _keep_place(request)
    context = {
        "form": form,
        "said": said,
        "profile": profile,
        "current": _job(catalogue, said.current),
        "past": [_job(catalogue, code) for code in said.past],
        "skills": _summary(catalogue, held, said.ratings, Element.Domain.SKILL),
        "knowledge": _summary(catalogue, held, said.knowledge_ratings, Element.Domain.KNOWLEDGE),
        "resume_url": request.build_absolute_uri(reverse("profiles:resume", args=[profile.pk])),
        "step": "check",
    }
    return render(request, "profiles/check.html", context)


def _summary(
    catalogue: Catalogue, held: list[str], rated: Mapping[str, int | None], domain: str
) -> list[dict[str, object]]:
    """Return each group with what the person said of its elements and what is assumed of the rest."""
    assumed = services.assumed_ratings(catalogue, held, domain)
    return [
        {
            "group": group,
            "rated": group.rated(rated),
            "lines": [
                {
                    "element": element,
                    "rated": element.id in rated,
                    "rating": rated.get(element.id),
                    "assumed": assumed.get(element.id) if rated.get(element.id) is None else None,
                }
                for element in group.elements
            ],
        }
        for group in element_groups(catalogue, domain)
    ]


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Delete all that the person said and all that was recommended to them."""
    if profile := current_profile(request):
        profile.delete()
        messages.success(request, "Your answers and your lists are deleted.")
    request.session.pop(SESSION_KEY, None)
    request.session.pop(PLACE_KEY, None)
    return redirect("profiles:start")


@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Make an account; the answers given in this browser become its own."""
    if is_account(request.user):
        return redirect("profiles:account")
    form = SignupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        profile = current_profile(request)
        with transaction.atomic():
            user = form.save()
            if profile:
                services.claim_profile(profile, user)
        login(request, user)
        messages.success(request, "Welcome. Your answers are kept in your account now.")
        return HttpResponseRedirect(_next(request) or reverse("profiles:account"))
    return render(request, "profiles/signup.html", {"form": form, "next": _next(request)})


def _next(request: HttpRequest) -> str:
    """Return where the person came from, if it is a page of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if own else ""


@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    context = {"profile": current_profile(request), "profiles": Profile.objects.filter(user=request.user.pk)[:20]}
    return render(request, "profiles/account.html", context)


@login_required
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    profile = current_profile(request)
    if profile and is_account(request.user):
        services.claim_profile(profile, request.user)
        messages.success(request, "These answers are yours alone now.")
    return redirect("profiles:account")
