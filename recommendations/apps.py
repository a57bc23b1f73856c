from importlib import import_module

from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "recommendations"

    def ready(self) -> None:
        # Not before: it needs the models.
        import_module("recommendations.checks")
