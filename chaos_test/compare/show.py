"""A comparison in the terminal."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from chaos_analysis import wording
from chaos_analysis.compare import words
from chaos_test.fix.words import STYLES
from chaos_test.rundir import shown

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from chaos_analysis.compare import Comparison, Group

_HEADS = ("verdict", "difference, points", "failed, %", "rescued /\nbroken", "requests", "to a useful answer")
_LEAST_NAME = 16
_GAP = 2


def show(console: Console, found: Comparison, page: Path, seconds: float) -> None:
    """The verdict, a line a group, what came and went, and where the page is."""
    console.print()
    console.print(_said(found.verdict).append(f": {found.reason}", style="default"), soft_wrap=True)
    for note in found.notes:
        console.print(note, style="dim", markup=False, soft_wrap=True)
    if found.groups:
        console.print()
        console.print(_table(found, console.width), crop=False)
        console.print()
    for gate in found.gates:
        said = f"{gate.name}: {gate.summary}"
        if gate.ok is not True and said != found.reason:
            style = "dim" if gate.ok is None else "yellow"
            console.print(f"{'?' if gate.ok is None else '!'} {said}", style=style, markup=False, soft_wrap=True)
    if found.patterns:
        console.print(f"patterns: {words.states(found)}", style="dim", soft_wrap=True)
    for pattern in found.patterns:
        if pattern.state != "stayed":
            style = "red" if pattern.state == "appeared" else "green"
            console.print(
                Text(f"{pattern.state}: ", style=style).append(pattern.title, style="default"), soft_wrap=True
            )
    if words.unlike(found):
        console.print(words.unlike(found), style="dim", soft_wrap=True)
    console.print(f"{wording.seconds(seconds)}; comparison: {shown(page)}", style="bold", soft_wrap=True)


def _table(found: Comparison, width: int) -> Table:
    """Where the terminal is narrow names give way to figures, then the last columns to the first; the page has all."""
    heads = _HEADS if found.interleaved else _HEADS[:-1]
    groups = words.ordered(found)
    rows = [_cells(group, times=found.interleaved) for group in groups]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    widths = [
        max(len(part) for part in [*(str(row[at]) for row in rows), *head.split("\n")])
        for at, head in enumerate(heads, start=1)
    ]
    ends = list(accumulate(widths, lambda end, more: end + _GAP + more, initial=_LEAST_NAME))[1:]
    fitting = sum(end <= width for end in ends) or 1
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=_LEAST_NAME + max(0, width - ends[fitting - 1]))
    for head, least in zip(heads[:fitting], widths, strict=False):
        table.add_column(head, justify="right" if head.startswith("re") else "left", no_wrap=True, min_width=least)
    for above, group, row in zip([groups[0], *groups], groups, rows, strict=False):
        if above.kind != group.kind:
            table.add_row()
        table.add_row(*row[: fitting + 1])
    return table


def _cells(group: Group, *, times: bool) -> tuple[str | Text, ...]:
    rates = (wording.estimate(side, unit=False, interval=False) for side in (group.before, group.after))
    return (
        Text(group.name, style="bold" if group.kind == "all" else ""),
        _said(f"{group.verdict}, need {group.need:,}" if group.need else group.verdict, group.verdict),
        words.change(group.difference, unit=False),
        " → ".join(rates),
        words.discordant(group),
        "/".join(wording.count(n) for n in dict.fromkeys(group.requests)),
        *([words.time(group.useful)] if times else []),
    )


def _said(text: str, verdict: str = "") -> Text:
    return Text(text, style=STYLES[verdict or text])
