"""`exception`: raise an error in the app's own code, where its error handlers see it."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import Any

from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.reading import Reader

ALLOWED = (
    "ArithmeticError",
    "AttributeError",
    "BrokenPipeError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "Exception",
    "IndexError",
    "KeyError",
    "LookupError",
    "MemoryError",
    "OSError",
    "PermissionError",
    "RecursionError",
    "RuntimeError",
    "TimeoutError",
    "TypeError",
    "UnicodeError",
    "ValueError",
)


@dataclass(frozen=True)
class InjectedException(Fault):
    """An exception of a built-in class from a fixed list; nothing is imported by name."""

    name = "exception"

    class_name: str
    message: str

    @classmethod
    def read(cls, settings: Reader) -> InjectedException:
        return cls(
            settings.choice("class", ALLOWED, "RuntimeError"), settings.text("message", "injected by chaos-test")
        )

    def asked(self) -> dict[str, Any]:
        return {"class": self.class_name, "message": self.message}

    def act(self, target: Target) -> None:
        target.throw(getattr(builtins, self.class_name)(self.message))
