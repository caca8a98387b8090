"""What must be true whatever fails. A locustfile states it, and it is checked against the live service after the load.

    @invariant("every acknowledged booking exists exactly once")
    def exactly_once(service: Service, facts: Facts) -> Iterator[Violation]:
        for booked in facts["booked"]:
            found = service.get(f"/api/bookings/{booked['id']}").status
            if found != 200:
                yield Violation(f"booking {booked['id']} is answered with {found}", booked)

The facts are what the users noted while they ran: `note("booked", id=7)`. With `before`, a function that is asked
about the service before the load begins, the check gets what it returned as a third argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chaos_locust.facts import Fact
from chaos_locust.service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

Check = Callable[..., Iterable["Violation | str"]]
CheckT = TypeVar("CheckT", bound=Check)
Before = Callable[[Service], Any]


class Violation:
    """What is wrong, in a sentence, and whose doing it is.

    `about` are the facts (or request keys) that it is about for certain; `suspects` those of which one or more must
    have led there, where the service does not tell which.
    """

    def __init__(self, text: str, *about: Fact | str, suspects: Iterable[Fact | str] = ()) -> None:
        self.text = text
        self.keys, self.suspects = _keys(about), _keys(suspects)


@dataclass(frozen=True)
class Invariant:
    """A statement and the check of it."""

    name: str
    check: Check
    before: Before | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Where it is written."""
        return self.check.__module__, self.check.__qualname__


_stated: dict[str, Invariant] = {}


def invariant(name: str, *, before: Before | None = None) -> Callable[[CheckT], CheckT]:
    """State an invariant; the function below it yields a `Violation`, or its text, for everything that is wrong."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError('@invariant needs a sentence that says what must be true: @invariant("no seat is sold twice")')

    def state(check: CheckT) -> CheckT:
        new = Invariant(name, check, before)
        if name in _stated and _stated[name].place != new.place:
            raise ValueError(f"two invariants are called {name!r}: {_stated[name].place} and {new.place}")
        _stated[name] = new
        return check

    return state


def stated() -> Sequence[Invariant]:
    """All that this process' locustfiles state, in order."""
    return tuple(_stated.values())


def _keys(about: Iterable[Fact | str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.key if isinstance(each, Fact) else str(each) for each in about))
