"""What people may know about the data that they are advised by."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from occupations import services


@require_GET
def release_status(request: HttpRequest) -> HttpResponse:
    return render(request, "occupations/release_status.html", services.release_status())
