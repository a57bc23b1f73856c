from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from profiles import views

app_name = "profiles"

urlpatterns = [
    path("", views.start, name="start"),
    path("resume/<uuid:profile_id>/", views.resume, name="resume"),
    path("rate/knowledge/", views.rate_knowledge, name="rate-knowledge"),
    path("rate/", views.rate, name="rate"),
    path("rate/<slug:group>/", views.rate, name="rate"),
    path("history/", views.history, name="history"),
    path("check/", views.check, name="check"),
    path("forget/", views.forget, name="forget"),
    path("account/", views.account, name="account"),
    path("account/claim/", views.claim, name="claim"),
    path("account/signup/", views.signup, name="signup"),
    path(
        "account/login/",
        LoginView.as_view(
            template_name="profiles/login.html", next_page="profiles:account", redirect_authenticated_user=True
        ),
        name="login",
    ),
    path("account/logout/", LogoutView.as_view(), name="logout"),
]
