"""What is seen while a run lasts."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chaos_test import plan, summary
from chaos_test.progress import Progress
from chaos_test.watch import Seen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

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


def test_faults_that_nobody_here_can_count_are_not_said_to_be_none(parse: Callable[..., argparse.Namespace]) -> None:
    """Of a service that runs already, without its ledger; the line before the run says what that costs."""
    elsewhere = plan.make(parse("--url", "http://127.0.0.1:8000", "--endpoint", "/"))
    out = io.StringIO()
    with Progress(Console(file=out, width=200), elsewhere) as progress:
        progress.show(Seen(requests=1, users=1, stage="chaos"), 0.0)
    assert "? faults fired" in out.getvalue()
    assert "(see --ledger): no fault can be checked, and no line" in summary.opening(elsewhere, Path("reports/run"))


def test_a_ledger_without_the_source_brings_no_patches(
    parse: Callable[..., argparse.Namespace], tmp_path: Path
) -> None:
    """That is said before the run, as `--app-dir` mends it."""
    (tmp_path / "faults").mkdir()
    words = ("--url", "http://127.0.0.1:8000", "--endpoint", "/", "--ledger", str(tmp_path))
    hint = "(see --app-dir): there will be no patches"
    assert hint in summary.opening(plan.make(parse(*words)), tmp_path)
    assert hint not in summary.opening(plan.make(parse(*words, "--app-dir", str(tmp_path))), tmp_path)
