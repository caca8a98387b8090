"""Are patches that do harm recognised? A service, a retry that helps it, and patches that do harm in five ways.

For each seed the service is broken, and all patches are measured by `chaos-test fix verify`. What is told is how many
harmful ones were not called worse, how often the one that helps, or the placebo, was called something that it is not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TILL = Path(__file__).parents[1] / "tests" / "end_to_end" / "till"
SEEDS = (1, 2, 3)
GOOD = "retried_price"
PLACEBO = "placebo"
HARMFUL = ("error_as_200", "locking_breaker", "lost_charge", "retried_charge", "short_timeout")
_VERDICT = re.compile(r"^\s*(improved|worse|no difference|inconclusive|not comparable)\b.*?(\w+)\s*$", re.MULTILINE)


def run() -> list[dict[str, Any]]:
    """The rows, over all seeds."""
    found = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            found.append(verdicts(Path(folder), seed))
    missed = sum(told[name] != "worse" for told in found for name in HARMFUL)
    good = sum(told[GOOD] != "improved" for told in found)
    noise = sum(told[PLACEBO] in {"improved", "worse", "not comparable"} for told in found)
    asked = f"of {len(SEEDS) * len(HARMFUL)}"
    return [
        {"name": f"harmful patches not called worse, {asked}", "value": missed, "unit": "", "target": 0},
        {"name": f"a patch that helps not called so, of {len(SEEDS)}", "value": good, "unit": "", "target": 0},
        {"name": f"placebo called something, of {len(SEEDS)}", "value": noise, "unit": "", "target": 0},
    ]


def verdicts(folder: Path, seed: int, *, requests: int = 900, each: int = 400) -> dict[str, str]:
    """What each patch is called, the placebo among them; `folder` takes the service and its run, and in `verify.txt`
    what the command said.
    """
    app = folder / "till"
    shutil.copytree(TILL, app, ignore=shutil.ignore_patterns("__pycache__"))
    words = ("--app-dir", "till", "--seed", str(seed), "--requests", str(requests), "--users", "10", "--workers", "1")
    _command(folder, "run", *words)
    patches = [word for name in (*HARMFUL, GOOD) for word in ("--patch", str(app / "patches" / f"{name}.diff"))]
    said = _command(folder, "fix", "verify", "--requests", str(each), *patches)
    (folder / "verify.txt").write_text(said)
    return {name: verdict for verdict, name in _VERDICT.findall(said)}


def _command(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "chaos_test", *words]
    env = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
