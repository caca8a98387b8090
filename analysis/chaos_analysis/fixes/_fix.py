"""What a fix is: a class that edits source at a recorded place, with its before/after cases inside.

Declined               the source is not to be changed here; the text says why
└── AlreadyThere       it has what the fix would bring
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from textwrap import dedent
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal
    from chaos_analysis.sources import Sources


class Declined(Exception):  # noqa: N818 - not an error: an answer, and its text is shown to people
    """This source is not to be changed here; the text says why, and the proposal is made in words."""


class AlreadyThere(Declined):
    """The source has what the fix would bring: nothing is proposed."""


@dataclass(frozen=True)
class Spot:
    """Where to edit, and what the run knows of it that the source does not show.

    `line` is one of the recorded call's lines, `method` the HTTP method seen there, `timeout` the proposed
    `(connect, read)` in seconds, 0 where none is to be set. `repeats` is how often a call may be repeated at most,
    within `budget` seconds, 0 where that is not known. `also` are further calls of the file that the change is for.
    `keyed` says that the other side is sent idempotency keys already, `recovery` how many seconds a breaker is open.
    `library` is what the app calls with, `lazily` its import's code where only functions import it, `stamina` whether
    the app has that.
    `flask` says that the app is one of Flask, `in_flight` how many requests or calls may be under way at a time, `body`
    how many mebibytes a request's body may have.
    """

    line: int = 0
    method: str = ""
    timeout: tuple[float, float] = (0.0, 0.0)
    repeats: int = 2
    budget: float = 0.0
    also: tuple[Spot, ...] = ()
    keyed: bool = False
    recovery: int = 10
    library: str = ""
    lazily: str = ""
    stamina: bool = False
    flask: bool = False
    in_flight: int = 0
    body: int = 1

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Spot:
        """The spot of a proposal in fix-proposals.json."""
        known = {each.name: value[each.name] for each in fields(cls) if each.name in value}
        told: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in known.items()}
        return cls(**told | {"also": tuple(cls.read(each) for each in told.get("also", ()))})


@dataclass(frozen=True)
class Case:
    """A source before and after: a test and an example. Without `after` the fix declines, for a reason with `declined`.

    `at` is text on the line of the call, the first such line; `again` the same for `after`, where it differs; `known`
    are further fields of the spot. Sources may have the margin of their string.
    """

    says: str
    before: str
    after: str | None = None
    declined: str = ""
    at: str = ""
    again: str = ""
    method: str = "GET"
    timeout: tuple[float, float] = (1.05, 0.25)
    known: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", _dedented(self.before))
        object.__setattr__(self, "after", self.after and _dedented(self.after))

    def spot(self) -> Spot:
        """The place in `before`."""
        line = self.before[: self.before.index(self.at)].count("\n") + 1
        return Spot(line=line, method=self.method, timeout=self.timeout, **self.known)


def _dedented(text: str) -> str:
    """Source as it stands in a triple-quoted string, without that string's margin and first line break."""
    return dedent(text.removeprefix("\n"))


class Fix(ABC):
    """One kind of change. `name` is the file's; `rescues` is False where it makes failures better told, not fewer.

    `mends` are finders of what is lacking whose patterns, at a call that a proposal is for, belong to that proposal;
    `leaves` are finders whose advice in words still holds beside the diff.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    rescues: ClassVar[bool] = True
    mends: ClassVar[tuple[str, ...]] = ()
    leaves: ClassVar[tuple[str, ...]] = ()
    CASES: ClassVar[tuple[Case, ...]]

    @abstractmethod
    def edit(self, source: str, spot: Spot) -> str:
        """`source` with the change made; raises `Declined` where that would be wrong, unneeded or a guess."""

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """Every file that changes, with its new text: `file` alone where the fix says no other; raises `Declined`."""
        before = sources.text(file)
        if before is None:
            raise Declined(f"the run folder has no copy of {file}")
        return {file: self.edit(before, spot)}

    @abstractmethod
    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """Proposals, not yet numbered, for what a run showed."""
