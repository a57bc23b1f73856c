"""Which suggestions count as seen: in a real browser, those that stayed in view, once, and no others."""

from collections.abc import Collection
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from recommendations import services
from recommendations.models import Feedback, RecommendedItem
from tests.browser.test_wizard import Site
from tests.factories import CASHIER, DEVELOPER, make_profile, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Time passes for the page's longer waits when the test says so, and a request may be answered before it is sent.
CLOCK = """
const { setTimeout: wait, clearTimeout: stop, fetch: send } = window
const waiting = new Map()
let now = 0
let last = 1e6
window.setTimeout = (work, ms = 0, ...given) => {
  if (ms < 500) return wait(work, ms, ...given)
  waiting.set(++last, { at: now + ms, work: () => work(...given) })
  return last
}
window.clearTimeout = (id) => waiting.delete(id) || stop(id)
window.passTime = async (ms) => {
  const until = now + ms
  for (;;) {
    const [next] = [...waiting].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)
    if (!next) break
    now = next[1].at
    waiting.delete(next[0])
    next[1].work()
    await new Promise((done) => wait(done))
  }
  now = until
}
window.requests = 0
window.answers = []
window.fetch = async (...given) => {
  requests++
  const status = answers.shift()
  if (status === undefined) return send(...given)
  if (status === 0) throw new TypeError("no network")
  return new Response("", { status })
}
"""

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

TURN_TAB = """
const [state] = arguments
Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state })
document.dispatchEvent(new Event("visibilitychange"))
"""

