from django.urls import path

from occupations import views

app_name = "occupations"

urlpatterns = [path("data", views.release_status, name="release-status")]
