"""A real browser for tests, where Debian's `chromium` and `chromium-driver` or the like are installed."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webelement import WebElement

PROGRAM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(not (PROGRAM and DRIVER), reason="no chromium and chromedriver")
WIDTHS = (1280, 390)  # of a desk's window and of a phone, in px
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_FLAWS = """
const root = document.documentElement, flaws = [];
const hides = box => ["hidden", "clip"].includes(getComputedStyle(box).overflowX);
const wide = box => box.scrollWidth > box.clientWidth;
if (wide(root)) flaws.push(`the page is ${root.scrollWidth} px wide in ${root.clientWidth}`);
for (const box of document.querySelectorAll("main *"))
  if (wide(box) && hides(box)) flaws.push(`cut off: ${box.textContent}`);
for (const picture of document.images) {
  if (!picture.naturalWidth) flaws.push(`not loaded: ${picture.alt}`);
  if (picture.clientWidth < 600) flaws.push(`too small to read: ${picture.alt}`);
}
for (const link of document.querySelectorAll("a[href^='#']"))
  if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) flaws.push(`leads nowhere: ${link.hash}`);
return flaws;
"""


@dataclass(frozen=True)
class Browser:
    """A browser with one empty window."""

    driver: webdriver.Chrome

    def open(self, url: str, width: int = WIDTHS[0]) -> None:
        """Show a page in a window of this width, in px."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(url)

    def script(self, code: str, *values: Any) -> Any:
        """What a function with this body returns."""
        return self.driver.execute_script(code, *values)

    def find(self, xpath: str) -> WebElement:
        """The first such element, as soon as it is there and can be seen."""
        (element, *_) = self.wait(lambda: [one for one in self.driver.find_elements(By.XPATH, xpath) if _seen(one)])
        return element

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Poll until it holds; returns what it returned."""
        redrawn = [StaleElementReferenceException]
        return WebDriverWait(self.driver, 30, 0.1, ignored_exceptions=redrawn).until(lambda _: condition())

    def flaws(self) -> list[str]:
        """What can be seen to be wrong with the page, and what its console and its requests say."""
        return [*self.script(_FLAWS), *self.errors(), *(f"not in the page: {url}" for url in self._asked())]

    def errors(self) -> list[str]:
        """The errors in the console since it was last asked."""
        log: list[dict[str, str]] = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def _asked(self) -> set[str]:
        """The addresses of what the page made the browser load, other than itself."""
        log = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [entry["params"] for entry in log if entry["method"] == "Network.requestWillBeSent"]
        page = self.driver.current_url.partition("#")[0]
        urls = {one["request"]["url"] for one in sent if one["documentURL"].partition("#")[0] == page}
        return {url for url in urls - {page} if not url.startswith("data:")}


def _seen(element: WebElement) -> bool:
    return element.is_displayed() and element.is_enabled()


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium on an empty folder; up in about a second. Nothing is downloaded, and no other machine reached."""
    assert PROGRAM is not None
    folder = Path(tempfile.mkdtemp(prefix="chaos-browser-"))
    try:
        options = webdriver.ChromeOptions()
        options.binary_location = PROGRAM
        for flag in (*_FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a process of the browser may still write into it
