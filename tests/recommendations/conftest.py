"""A small world, somebody in it, and a list that they were shown."""

import pytest

from occupations.models import Release
from profiles.models import Profile
from recommendations.models import RecommendationEvent
from tests.factories import CASHIER, DEVELOPER, NURSE, make_event, make_profile, make_world


@pytest.fixture
def world() -> Release:
    return make_world()


@pytest.fixture
def profile(world: Release) -> Profile:
    return make_profile(CASHIER)


@pytest.fixture
def event(profile: Profile) -> RecommendationEvent:
    return make_event(profile, codes=(NURSE, DEVELOPER))
