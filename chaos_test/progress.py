"""What is seen while a run lasts: a live line in a terminal, a plain one every few seconds elsewhere."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from chaos_test.plan import Plan
    from chaos_test.watch import Seen

PLAIN_SECONDS = 5.0
RATE_SECONDS = 3.0


class Progress:
    """Shows the run as it stands; `show` may be called as often as one likes."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        self._recent: deque[tuple[float, int]] = deque()
        self._next_line = 0.0
        self._stage = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """A sentence that stays."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def show(self, seen: Seen, elapsed: float) -> None:
        """The numbers; outside a terminal only every few seconds and when the stage changes."""
        rate = self._rate(elapsed, seen.requests)
        if self._live:
            self._live.update(self._table(seen, elapsed, rate))
        elif elapsed >= self._next_line or seen.stage != self._stage:
            self._next_line, self._stage = elapsed + PLAIN_SECONDS, seen.stage
            clock, stage, *rest = self._cells(seen, elapsed, rate).items()
            self.say(f"{clock[1]}  {stage[1]}: " + ", ".join(f"{value} {name}" for name, value in rest))

    def _cells(self, seen: Seen, elapsed: float, rate: float) -> dict[str, str]:
        planned = f"/{self._plan.requests:,}" if self._plan.requests else ""
        unknown = self._plan.target.url and not self._plan.ledger
        return {
            "": f"{elapsed:3.0f} s",
            "stage": seen.stage or "starting",
            "requests": f"{seen.requests:,}{planned}",
            "requests/s": f"{rate:.0f}",
            "failures": f"{seen.failures:,}",
            "faults fired": "?" if unknown else f"{seen.faults:,}",
            "users": f"{seen.users}",
        }

    def _table(self, seen: Seen, elapsed: float, rate: float) -> Table:
        cells = self._cells(seen, elapsed, rate)
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for name in cells:
            table.add_column(name, justify="left" if name == "stage" else "right")
        table.add_row(*cells.values())
        return table

    def _rate(self, elapsed: float, requests: int) -> float:
        self._recent.append((elapsed, requests))
        while elapsed - self._recent[0][0] > RATE_SECONDS:
            self._recent.popleft()
        then, before = self._recent[0]
        return (requests - before) / (elapsed - then) if elapsed > then else 0.0
