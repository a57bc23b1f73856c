"""The wizard in a real browser: from the first page to feedback, by keyboard alone, and for everybody."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_core_python.selenium import Axe
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from occupations.models import Occupation
from profiles.models import ElementRating, HeldJob, Profile
from recommendations.models import Feedback
from tests.browser.conftest import ONLINE
from tests.factories import (
    CASHIER,
    NURSE,
    SALESPERSON,
    make_event,
    make_feedback,
    make_profile,
    make_world,
    refresh_catalogue,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIZARD = ("/", "/?q=nurse", "/rate/content/", "/rate/knowledge/", "/history/?q=cook", "/check/", "/results/")
OTHERS = (
    "/kept/",
    f"/occupations/{NURSE}/",
    f"/plan/{NURSE}/",
    "/method/",
    "/account/login/",
    "/account/signup/",
    "/nowhere/",
)
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true })"
# What sticks out to the right, except what scrolls on its own or is hidden on purpose. The window's own width would not
# do: a telephone widens it to what it shows.
TOO_WIDE = """
return [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > arguments[0] + 1 && !e.closest(".scroller, .visually-hidden, svg"))
  .map((e) => e.tagName + "." + e.className)
"""


@pytest.fixture(autouse=True)
def world():
    return make_world()


class Site:
    """A site under test and the browser that looks at it."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        self.url = url

    def open(self, path: str) -> None:
        self.browser.get(self.url + path)

    def one(self, selector: str) -> WebElement:
        return self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector))[0]

    def wait(self, condition):
        """Return the condition's value once it is true; what a swap has replaced meanwhile is looked up again."""
        patience = WebDriverWait(self.browser, 10, ignored_exceptions=[StaleElementReferenceException])
        return patience.until(lambda _: condition())

    def wait_for_path(self, path: str) -> None:
        self.wait(lambda: self.browser.current_url == self.url + path)

    def resume(self, profile: Profile) -> None:
        self.open(f"/resume/{profile.pk}/")

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def focused(self) -> WebElement:
        return self.browser.switch_to.active_element

    def tab_to(self, selector: str, at_most: int = 60) -> WebElement:
        """Press Tab until an element that matches has the focus."""
        for _ in range(at_most):
            self.press(Keys.TAB)
            if self.browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
                return self.focused()
        raise AssertionError(f"Tab does not reach {selector}")

    def emulate(self, width: int, scheme: str) -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )

    @contextmanager
    def offline(self) -> Iterator[None]:
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE | {"offline": True})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)

    def complaints(self) -> list[str]:
        """Return what the browser's console holds against us: refused code and failed scripts above all."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if "favicon" not in entry["message"] and "/nowhere/" not in entry["message"]
        ]


@pytest.fixture
def site(browser, live_server):
    return Site(browser, live_server.url)


def test_from_the_first_page_to_feedback(site):
    site.open("/")
    site.one("#q").send_keys("chekout operator")
    site.wait(lambda: "Cashiers" in site.one("#hits").text)
    assert "also called Checkout Operator" in site.one("#hits").text
    site.one(".hit").click()
    site.wait_for_path("/rate/content/")

    site.one(".choice input[value='3']").click()
    site.wait(lambda: "1 of 35" in site.one("#progress").text)
    assert ElementRating.objects.get().rating == 3
    for _ in range(7):
        path = site.browser.current_url
        site.one("button[name=confirm]").click()
        site.wait(lambda before=path: site.browser.current_url != before)
    site.wait_for_path("/history/")
    site.one(".page-actions button").click()
    site.wait_for_path("/check/")
    site.one(".go button").click()
    site.wait_for_path("/results/")

    site.one(".card .reaction[value=save]").click()
    site.wait(lambda: "Saved" in site.one(".card .reaction.is-done").text)
    site.one(".card .reactions .quiet").click()
    site.wait(lambda: not site.browser.find_elements(By.CSS_SELECTOR, ".reaction.is-done"))
    assert not Feedback.objects.in_force().exists()

    site.one(".card .reaction[value=hide]").click()
    site.wait(lambda: "will not be suggested again" in site.one(".card").text)
    site.wait(lambda: site.focused().text.startswith("Undo"))

    title = site.one(".card h3 a").get_attribute("textContent").strip()
    site.open(site.one(".card h3 a").get_attribute("href").removeprefix(site.url))
    assert title == site.one("h1").text
    assert site.complaints() == []


def test_by_keyboard_alone(site):
    site.open("/")
    site.press(Keys.TAB)
    assert site.focused().text == "Skip to the content"
    site.tab_to("#q")
    site.press("cashier")
    site.wait(lambda: site.browser.find_elements(By.CSS_SELECTOR, ".hit"))
    site.press(Keys.ARROW_DOWN)
    assert "hit" in site.focused().get_attribute("class")
    site.press(Keys.ENTER)
    site.wait_for_path("/rate/content/")
    assert HeldJob.objects.get().occupation_id == CASHIER

    site.tab_to(".choice input")
    site.press(Keys.SPACE)
    site.press(Keys.ARROW_RIGHT)
    site.press(Keys.ARROW_RIGHT)
    site.wait(lambda: [rating.rating for rating in ElementRating.objects.all()] == [2])
    # Saving swaps the progress alone, so the focus stays where it is.
    assert site.focused().get_attribute("value") == "2"
    site.tab_to("button[name=next]")
    site.press(Keys.ENTER)
    site.wait_for_path("/rate/process/")

    site.open("/results/")
    site.tab_to(".reaction[value=save]")
    site.press(Keys.ENTER)
    site.wait(lambda: Feedback.objects.filter(action="save").exists())
    site.wait(lambda: site.focused().get_attribute("value") == "save")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark"), (320, "light")])
def test_no_serious_barrier_and_nothing_too_wide(site, world, width, scheme):
    site.emulate(width, scheme)
    Occupation.objects.filter(pk=NURSE).update(curated_title="Nurses" * 17)
    refresh_catalogue(world)
    profile = make_profile(CASHIER, {"2.A.1.a": 3, "2.A.1.b": None}, education=2)
    event = make_event(profile, codes=(NURSE, SALESPERSON))
    for item, action in zip(event.items.all(), ("apply", "hide"), strict=True):
        make_feedback(item, action)
    site.resume(profile)
    for path in (*WIZARD, *OTHERS):
        site.open(path)
        assert site.browser.execute_script(TOO_WIDE, width) == [], path
        site.browser.execute_script(OPEN_ALL)
        found = Axe().run(site.browser)
        assert len(found["passes"]) > 10, path
        serious = [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], path
    assert site.complaints() == []


def test_show_more_keeps_the_page_and_adds_cards(site, settings):
    settings.LIMIT_PER_BUCKET = 1
    site.resume(make_profile(CASHIER))
    site.open("/results/")
    before = len(site.browser.find_elements(By.CSS_SELECTOR, ".card"))
    site.one(".tier-more a").click()
    site.wait(lambda: len(site.browser.find_elements(By.CSS_SELECTOR, ".card")) > before)
    site.wait_for_path("/results/")


def test_whoever_asks_for_more_by_keyboard_goes_on_at_the_first_that_came(site, settings):
    settings.LIMIT_PER_BUCKET = 1
    settings.EXPLORATION_EPSILON = 0
    site.resume(make_profile(CASHIER))
    site.open("/results/")
    total = int(site.one("#long_reskill .tier-count").text.removeprefix("1 of "))
    assert total > 2
    for shown in range(2, total + 1):
        site.browser.execute_script("arguments[0].focus()", site.one("#more-long_reskill"))
        site.press(Keys.ENTER)
        status = site.one("#more-shown[role=status]")
        site.wait(lambda n=shown, said=status: said.get_attribute("textContent") == f"1 more shown, {n} of {total}.")
        titles = site.browser.find_elements(By.CSS_SELECTOR, "#long_reskill .card h3 a")
        assert len(titles) == shown
        assert site.focused() == titles[-1]
    assert not site.browser.find_elements(By.CSS_SELECTOR, "#more-long_reskill")
    assert site.complaints() == []


def test_more_that_could_not_be_loaded_is_told_where_it_was_asked_for(site, settings):
    settings.LIMIT_PER_BUCKET = 1
    site.resume(make_profile(CASHIER))
    site.open("/results/")
    with site.offline():
        site.one("#more-long_reskill").click()
        words = "Could not load more. Please try again."
        site.wait(lambda: site.one("#long_reskill .tier-more [role=alert]").text == words)
    site.one("#more-long_reskill").click()
    site.wait(lambda: not site.browser.find_elements(By.CSS_SELECTOR, ".failed"))


def test_what_could_not_be_saved_does_not_look_saved(site):
    profile = make_profile(CASHIER)
    site.resume(profile)
    site.open("/rate/content/")
    with site.offline():
        site.one(".choice input").click()
        site.wait(lambda: "Not saved: we could not be reached." in site.one("#progress").text)
    assert not profile.ratings.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("document.cookie = 'csrftoken=; path=/; max-age=0'", "you logged in or out in another tab"),
        ("document.querySelector('.card [name=code]').value = '55-1011.00'", "this page is out of date"),
    ],
)
def test_what_was_refused_says_why(site, change, words):
    site.resume(make_profile(CASHIER))
    site.open("/results/")
    site.browser.execute_script(change)
    site.one(".card .reaction[value=save]").click()
    site.wait(lambda: site.one(".card .failed").text.startswith(f"Not saved: {words}"))
    assert not Feedback.objects.exists()


def test_whose_answers_were_deleted_in_another_tab_is_told(site, settings):
    settings.LIMIT_PER_BUCKET = 1
    profile = make_profile(CASHIER)
    site.resume(profile)
    site.open("/results/")
    profile.delete()
    site.one(".card .reaction[value=save]").click()
    words = "Your answers are no longer kept in this browser. Nothing was noted."
    site.wait(lambda: site.one(".card .failed").text == words)
    site.one(".tier-more a").click()
    site.wait_for_path("/")


def test_who_makes_an_account_in_another_tab_can_go_on_in_this_one(site):
    site.resume(make_profile(CASHIER))
    site.open("/results/")
    first = site.browser.current_window_handle
    site.browser.switch_to.new_window("tab")
    site.open("/account/signup/")
    site.one("[name=username]").send_keys("robin")
    site.one("[name=password1]").send_keys("a long walk in the rain")
    site.one("[name=password2]").send_keys("a long walk in the rain")
    site.press(Keys.ENTER)
    site.wait_for_path("/account/")
    site.browser.close()
    site.browser.switch_to.window(first)
    site.one(".card .reaction[value=save]").click()
    site.wait(lambda: "Saved" in site.one(".card .reaction.is-done").text)
    assert Feedback.objects.get().action == "save"


def test_printing_the_plan_hides_what_paper_does_not_need(site):
    site.resume(make_profile(CASHIER))
    site.open(f"/plan/{SALESPERSON}/")
    assert site.one("[data-print]").is_displayed()
    site.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not site.one(".site-header").is_displayed()
        assert not site.one("[data-print]").is_displayed()
        assert site.one("h1").is_displayed()
    finally:
        site.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
