from django.urls import path

from recommendations import views

app_name = "recommendations"

urlpatterns = [
    path("results/", views.results, name="results"),
    path("kept/", views.kept, name="kept"),
    path("occupations/<str:code>/", views.occupation, name="occupation"),
    path("plan/<str:code>/", views.plan, name="plan"),
    path("feedback/", views.feedback, name="feedback"),
    path("seen/", views.seen, name="seen"),
    path("method/", views.method, name="method"),
    path("method/<int:pk>/<str:name>.svg", views.evaluation_plot, name="evaluation_plot"),
]
