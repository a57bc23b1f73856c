"""What people say of a job on the pages: saved, applied for, heard back from, hidden, taken back."""

from datetime import timedelta

import pytest
from django.template.defaultfilters import slugify
from django.utils import timezone

from profiles.models import Profile
from profiles.services import save_ratings
from recommendations import services
from recommendations.models import Feedback, RecommendationEvent, RecommendedItem
from tests.factories import (
    CASHIER,
    NURSE,
    SALESPERSON,
    UNRATED,
    make_event,
    make_feedback,
    make_profile,
    make_world,
)
from tests.recommendations.pages import HTMX, press, text, use

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world():
    make_world()


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
