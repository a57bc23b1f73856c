"""How the API reads the body of a request."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import exceptions, parsers


class JSONParser(parsers.JSONParser):
    """Refuses JSON that is nested too deep, like any other that cannot be read."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError(
                "The JSON is nested too deep: lists within lists, or objects within objects. See /api/v1/docs for what "
                "to send."
            ) from None
