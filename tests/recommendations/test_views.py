"""The lists, one occupation, the plan and the method page, as a person meets them."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.template.defaultfilters import slugify
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from occupations.models import Occupation, PayOutlook
from profiles.models import Profile
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
    make_event,
    make_feedback,
    make_profile,
    make_world,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def world():
    make_world()


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


class TestFeedback:
    @pytest.fixture
    def profile(self, client):
        profile = use(client, make_profile(CASHIER))
        client.get("/results/")
        return profile

    def test_without_scripts_it_goes_back_to_the_card_and_says_what_came_of_it(self, client, profile):
        place = f"/results/#card-{slugify(SALESPERSON)}"
        lists = client.get("/results/").content.decode()
        assert f'name="next" value="{place}"' in lists
        assert f'id="card-{slugify(SALESPERSON)}"' in lists
        for pressed, words in (
            ({"action": "save"}, "Saved: Retail Salespersons."),
            ({"action": "undo"}, "Taken back: Retail Salespersons."),
            ({"action": "undo"}, "There was nothing to take back: Retail Salespersons."),
            ({"action": "apply"}, "Applied: Retail Salespersons."),
            ({"action": "hide"}, "Hidden: Retail Salespersons. You find it under Your jobs."),
            ({"action": "", "undoes": "hide"}, "No longer hidden: Retail Salespersons."),
        ):
            assert press(client, profile, SALESPERSON, next=place, **pressed).url == place
            assert f'<ul class="messages"> <li>{words}</li> </ul>' in text(client.get("/results/"))

    def test_with_scripts_no_message_waits_for_the_next_page(self, client, profile):
        press(client, profile, SALESPERSON, "save", brief="1", headers=HTMX)
        assert 'class="messages"' not in text(client.get("/results/"))

    def test_it_never_leads_to_another_site(self, client, profile):
        response = press(client, profile, SALESPERSON, "save", next="https://elsewhere.example/")
        assert response.url == f"/occupations/{SALESPERSON}/"

    @pytest.mark.parametrize("place", ["foo", "results", "occupations:nothing"])
    def test_a_place_that_is_no_address_of_ours_breaks_nothing(self, client, profile, place):
        assert press(client, profile, SALESPERSON, "save", next=place).status_code == 302
        assert Feedback.objects.get().action == "save"

    def test_with_scripts_it_answers_with_the_buttons(self, client, profile):
        page = text(press(client, profile, SALESPERSON, "save", brief="1", headers=HTMX))
        assert page.startswith('<div class="reactions"')
        assert 'aria-pressed="true"' in page
        assert "Undo" in page
        assert f'id="save-{slugify(SALESPERSON)}"' in page

    def test_each_action_is_kept_with_its_list(self, client, profile):
        for action in ("save", "apply", "interview", "offer"):
            press(client, profile, SALESPERSON, action)
        kept = Feedback.objects.order_by("pk").values_list("action", flat=True)
        assert list(kept) == ["save", "apply", "interview", "offer"]

    def test_a_second_press_is_one_feedback(self, client, profile):
        press(client, profile, SALESPERSON, "save")
        press(client, profile, SALESPERSON, "save")
        assert Feedback.objects.count() == 1

    def test_undo_takes_back_the_newest(self, client, profile):
        press(client, profile, SALESPERSON, "save")
        press(client, profile, SALESPERSON, "apply")
        # What the page notes by itself is nothing to take back.
        client.get(f"/occupations/{SALESPERSON}/?opened")
        press(client, profile, SALESPERSON, "undo")
        assert {one.action for one in Feedback.objects.in_force()} == {"save", "click"}

    def test_an_older_list_does_not_speak_for_newer_answers(self, client, profile):
        newest = RecommendationEvent.objects.filter(profile=profile).latest("created_at")
        save_ratings(profile, dict.fromkeys(("2.A.1.a", "2.A.1.b", "2.A.1.d"), 4))
        page = client.get(f"/occupations/{SALESPERSON}/")
        shown = page.context["recommendation"]
        profile.refresh_from_db()
        assert shown == services.explain_occupation(profile, SALESPERSON)
        assert shown != services.explain_occupation(profile, SALESPERSON, event=newest)

    def test_undo_with_nothing_to_undo_is_harmless(self, client, profile):
        assert press(client, profile, SALESPERSON, "undo").status_code == 302

    def test_undo_reaches_an_older_list(self, client, profile):
        press(client, profile, SALESPERSON, "save")
        save_ratings(profile, {"2.A.1.a": 4})
        client.get("/results/")
        press(client, profile, SALESPERSON, "undo")
        assert not Feedback.objects.in_force().exists()

    def test_hiding_folds_the_card_and_undo_brings_it_back(self, client, profile):
        page = text(press(client, profile, SALESPERSON, "hide", brief="1", headers=HTMX))
        assert "will not be suggested again" in page
        assert "autofocus" in page
        page = text(press(client, profile, SALESPERSON, "undo", brief="1", headers=HTMX))
        assert "will not be suggested again" not in page

    @pytest.mark.parametrize(
        ("code", "action"), [(UNRATED, "save"), (SALESPERSON, "cheer"), ("", "save"), (f"{NURSE}\0", "save")]
    )
    def test_what_no_button_sends_is_422(self, client, profile, code, action):
        response = press(client, profile, code, action)
        assert response.status_code == 422
        assert not Feedback.objects.exists()

    def test_a_second_press_on_a_newer_list_is_one_feedback(self, client, profile):
        press(client, profile, SALESPERSON, "save")
        save_ratings(profile, {"2.A.1.a": 4})
        client.get("/results/")
        press(client, profile, SALESPERSON, "save")
        assert Feedback.objects.count() == 1

    def test_undo_takes_it_back_in_all_lists(self, client, profile):
        for event in (make_event(profile, codes=(SALESPERSON,)), make_event(profile, codes=(SALESPERSON,))):
            make_feedback(event.items.get(), "hide")
        press(client, profile, SALESPERSON, "undo")
        assert not Feedback.objects.in_force().exists()

    def test_another_person_s_list_is_out_of_reach(self, client, profile):
        other = make_event(make_profile(CASHIER), codes=(SALESPERSON, UNRATED))
        client.post("/feedback/", {"event": other.pk, "code": SALESPERSON, "action": "save"})
        assert Feedback.objects.get().item.event.profile == profile
        assert client.post("/feedback/", {"event": other.pk, "code": UNRATED, "action": "save"}).status_code == 422
        assert Feedback.objects.count() == 1

    def test_without_a_profile_it_is_gone(self, client):
        item = make_event(make_profile(CASHIER), codes=(NURSE,)).items.get()
        response = client.post("/feedback/", {"event": item.event_id, "code": NURSE, "action": "save"})
        assert response.status_code == 410
        assert "Your answers are no longer kept in this browser. Nothing was noted." in text(response)
        assert not Feedback.objects.exists()

    @pytest.mark.parametrize("action", ["save", "undo"])
    def test_whose_answers_are_deleted_at_that_moment_is_told_too(self, client, profile, action, monkeypatch):
        monkeypatch.setattr("recommendations.views.mark_staff", lambda *_: Profile.objects.all().delete())
        assert press(client, profile, SALESPERSON, action).status_code == 410

    def test_somebody_else_s_feedback_is_not_shown(self, client, profile):
        other = make_event(make_profile(CASHIER), codes=(SALESPERSON,))
        make_feedback(other.items.get())
        assert "aria-pressed" not in text(client.get("/results/"))


class TestOutcomes:
    PAGE = f"/occupations/{SALESPERSON}/"

    @pytest.fixture
    def profile(self, client):
        profile = use(client, make_profile(CASHIER))
        client.get("/results/")
        return profile

    def day(self, days_ago):
        return (timezone.localdate() - timedelta(days=days_ago)).isoformat()

    def test_another_day_than_today_can_be_given(self, client, profile):
        assert "It was on another day" in text(client.get(self.PAGE))
        assert press(client, profile, SALESPERSON, "interview", day=self.day(20)).url == self.PAGE
        told = Feedback.objects.get()
        assert (told.action, timezone.localdate(told.happened_at).isoformat()) == ("interview", self.day(20))
        assert f'Had an interview on <time datetime="{self.day(20)}' in text(client.get(self.PAGE))

    def test_another_date_corrects_the_first_even_when_a_newer_list_shows_the_job(self, client, profile):
        press(client, profile, SALESPERSON, "offer", day=self.day(20))
        save_ratings(profile, {"2.A.1.a": 4})
        client.get("/results/")
        press(client, profile, SALESPERSON, "offer", day=self.day(10))
        told = Feedback.objects.in_force().get()
        assert timezone.localdate(told.happened_at).isoformat() == self.day(10)
        assert Feedback.objects.exclude(withdrawn_at=None).count() == 1

    def test_today_is_a_day_too(self, client, profile):
        press(client, profile, SALESPERSON, "apply", day=self.day(0))
        assert Feedback.objects.get().happened_at <= timezone.now()

    @pytest.mark.parametrize(
        ("day", "words"),
        [
            ("2999-01-01", "That day is still to come."),
            ("1999-12-31", "more than five years ago"),
            ("soon", "That is not a date."),
            ("", "Please say on which day it was."),
        ],
    )
    def test_a_day_that_cannot_be_is_told_and_nothing_is_lost(self, client, profile, day, words):
        press(client, profile, SALESPERSON, "apply")
        whole = press(client, profile, SALESPERSON, "interview", day=day)
        part = press(client, profile, SALESPERSON, "interview", day=day, headers=HTMX)
        assert (whole.status_code, part.status_code) == (422, 200)
        for page in (text(whole), text(part)):
            assert words in page
            assert '<details class="another-day" open>' in page
            assert '<option value="interview" selected>' in page
            assert not day or f'value="{day}"' in page
            assert "Noted." not in page
        assert "What people do in it" in text(whole)
        assert Feedback.objects.get().action == "apply"

    def test_today_may_be_tomorrow_here(self, client, profile):
        """In Sydney the day begins while the server's evening goes on."""
        assert press(client, profile, SALESPERSON, "offer", day=self.day(-1)).status_code == 302
        assert Feedback.objects.get().happened_at <= timezone.now()

    def test_the_day_after_tomorrow_is_still_to_come(self, client, profile):
        assert press(client, profile, SALESPERSON, "offer", day=self.day(-2)).status_code == 422

    @pytest.mark.parametrize(
        ("first", "then", "words"),
        [
            ("apply", "interview", "the day you applied"),
            ("apply", "offer", "the day you applied"),
            ("interview", "offer", "the day of your interview"),
        ],
    )
    def test_an_outcome_before_what_leads_to_it_is_kept_and_asked_about(self, client, profile, first, then, words):
        press(client, profile, SALESPERSON, first, day=self.day(10))
        day = timezone.localdate() - timedelta(days=10)
        remark = f"That is before {words} ({day.day} {day:%B %Y}). Is it right?"
        part = press(client, profile, SALESPERSON, then, day=self.day(11), headers=HTMX)
        assert f'<p class="nudge" role="status">Noted. {remark}</p>' in text(part)
        whole = text(client.get(press(client, profile, SALESPERSON, then, day=self.day(12)).url))
        assert f": Retail Salespersons. {remark}</li>" in whole
        assert services.feedback_in_force(profile) == {SALESPERSON: {first, then}}

    @pytest.mark.parametrize(
        ("first", "then"), [("apply", "interview"), ("interview", "apply"), ("offer", "interview"), ("save", "offer")]
    )
    def test_an_outcome_on_the_same_day_or_before_what_does_not_lead_to_it_is_not(self, client, profile, first, then):
        press(client, profile, SALESPERSON, first, day=self.day(10))
        days_ago = 10 if first == "apply" else 11
        part = text(press(client, profile, SALESPERSON, then, day=self.day(days_ago), headers=HTMX))
        assert "Noted." in part
        assert "Is it right?" not in part

    def test_each_outcome_can_be_taken_back(self, client, profile):
        for action in ("apply", "interview", "offer"):
            press(client, profile, SALESPERSON, action)
        page = text(client.get(self.PAGE))
        assert all(f'name="undoes" value="{action}"' in page for action in ("apply", "interview", "offer"))
        page = text(press(client, profile, SALESPERSON, "", undoes="interview", headers=HTMX))
        assert "Had an interview on" not in page
        assert "Taken back." in page
        assert services.feedback_in_force(profile) == {SALESPERSON: {"apply", "offer"}}

    def test_what_no_button_takes_back_changes_nothing(self, client, profile):
        press(client, profile, SALESPERSON, "apply")
        make_feedback(RecommendedItem.objects.filter(occupation=SALESPERSON).first(), "view")
        for undoes in ("view", "offer", "nonsense"):
            assert press(client, profile, SALESPERSON, "", undoes=undoes).status_code == 302
        assert services.feedback_in_force(profile) == {SALESPERSON: {"apply", "view"}}

    def test_a_card_of_the_lists_asks_for_no_day(self, client, profile):
        press(client, profile, SALESPERSON, "apply", brief="1")
        for page in (client.get("/results/"), press(client, profile, SALESPERSON, "save", brief="1", headers=HTMX)):
            assert "another-day" not in text(page)
            assert "Take back" not in text(page)

    def test_a_press_needs_a_bounded_number_of_queries(self, client, profile, django_assert_max_num_queries):
        with django_assert_max_num_queries(14):
            press(client, profile, SALESPERSON, "offer", day=self.day(3), headers=HTMX)


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
