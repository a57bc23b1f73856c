"""All addresses: pages, the API, the admin."""

from django.contrib import admin
from django.urls import include, path, re_path

from skillsprout import api
from skillsprout.errors import api_not_found

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(api.urlpatterns)),
    re_path(r"^api/", api_not_found),
    path("", include("occupations.urls")),
    path("", include("profiles.urls")),
    path("", include("recommendations.urls")),
]

handler400 = "skillsprout.pages.bad_request"
handler500 = "skillsprout.pages.server_error"