SCROLL_BY_LINK = """
addEventListener("scrollend", () => arguments[1](), { once: true })
arguments[0].click()
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

    def pass_time(self, seconds: float) -> None:
        self.browser.execute_async_script("passTime(1000 * arguments[0]).then(arguments[1])", seconds)

    def answer_with(self, *statuses: int) -> None:
        """Let the next requests not reach us, but be answered so; 0 for no answer."""
        self.browser.execute_script("answers = arguments[0]", statuses)

    def requests(self) -> int:
        return self.browser.execute_script("return requests")

    def noted(self) -> set[str]:
        views = Feedback.objects.filter(action="view").values_list("item__event", "item__occupation")
        return {f"{event} {code}" for event, code in views}

    def wait_for_batch(self, number: int) -> None:
        """Wait until so many batches are stored, without a look at the database, which has one connection for all."""
        self.site.wait(lambda: len(self.batches) >= number)
        assert len(self.batches) == number


@pytest.fixture
def first_script():
    return CLOCK


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
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == at_first
    further = at_first | cards.scroll_to(0.5)
    assert len(at_first) < len(further) < RecommendedItem.objects.count()
    cards.pass_time(2)
    cards.wait_for_batch(2)
    assert cards.noted() == further
    for place in (0.3, 0.5):
        cards.scroll_to(place)
        cards.pass_time(10)
    assert cards.requests() == 2
    cards.site.open("/results/")
    cards.scroll_to(0.5)
    cards.pass_time(2)
    cards.wait_for_batch(3)
    assert cards.noted() == further
    assert Feedback.objects.count() == len(further)
    assert not cards.site.complaints()


def test_cards_that_flew_past_on_the_way_to_another_list_are_not_noted(cards):
    smooth = {"features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]}
    cards.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", smooth)
    cards.site.open("/results/")
    above = cards.scroll_to(0)
    cards.browser.execute_async_script(SCROLL_BY_LINK, cards.site.one(".tier-nav a[href='#long_reskill']"))
    cards.let_paint()
    there = cards.in_view()
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == there
    assert there
    assert len(there | above) < RecommendedItem.objects.count()


def test_a_card_must_stay_for_a_second_without_a_break(cards):
    cards.site.open("/results/")
    cards.scroll_to(0.4)
    cards.pass_time(0.9)
    stayed = cards.in_view() & cards.scroll_to(1)
    cards.scroll_to(0.4)
    cards.pass_time(0.9)
    cards.scroll_to(1)
    cards.pass_time(0.9)
    cards.browser.execute_script("dispatchEvent(new Event('pagehide'))")
    cards.wait_for_batch(cards.requests())
    assert cards.noted() == stayed


def test_nothing_is_seen_in_a_tab_in_the_background(cards):
    cards.site.open("/results/")
    in_view = cards.scroll_to(0.3)
    cards.pass_time(0.9)
    cards.browser.execute_script(TURN_TAB, "hidden")
    cards.pass_time(10)
    assert cards.requests() == 0
    cards.browser.execute_script(TURN_TAB, "visible")
    cards.let_paint()
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == in_view


def test_a_new_list_is_watched_too_and_leaving_the_page_sends_at_once(cards, settings):
    settings.LIMIT_PER_BUCKET = 1
    cards.site.open("/results/")
    button = cards.site.one("[id^=more-]")
    cards.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    cards.let_paint()
    old = cards.in_view()
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == old
    button.click()
    cards.site.wait(lambda: cards.in_view() and not cards.in_view() & old)
    cards.let_paint()
    new = cards.in_view()
    cards.pass_time(1)
    assert cards.requests() == 1
    cards.site.open("/method/")
    cards.wait_for_batch(2)
    assert cards.noted() == old | new


def test_cards_below_the_level_are_seen_when_the_list_is_opened(cards):
    cards.site.resume(make_profile(DEVELOPER))
    cards.site.open("/results/")
    folded = cards.site.one("details.folded")
    cards.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", folded)
    cards.let_paint()
    inside = {
        f"{card.get_attribute('data-event')} {card.get_attribute('data-code')}"
        for card in folded.find_elements(By.CSS_SELECTOR, ".card")
    }
    cards.pass_time(10)
    before = cards.requests()
    cards.wait_for_batch(before)
    assert not inside & cards.noted()
    folded.find_element(By.TAG_NAME, "summary").click()
    cards.let_paint()
    cards.pass_time(2)
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
    cards.let_paint()
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == {f"{card.get_attribute('data-event')} {card.get_attribute('data-code')}"}


@pytest.mark.parametrize("failure", [0, 403, 429, 503])
def test_what_was_not_accepted_goes_with_the_next_batch(cards, failure):
    cards.site.open("/results/")
    cards.answer_with(failure)
    at_first = cards.scroll_to(0.3)
    cards.pass_time(2)
    assert cards.requests() == 1
    assert not cards.noted()
    further = at_first | cards.scroll_to(0.5)
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.noted() == further > at_first
    assert not cards.browser.find_elements(By.CSS_SELECTOR, ".failed")


def test_it_is_sent_again_by_itself_but_not_for_ever(cards):
    cards.site.open("/results/")
    cards.answer_with(*[403] * 3)
    in_view = cards.scroll_to(0.3)
    cards.pass_time(100)
    cards.wait_for_batch(1)
    assert cards.noted() == in_view
    assert cards.requests() == 4

    cards.answer_with(*[429] * 50)
    cards.scroll_to(0.8)
    cards.pass_time(10_000)
    assert cards.requests() == 4 + 6
    assert cards.noted() == in_view


def test_what_is_refused_for_what_it_says_is_not_sent_again(cards):
    cards.site.open("/results/")
    cards.answer_with(422)
    cards.scroll_to(0.3)
    cards.pass_time(100)
    assert cards.requests() == 1


def test_a_login_in_another_tab_loses_nothing(cards):
    """It gives the browser another token than the page was sent with."""
    cards.site.open("/results/")
    cards.browser.execute_script("document.cookie = 'csrftoken=' + 'a1B2'.repeat(8) + '; path=/'")
    in_view = cards.scroll_to(0.3)
    cards.pass_time(2)
    cards.wait_for_batch(1)
    assert cards.requests() == 1
    assert cards.noted() == in_view
