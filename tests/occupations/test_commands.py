"""What `warm_cache` and `evaluate_estimates` print."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from occupations.models import Occupation, Rating, RelatedOccupation
from tests.factories import DEVELOPER, NURSE, PRACTICAL_NURSE, UNRATED, make_world, refresh_catalogue

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> list[str]:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


class TestWarmCache:
    def test_says_what_is_ready(self):
        make_world()
        estimated = Occupation.objects.filter(ratings_from="estimate").count()
        rated = Occupation.objects.filter(ratings_from="onet").count()
        (line,) = told("warm_cache")
        assert re.fullmatch(
            rf"O\*NET 29\.3 \(Starter set\) is ready in \d+\.\d\d s: {estimated + rated + 1} occupations, "
            rf"{rated} rated, {estimated} estimated\.",
            line,
        )

    def test_describes_the_named_ones(self):
        release = make_world()
        Occupation.objects.filter(code=NURSE).update(curated_title="Nurses", hidden=True)
        Occupation.objects.filter(code=DEVELOPER).update(ratings_from="estimate")
        refresh_catalogue(release)
        zone = Occupation.objects.get(code=NURSE).zone
        _, nurse, developer, unrated = told("warm_cache", NURSE, DEVELOPER, UNRATED)
        assert nurse == f"{NURSE}  Nurses: job zone {zone}, rated, hidden by a curator"
        assert developer.endswith(", estimated")
        assert unrated == f"{UNRATED}  Air Crew Officers: no job zone, no data"

    def test_lists_all_unknown_codes(self):
        make_world()
        with pytest.raises(CommandError, match=r"code 11-0000\.00, 99-9999\.99 in"):
            told("warm_cache", "99-9999.99", NURSE, "11-0000.00")

    def test_without_data(self):
        with pytest.raises(CommandError, match="seed_demo"):
            told("warm_cache")


class TestEvaluateEstimates:
    def test_compares_the_estimate_with_the_overall_mean(self):
        make_world()
        lines = told("evaluate_estimates")
        assert lines[0].startswith("O*NET 29.3 (Starter set): mean absolute error")
        rows = [line.split() for line in lines[-4:]]
        assert [row[:2] for row in rows] == [
            ["Skills", "importance"],
            ["Skills", "level"],
            ["Knowledge", "importance"],
            ["Knowledge", "level"],
        ]
        for row in rows:
            ours, mean = float(row[4]), float(row[5])
            assert 0 < ours < 7
            assert float(row[6][:-1]) / 100 == pytest.approx(1 - ours / mean, abs=0.01)

    def test_the_first_of_the_related_list_is_the_nearest(self):
        make_world()
        for rating in Rating.objects.filter(occupation=NURSE):
            Rating.objects.filter(occupation=PRACTICAL_NURSE, element=rating.element_id).update(
                importance=rating.importance, level=rating.level
            )
        first = float(told("evaluate_estimates")[-3].split()[4])
        RelatedOccupation.objects.filter(occupation=NURSE, related=PRACTICAL_NURSE).update(index=20)
        assert float(told("evaluate_estimates")[-3].split()[4]) > first

    def test_our_own_estimates_are_no_yardstick(self):
        make_world()
        before = int(told("evaluate_estimates")[-4].split()[3])
        Rating.objects.filter(occupation=NURSE).update(estimated_from=[DEVELOPER])
        assert int(told("evaluate_estimates")[-4].split()[3]) == before - 1

    def test_without_data(self):
        with pytest.raises(CommandError, match="Too few rated"):
            told("evaluate_estimates")
