"""The one JSON error shape of the API: a stable code, the field and a sentence for each fault."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler


class Unprocessable(exceptions.ValidationError):
    """The request is well formed, but something in it cannot be used; nothing was saved."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


def error_body(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


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
    return [{"field": field, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Give every API error the same shape: `{"error": {"code", "message", "faults"?, …}}`."""
    response = drf_exception_handler(exc, context)
    if response is None:
        return None
    if isinstance(exc, Http404):
        exc = exceptions.NotFound(*exc.args)
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied(*exc.args)
    detail = getattr(exc, "detail", "")
    if isinstance(exc, exceptions.ValidationError):
        faults = _flatten(detail)
        if not isinstance(exc, Unprocessable):
            response.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
        code = faults[0]["code"] if len(faults) == 1 else "invalid"
        response.data = error_body(code, " ".join(fault["message"] for fault in faults), faults=faults)
        more = getattr(exc, "more", None)
        if more:
            response.data["error"].update(more)
    else:
        response.data = error_body(getattr(detail, "code", "error"), str(detail))
    return response


def api_not_found(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    return JsonResponse(
        error_body("not_found", "There is nothing at this address. See /api/v1/docs for what there is."),
        status=404,
    )
