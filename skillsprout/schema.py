"""What the API's schema says of errors: their one shape, and which of them each call can meet."""

from collections.abc import Iterator
from typing import Any

ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "A sentence that says what to do."},
                "field": {"type": "string", "description": "What of the request is at fault, where it is one thing."},
                "unknown": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "All the ids, codes or names that are not known.",
                },
                "faults": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "code", "message"],
                        "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
                    },
                },
            },
        }
    },
}
MEANINGS = {
    "400": "The request cannot be read.",
    "403": "The session's cookie came without its CSRF token.",
    "404": "There is no such thing, or it belongs to somebody else.",
    "409": "The idempotency key was sent before with another call.",
    "415": "The body is neither JSON nor a form.",
    "422": "Something in it cannot be used. Nothing was saved.",
    "429": "Too many calls. Retry-After says when to go on.",
    "503": "No O*NET release is loaded.",
}

WITH_EVENT = {"/api/v1/feedback", "/api/v1/feedback/views"}
WITH_KEY = {"/api/v1/feedback"}
UNLIMITED = {"/api/v1/health"}
WITHOUT_RELEASE = WITH_EVENT | {"/api/v1/user/profile", "/api/v1/user/{profile_id}/history"}


def tell_errors(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Add to each call the errors that it can meet; drf-spectacular calls this when the schema is made."""
    result["components"]["schemas"]["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, calls in result["paths"].items():
        for call in calls.values():
            for status in _statuses(path, call):
                call["responses"][status] = {"content": content, "description": MEANINGS[status]}
    return result


def _statuses(path: str, call: dict[str, Any]) -> Iterator[str]:
    has_body, places = "requestBody" in call, {parameter["in"] for parameter in call.get("parameters", ())}
    yield "400"
    if has_body:
        yield "403"
    if "path" in places or path in WITH_EVENT:
        yield "404"
    if path in WITH_KEY:
        yield "409"
    if has_body:
        yield "415"
    if has_body or "query" in places:
        yield "422"
    if path not in UNLIMITED:
        yield "429"
    if path not in WITHOUT_RELEASE:
        yield "503"
