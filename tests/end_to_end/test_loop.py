"""`chaos-test fix loop`: step by step, on copies."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command


def test_the_best_patch_is_taken_and_nothing_is_left_to_gain(
    tmp_path: Path, shop: Path, command_in: Callable[[Path], Command]
) -> None:
    """The shop's call gets its retry, in a step with figures; the source is as it was, and the patch applies to it."""
    app = tmp_path / "shop"
    shutil.copytree(shop, app, ignore=shutil.ignore_patterns("__pycache__"))
    before = (app / "shop.py").read_text()
    command = command_in(tmp_path)
    ran = command.run("run", "--app-dir", str(app), "--requests", "700", "--users", "6", "--workers", "1")
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    done = command.run("fix", "loop", "--requests", "260", "--steps", "2", "--run", str(command.run_dir))
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((command.run_dir / "verify" / "effects.json").read_bytes())
    first, *more = kept["steps"]
    assert first["effect"]["verdict"] == "improved"
    assert first["effect"]["measured"][0]["rescued"] > first["effect"]["measured"][0]["broken"]
    assert len(more) <= 1
    assert kept["ended"]
    assert (app / "shop.py").read_text() == before
    patch = (command.run_dir / "verify" / "loop.patch").read_text()
    assert "--- a/shop.py" in patch
    assert "verify/loop.patch" in (command.run_dir / "chaos-test-report.md").read_text()
    listed = command.run("fix", "list", "--run", str(command.run_dir)).stdout
    assert "improved" in listed
