"""`chaos-test fix list`: the proposals of a run, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chaos_test import rundir
from chaos_test.fix import proposals
from chaos_test.fix.words import STYLES, in_short

if TYPE_CHECKING:
    import argparse

HELP = "the proposals of a run, the best first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""
    del parser


def command(args: argparse.Namespace) -> int:
    """Print a line a proposal."""
    run_dir = rundir.asked(args.run)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("N", justify="right")
    for name in ("measured", "patch", "failures", "proposal"):
        table.add_column(name, justify="right" if name == "failures" else "left", no_wrap=name != "proposal")
    for one in proposals.read(run_dir):
        measured = f"[{STYLES[one.verdict]}]{in_short(one)}[/]" if one.effect else "[dim]not yet[/]"
        patch = "automatic" if one.automatic else "decide first" if one.diff else "in words"
        title = f"[strike]{escape(one.short)}[/]" if one.verdict == "worse" else escape(one.short)
        table.add_row(str(one.number), measured, patch, f"{one.failures:,}", title)
    console = Console(highlight=False)
    if not table.row_count:
        console.print(f"{rundir.shown(run_dir)} proposes nothing.")
    else:
        console.print(table)
    return 0
