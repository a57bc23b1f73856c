"""Recommending and explaining, on the small world."""

import re
from dataclasses import replace

import numpy as np
import pytest
from django.core.exceptions import ObjectDoesNotExist

from occupations.models import CatalogueState, Element, Licence, Occupation, Rating, RelatedOccupation, Release
from occupations.services import NoReleaseError, forget_catalogue, get_catalogue
from profiles import services as profile_services
from profiles.models import Profile
from profiles.services import Answers
from recommendations import services
from recommendations.advice import Advice, Recommendation
from recommendations.models import RecommendationEvent
from tests.factories import (
    ARCHITECT,
    CASHIER,
    DEVELOPER,
    NURSE,
    NURSING_ASSISTANT,
    PRACTICAL_NURSE,
    SALESPERSON,
    TESTER,
    UNRATED,
    WELDER,
    make_profile,
    make_user,
    make_world,
    refresh_catalogue,
)
from tests.recommendations.listed import codes, everything

V1, V2 = services.MODELS
pytestmark = pytest.mark.django_db
both_models = pytest.mark.parametrize("model", services.MODELS)


@pytest.fixture(autouse=True)
def world() -> Release:
    return make_world()


def all_skills(rating: int) -> dict[str, int | None]:
    return dict.fromkeys(get_catalogue().jobs.skills.ids, rating)


def test_baseline_is_the_published_formula():
    ratings = {id_: number % 5 for number, id_ in enumerate(get_catalogue().jobs.skills.ids)}
    advice = services.recommend(Answers(ratings=ratings), model_version=V1, limit_per_bucket=100)
    assert len(codes(advice)) == 12
    for item in everything(advice):
        weight = match = gap = 0
        for rating in Rating.objects.filter(occupation=item.onet_code, element__domain=Element.Domain.SKILL):
            w = int((rating.importance - 1) / 4 * 100 + 0.5 + 1e-9)
            weight += w
            match += w * ratings[rating.element_id] / 4
            gap += w * (ratings[rating.element_id] <= 1)
        assert item.match_score == pytest.approx(100 * match / weight)
        assert item.gap_severity == pytest.approx(100 * gap / weight)
        assert item.score == item.match_score


def test_every_recommendation_carries_the_figures_of_the_baseline():
    answers = Answers(ratings=all_skills(3), current=NURSE)
    plain = {
        item.onet_code: item for item in everything(services.recommend(answers, model_version=V1, limit_per_bucket=100))
    }
    for item in everything(services.recommend(answers, model_version=V2, limit_per_bucket=100)):
        assert item.match_score == plain[item.onet_code].match_score
        assert item.gap_severity == plain[item.onet_code].gap_severity
        assert item.readiness is not None
        assert plain[item.onet_code].readiness is None


@both_models
def test_a_list_leaves_out_the_current_job_and_what_has_no_figures(model):
    advice = services.recommend(Answers(current=NURSE), model_version=model, limit_per_bucket=100)
    assert set(codes(advice)) == set(get_catalogue().jobs.codes) - {NURSE, UNRATED}
    assert sum(advice.totals.values()) == 11
    assert list(advice.buckets) == ["READY_NOW", "TRAINABLE", "LONG_RESKILL"]


@both_models
def test_a_tier_is_ordered_by_score_and_then_by_code(model):
    advice = services.recommend(Answers(current=NURSE), model_version=model, limit_per_bucket=100)
    for items in advice.buckets.values():
        assert [(-item.score, item.onet_code) for item in items] == sorted(
            (-item.score, item.onet_code) for item in items
        )
        assert [item.position for item in items] == list(range(1, len(items) + 1))


def test_ties_are_ordered_by_code():
    everybody_alike = services.recommend(Answers(ratings=all_skills(2)), model_version=V1, limit_per_bucket=100)
    assert {item.match_score for item in everything(everybody_alike)} == {50.0}
    assert codes(everybody_alike) == sorted(codes(everybody_alike))


@both_models
def test_limit_is_per_tier(model):
    advice = services.recommend(Answers(current=CASHIER), model_version=model, limit_per_bucket=2)
    assert all(len(items) <= 2 for items in advice.buckets.values())
    assert max(advice.totals.values()) > 2


@both_models
@pytest.mark.parametrize(
    "nothing",
    [
        Answers(),
        Answers(ratings={"2.A.1.a": None}),
        Answers(knowledge_ratings={"2.C.1.a": 3}),
        Answers(current=UNRATED),
        Answers(current="99-9999.00"),
        Answers(education=6, licences=("Registered nurse licence",)),
    ],
)
def test_an_empty_profile_gets_no_scores_but_advice(model, nothing):
    with pytest.raises(services.EmptyProfileError, match=r"[Rr]ate some of your skills"):
        services.recommend(nothing, model_version=model)


