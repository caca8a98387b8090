"""The pages in a real browser: a test started and stopped in the web UI, and the report that it leaves."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import WIDTHS, Browser, browser, needs_browser
from tests.postgres_server import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from conftest import Command

pytestmark = needs_browser
ENOUGH = 300  # requests, most of them under chaos


@dataclass(frozen=True)
class Seen:
    """What a user had on the screen from start to report, and the folder of the test."""

    folder: Path
    rows: list[str]
    title: str
    verdict: str
    errors: list[str]

    def json(self, name: str) -> Any:
        """One of the test's artefacts."""
        return json.loads((self.folder / name).read_bytes())


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def tested(
    page: Browser, command_in: Callable[[Path], Command], shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    """A test of the shop, by hand."""
    command = command_in(tmp_path_factory.mktemp("ui"))
    port = free_port()
    stages = "baseline=1s,chaos=1h"
    process = command.start("ui", "--app-dir", str(shop), "--web-port", str(port), "--stages", stages)
    try:
        page.wait(lambda: _up(f"http://127.0.0.1:{port}", process))
        return _by_hand(page, port, command)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _up(url: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, process.communicate()
    with suppress(OSError), urlopen(url, timeout=5):
        return True
    return False


def _by_hand(page: Browser, port: int, command: Command) -> Seen:
    """Start, watch, stop, and follow the link to the report."""
    page.open(f"http://127.0.0.1:{port}")
    for name, value in (("userCount", "8"), ("spawnRate", "8")):
        page.find(f"//input[@name='{name}']").send_keys(Keys.CONTROL + "a", value)
    page.find("//button[normalize-space()='Start']").click()
    page.wait(lambda: _requests(page) > ENOUGH)
    rows = page.find("//table").text.splitlines()
    page.find("//button[normalize-space()='Stop']").click()
    page.find("//button[normalize-space()='Download Data']").click()
    page.find("//a[normalize-space()='chaos-test report of the last test']").click()
    title = page.find("//h1").text
    verdict = page.find("//blockquote").text
    return Seen(command.run_dir / "test-1", rows, title, verdict, page.errors())


def _requests(page: Browser) -> int:
    """How many Locust's table says that there were."""
    return int(page.find("//tr[td='Aggregated']/td[3]").text)


def test_a_test_is_started_watched_and_stopped_in_the_web_ui(tested: Seen) -> None:
    """Its requests stand in Locust's table, its link leads to our report, and no page has an error in its console."""
    assert any(row.startswith("GET /items ") for row in tested.rows), tested.rows
    assert tested.title == "Chaos report: shop"
    assert tested.json("load-results.json")["headline"] in tested.verdict
    assert tested.errors == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_has_no_flaw_to_be_seen(page: Browser, tested: Seen, width: int) -> None:
    """From its file: pictures, width and links are right, and it loads nothing that is not in it."""
    page.open((tested.folder / "chaos-test-report.html").as_uri(), width)
    assert page.script("return document.images.length") >= 3
    assert page.flaws() == []


def test_the_first_screen_says_what_is_wrong(page: Browser, tested: Seen) -> None:
    """The worst pattern, with its line of code, and a click leads to its fix."""
    page.open((tested.folder / "chaos-test-report.html").as_uri())
    worst = tested.json("failure-patterns.json")["patterns"][0]
    first = page.find(f"//ol/li[contains(., '{worst['title']}')]")
    assert f"{worst['site']['file']}:{worst['site']['line']}" in first.text
    assert page.script("return arguments[0].getBoundingClientRect().bottom < innerHeight", first)
    page.find("//ol/li//a").click()
    fix = tested.json("fix-proposals.json")["proposals"][0]["title"]
    heading = page.find(f"//h3[contains(., '{fix}')]")
    page.wait(lambda: page.script("return Math.abs(arguments[0].getBoundingClientRect().top) < innerHeight", heading))


def test_a_wide_table_scrolls_on_a_phone(page: Browser, tested: Seen) -> None:
    """Inside itself, to its last column."""
    page.open((tested.folder / "chaos-test-report.html").as_uri(), WIDTHS[1])
    table = page.find("//*[@id='load-test-results']//table")
    assert page.script("return arguments[0].offsetWidth > innerWidth", table)
    page.script("arguments[0].parentElement.scrollLeft = 10000", table)
    assert page.script("return arguments[0].getBoundingClientRect().right <= innerWidth", table)
