"""A shop in a repository, whose revisions have so many lamps; its tests want two."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from chaos_test import plan

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from chaos_test.plan import Plan

CHECK = "import shop\n\nprint(f'{shop.LAMPS} lamps')\nraise SystemExit(shop.LAMPS != 2)\n"


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def planned(app_dir: Path, parse: Callable[..., argparse.Namespace]) -> Callable[..., Plan]:
    """Commits a revision for each number of lamps, the last one HEAD, and returns the plan of a run."""

    def make(*lamps: int) -> Plan:
        (app_dir / "check.py").write_text(CHECK)
        (app_dir / "pyproject.toml").write_text('[tool.chaos-test]\ntests = "python check.py"\n')
        _git(app_dir, "init", "--quiet")
        for number in lamps:
            (app_dir / "shop.py").write_text(f"LAMPS = {number}\n\n\ndef app(environ, start_response): ...\n")
            _git(app_dir, "add", "check.py", "shop.py", "pyproject.toml")
            _git(app_dir, "commit", "--quiet", "--allow-empty", "--message", f"{number} lamps")
        return plan.make(parse("shop:app", "--app-dir", str(app_dir), "--locustfile", str(app_dir / "buyers.py")))

    return make