def test_a_past_job_says_enough_for_the_level_aware_model_only():
    assert everything(services.recommend(Answers(past=(NURSE,)), model_version=V2))
    with pytest.raises(services.EmptyProfileError):
        services.recommend(Answers(past=(NURSE,)), model_version=V1)


def test_unknown_model_is_named():
    with pytest.raises(services.UnknownModelError, match=r"v9.*v1_baseline"):
        services.recommend(Answers(current=NURSE), model_version="v9")


def test_without_data_it_says_how_to_load_some():
    CatalogueState.objects.all().delete()
    forget_catalogue()
    with pytest.raises(NoReleaseError):
        services.recommend(Answers(current=NURSE))


@both_models
def test_points_of_gaps_and_strengths_sum_to_what_is_missing(model):
    answers = Answers(ratings={"2.A.1.a": 4, "2.B.1.a": 0}, current=CASHIER)
    for item in everything(services.recommend(answers, model_version=model, limit_per_bucket=100)):
        points = [*item.gaps, *item.strengths]
        score = item.match_score if model == V1 else item.readiness
        assert sum(point.points for point in points) == pytest.approx(100 - score)
        shown = np.floor(score * 10 + 0.5) / 10
        assert round(sum(point.shown for point in points), 6) == round(100 - shown, 6)
        assert all(point.have < point.need for point in item.gaps)
        assert all(point.have >= point.need for point in item.strengths)
        costs = [point.points for point in item.gaps]
        assert costs == sorted(costs, reverse=True)


def test_assumed_ratings_are_marked_and_said():
    advice = services.recommend(Answers(ratings={"2.A.1.a": 4}, current=NURSE), limit_per_bucket=100)
    for item in everything(advice):
        for point in [*item.gaps, *item.strengths]:
            assert point.assumed == (point.element_id != "2.A.1.a")
    assert "You rated 1 of 35 skills." in advice.notes
    assert any("34 skills are assumed" in note and "Registered Nurses" in note for note in advice.notes)


def test_unrated_skills_without_a_job_are_zero_for_the_baseline_and_unknown_for_the_other():
    answers = Answers(ratings={"2.A.1.a": 4, "2.A.1.b": 3})
    baseline = services.recommend(answers, model_version=V1)
    assert any("33 skills are unrated and count as 0" in note for note in baseline.notes)
    level_aware = services.recommend(answers, model_version=V2)
    assert everything(level_aware) == []
    assert any("33 skills are unknown" in note for note in level_aware.notes)
    item = services.explain_occupation(answers, WELDER)
    assert item.bucket is None
    assert any("Rate more skills" in reason for reason in item.reasons)


def test_estimated_figures_are_said_to_be():
    item = services.explain_occupation(Answers(current=TESTER), ARCHITECT)
    assert item.estimated
    assert any("our estimate" in reason for reason in item.reasons)
    assert not services.explain_occupation(Answers(current=TESTER), DEVELOPER).estimated
    honest = profile_services.assumed_ratings(get_catalogue(), [TESTER], Element.Domain.SKILL)
    careful = Answers(ratings=dict(honest), current=TESTER)
    assert services.explain_occupation(careful, DEVELOPER).certainty == "high"
    assert services.explain_occupation(careful, ARCHITECT).certainty == "medium"


def test_what_is_not_known_of_knowledge_is_not_given_a_figure():
    ratings: dict[str, int | None] = {id_: n % 5 for n, id_ in enumerate(all_skills(0))}
    unknown = services.explain_occupation(Answers(ratings=ratings), NURSE)
    assert unknown.knowledge_readiness is None
    assert unknown.readiness is not None
    assert any("not told" in reason for reason in unknown.reasons)
    little = dict.fromkeys(get_catalogue().jobs.knowledge.ids[:8], 3)
    assert services.explain_occupation(Answers(ratings, little), NURSE).knowledge_readiness is None
    known = services.explain_occupation(Answers(ratings=ratings, current=CASHIER), NURSE)
    assert known.knowledge_readiness is not None


def test_somebody_who_rated_all_the_same_gets_low_certainty():
    advice = services.recommend(Answers(ratings=all_skills(4)), model_version=V2)
    assert everything(advice)
    assert {item.certainty for item in everything(advice)} == {"low"}
    assert any("the same" in note for note in advice.notes)


def test_lacking_licence_bars_the_tier_and_is_a_step_of_the_path():
    without = services.explain_occupation(Answers(ratings=all_skills(4), current=PRACTICAL_NURSE), NURSE)
    assert without.bucket == "LONG_RESKILL"  # 24 months are more than the 18 that a trainable job may take
    assert any("Registered nurse licence" in reason for reason in without.reasons)
    assert [licence.name for licence in without.training.licences] == ["Registered nurse licence"]
    assert without.training.months_low == 24
    assert "Registered nurse licence" in without.training.steps[-1]
    held = Answers(ratings=all_skills(4), current=PRACTICAL_NURSE, licences=("Registered nurse licence",), education=6)
    with_it = services.explain_occupation(held, NURSE)
    assert not any("licence" in reason for reason in with_it.reasons)
    assert with_it.training.licences == ()


