"""The truth bench with one seed; `make truth` has three."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1200)
def test_every_finder_finds_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    """Every defect at its line, and silence about every twin and decoy."""
    command = [sys.executable, "-m", "benchmarks.truth", "--seed", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
