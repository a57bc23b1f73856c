"""Which profile a browser works on: kept in the session, claimed ones for their account alone."""

from typing import TypeGuard
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from profiles import services
from profiles.models import Profile, User
from skillsprout.htmx import HtmxRequest

SESSION_KEY = "profile"


def is_account(user: User | AnonymousUser) -> TypeGuard[User]:
    return user.is_authenticated


def current_profile(request: HttpRequest) -> Profile | None:
    """Return the profile that this browser works on: the session's, else the account's newest."""
    usable = Profile.objects.open_to(request.user)
    kept = request.session.get(SESSION_KEY)
    profile = usable.filter(pk=UUID(kept)).first() if kept else None
    if profile is None and is_account(request.user):
        profile = usable.filter(user=request.user).first()
        if profile:
            keep_profile(request, profile)
    return profile


def to_start(request: HtmxRequest) -> HttpResponse:
    """Send whoever has no profile, or none any more, to the first page, the whole browser along."""
    start_url = reverse("profiles:start")
    return HttpResponseClientRedirect(start_url) if request.htmx else redirect(start_url)


def keep_profile(request: HttpRequest, profile: Profile) -> None:
    request.session[SESSION_KEY] = str(profile.pk)


def ensure_profile(request: HttpRequest) -> Profile:
    """Return this browser's profile, an empty new one if it has none."""
    profile = current_profile(request)
    if profile is None:
        profile = services.create_profile(user=request.user if is_account(request.user) else None)
        keep_profile(request, profile)
    return profile
