"""`chaos-test report` on a run of a million requests: seconds from start to exit, and the memory that it takes.

It reads and looks at such a run with two processes, so a second core that has nothing else to do counts. The memory is
that of the larger process; what the other has is mostly the same memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import World

ROWS = 1_000_000
REPEATS = 3
TARGET_SECONDS = 20.0


def run() -> list[dict[str, Any]]:
    """Wall time of whole processes, imports included; `low` and `high` are the fastest and the slowest run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        write_run(out, World(requests=ROWS))
        times = sorted(_report(out) for _ in range(REPEATS))
    middle = times[len(times) // 2]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    timing = {"name": f"report on {ROWS:,} rows", "value": middle, "unit": "s", "low": times[0], "high": times[-1]}
    return [
        {**timing, "target": TARGET_SECONDS},
        {"name": "report on a million rows: memory", "value": memory, "unit": "MiB"},
    ]


def _report(folder: Path) -> float:
    command = [sys.executable, "-m", "chaos_test", "report", str(folder)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"report failed: {done.stderr}")
    return time.perf_counter() - started
