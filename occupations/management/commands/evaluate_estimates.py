from typing import Any

from django.core.management.base import BaseCommand, CommandError

from occupations.estimates import EstimateError
from occupations.evaluation import TooFewRatingsError, evaluate_estimates
from occupations.models import Element, Release

ROW = "{:<11}{:<18}{:>11}{:>10}{:>14}{:>10}"


class Command(BaseCommand):
    help = "Hide rated occupations one by one, estimate them, and print how far off that is."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            errors = {
                "Skills": evaluate_estimates(Element.Domain.SKILL),
                "Knowledge": evaluate_estimates(Element.Domain.KNOWLEDGE),
            }
        except TooFewRatingsError as error:
            raise CommandError(str(error)) from error
        release = Release.objects.filter(state=Release.State.ACTIVE).first()
        self.stdout.write(f"{release}: mean absolute error when each rated occupation is hidden in turn\n\n")
        self.stdout.write(ROW.format("", "", "occupations", "estimate", "overall mean", "less by"))
        for domain, found in errors.items():
            for line in rows(domain, found):
                self.stdout.write(line)


def rows(domain: str, error: EstimateError) -> list[str]:
    """Return a domain's rows: importance and level, of the estimate and of the mean over the other occupations."""
    return [
        ROW.format(domain, scale, f"{error.occupations:,}", f"{ours:.3f}", f"{mean:.3f}", f"{1 - ours / mean:.0%}")
        for scale, ours, mean in (
            ("importance (1-5)", error.importance, error.mean_importance),
            ("level (0-7)", error.level, error.mean_level),
        )
    ]
