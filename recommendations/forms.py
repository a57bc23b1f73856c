"""What a person can add to a press of a button: the day on which it happened."""

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

from recommendations.models import Feedback


class OutcomeForm(forms.Form):
    """What happened on another day than today. Whether the day can be is for the service to say."""

    action = forms.ChoiceField(
        label="What happened",
        choices=[
            (Feedback.Action.APPLY, "I applied"),
            (Feedback.Action.INTERVIEW, "I had an interview"),
            (Feedback.Action.OFFER, "I got an offer"),
        ],
    )
    day = forms.DateField(
        label="On which day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Please say on which day it was.",
            "invalid": "That is not a date. Write it like 2026-03-31.",
        },
    )

    def happened_at(self) -> datetime:
        """Return a moment of the day given: its noon, or now if that is the present day somewhere on earth."""
        day, today = self.cleaned_data["day"], timezone.localdate()
        # Where it is later than here, the person's day may have begun already.
        if today <= day <= today + timedelta(days=1):
            return timezone.now()
        return timezone.make_aware(datetime.combine(day, time(12)))
