"""A headless Chromium for tests that need to see and to press."""

import shutil
from collections.abc import Iterator

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",
    "--window-size=1280,1000",
)
BLIND = "window.IntersectionObserver = class { observe() {} unobserve() {} }"
ONLINE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.fixture(scope="session")
def chromium(live_server: LiveServer) -> Iterator[Chrome]:
    """Close before the server does, which would otherwise leave the browser's connections open."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("Chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = binary
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def first_script() -> str:
    """What runs on each page before its own scripts: the pages do not tell which cards come into view.

    They do it by themselves, while the test and other requests use the one connection of a database in memory.
    """
    return BLIND


@pytest.fixture
def browser(chromium: Chrome, first_script: str) -> Iterator[Chrome]:
    """One browser for all tests, without cookies at the start of each."""
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.get_log("browser")
    script = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": first_script})
    yield chromium
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    # What a page sends when it is left must not meet a database that is being emptied.
    chromium.execute_cdp_cmd("Network.enable", {})
    chromium.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE | {"offline": True})
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)
