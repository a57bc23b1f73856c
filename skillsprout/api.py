"""The routes of the API, version 1, and what it says of itself."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

v1 = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="v1:schema"), name="docs"),
]

urlpatterns = [path("v1/", include((v1, "v1")))]
