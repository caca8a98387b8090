"""`chaos-test map` on the shop: its call is found, met by each fault alone, and drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Command


def test_every_fault_meets_the_call_alone(command: Command, shop: Path) -> None:
    """What the shop does with each is in the map: a shop that catches nothing passes every failure on."""
    done = command.run("map", "--app-dir", str(shop), "--requests", "160", "--users", "6")
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


def test_a_folder_without_a_map_cannot_be_resumed(command: Command) -> None:
    """One sentence says so."""
    done = command.run("map", "--resume", str(command.cwd))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no map in it (cells.json cannot be read)" in done.stderr
    assert "Traceback" not in done.stderr
