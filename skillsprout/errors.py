"""The one JSON error shape of the API: a stable code, the field and a sentence for each fault."""

from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from occupations.services import NoReleaseError
from profiles.services import ProfileGoneError

MOST_CHARS = 200


class Unprocessable(exceptions.APIException):
    """The request is well formed, but something in it cannot be used; nothing was saved.

    Args:
        message: A sentence that says what to do.
        code: A stable code for programs.
        more: Further keys of the error, such as the list of what is unknown.
    """

    status_code: int = status.HTTP_422_UNPROCESSABLE_ENTITY

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, code)
        self.more = more


class Conflict(Unprocessable):
    """The request contradicts one that was made before."""

    status_code = status.HTTP_409_CONFLICT


def error_body(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def refusal_body(refused: Exception) -> dict[str, Any]:
    """Return the error for a request that Django itself refuses to read."""
    if isinstance(refused, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return error_body("too_large", "The request is too large. Send less at once; nothing was saved.")
    return error_body("bad_request", "Something in the request is broken or missing. Nothing was saved.")


def _readable(text: str) -> str:
    """Return what may repeat what was sent: no more of it than one reads, and nothing that UTF-8 cannot hold."""
    if len(text) > MOST_CHARS:
        text = f"{text[: MOST_CHARS - 1]}…"
    return text.encode(errors="replace").decode()


def _flatten(detail: Any, field: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            fault
            for name, inner in detail.items()
            for fault in _flatten(inner, f"{field}.{name}".lstrip(".") if name != "non_field_errors" else field)
        ]
    if isinstance(detail, list):
        faults = []
        for number, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            faults += _flatten(inner, f"{field}[{number}]" if nested else field)
        return faults
    message = _readable(str(detail))
    return [{"field": _readable(field), "code": getattr(detail, "code", "invalid"), "message": message}]


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Give every API error the same shape: `{"error": {"code", "message", "field"?, "faults"?, …}}`."""
    if isinstance(exc, NoReleaseError):
        return Response(error_body("no_release", str(exc)), status=status.HTTP_503_SERVICE_UNAVAILABLE)
    if isinstance(exc, SuspiciousOperation):
        return Response(refusal_body(exc), status=status.HTTP_400_BAD_REQUEST)
    if isinstance(exc, ProfileGoneError):
        exc = exceptions.NotFound(str(exc))
    response = drf_exception_handler(exc, context)
    if response is None:
        return None
    if isinstance(exc, Http404):
        exc = exceptions.NotFound("There is no such thing, or it belongs to somebody else.")
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if isinstance(exc, exceptions.ValidationError):
        faults = _flatten(exc.detail)
        response.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
        sentences = [f"{fault['field']}: {fault['message']}".removeprefix(": ") for fault in faults]
        only = faults[0] if len(faults) == 1 else {}
        more = {"field": only["field"]} if only.get("field") else {}
        response.data = error_body(only.get("code", "invalid"), " ".join(sentences), faults=faults, **more)
    elif isinstance(exc, exceptions.APIException):
        code = getattr(exc.detail, "code", "error")
        response.data = error_body(code, str(exc.detail), **getattr(exc, "more", {}))
    return response


@csrf_exempt
def api_not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    return JsonResponse(
        error_body("not_found", "There is nothing at this address. See /api/v1/docs for what there is."),
        status=404,
    )
