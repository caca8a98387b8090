"""`link_down`: for a while nobody can connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class LinkDown(Fault):
    """`how`: `refused`, or `hang` (an attempt gets no answer at all); for `seconds`. Connections that stand go on."""

    name = "link_down"

    how: str
    seconds: float

    @classmethod
    def read(cls, settings: Reader) -> LinkDown:
        return cls(settings.choice("how", ("refused", "hang"), "refused"), settings.number("seconds", 0, 300, 5))

    def asked(self) -> dict[str, Any]:
        return {"how": self.how, "seconds": self.seconds}

    def act(self, target: Target) -> None:
        target.impair(self.how, self.seconds)
