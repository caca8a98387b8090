"""What the proposals for the planner are worth: a run, every patch measured alone, and all that improve together.

Failures "with an automatic fix" are those that the run puts down to a rule and a call site of which a patch that needs
nobody promises to mend that kind of fault; the benchmark counts how many of them the patches leave, together.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_analysis.effect import stored
from chaos_analysis.effect.pairing import pair

MOST_SECONDS = 360.0
LEAST_IMPROVED = 5
MOST_LEFT = 0.2
# What each automatic fix of the planner promises to mend: rules, and the endpoints whose call it changes.
_FARES = ("GET /api/destinations", "GET /api/destinations/[slug]", "POST /api/bookings")
PROMISED: Mapping[str, tuple[str, ...]] = {
    "fares-reset": _FARES,  # a retry
    "fares-truncated": ("GET /api/destinations",),  # the last good list; of one fare that may be booked there is none
    "advisories-503": ("GET /api/destinations/[slug]",),  # a retry, the last good advisory
}


def run() -> list[dict[str, Any]]:
    """Rows with what must hold as targets."""
    with tempfile.TemporaryDirectory() as folder:
        _command("run", "--out", folder)
        (run_dir,) = Path(folder).glob("*Z-*")
        started = time.monotonic()
        _command("fix", "verify", "--all", "--together", "--run", str(run_dir))
        return _rows(run_dir, time.monotonic() - started)


def _rows(run_dir: Path, seconds: float) -> list[dict[str, Any]]:
    found = stored.read(run_dir)
    if found.void or found.together is None or found.placebo is None:
        raise SystemExit(f"void: {found.void or 'nothing was measured together'}")
    improved = sum(effect.verdict == "improved" for effect in found.effects.values())
    together, placebo = (effect.measured[0] for effect in (found.together, found.placebo))
    left, of = _left(run_dir)
    return [
        {"name": "fixes, seconds of verify", "value": seconds, "unit": "s", "target": MOST_SECONDS},
        {"name": "fixes, measured improved", "value": improved, "unit": ""},
        {"name": "fixes, short of five", "value": max(0, LEAST_IMPROVED - improved), "unit": "", "target": 0},
        {"name": f"fixes, failures left of {of} they promise", "ratio": left / of, "target": MOST_LEFT},
        {"name": "fixes, rescued together", "value": together.rescued, "unit": ""},
        {"name": "fixes, newly broken together", "value": together.broken, "unit": ""},
        {"name": "fixes, newly broken by the placebo", "value": placebo.broken, "unit": ""},
        {"name": "fixes, invariants newly violated", "value": len(together.violated), "unit": "", "target": 0},
    ]


def _left(run_dir: Path) -> tuple[int, int]:
    """Failures with an automatic fix that are left with all fixes, and how many there were without."""
    arms = run_dir / "verify" / "together"
    users = json.loads((arms / "script.json").read_bytes())["users"]
    blocks = {f"{user}.{turn[0]}": int(turn[2]) for user, turns in users.items() for turn in turns}
    found = pair(arms / "base", arms / "together", blocks)
    rules = dict(zip(found.base.requests["key"], found.base.requests["rule"], strict=True))
    failed = found.rows[~found.rows["ok_base"]]
    promised = [
        endpoint in PROMISED.get(rules.get(key, ""), ())
        for key, endpoint in zip(failed["key"], failed["endpoint"], strict=True)
    ]
    chosen = failed[promised]
    return int((~chosen["ok_other"]).sum()), len(chosen)


def _command(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "chaos_test", *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"chaos-test {' '.join(words)} failed: {done.stdout[-500:]}{done.stderr}")
