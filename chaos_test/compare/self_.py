"""`chaos-test compare --self`: how often a comparison of such runs would be wrong, and what it would see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.text import Text

from chaos_analysis import wording
from chaos_analysis.compare.noise import PAIRS, RESCUED, Noise, noise

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

MOST_ALARMS = 0.05


def tell(run_dir: Path, comparisons: int, console: Console) -> int:
    """Compare it with itself and print what came of it; 1 where false alarms are certainly too many."""
    started = time.monotonic()
    found = noise(run_dir, comparisons=comparisons)
    loud = (found.alarms.low or 0.0) > MOST_ALARMS
    for line in _lines(found, comparisons, loud=loud):
        console.print(line, soft_wrap=True)
    console.print(f"{wording.seconds(time.monotonic() - started)}", style="dim")
    return int(loud)


def _lines(found: Noise, comparisons: int, *, loud: bool) -> tuple[Text, ...]:
    patch = (
        f"a patch that rescues {wording.percent(RESCUED)} of what faults fail, in {PAIRS} pairs, of which they fail "
        f"{wording.percent(found.fault_rate)}"
    )
    return (
        Text("crying wolf: ", style="bold red" if loud else "bold green").append(
            f"{wording.estimate(found.alarms)} of {wording.count(comparisons)} comparisons of this run with itself, of "
            f"{wording.count(found.pairs)} pairs each, said improved or worse (unpaired: "
            f"{wording.estimate(found.alarms_unpaired)})",
            style="default",
        ),
        Text("seeing: ", style="bold").append(
            f"{wording.estimate(found.power)} call improved {patch} "
            f"(unpaired: {wording.estimate(found.power_unpaired)})",
            style="default",
        ),
    )
