"""`garbage_body`: the answer says 200, and its body is not what the caller can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class GarbageBody(Fault):
    """The body is replaced by `body`, status and content type stay: an upstream's error page passed on as a success."""

    name = "garbage_body"

    body: str

    @classmethod
    def read(cls, settings: Reader) -> GarbageBody:
        return cls(settings.text("body", "<html><body>upstream is restarting</body></html>"))

    def asked(self) -> dict[str, Any]:
        return {"body": self.body[:80]}

    def act(self, target: Target) -> None:
        target.garble(self.body.encode())
