"""Strict reading of JSON objects: every key is asked for by name, and what nobody asked for is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from chaos_middleware.errors import ExperimentError

_MISSING: Any = object()
_ALIKE = 0.8  # of two names: above what any two of our own keys have in common


class Reader:
    """One JSON object at a path, e.g. `rules[2].fault` of `chaos-config.json`.

    Each method takes one key out and checks it; `close()` refuses the keys that are left. Every error is an
    `ExperimentError` that names file, path, value and what is allowed.
    """

    def __init__(self, value: object, file: str, path: str = "") -> None:
        self.file = file
        self.path = path
        if not isinstance(value, dict):
            refuse(file, path, value, "an object {...}")
        self._left: dict[str, Any] = dict(value)
        self._asked: list[str] = []

    def refuse(self, key: str, value: object, allowed: str) -> NoReturn:
        """Refuse the value of one of this object's keys."""
        refuse(self.file, self._at(key), value, allowed)

    def number(self, key: str, low: float, high: float, default: float = _MISSING) -> float:
        """A number in [low, high]; JSON booleans are not numbers."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self.refuse(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, key: str, low: int, high: int, default: int = _MISSING) -> int:
        """An integer in [low, high]."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(key, value, f"an integer from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """`true` or `false`."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.refuse(key, value, "true or false")
        return value

    def text(self, key: str, default: str = _MISSING) -> str:
        """A string that is not empty (unless the default is)."""
        value = self._take(key, default)
        if not isinstance(value, str) or (not value and default != ""):
            self.refuse(key, value, "a string that is not empty")
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str = _MISSING) -> str:
        """One of a few words."""
        value = self._take(key, default)
        words = tuple(allowed)
        if value not in words:
            self.refuse(key, value, "one of " + ", ".join(words))
        return str(value)

    def strings(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(key, value, 'a list of strings, e.g. ["/api/*"]')
        return tuple(value)

    def mapping(self, key: str) -> dict[str, Any]:
        """An object whose keys are the user's own; {} where absent."""
        value = self._take(key, {})
        if not isinstance(value, dict):
            self.refuse(key, value, "an object {...}")
        return value

    def any(self, key: str, default: Any = _MISSING) -> Any:
        """The raw value, for keys with several shapes."""
        return self._take(key, default)

    def object(self, key: str, default: Any = _MISSING) -> Reader:
        """A nested object."""
        return Reader(self._take(key, default), self.file, self._at(key))

    def objects(self, key: str) -> list[Reader]:
        """A list of nested objects; [] where absent."""
        value = self._take(key, [])
        if not isinstance(value, list):
            self.refuse(key, value, "a list of objects")
        return [Reader(item, self.file, f"{self._at(key)}[{index}]") for index, item in enumerate(value)]

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key, value in self._left.items():
            self.refuse(key, value, "no such key here; the keys are " + ", ".join(sorted(set(self._asked))))

    def _take(self, key: str, default: Any) -> Any:
        self._asked.append(key)
        value = self._left.pop(key, default)
        if value is _MISSING:
            self._missing(key)
        return value

    def _missing(self, key: str) -> NoReturn:
        """Refuse an object without this key; one of nearly the same name is probably what it should be."""
        near = get_close_matches(key, map(str, self._left), n=1, cutoff=_ALIKE)
        instead = f"; there is {json.dumps(near[0])}, which is no key here" if near else ""
        raise ExperimentError(f"{self.file}: {self._at(key)}: the key is missing{instead}")

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def refuse(file: str, path: str, value: object, allowed: str) -> NoReturn:
    """Raise the one sentence that every refusal has."""
    shown = json.dumps(value, default=str)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    raise ExperimentError(f"{file}: {path or 'the file'}: {shown} is not allowed; expected {allowed}")
