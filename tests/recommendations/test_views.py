"""The lists, one occupation, the plan and the method page, as a person meets them."""

from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from occupations.models import Occupation, PayOutlook
from profiles.services import save_ratings
from recommendations import services
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.factories import (
    ARCHITECT,
    CASHIER,
    COOK,
    DEVELOPER,
    NURSE,
    PRACTICAL_NURSE,
    SALESPERSON,
    UNRATED,
    make_profile,
    make_world,
)
from tests.recommendations.pages import HTMX, text, use

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world():
    make_world()


class TestResults:
    def test_without_a_profile_it_starts_at_the_start(self, client):
        assert client.get("/results/").url == "/"

    def test_an_empty_profile_gets_kind_words_and_no_scores(self, client):
        use(client, make_profile())
        response = client.get("/results/")
        assert response.status_code == 200
        assert "Not planted yet" in text(response)
        assert not RecommendationEvent.objects.exists()

    def test_show_more_without_answers_leads_the_whole_browser_on(self, client):
        """A part of another page would take the place of the lists."""
        assert client.get("/results/?count=20", headers=HTMX).headers["HX-Redirect"] == "/"
        use(client, make_profile())
        assert client.get("/results/?count=20", headers=HTMX).headers["HX-Redirect"] == "/results/"

    def test_three_lists_with_cards_and_notes(self, client):
        use(client, make_profile(CASHIER))
        page = text(client.get("/results/"))
        for words in ("Ready now", "Trainable", "Long-term reskill", "assumed from what this work asks for: Cashiers"):
            assert words in page
        event = RecommendationEvent.objects.get()
        for item in event.items.select_related("occupation"):
            assert item.occupation.title in page

    def test_a_card_says_pay_outlook_and_preparation(self, client):
        use(client, make_profile(CASHIER))
        page = text(client.get("/results/"))
        assert "$33,680</strong> median pay a year" in page
        assert "growing 4 % 2023-2033" in page or "growing 5 % 2023-2033" in page
        assert "Learned in months" in page

    def test_badges_tell_estimates_and_what_onet_lists(self, client):
        use(client, make_profile(DEVELOPER))
        page = text(client.get("/results/"))
        assert "Figures estimated" in page
        assert "O*NET lists it as related" in page

    def test_a_missing_licence_is_told(self, client):
        use(client, make_profile(CASHIER))
        assert "Licence needed" in text(client.get("/results/"))

    def test_looking_again_makes_no_new_list(self, client):
        use(client, make_profile(CASHIER))
        client.get("/results/")
        client.get("/results/")
        assert RecommendationEvent.objects.count() == 1

    def test_changed_answers_make_a_new_list(self, client):
        profile = use(client, make_profile(CASHIER))
        client.get("/results/")
        save_ratings(profile, {"2.A.1.a": 4})
        client.get("/results/")
        assert RecommendationEvent.objects.count() == 2

    @override_settings(LIMIT_PER_BUCKET=1)
    def test_show_more_once_and_then_no_more(self, client):
        use(client, make_profile(CASHIER))
        assert "count=2" in text(client.get("/results/"))
        page = text(client.get("/results/", {"count": "60"}, headers=HTMX))
        assert page.startswith('<div id="tiers"')
        assert "Show more" not in page
        client.get("/results/", {"count": "60"})
        assert RecommendationEvent.objects.count() == 2
        assert RecommendedItem.objects.filter(event=RecommendationEvent.objects.latest("created_at")).count() == 11

    @pytest.mark.parametrize(
        "query", ["count=-1", "count=x", "count=99999999", "more_of=zz", "count=²", "count=" + "9" * 5000]
    )
    def test_nonsense_in_the_address_is_harmless(self, client, query):
        use(client, make_profile(CASHIER))
        assert client.get(f"/results/?{query}").status_code == 200
        assert RecommendationEvent.objects.count() == 1

    def test_both_models_have_a_page(self, client):
        with override_settings(MODEL_VERSION="v1_baseline"):
            use(client, make_profile(CASHIER))
            page = text(client.get("/results/"))
        assert "<dt>Match</dt>" in page
        assert "<dt>Fit</dt>" not in page

    def test_an_empty_list_has_kind_words(self, client):
        use(client, make_profile(None, {"2.A.1.a": 0, "2.A.1.b": 0}))
        assert "that is no verdict on you" in text(client.get("/results/"))

    def test_queries_do_not_grow_with_the_lists(self, client, django_assert_max_num_queries: DjangoAssertNumQueries):
        use(client, make_profile(CASHIER, {"2.A.1.a": 3}, past=(COOK,)))
        client.get("/results/")
        with django_assert_max_num_queries(14):
            client.get("/results/")


