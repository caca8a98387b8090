"""`http_error`: an HTTP error answer in the place of the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader


@dataclass(frozen=True)
class HttpError(Fault):
    """An answer with `status` (400 to 599) and a short JSON `body`."""

    name = "http_error"

    status: int
    body: str

    @classmethod
    def read(cls, settings: Reader) -> HttpError:
        return cls(
            settings.integer("status", 400, 599, 503),
            settings.text("body", '{"error": "injected by chaos-test"}'),
        )

    def asked(self) -> dict[str, Any]:
        return {"status": self.status}

    def act(self, target: Target) -> None:
        target.answer(self.status, self.body.encode())
