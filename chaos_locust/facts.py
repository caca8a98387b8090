"""What users note while they run, for invariants to compare the service with: `requests/facts-<part>.jsonl`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Fact:
    """Something that a user knows: `fact["id"]` is one of its values.

    `key` is that of the request it was noted at, the user's latest; `at` is in seconds since the epoch.
    """

    name: str
    key: str
    stage: str
    at: float
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


class Facts:
    """All facts of a test in the order in which they were noted; `facts["booked"]` are those of one name, maybe none.

    `broken` counts the lines that could not be read.
    """

    def __init__(self, facts: Iterable[Fact], broken: int = 0) -> None:
        self._facts = sorted(facts, key=lambda fact: fact.at)
        self.broken = broken

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __getitem__(self, name: str) -> list[Fact]:
        return [fact for fact in self._facts if fact.name == name]


def line(fact: Fact) -> bytes:
    """A line of the file; raises TypeError where a value is nothing that JSON knows."""
    record = {"fact": fact.name, "key": fact.key, "stage": fact.stage, "at": fact.at, "values": fact.values}
    try:
        return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise TypeError(f"note({fact.name!r}): {error}; a fact is made of text, numbers, lists and the like") from None


def read(folder: Path) -> Facts:
    """The facts of all parts in the folder `requests/`."""
    facts: list[Fact] = []
    broken = 0
    for file in sorted(folder.glob("facts-*.jsonl")):
        for text in file.read_bytes().splitlines():
            try:
                record = json.loads(text)
                facts.append(Fact(*(record[name] for name in ("fact", "key", "stage", "at", "values"))))
            except (ValueError, KeyError, TypeError):
                broken += 1
    return Facts(facts, broken)