class TestBadges:
    @pytest.mark.parametrize(
        ("target", "probability", "interval", "words"),
        [
            ("interest", 0.23, (0.19, 0.28), "about 23 saved it or applied (likely 19 to 28)."),
            ("interest", 0.004, (0.001, 0.03), "fewer than 1 saved it or applied (likely 0 to 3)."),
            ("interest", 0.005, (0.0, 0.004), "fewer than 1 saved it or applied."),
            ("interest", 0.231, (0.2299, 0.2301), "about 23 saved it or applied."),
            (
                "outcome",
                0.03,
                (0.01, 0.06),
                "most of whom never applied, about 3 told us of an interview or an offer (likely 1 to 6).",
            ),
        ],
    )
    def test_they_say_of_whom_a_share_is(self, target, probability, interval, words):
        low, high = interval
        item = SimpleNamespace(
            calibrated_probability=probability, calibrated_low=low, calibrated_high=high, calibration_target=target
        )
        badges = " ".join(render_to_string("recommendations/badges.html", {"item": item}).split())
        assert f'<p class="likely"> Of 100 people with a match like yours who saw this job, {words} </p>' in badges


class TestOccupation:
    def test_it_works_without_a_profile(self, client):
        page = text(client.get(f"/occupations/{NURSE}/"))
        for words in (
            "Registered Nurses",
            "$86,070",
            "Give medicine to patients",
            "Registered nurse licence",
            "not checked by a curator yet",
            "See how close you are",
            "What it asks for",
            "Licensed Practical and Licensed Vocational Nurses",
        ):
            assert words in page
        assert "Your rating" not in page

    def test_a_person_sees_reasons_gaps_and_the_way_in(self, client):
        use(client, make_profile(CASHIER))
        client.get("/results/")
        page = text(client.get(f"/occupations/{SALESPERSON}/"))
        for words in ("Why we say so", "Points lost", "The way in", "beside you", "Your rating", "Baseline match"):
            assert words in page

    def test_points_shown_sum_to_what_is_missing(self, client):
        use(client, make_profile(CASHIER))
        recommendation = client.get(f"/occupations/{NURSE}/").context["recommendation"]
        assert sum(gap.shown for gap in recommendation.gaps) == pytest.approx(100 - recommendation.readiness, abs=0.06)

    def test_the_source_and_year_of_pay_are_told(self, client):
        assert "BLS OEWS" in text(client.get(f"/occupations/{NURSE}/"))

    def test_missing_pay_is_told(self, client):
        PayOutlook.objects.all().delete()
        assert "No pay is published" in text(client.get(f"/occupations/{NURSE}/"))

    def test_the_page_of_an_estimate_says_so(self, client):
        assert "Figures estimated" in text(client.get(f"/occupations/{ARCHITECT}/"))

    def test_an_occupation_without_figures_can_be_read_about(self, client):
        use(client, make_profile(CASHIER))
        page = text(client.get(f"/occupations/{UNRATED}/"))
        assert "Air Crew Officers" in page
        assert "cannot be scored" in page

    def test_a_retired_one_can_still_be_read_about(self, client):
        Occupation.objects.filter(pk=COOK).update(retired=True)
        assert client.get(f"/occupations/{COOK}/").status_code == 200

    def test_hidden_and_unknown_ones_are_404(self, client):
        Occupation.objects.filter(pk=COOK).update(hidden=True)
        for code in (COOK, "99-9999.99", "nonsense"):
            assert client.get(f"/occupations/{code}/").status_code == 404

    def test_opening_from_a_list_is_noted_once(self, client):
        use(client, make_profile(CASHIER))
        client.get("/results/")
        code = RecommendedItem.objects.first().occupation_id
        client.get(f"/occupations/{code}/?opened")
        client.get(f"/occupations/{code}/?opened")
        assert Feedback.objects.get().action == "click"

    def test_what_was_not_in_a_list_has_no_buttons(self, client):
        use(client, make_profile(CASHIER))
        assert 'name="action"' not in text(client.get(f"/occupations/{NURSE}/"))

    def test_the_chart_has_a_title_and_its_numbers_a_table(self, client):
        page = text(client.get(f"/occupations/{NURSE}/"))
        assert 'role="img"' in page
        assert "<title>Skill levels that the job asks for" in page
        assert "Level asked, 0-7" in page

    def test_queries_are_bounded(self, client, django_assert_max_num_queries: DjangoAssertNumQueries):
        use(client, make_profile(CASHIER))
        client.get("/results/")
        with django_assert_max_num_queries(24):
            client.get(f"/occupations/{SALESPERSON}/")


