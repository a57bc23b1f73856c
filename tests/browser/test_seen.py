"""Which suggestions count as seen: in a real browser, those that came into view, once, and no others."""

import time
from collections.abc import Collection
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from recommendations import services
from recommendations.models import Feedback, RecommendedItem
from tests.browser.test_wizard import Site
from tests.factories import CASHIER, DEVELOPER, make_profile, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Cards of which the window shows at least half, or which fill at least half of it. What a closed list holds is not in
# view, whatever its boxes say.
IN_VIEW = """
return [...document.querySelectorAll(".card")].filter((card) => {
  const box = card.getBoundingClientRect()
  const height = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0)
  return card.checkVisibility({ contentVisibilityAuto: true }) && !card.closest("details:not([open])")
    && (height >= box.height / 2 || height >= innerHeight / 2)
}).map((card) => card.dataset.event + " " + card.dataset.code)
"""


class Cards:
    def __init__(self, site: Site, batches: list[Collection[str]]) -> None:
        self.site = site
        self.browser = site.browser
        self.batches = batches

    def in_view(self) -> set[str]:
        return set(self.browser.execute_script(IN_VIEW))

    def scroll_to(self, place: float) -> set[str]:
        """Scroll to a share of the page's height, and return what is in view there."""
        self.browser.execute_script(
            "scrollTo({top: arguments[0] * (document.body.scrollHeight - innerHeight), behavior: 'instant'})", place
        )
        self.let_paint()
        return self.in_view()

    def let_paint(self) -> None:
        """Let two frames pass: one to paint, one in which the observer is told."""
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def noted(self) -> set[str]:
        views = Feedback.objects.filter(action="view").values_list("item__event", "item__occupation")
        return {f"{event} {code}" for event, code in views}

    def wait_for_batch(self, number: int) -> None:
        """Wait until so many batches are stored, without a look at the database, which has one connection for all."""
        self.site.wait(lambda: len(self.batches) >= number)
        assert len(self.batches) == number


@pytest.fixture
def watches():
    return True


@pytest.fixture
def site(browser, live_server):
    make_world()
    return Site(browser, live_server.url)


@pytest.fixture
def cards(site, monkeypatch, settings):
    settings.EXPLORATION_EPSILON = 0
    batches: list[Collection[str]] = []
    record_views = services.record_views

    def record_and_tell(**given: Any) -> int:
        recorded = record_views(**given)
        batches.append(given["codes"])
        return recorded

    monkeypatch.setattr(services, "record_views", record_and_tell)
    site.emulate(1280, "light")
    site.resume(make_profile(CASHIER))
    return Cards(site, batches)


def test_exactly_the_cards_in_view_are_noted_once(cards):
    cards.site.open("/results/")
    at_first = cards.scroll_to(0.3)
    cards.wait_for_batch(1)
    assert cards.noted() == at_first
    further = at_first | cards.scroll_to(0.5)
    assert len(at_first) < len(further) < RecommendedItem.objects.count()
    cards.wait_for_batch(2)
    assert cards.noted() == further
    cards.scroll_to(0.3)
    cards.scroll_to(0.5)
    time.sleep(1.5)
    assert len(cards.batches) == 2
    cards.site.open("/results/")
    cards.scroll_to(0.5)
    cards.wait_for_batch(3)
    assert cards.noted() == further
    assert Feedback.objects.count() == len(further)
    assert not cards.site.complaints()


def test_a_new_list_is_watched_too_and_leaving_the_page_sends_at_once(cards, settings):
    settings.LIMIT_PER_BUCKET = 1
    cards.site.open("/results/")
    button = cards.site.one("[id^=more-]")
    cards.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    old = cards.in_view()
    cards.wait_for_batch(1)
    assert cards.noted() == old
    button.click()
    cards.site.wait(lambda: cards.in_view() and not cards.in_view() & old)
    cards.let_paint()
    new = cards.in_view()
    cards.site.open("/method/")
    cards.site.wait(lambda: len(cards.batches) >= 2)
    assert new <= cards.noted()


def test_cards_below_the_level_are_seen_when_the_list_is_opened(cards):
    cards.site.resume(make_profile(DEVELOPER))
    cards.site.open("/results/")
    folded = cards.site.one("details.folded")
    cards.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", folded)
    inside = {
        f"{card.get_attribute('data-event')} {card.get_attribute('data-code')}"
        for card in folded.find_elements(By.CSS_SELECTOR, ".card")
    }
    time.sleep(1.5)
    assert not inside & cards.noted()
    before = len(cards.batches)
    folded.find_element(By.TAG_NAME, "summary").click()
    cards.wait_for_batch(before + 1)
    assert inside & cards.noted()


def test_a_card_taller_than_the_window_counts_when_it_fills_half_of_it(cards):
    cards.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 200, "deviceScaleFactor": 1, "mobile": True}
    )
    cards.site.open("/results/")
    card = cards.site.one(".card")
    assert card.size["height"] > 400
    cards.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
    cards.wait_for_batch(1)
    assert cards.noted() == {f"{card.get_attribute('data-event')} {card.get_attribute('data-code')}"}


def test_what_could_not_be_sent_goes_with_the_next_batch(cards):
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    cards.site.open("/results/")
    cards.browser.execute_cdp_cmd("Network.enable", {})
    cards.browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        at_first = cards.scroll_to(0.3)
        time.sleep(1.5)
    finally:
        cards.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**offline, "offline": False})
    assert not cards.noted()
    further = at_first | cards.scroll_to(0.5)
    cards.wait_for_batch(1)
    assert cards.noted() == further > at_first
    assert not cards.browser.find_elements(By.CSS_SELECTOR, ".failed")
