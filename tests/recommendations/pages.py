"""Meeting the pages as a person does."""

from recommendations.models import RecommendationEvent

HTMX = {"HX-Request": "true"}


def use(client, profile):
    session = client.session
    session["profile"] = str(profile.pk)
    session.save()
    return profile


def text(response):
    return " ".join(response.content.decode().split())


def press(client, profile, code, action, **more):
    event = RecommendationEvent.objects.filter(profile=profile).latest("created_at")
    headers = more.pop("headers", {})
    return client.post("/feedback/", {"event": event.pk, "code": code, "action": action, **more}, headers=headers)