def test_whoever_holds_a_licensed_job_has_its_licence():
    Licence.objects.get(name="Registered nurse licence").occupations.add(PRACTICAL_NURSE)
    refresh_catalogue(Release.objects.get())
    names = [
        licence.name
        for licence in services.explain_occupation(Answers(current=NURSE), PRACTICAL_NURSE).training.licences
    ]
    assert names == ["Practical nurse licence"]
    assert any("Registered nurse licence" in note for note in services.recommend(Answers(current=NURSE)).notes)


def test_training_names_kind_months_education_and_steps_in_order():
    training = services.explain_occupation(Answers(current=CASHIER), DEVELOPER).training
    assert (training.kind, training.months_low, training.months_high) == ("extended training or degree", 12, 48)
    shares = [share.percent for share in training.education]
    assert shares == sorted(shares, reverse=True)
    assert shares == [60, 30, 10]
    assert all(re.search(r"to [1-4] of 4", step) for step in training.steps)
    assert "estimate" in training.estimate.lower()


@pytest.mark.parametrize("current", [CASHIER, PRACTICAL_NURSE, TESTER, WELDER])
def test_the_smallest_change_does_what_it_says(current):
    answers = Answers(
        current=current,
        knowledge_ratings=dict.fromkeys(get_catalogue().jobs.knowledge.ids, 4),
        education=8,
        licences=tuple(Licence.objects.values_list("name", flat=True)),
    )
    named = {element.name: element.pk for element in Element.objects.all()}
    checked = 0
    for code in get_catalogue().jobs.codes:
        item = services.explain_occupation(answers, code)
        for reason in item.reasons:
            said = re.fullmatch(r"(.*\d) makes? this (Ready now|Trainable)\.", reason)
            if not said or "more skills" in reason:
                continue
            steps = re.findall(r"(?:^|, | and )(.+?) \d → (\d)", said[1])
            raised = {named[name]: int(rating) for name, rating in steps}
            after = services.explain_occupation(replace(answers, ratings=raised), code)
            assert after.bucket == {"Ready now": "READY_NOW", "Trainable": "TRAINABLE"}[said[2]]
            assert after.bucket != item.bucket
            checked += 1
    assert checked, "no change was said, so nothing was checked"


def test_a_figure_that_misses_its_bound_does_not_look_as_if_it_met_it():
    found = 0
    for item in everything(services.recommend(Answers(current=CASHIER), limit_per_bucket=100)):
        for reason in item.reasons:
            if said := re.search(r"needs ([\d.]+) of 100 points on its skills; you have ([\d.]+)\.", reason):
                found += 1
                assert float(said[2]) < float(said[1])
                assert item.readiness - 0.1 < float(said[2]) <= item.readiness
    assert found


def test_badge_of_related_jobs_is_never_an_input():
    def figures(advice: Advice) -> list[Recommendation]:
        return [replace(item, related=False) for item in everything(advice)]

    before = services.recommend(Answers(current=CASHIER), limit_per_bucket=100)
    assert {item.onet_code for item in everything(before) if item.related} >= {SALESPERSON}
    RelatedOccupation.objects.all().delete()
    RelatedOccupation.objects.create(occupation_id=CASHIER, related_id=DEVELOPER, tier="Primary-Short", index=1)
    refresh_catalogue(Release.objects.get())
    after = services.recommend(Answers(current=CASHIER), limit_per_bucket=100)
    assert figures(after) == figures(before)
    assert {item.onet_code for item in everything(after) if item.related} == {DEVELOPER}


def test_settings_move_the_tiers(settings):
    answers = Answers(current=CASHIER)
    before = services.recommend(answers, model_version=V2, limit_per_bucket=100)
    settings.V2_THRESHOLDS = settings.V2_THRESHOLDS | {
        "trainable_readiness": 0,
        "trainable_knowledge": 0,
        "trainable_shortfall": 8,
    }
    after = services.recommend(answers, model_version=V2, limit_per_bucket=100)
    assert after.totals != before.totals
    before = services.recommend(answers, model_version=V1, limit_per_bucket=100)
    settings.TRAINABLE_MATCH_THRESHOLD = settings.READY_NOW_MATCH_THRESHOLD = 0
    settings.READY_NOW_GAP_THRESHOLD = settings.TRAINABLE_GAP_THRESHOLD = 100
    after = services.recommend(answers, model_version=V1, limit_per_bucket=100)
    assert after.totals == {"READY_NOW": 11, "TRAINABLE": 0, "LONG_RESKILL": 0} != before.totals


