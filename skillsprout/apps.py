from django.apps import AppConfig


class SkillSproutConfig(AppConfig):
    name = "skillsprout"
