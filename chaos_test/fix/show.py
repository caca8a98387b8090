"""`chaos-test fix show`: one proposal with its patch, its evidence, and what could go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from chaos_test import options, rundir
from chaos_test.fix import proposals
from chaos_test.fix.words import STYLES

if TYPE_CHECKING:
    import argparse

HELP = "a proposal with its patch, the evidence for it, and what could go wrong"
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("numbers", nargs="+", type=options.positive, metavar="N", help="a proposal's number")


def command(args: argparse.Namespace) -> int:
    """Print them."""
    console = Console(highlight=False)
    for one in proposals.chosen(rundir.asked(args.run), args.numbers):
        console.print(Text(f"{one.number}. {one.title}", style="bold"), soft_wrap=True)
        if one.effect:
            reason = Text(f"{one.verdict}: ", style=STYLES[one.verdict]).append(one.effect["reason"], style="default")
            console.print(reason, soft_wrap=True)
        told = {"What": one.what, "Why": one.why, "What could go wrong": one.caution, "See": one.reference}
        for name, text in told.items():
            console.print(Text(f"{name}: ", style="dim").append(text, style="default"), soft_wrap=True)
        patch = _coloured(one.diff) if one.diff else Text(f"No patch: {one.why_no_diff}", style="yellow")
        console.print(patch, soft_wrap=True)
    return 0


def _coloured(diff: str) -> Text:
    text = Text()
    for line in diff.splitlines():
        heading = line.startswith(("+++ ", "--- "))
        text.append(f"{line}\n", style="bold" if heading else _STYLES.get(line[:1], "default"))
    return text
