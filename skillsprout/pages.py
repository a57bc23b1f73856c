"""Pages for what went wrong, in kind words. The API's own errors are JSON (skillsprout.errors)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

SERVER_ERROR = "Something broke on our side. It has been written down; please try again in a moment."


def unprocessable(request: HttpRequest, message: str) -> HttpResponse:
    """Answer a form that no page of ours would send: say what is wrong with it; nothing was saved."""
    return render(request, "422.html", {"message": message}, status=422)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without the database and without context: either may be what broke."""
    if request.path.startswith("/api/"):
        return JsonResponse({"error": {"code": "server_error", "message": SERVER_ERROR}}, status=500)
    return HttpResponse(loader.get_template("500.html").render(), status=500)
