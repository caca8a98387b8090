"""The values of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_analysis.model import Estimate, Site

HARM = ("wrong", "propagated", "hung", "lost", "crashed")


@dataclass(frozen=True)
class Point:
    """An injection point: a call site on a route. `call` is its name that survives edits, `seen` how often it was."""

    route: str
    seam: str
    dependency: str
    call: str
    site: Site | None
    seen: int


@dataclass(frozen=True)
class Planned:
    """A cell as the command planned it. `rule` is the rule's name in the experiments, `fault` the label for people."""

    rule: str
    point: int
    fault: str


@dataclass(frozen=True)
class Cell:
    """What the app did with one fault at one point.

    `events` met nothing else in their request; `outcomes` counts them, most frequent first. `harm` is the share of
    those whose outcome is known that harmed the client. `why` says why there is nothing to show.
    """

    fault: str
    events: int
    outcomes: tuple[tuple[str, int], ...]
    harm: Estimate
    why: str = ""

    @property
    def word(self) -> str:
        """The outcome of most events, "" without any."""
        return self.outcomes[0][0] if self.outcomes else ""


@dataclass(frozen=True)
class Row:
    """A point with its cells, and its lethality: the mean of the shares of harm of the cells of which it is known."""

    point: Point
    cells: tuple[Cell, ...]
    lethality: Estimate


@dataclass(frozen=True)
class Matrix:
    """The map: rows by route, the most lethal first; `faults` are the columns."""

    name: str
    faults: tuple[str, ...]
    rows: tuple[Row, ...]
    requests: int
    seconds: float
