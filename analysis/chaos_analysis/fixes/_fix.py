"""What a fix is: a class that edits source at a recorded place, with its before/after cases inside.

Declined               the source is not to be changed here; the text says why
└── AlreadyThere       it has what the fix would bring
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal


class Declined(Exception):  # noqa: N818 - not an error: an answer, and its text is shown to people
    """This source is not to be changed here; the text says why, and the proposal is made in words."""


class AlreadyThere(Declined):
    """The source has what the fix would bring: nothing is proposed."""


@dataclass(frozen=True)
class Spot:
    """Where to edit, and what the run knows of it that the source does not show.

    `line` is one of the recorded call's lines, `method` the HTTP method seen there, `timeout` the proposed
    `(connect, read)` in seconds. `library` is what the app calls with, `lazily` its import's code where only functions
    import it.
    """

    line: int = 0
    method: str = ""
    timeout: tuple[float, float] = (0.0, 0.0)
    library: str = ""
    lazily: str = ""


@dataclass(frozen=True)
class Case:
    """A source before and after: a test and an example. Without `after` the fix declines, for a reason with `declined`.

    `at` is text on the line of the call, the first such line; `again` the same for `after`, where it differs. Sources
    may have the margin of their string.
    """

    says: str
    before: str
    after: str | None = None
    declined: str = ""
    at: str = ""
    again: str = ""
    method: str = "GET"
    timeout: tuple[float, float] = (1.05, 0.25)

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", _dedented(self.before))
        object.__setattr__(self, "after", self.after and _dedented(self.after))

    def spot(self) -> Spot:
        """The place in `before`."""
        line = self.before[: self.before.index(self.at)].count("\n") + 1
        return Spot(line=line, method=self.method, timeout=self.timeout)


def _dedented(text: str) -> str:
    """Source as it stands in a triple-quoted string, without that string's margin and first line break."""
    return dedent(text.removeprefix("\n"))


class Fix(ABC):
    """One kind of change. `name` is the file's; `rescues` is False where it makes failures better told, not fewer."""

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    rescues: ClassVar[bool] = True
    CASES: ClassVar[tuple[Case, ...]]

    @abstractmethod
    def edit(self, source: str, spot: Spot) -> str:
        """`source` with the change made; raises `Declined` where that would be wrong, unneeded or a guess."""

    @abstractmethod
    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """Proposals, not yet numbered, for what a run showed."""
