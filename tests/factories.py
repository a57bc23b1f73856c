"""Plain builders for tests: a small world of work, people, lists of recommendations."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings
from factory import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from occupations.catalogue import forget_catalogue, write_snapshot
from occupations.models import (
    AlternateTitle,
    CatalogueState,
    EducationShare,
    Element,
    Licence,
    Occupation,
    PayOutlook,
    Rating,
    RelatedOccupation,
    Release,
    SoftwareSkill,
    Task,
)
from profiles.models import ElementRating, HeldJob, Profile, User
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem, Tier

NURSE = "29-1141.00"
PRACTICAL_NURSE = "29-2061.00"
NURSING_ASSISTANT = "31-1131.00"
HEALTH_MANAGER = "11-9111.00"
GENERAL_MANAGER = "11-1021.00"
DEVELOPER = "15-1252.00"
TESTER = "15-1253.00"
ARCHITECT = "15-1299.08"
SALESPERSON = "41-2031.00"
CASHIER = "41-2011.00"
COOK = "35-2014.00"
WELDER = "51-4121.00"
UNRATED = "55-1011.00"


@dataclass(frozen=True)
class WorldJob:
    """One occupation of the small world; `general` is the level (0-7) that its figures lie around."""

    code: str
    title: str
    zone: int | None
    family: str
    general: float
    alternates: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    pay: int | None = None
    estimated: bool = False


WORLD = (
    WorldJob(GENERAL_MANAGER, "General and Operations Managers", 4, "office", 3.9, ("Store Manager",)),
    WorldJob(
        HEALTH_MANAGER,
        "Medical and Health Services Managers",
        5,
        "health",
        4.3,
        ("Clinic Manager", "Nursing Director"),
        ("Direct the nursing staff of a hospital or clinic.", "Plan the budget of a clinic."),
        110_680,
    ),
    WorldJob(
        DEVELOPER,
        "Software Developers",
        4,
        "tech",
        4.0,
        ("Programmer", "Software Engineer (SWE)"),
        ("Write software and fix faults in it.", "Test software before it is released."),
        132_270,
    ),
    WorldJob(
        TESTER,
        "Software Quality Assurance Analysts and Testers",
        4,
        "tech",
        3.7,
        ("QA Tester",),
        ("Test software before it is released.", "Report faults in software."),
        101_800,
    ),
    WorldJob(ARCHITECT, "Computer Systems Engineers/Architects", 4, "tech", 4.2, estimated=True),
    WorldJob(
        NURSE,
        "Registered Nurses",
        3,
        "health",
        3.8,
        ("Registered Nurse (RN)", "Staff Nurse"),
        ("Give medicine to patients and watch their condition.", "Keep records of patients' care."),
        86_070,
    ),
    WorldJob(
        PRACTICAL_NURSE,
        "Licensed Practical and Licensed Vocational Nurses",
        3,
        "health",
        3.3,
        ("Licensed Practical Nurse (LPN)",),
        ("Give medicine to patients.", "Measure the blood pressure of patients."),
        59_730,
    ),
    WorldJob(
        NURSING_ASSISTANT,
        "Nursing Assistants",
        2,
        "health",
        2.5,
        ("Certified Nursing Assistant (CNA)",),
        ("Help patients to wash, dress and eat.", "Measure the blood pressure of patients."),
        38_200,
    ),
    WorldJob(COOK, "Cooks, Restaurant", 2, "trade", 2.1, ("Line Cook",), ("Cook food to order.",), 35_780),
    WorldJob(
        CASHIER,
        "Cashiers",
        2,
        "sales",
        1.9,
        ("Checkout Operator",),
        ("Take payment from customers.", "Answer customers' questions."),
        29_720,
    ),
    WorldJob(
        SALESPERSON,
        "Retail Salespersons",
        2,
        "sales",
        2.4,
        ("Shop Assistant",),
        ("Answer customers' questions.", "Recommend goods to customers."),
        33_680,
    ),
    WorldJob(WELDER, "Welders, Cutters, Solderers, and Brazers", 3, "trade", 2.5, ("Welder",), ("Weld metal.",)),
    WorldJob(UNRATED, "Air Crew Officers", None, "none", 0),
)

# What a family of jobs asks for above or below its general level, by the beginning of an element's id.
EMPHASIS = {
    "office": {"2.B.1": 0.8, "2.B.5": 1.2, "2.B.3": -1.5, "2.C.1": 1.5},
    "health": {"2.B.1": 0.9, "2.B.3": -1.3, "2.C.5": 2.0, "2.C.7": 0.5},
    "tech": {"2.B.3": 0.9, "2.B.1": -0.5, "2.C.3": 1.6, "2.C.4": 0.4},
    "sales": {"2.B.1": 0.9, "2.B.3": -1.2, "2.C.1": 0.9},
    "trade": {"2.B.3": 0.9, "2.B.1": -0.4, "2.A.1": -0.4, "2.C.2": 1.4},
}

RELATED = {
    NURSE: (PRACTICAL_NURSE, NURSING_ASSISTANT, HEALTH_MANAGER),
    PRACTICAL_NURSE: (NURSE, NURSING_ASSISTANT),
    DEVELOPER: (TESTER, ARCHITECT),
    CASHIER: (SALESPERSON, COOK),
}

LICENCES = {
    "Registered nurse licence": (NURSE, 24),
    "Practical nurse licence": (PRACTICAL_NURSE, 12),
}


def make_elements() -> list[Element]:
    """Make the 35 skills and 33 knowledge areas in our own words."""
    entries = json.loads((settings.BASE_DIR / "fixtures" / "elements.json").read_text())
    return Element.objects.bulk_create(Element(**entry) for entry in entries)


def make_world(*, version: str = "29.3") -> Release:
    """Make an active release of a dozen rated occupations and one without figures; its figures are invented."""
    release = Release.objects.create(
        source=Release.Source.STARTER,
        version=version,
        state=Release.State.ACTIVE,
        finished=datetime(2026, 1, 2, tzinfo=UTC),
    )
    elements = make_elements()
    Occupation.objects.bulk_create(
        Occupation(
            code=job.code,
            onet_title=job.title,
            onet_zone=job.zone,
            ratings_from=_ratings_from(job),
            first_release=version,
            last_release=version,
        )
        for job in WORLD
    )
    Rating.objects.bulk_create(
        rating for number, job in enumerate(WORLD) for rating in _ratings(job, number, elements, release)
    )
    AlternateTitle.objects.bulk_create(
        AlternateTitle(occupation_id=job.code, title=title) for job in WORLD for title in job.alternates
    )
    Task.objects.bulk_create(
        Task(occupation_id=job.code, task_id=100 * number + i, text=text, core=True)
        for number, job in enumerate(WORLD)
        for i, text in enumerate(job.tasks)
    )
    RelatedOccupation.objects.bulk_create(
        RelatedOccupation(occupation_id=code, related_id=other, tier="Primary-Short", index=index)
        for code, others in RELATED.items()
        for index, other in enumerate(others, 1)
    )
    EducationShare.objects.bulk_create(
        EducationShare(occupation_id=job.code, level=level, percent=percent)
        for job in WORLD
        if job.zone
        for level, percent in ((job.zone + 1, 60.0), (job.zone + 2, 30.0), (job.zone + 3, 10.0))
    )
    PayOutlook.objects.bulk_create(
        PayOutlook(
            soc=job.code[:7],
            employment=1000 * (number + 1),
            wage_p10=job.pay // 2,
            wage_median=job.pay,
            wage_p90=2 * job.pay,
            wage_year=2023,
            wage_source="BLS OEWS",
            growth_percent=4.5,
            annual_openings=200,
            outlook_years="2023-2033",
            outlook_source="BLS Employment Projections",
        )
        for number, job in enumerate(WORLD)
        if job.pay
    )
    SoftwareSkill.objects.create(occupation_id=DEVELOPER, name="Python", category="Languages", hot=True)
    for name, (code, months) in LICENCES.items():
        licence = Licence.objects.create(name=name, authority="state board", typical_months=months)
        licence.occupations.add(Occupation.objects.get(pk=code))
    refresh_catalogue(release)
    return release


def make_copies(code: str, codes: Iterable[str]) -> None:
    """Make occupations with the figures of another one; they are in the catalogue after `refresh_catalogue`."""
    figures = list(Rating.objects.filter(occupation=code))
    for copy in codes:
        OccupationFactory.create(code=copy, ratings_from=Occupation.RatingsFrom.ONET)
        for rating in figures:
            rating.pk, rating.occupation_id = None, copy
        Rating.objects.bulk_create(figures)


def refresh_catalogue(release: Release) -> None:
    """Store the catalogue anew after a test has changed what it is built from."""
    write_snapshot(release)
    CatalogueState.advance()
    forget_catalogue()


def _ratings_from(job: WorldJob) -> str:
    if not job.general:
        return Occupation.RatingsFrom.NONE
    return Occupation.RatingsFrom.ESTIMATE if job.estimated else Occupation.RatingsFrom.ONET


def _ratings(job: WorldJob, number: int, elements: list[Element], release: Release) -> list[Rating]:
    if not job.general:
        return []
    own = np.random.default_rng(number)
    ratings = []
    for element, noise in zip(elements, own.uniform(-0.6, 0.6, len(elements)), strict=True):
        base = job.general if element.domain == Element.Domain.SKILL else 0.55 * job.general
        emphasis = EMPHASIS[job.family].get(element.id[:5], 0.0)
        level = float(np.clip(base + emphasis + noise, 0, 7))
        importance = float(np.clip(2.4 + 0.9 * emphasis + 0.8 * noise + 0.12 * job.general, 1, 5))
        ratings.append(
            Rating(
                occupation_id=job.code,
                element=element,
                level=round(level, 2),
                importance=round(importance, 2),
                not_relevant=level < 0.3,
                estimated_from=[DEVELOPER, TESTER] if job.estimated else None,
                release=release,
            )
        )
    return ratings


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence(lambda n: f"person{n}")


class OccupationFactory(DjangoModelFactory[Occupation]):
    """An occupation without figures; it is in the catalogue after `refresh_catalogue`."""

    class Meta:
        model = Occupation

    code = Sequence(lambda n: f"99-{n:04d}.00")
    onet_title = LazyAttribute(lambda job: f"Workers {job.code}")
    onet_zone = 3


class ProfileFactory(DjangoModelFactory[Profile]):
    class Meta:
        model = Profile

    traffic = Profile.Traffic.TEST


class EventFactory(DjangoModelFactory[RecommendationEvent]):
    class Meta:
        model = RecommendationEvent

    profile = SubFactory(ProfileFactory)
    model_version = "v1_baseline"
    catalogue_revision = LazyFunction(
        lambda: CatalogueState.objects.filter(pk=1).values_list("revision", flat=True).first() or 0
    )
    release_version = "29.3"
    limit_per_bucket = 10


class ItemFactory(DjangoModelFactory[RecommendedItem]):
    class Meta:
        model = RecommendedItem

    event = SubFactory(EventFactory)
    tier = Tier.READY_NOW
    position = LazyAttribute(lambda item: item.event.items.filter(tier=item.tier).count() + 1)
    base_score = 80.0
    match_score = 80.0
    gap_severity = 10.0


class FeedbackFactory(DjangoModelFactory[Feedback]):
    class Meta:
        model = Feedback

    item = SubFactory(ItemFactory)
    action = Feedback.Action.SAVE


def make_user(**overrides: Any) -> User:
    return UserFactory.create(**overrides)


def make_profile(
    current: str | None = None,
    ratings: Mapping[str, int | None] | None = None,
    *,
    past: tuple[str, ...] = (),
    **overrides: Any,
) -> Profile:
    """Make a person: a current job, ratings by element id (skills and knowledge alike), past jobs."""
    profile = ProfileFactory.create(**overrides)
    HeldJob.objects.bulk_create(
        HeldJob(profile=profile, occupation_id=code, current=code == current)
        for code in dict.fromkeys([*([current] if current else []), *past])
    )
    ElementRating.objects.bulk_create(
        ElementRating(profile=profile, element_id=element, rating=rating) for element, rating in (ratings or {}).items()
    )
    return profile


def make_event(profile: Profile, *, codes: tuple[str, ...] = (), **overrides: Any) -> RecommendationEvent:
    """Make a stored list with these occupations, all Ready now, without scoring anything."""
    event = EventFactory.create(profile=profile, **overrides)
    for code in codes:
        ItemFactory.create(event=event, occupation_id=code)
    return event


def make_feedback(item: RecommendedItem, action: str = Feedback.Action.SAVE, **overrides: Any) -> Feedback:
    return FeedbackFactory.create(item=item, action=action, **overrides)