def test_any_occupation_can_be_explained():
    profile = make_profile(CASHIER)
    advice = services.make_event(profile)
    event = RecommendationEvent.objects.get(pk=advice.event_id)
    for item in everything(advice):
        assert services.explain_occupation(profile, item.onet_code, event=event) == item
        assert services.explain_occupation(profile, item.onet_code) == replace(item, position=0)
    assert services.explain_occupation(profile, CASHIER).bucket == "READY_NOW"


def test_an_event_explains_with_its_own_answers_and_model():
    profile = make_profile(CASHIER)
    advice = services.make_event(profile, model_version=V1)
    profile_services.set_current_occupation(profile, DEVELOPER)
    item = everything(advice)[0]
    event = RecommendationEvent.objects.get(pk=advice.event_id)
    assert services.explain_occupation(profile, item.onet_code, event=event) == item
    now = services.explain_occupation(profile, item.onet_code)
    assert now.match_score != item.match_score
    assert now.readiness is not None


def test_no_score_without_figures():
    item = services.explain_occupation(make_profile(CASHIER), UNRATED)
    assert (item.bucket, item.match_score, item.gap_severity, item.score) == (None, None, None, None)
    assert item.reasons == ("O*NET has no figures for this occupation, so it cannot be scored.",)
    nobody = services.explain_occupation(make_profile(), NURSE)
    assert nobody.bucket is None
    assert nobody.score is None
    assert "Say which job you hold" in nobody.reasons[0]
    assert nobody.pay.wage_median == 86_070


def test_explaining_an_unknown_occupation_is_an_error():
    with pytest.raises(services.UnknownOccupationError, match=r"11-0000\.00"):
        services.explain_occupation(Answers(current=CASHIER), "11-0000.00")
    with pytest.raises(services.UnknownOccupationError):
        services.requirements(Answers(), "11-0000.00")


def test_requirements_list_all_elements_beside_the_persons():
    rows = services.requirements(Answers(ratings={"2.A.1.a": 2}, current=CASHIER), NURSE)
    assert [row.domain for row in rows] == ["skill"] * 35 + ["knowledge"] * 33
    first = rows[0]
    figures = Rating.objects.get(occupation=NURSE, element="2.A.1.a")
    assert (first.element_id, first.importance, first.need) == ("2.A.1.a", figures.importance, figures.level)
    assert (first.have, first.rating_have, first.assumed) == (3.0, 2, False)
    assert all(row.assumed and row.have is not None for row in rows[1:])
    assert any(row.core for row in rows)
    assert not all(row.core for row in rows)
    nobody = services.requirements(Answers(), NURSE)
    assert all(row.have is None and row.rating_have is None and not row.assumed for row in nobody)
    no_figures = services.requirements(Answers(current=CASHIER), UNRATED)
    assert all(row.need is None and row.importance is None and not row.core for row in no_figures)


def test_raising_a_skill_never_worsens_a_tier():
    rank = {"READY_NOW": 0, "TRAINABLE": 1, "LONG_RESKILL": 2}
    knows = dict.fromkeys(get_catalogue().jobs.knowledge.ids, 3)
    lower = services.recommend(Answers(all_skills(1), knows, current=WELDER), limit_per_bucket=100)
    higher = services.recommend(Answers(all_skills(3), knows, current=WELDER), limit_per_bucket=100)
    after = {item.onet_code: rank[item.bucket] for item in everything(higher)}
    assert all(after[item.onet_code] <= rank[item.bucket] for item in everything(lower))
    assert any(after[item.onet_code] < rank[item.bucket] for item in everything(lower))


def test_builders_make_valid_rows():
    make_profile(NURSE, user=make_user(), traffic=Profile.Traffic.DEMO).full_clean()
    for occupation in Occupation.objects.all():
        occupation.full_clean()
    with pytest.raises(ObjectDoesNotExist):
        Occupation.objects.get(pk="99-0000.00")
    assert NURSING_ASSISTANT in get_catalogue().row


def test_a_licence_stands_for_those_that_it_covers(world):
    nurse, practical = (Licence.objects.get(occupations=code) for code in (NURSE, PRACTICAL_NURSE))
    answers = Answers(current=NURSE)

    def lacks() -> tuple[str, ...]:
        training = services.explain_occupation(answers, PRACTICAL_NURSE).training
        return tuple(licence.name for licence in training.licences) if training else ()

    assert lacks() == (practical.name,)
    lesser = Licence.objects.create(name="In between", authority="state board", typical_months=1)
    nurse.covers.add(lesser)
    lesser.covers.add(practical)
    CatalogueState.advance()
    assert lacks() == ()
