"""Tasks that the buttons of the admin hand to the workers."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

AWAY = "The queue does not answer, so nothing was started. See whether Redis runs, and try again."


def queue(request: HttpRequest, send: Callable[[], object], said: str) -> None:
    """Hand a task to the workers and tell the operator so, or that the queue is away.

    Args:
        request: The press of the button.
        send: What hands the task over, such as its `delay`.
        said: The message where that went well.
    """
    try:
        transaction.on_commit(send)
    except OperationalError:
        messages.error(request, AWAY)
    else:
        messages.success(request, said)
