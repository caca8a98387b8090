"""A/A: the planner against itself, for real: how many of twenty comparisons call noise improved or worse.

Each of five recorded runs, of a seed of its own, is sent again to eight arms of the same code in turn, which makes four
comparisons that have no arm in common. No gate hangs on it: with none of twenty, the 95 % interval still reaches 17 %.
`chaos-test compare --self` and its tests have the thousand that a gate takes.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from chaos_analysis.compare import compare_arms
from chaos_analysis.stats import proportion
from chaos_test import plan, runner
from chaos_test.__main__ import parser
from chaos_test.compare.revisions import replay
from chaos_test.fix.verification import script_of
from chaos_test.interrupt import Interrupt
from chaos_test.replay.recall import plan_of

RUNS = 5
COUPLES = 4
REQUESTS = 1000
SENT = 400
_CRIES = ("improved", "worse", "not comparable")
_ROOT = Path(__file__).parents[1]


def run() -> list[dict[str, Any]]:
    """The share of comparisons that found something, in any of their groups, and how large they were."""
    here = Path.cwd()
    os.chdir(_ROOT)  # where the planner's load is
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-test-aa-") as folder:
            told = [each for seed in range(1, RUNS + 1) for each in _of_seed(seed, Path(folder, str(seed)))]
    finally:
        os.chdir(here)
    cries = sum(cried for cried, _ in told)
    found = proportion(cries, len(told))
    return [
        {
            "name": f"A/A: {cries} of {len(told)} improved or worse",
            "ratio": found.value,
            "low": found.low,
            "high": found.high,
        },
        {"name": "A/A: pairs a comparison", "value": sum(pairs for _, pairs in told) / len(told), "unit": ""},
    ]


def _of_seed(seed: int, out: Path) -> list[tuple[bool, int]]:
    """Record, send again, compare; whether each comparison found something, and its pairs."""
    words = ["run", "--requests", str(REQUESTS), "--seed", str(seed), "--out", str(out)]
    with Interrupt() as interrupt:
        run_dir, _ = runner.execute(
            plan.make(parser().parse_args(words)), Console(file=io.StringIO()), sys.argv, interrupt
        )
        sent, recalled = script_of(run_dir, most=SENT), plan_of(run_dir)
        names = [f"arm-{at}" for at in range(2 * COUPLES)]
        replay(dict.fromkeys(names, recalled), sent, out / "arms", interrupt, lambda _: None)
    told = []
    for one, two in zip(names[::2], names[1::2], strict=True):
        found = compare_arms(out / "arms" / one, out / "arms" / two, sent.block_of())
        told.append((found.verdict in _CRIES, found.groups[0].requests[0]))
        print(f"  seed {seed}, {one} and {two}: {found.verdict}, {found.reason}", flush=True)
    return told
