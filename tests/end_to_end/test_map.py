"""`chaos-test map` on the shop: its call is found, met by each fault alone, and drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser import WIDTHS, browser, needs_browser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.end_to_end.conftest import Command

    Mapped = tuple[Command, CompletedProcess[str]]


@pytest.fixture(scope="module")
def mapped(command_in: Callable[[Path], Command], shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """One finished map of the shop."""
    command = command_in(tmp_path_factory.mktemp("map"))
    return command, command.run("map", "--app-dir", str(shop), "--requests", "220", "--users", "6")


def test_every_fault_meets_the_call_alone(mapped: Mapped, shop: Path) -> None:
    """What the shop does with each is in the map: a shop that catches nothing passes every failure on."""
    command, done = mapped
    assert done.returncode == 0, done.stderr
    drawn = json.loads((command.run_dir / "map.json").read_bytes())
    (row,) = drawn["rows"]
    assert (row["point"]["route"], row["point"]["seam"]) == ("GET /items", "http_client")
    assert row["point"]["dependency"] == "GET 127.0.0.1/stock"
    assert row["point"]["site"]["file"] == "shop.py"
    words = {cell["fault"]: [word for word, _ in cell["outcomes"]] for cell in row["cells"]}
    assert words.pop("slow") == ["handled"]
    assert set(words) == {"refused", "unreachable", "reset", "no answer", "503", "cut short", "garbage"}
    assert all(found == ["propagated"] for found in words.values()), words
    assert all(cell["events"] >= 3 for cell in row["cells"])
    assert "GET 127.0.0.1/stock" in done.stdout
    for name in ("chaos-map.png", "chaos-map.md", "chaos-map.html"):
        assert (command.run_dir / name).stat().st_size > 500
    before = drawn["requests"]
    done = command.run("map", "--app-dir", str(shop), "--requests", "40", "--resume", str(command.run_dir))
    assert done.returncode == 0, done.stderr
    assert json.loads((command.run_dir / "map.json").read_bytes())["requests"] >= before


@needs_browser
def test_the_page_has_no_flaw_to_be_seen(mapped: Mapped) -> None:
    """At a desk and on a phone: the picture is legible, nothing is cut off, and the finding comes first."""
    folder = mapped[0].run_dir
    with browser() as page:
        for width in WIDTHS:
            page.open((folder / "chaos-map.html").as_uri(), width)
            assert page.flaws() == []
            assert page.find("//h1").text == "Chaos map: shop"
            assert "GET 127.0.0.1/stock under GET /items is the most lethal" in page.find("//h1/following::p").text
            assert page.script("return document.images.length") == 1


def test_a_folder_without_a_map_cannot_be_resumed(command: Command) -> None:
    """One sentence says so."""
    done = command.run("map", "--resume", str(command.cwd))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no map in it (cells.json cannot be read)" in done.stderr
    assert "Traceback" not in done.stderr