class TestSomethingDifferent:
    @pytest.fixture
    def profile(self, client, settings):
        settings.EXPLORATION_EPSILON = 1
        settings.LIMIT_PER_BUCKET = 2
        profile = use(client, make_profile(CASHIER))
        for seed in range(20):
            services.make_event(profile, limit_per_bucket=2, enable_exploration=True, seed=seed)
            if RecommendedItem.objects.filter(is_exploration=True).exists():
                return profile
        raise AssertionError("No lot fell on another job than the best")

    def test_it_is_labelled_explained_and_can_be_switched_off_from_there(self, client, profile):
        drawn = RecommendedItem.objects.get(is_exploration=True)
        for address in ("/results/", f"/occupations/{drawn.occupation_id}/"):
            page = text(client.get(address))
            assert page.count("Something a little different") == page.count("Drawn by lot from further down") == 1
            assert 'href="/check/#id_allow_exploration"' in page
        assert 'id="id_allow_exploration"' in text(client.get("/check/"))

    def test_switched_off_there_are_no_more(self, client, profile):
        client.post("/check/", {})
        page = text(client.get("/results/"))
        assert "Something a little different" not in page
        assert "Drawn by lot" not in page


class TestPlan:
    def test_it_names_steps_and_licences(self, client):
        use(client, make_profile(CASHIER))
        page = text(client.get(f"/plan/{PRACTICAL_NURSE}/"))
        for words in ("My plan to become", "Steps, basics first", "Practical nurse licence", "Where I stand"):
            assert words in page

    def test_without_a_profile_it_starts_at_the_start(self, client):
        assert client.get(f"/plan/{NURSE}/").url == "/"

    def test_nothing_to_go_by_is_told(self, client):
        use(client, make_profile())
        assert "too little to go by" in text(client.get(f"/plan/{NURSE}/"))

    def test_unknown_occupation_is_404(self, client):
        use(client, make_profile(CASHIER))
        assert client.get("/plan/99-9999.99/").status_code == 404


class TestMethod:
    def test_it_tells_the_bounds_in_force_and_the_limits(self, client):
        page = text(client.get("/method/"))
        for words in ("v2_level", "v1_baseline", "Skills met 85 % or more", "Vacancies", "Discrimination", "CC BY 4.0"):
            assert words in page

    def test_the_bounds_are_the_settings(self, client):
        with override_settings(READY_NOW_MATCH_THRESHOLD=77.5):
            assert "match 77.5 or more" in text(client.get("/method/"))


class TestErrors:
    def test_500_needs_neither_database_nor_context(self, client, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError("broken on purpose")

        client.raise_request_exception = False
        monkeypatch.setattr("recommendations.views.thresholds_in_force", broken)
        response = client.get("/method/")
        assert response.status_code == 500
        assert "Something broke on our side" in text(response)

    def test_the_policy_holds_on_these_pages_too(self, client):
        use(client, make_profile(CASHIER))
        for url in ("/results/", f"/occupations/{SALESPERSON}/", f"/plan/{SALESPERSON}/", "/method/"):
            page = client.get(url).content.decode()
            assert " style=" not in page
            assert "<script>" not in page
            assert "O*NET 29.3 Database" in page
