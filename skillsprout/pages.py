"""Pages for what went wrong, in kind words. The API's own errors are JSON (skillsprout.errors)."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

from occupations.services import NoReleaseError
from profiles.http import to_start
from profiles.services import ProfileGoneError
from skillsprout.errors import error_body, refusal_body
from skillsprout.htmx import HtmxRequest

SERVER_ERROR = "Something broke on our side. It has been written down; please try again in a moment."


def unprocessable(request: HttpRequest, message: str) -> HttpResponse:
    """Answer a form that no page of ours would send: say what is wrong with it; nothing was saved."""
    return render(request, "422.html", {"message": message}, status=422)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses to read: too large, too many fields, for a host that is not ours."""
    if request.path.startswith("/api/"):
        return JsonResponse(refusal_body(exception), status=400)
    return HttpResponse(loader.get_template("400.html").render(), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without the database and without context: either may be what broke."""
    if request.path.startswith("/api/"):
        return JsonResponse(error_body("server_error", SERVER_ERROR), status=500)
    return HttpResponse(loader.get_template("500.html").render(), status=500)


class KindAnswerMiddleware:
    """Answer pages that cannot be: without O*NET data say so, and what to do; without the profile begin anew."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NoReleaseError):
            return render(request, "no_release.html", status=503)
        if isinstance(exception, ProfileGoneError):
            return to_start(cast(HtmxRequest, request))
        return None
