"""What is seen while a run lasts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chaos_test import plan
from chaos_test.progress import Progress
from chaos_test.watch import Seen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from chaos_test.plan import Plan


@pytest.fixture
def planned(parse: Callable[..., argparse.Namespace], app_dir: Path) -> Plan:
    """A run of 2,500 requests."""
    return plan.make(parse("shop:app", "--app-dir", str(app_dir), "--endpoint", "/"))


def test_plain_lines_come_every_few_seconds_and_with_each_stage(planned: Plan) -> None:
    """In a log file a run of a minute is a dozen lines, not hundreds."""
    out = io.StringIO()
    with Progress(Console(file=out, width=200), planned) as progress:
        for tenth in range(100):
            stage = "baseline" if tenth < 23 else "chaos"
            progress.show(Seen(requests=tenth * 10, failures=2, faults=3, users=20, stage=stage), tenth / 10)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "2", "7"]
    assert lines[2] == "  7 s  chaos: 730/2,500 requests, 100 requests/s, 2 failures, 3 faults fired, 20 users"


def test_a_terminal_has_one_live_line(planned: Plan) -> None:
    """All the numbers, under their names."""
    out = io.StringIO()
    with Progress(Console(file=out, width=200, force_terminal=True), planned) as progress:
        progress.show(Seen(requests=1234, failures=5, faults=6, users=7, stage="chaos"), 1.0)
    shown = out.getvalue()
    for part in ("chaos", "1,234/2,500", "requests/s", "failures", "faults fired"):
        assert part in shown
