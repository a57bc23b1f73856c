"""The wizard's pages as a person meets them, with scripts and without."""

from uuid import uuid4

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from occupations.models import CatalogueState, Licence, Release
from occupations.services import forget_catalogue
from profiles.models import ElementRating, HeldJob, Profile, User
from tests.factories import (
    CASHIER,
    COOK,
    DEVELOPER,
    NURSE,
    UNRATED,
    make_profile,
    make_user,
    make_world,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
READING, WRITING = "2.A.1.a", "2.A.1.c"
GROUPS = ("content", "process", "social", "problem-solving", "technical", "systems", "resources")


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


class TestStart:
    def test_first_page_asks_for_the_job_and_carries_the_credit(self, client):
        page = text(client.get("/"))
        assert "Find your job" in page
        assert "O*NET 29.3 Database" in page
        assert "Scores are ours" in page

    def test_it_says_where_the_answers_are_kept_and_that_they_are_learnt_from(self, client):
        page = text(client.get("/"))
        assert "kept on our server, and we learn from them which suggestions help" in page
        assert 'href="/method/#learning"' in page
        assert 'id="learning"' in text(client.get("/method/"))

    def test_looking_around_creates_no_profile(self, client):
        client.get("/", {"q": "nurse"})
        assert not Profile.objects.exists()

    def test_search_shows_the_alternate_title_that_matched(self, client):
        page = text(client.get("/", {"q": "programmer"}))
        assert "Software Developers" in page
        assert "also called Programmer" in page

    def test_typing_gets_only_the_hits(self, client):
        response = client.get("/", {"q": "programmer"}, headers=HTMX)
        assert response.content.strip().startswith(b'<div id="hits"')
        assert "HX-Request" in response["Vary"]

    def test_a_boosted_link_gets_the_whole_page(self, client):
        assert b"<!DOCTYPE html>" in client.get("/", headers={**HTMX, "HX-Boosted": "true"}).content

    def test_nothing_found_says_what_to_do(self, client):
        assert "Try another word" in text(client.get("/", {"q": "zzzzqqq"}))

    def test_what_was_typed_is_escaped(self, client):
        assert "<script>alert" not in client.get("/", {"q": "<script>alert(1)</script>"}).content.decode()

    def test_choosing_a_job_makes_a_profile_and_goes_on(self, client):
        response = client.post("/", {"code": CASHIER}, follow=True)
        assert response.redirect_chain[-1][0] == "/rate/content/"
        assert HeldJob.objects.get().occupation_id == CASHIER

    def test_choosing_again_keeps_the_profile(self, client):
        client.post("/", {"code": CASHIER})
        client.post("/", {"code": NURSE})
        assert Profile.objects.count() == 1
        assert HeldJob.objects.get().occupation_id == NURSE

    def test_skipping_makes_a_profile_without_a_job(self, client):
        assert client.post("/", {"code": ""}).url == "/rate/"
        assert not HeldJob.objects.exists()

    @pytest.mark.parametrize("body", [{}, {"code": "99-9999.99"}, {"code": "no code at all"}])
    def test_a_job_that_is_none_is_422_and_leaves_nothing(self, client, body):
        response = client.post("/", body)
        assert response.status_code == 422
        assert "We could not use that" in text(response)
        assert not Profile.objects.exists()
        assert "profile" not in client.session

    def test_welcome_back_to_the_place_that_was_left(self, client):
        use(client, make_profile(CASHIER))
        client.get("/rate/social/")
        assert 'href="/rate/social/">Go on where you left off' in text(client.get("/"))

    def test_without_data_it_says_so(self, client):
        Release.objects.update(state=Release.State.SUPERSEDED)
        CatalogueState.objects.all().delete()
        forget_catalogue()
        response = client.get("/")
        assert response.status_code == 503
        assert "manage.py seed_demo" in text(response)


class TestRate:
    def test_without_a_profile_it_starts_at_the_start(self, client):
        assert client.get("/rate/content/").url == "/"
        assert client.get("/rate/content/", headers=HTMX)["HX-Redirect"] == "/"

    def test_unknown_group_is_404(self, client):
        use(client, make_profile(CASHIER))
        response = client.get("/rate/cooking/")
        assert response.status_code == 404
        assert "Nothing grows here" in text(response)

    def test_every_group_has_its_skills_as_native_radio_buttons(self, client):
        use(client, make_profile())
        counts = [client.get(f"/rate/{group}/").content.decode().count("<fieldset") for group in GROUPS]
        assert counts == [6, 4, 6, 1, 11, 3, 4]

    def test_suggestions_are_marked_and_not_chosen(self, client):
        use(client, make_profile(NURSE))
        page = text(client.get("/rate/content/"))
        assert page.count("Suggested by your job") == 6
        assert "checked" not in page

    def test_next_saves_only_what_was_chosen(self, client):
        profile = use(client, make_profile(NURSE))
        response = client.post("/rate/content/", {READING: "3", WRITING: "unsure", "next": "1"})
        assert response.url == "/rate/process/"
        assert dict(profile.ratings.values_list("element_id", "rating")) == {READING: 3, WRITING: None}
        page = text(client.get("/rate/content/"))
        assert page.count("checked") == 2
        assert page.count("Suggested by your job") == 4

    def test_confirming_saves_the_suggestions_and_keeps_what_was_chosen(self, client):
        profile = use(client, make_profile(NURSE))
        client.post("/rate/content/", {READING: "0", "confirm": "content"})
        ratings = dict(profile.ratings.values_list("element_id", "rating"))
        assert len(ratings) == 6
        assert ratings[READING] == 0
        assert ratings[WRITING] is not None

    def test_a_choice_is_saved_at_once_and_answers_with_the_progress(self, client):
        profile = use(client, make_profile(NURSE))
        response = client.post("/rate/content/", {READING: "4"}, headers=HTMX)
        assert response.content.strip().startswith(b'<div id="progress"')
        assert "1 of 35" in text(response)
        assert "Saved" in text(response)
        assert profile.ratings.get().rating == 4

    @pytest.mark.parametrize("rating", ["5", "-1", "2.5", "four", "NaN"])
    def test_a_rating_that_is_none_is_422_and_saves_nothing(self, client, rating):
        use(client, make_profile(NURSE))
        response = client.post("/rate/content/", {READING: rating, WRITING: "2"})
        assert response.status_code == 422
        assert not ElementRating.objects.exists()

    def test_elements_of_other_pages_are_ignored(self, client):
        use(client, make_profile(NURSE))
        client.post("/rate/content/", {"2.C.1.a": "3", "9.Z.9": "1"})
        assert not ElementRating.objects.exists()

    def test_the_last_group_leads_to_the_history(self, client):
        use(client, make_profile())
        assert client.post("/rate/resources/", {}).url == "/history/"

    def test_queries_do_not_grow_with_ratings(self, client, django_assert_max_num_queries: DjangoAssertNumQueries):
        use(client, make_profile(NURSE, {READING: 2, WRITING: 3}, past=(COOK, CASHIER)))
        client.get("/rate/content/")
        with django_assert_max_num_queries(8):
            client.get("/rate/content/")


class TestKnowledge:
    def test_all_areas_are_on_the_page(self, client):
        use(client, make_profile(NURSE))
        assert client.get("/rate/knowledge/").content.decode().count("<fieldset") == 33

    def test_it_saves_knowledge_and_confirms_a_group(self, client):
        profile = use(client, make_profile(NURSE))
        response = client.post("/rate/knowledge/", {"2.C.1.a": "1", "confirm": "health-services"})
        assert response.url == "/rate/knowledge/#health-services"
        assert set(profile.ratings.values_list("element_id", flat=True)) == {"2.C.1.a", "2.C.5.a", "2.C.5.b"}

    def test_a_skill_is_no_knowledge(self, client):
        use(client, make_profile(NURSE))
        client.post("/rate/knowledge/", {READING: "3"})
        assert not ElementRating.objects.exists()


class TestHistory:
    def test_adding_a_job_loses_nothing_else_on_the_page(self, client):
        profile = use(client, make_profile(NURSE))
        licence = Licence.objects.get(name="Practical nurse licence")
        body = {"education": "6", "licences": [licence.pk], "add": COOK}
        assert client.post("/history/", body).url == "/history/#past-jobs"
        profile.refresh_from_db()
        assert profile.education == 6
        assert profile.licences.get() == licence
        assert profile.jobs.get(current=False).occupation_id == COOK
        assert "Cooks, Restaurant" in text(client.get("/history/"))

    def test_removing_a_job(self, client):
        profile = use(client, make_profile(NURSE, past=(COOK, CASHIER)))
        client.post("/history/", {"education": "", "remove": COOK})
        assert [job.occupation_id for job in profile.jobs.filter(current=False)] == [CASHIER]

    def test_education_can_be_taken_back(self, client):
        profile = use(client, make_profile(NURSE, education=6))
        assert client.post("/history/", {"education": ""}).url == "/check/"
        profile.refresh_from_db()
        assert profile.education is None

    def test_licences_near_the_jobs_come_first(self, client):
        use(client, make_profile(NURSE))
        page = text(client.get("/history/"))
        assert page.index("Registered nurse licence") < page.index("All licences we know of")
        assert page.index("Practical nurse licence") > page.index("All licences we know of")

    def test_an_unknown_job_is_422(self, client):
        use(client, make_profile(NURSE))
        assert client.post("/history/", {"education": "", "add": "99-9999.99"}).status_code == 422

    def test_impossible_education_shows_the_form_again(self, client):
        profile = use(client, make_profile(NURSE))
        response = client.post("/history/", {"education": "77"})
        assert response.status_code == 200
        assert "errorlist" in text(response)
        profile.refresh_from_db()
        assert profile.education is None

    def test_search_gets_only_the_hits(self, client):
        use(client, make_profile(NURSE))
        response = client.get("/history/", {"q": "cook"}, headers=HTMX)
        assert response.content.strip().startswith(b'<div id="hits"')
        assert 'name="add"' in text(response)


class TestCheck:
    def test_it_shows_what_was_said_and_what_is_assumed(self, client):
        use(client, make_profile(NURSE, {READING: 4, WRITING: None}, past=(COOK,), education=6))
        page = text(client.get("/check/"))
        for words in ("Registered Nurses", "Cooks, Restaurant", "Bachelor", "not sure", "assumed", "2 rated"):
            assert words in page

    def test_the_exploration_can_be_declined(self, client):
        profile = use(client, make_profile(NURSE))
        assert client.post("/check/", {}).url == "/results/"
        profile.refresh_from_db()
        assert not profile.allow_exploration

    def test_an_empty_profile_is_told_so(self, client):
        use(client, make_profile())
        assert "there is nothing to go by yet" in text(client.get("/check/"))

    def test_a_job_without_figures_assumes_nothing(self, client):
        use(client, make_profile(UNRATED))
        page = text(client.get("/check/"))
        assert "Air Crew Officers" in page
        assert "assumed</span>" not in page

    def test_queries_are_bounded(self, client, django_assert_max_num_queries: DjangoAssertNumQueries):
        use(client, make_profile(NURSE, {READING: 4}, past=(COOK, CASHIER, DEVELOPER)))
        client.get("/check/")
        with django_assert_max_num_queries(8):
            client.get("/check/")

    def test_deleting_the_answers(self, client):
        use(client, make_profile(NURSE))
        assert "deleted" in text(client.post("/forget/", follow=True))
        assert not Profile.objects.exists()
        assert client.get("/check/").url == "/"


class TestResume:
    def test_the_link_brings_an_anonymous_person_back(self, client):
        profile = make_profile(CASHIER)
        assert client.get(f"/resume/{profile.pk}/").url == "/check/"
        assert "Cashiers" in text(client.get("/check/"))

    def test_the_link_is_shown(self, client):
        profile = use(client, make_profile(CASHIER))
        assert f"http://testserver/resume/{profile.pk}/" in text(client.get("/check/"))

    def test_an_unknown_one_is_404(self, client):
        assert client.get(f"/resume/{uuid4()}/").status_code == 404

    def test_a_claimed_one_asks_for_its_account(self, client):
        profile = make_profile(CASHIER, user=make_user())
        assert client.get(f"/resume/{profile.pk}/").url == f"/account/login/?next=/resume/{profile.pk}/"

    def test_a_stranger_gets_404(self, client):
        profile = make_profile(CASHIER, user=make_user())
        client.force_login(make_user())
        assert client.get(f"/resume/{profile.pk}/").status_code == 404

    def test_a_session_loses_a_profile_that_somebody_else_claimed(self, client):
        profile = use(client, make_profile(CASHIER))
        Profile.objects.filter(pk=profile.pk).update(user=make_user())
        assert client.get("/check/").url == "/"


class TestAccount:
    BODY = {"username": "ada", "password1": "growing-slowly-7", "password2": "growing-slowly-7"}

    def test_signing_up_keeps_the_answers(self, client):
        profile = use(client, make_profile(CASHIER))
        assert client.post("/account/signup/", self.BODY).url == "/account/"
        profile.refresh_from_db()
        assert profile.user is not None
        assert profile.user.username == "ada"
        assert "Cashiers" in text(client.get("/check/"))

    def test_going_back_only_to_our_own_pages(self, client):
        response = client.post("/account/signup/", self.BODY | {"next": "https://elsewhere.example/"})
        assert response.url == "/account/"

    def test_a_place_that_is_no_address_of_ours_breaks_nothing(self, client):
        assert client.post("/account/signup/", self.BODY | {"next": "foo"}).status_code == 302
        assert User.objects.get().username == "ada"

    def test_a_weak_password_shows_the_form_again(self, client):
        response = client.post("/account/signup/", self.BODY | {"password1": "123", "password2": "123"})
        assert response.status_code == 200
        assert "errorlist" in text(response)

    def test_logging_in_finds_the_account_s_answers(self, client):
        user = make_user()
        user.set_password("growing-slowly-7")
        user.save()
        make_profile(NURSE, user=user)
        client.post("/account/login/", {"username": user.username, "password": "growing-slowly-7"})
        assert "Registered Nurses" in text(client.get("/check/"))

    def test_claiming_what_was_said_before(self, client):
        profile, user = use(client, make_profile(CASHIER)), make_user()
        client.force_login(user)
        use(client, profile)
        assert "Keep them in my account" in text(client.get("/account/"))
        client.post("/account/claim/")
        profile.refresh_from_db()
        assert profile.user == user

    def test_the_account_page_needs_one(self, client):
        assert client.get("/account/").url == "/account/login/?next=/account/"

    def test_logging_out_forgets_the_answers_here(self, client):
        user = make_user()
        client.force_login(user)
        use(client, make_profile(CASHIER, user=user))
        client.post("/account/logout/")
        assert client.get("/check/").url == "/"


class TestPages:
    def test_the_policy_forbids_inline_code(self, client):
        use(client, make_profile(NURSE))
        for url in ("/", "/rate/content/", "/rate/knowledge/", "/history/", "/check/", "/account/login/"):
            response = client.get(url)
            page = response.content.decode()
            assert "default-src 'self'" in response["Content-Security-Policy"]
            assert " style=" not in page
            assert "<script>" not in page
            assert " onclick=" not in page

    def test_a_form_without_its_token_gets_a_kind_page(self, client):
        strict = type(client)(enforce_csrf_checks=True)
        response = strict.post("/", {"code": CASHIER})
        assert response.status_code == 403
        assert "That took a little too long" in text(response)

    def test_wrong_methods_are_refused(self, client):
        assert client.get(reverse("profiles:forget")).status_code == 405
        assert client.post(reverse("profiles:resume", args=[uuid4()])).status_code == 405
