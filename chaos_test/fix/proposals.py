"""The proposals of a run, as `fix-proposals.json` has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_ARMS = 12  # patches that are measured at a time, if nobody names them


@dataclass(frozen=True)
class Proposed:
    """One of them. `diff` is "" where it is in words only, `effect` as `chaos_analysis.effect.Effect`, if measured."""

    number: int
    fix: str
    title: str
    file: str | None
    line: int | None
    what: str
    why: str
    why_no_diff: str | None
    reference: str
    caution: str
    diff: str
    automatic: bool
    failures: int
    spot: dict[str, Any] | None
    effect: dict[str, Any] | None

    @property
    def verdict(self) -> str:
        """What was measured of it, in a word or two."""
        return str(self.effect["verdict"]) if self.effect else ""

    @property
    def short(self) -> str:
        """The fix and its place, for a table: `retry suppliers.py:58`."""
        place = f" {self.file.rpartition('/')[2]}:{self.line}" if self.file else ""
        return f"{self.fix}{place}"

    @property
    def name(self) -> str:
        """How its arm is called."""
        return f"fix-{self.number:02d}"


def read(run_dir: Path) -> tuple[Proposed, ...]:
    """All proposals of a run in the order of their rank; raises `ChaosTestError`."""
    file = run_dir / "fix-proposals.json"
    try:
        listed = json.loads(file.read_bytes())["proposals"]
        fields = Proposed.__dataclass_fields__
        return tuple(Proposed(**{name: one.get(name) for name in fields}) for one in listed)
    except FileNotFoundError:
        raise ChaosTestError(f"{run_dir}: it has no {file.name}; chaos-test report {run_dir} makes it") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChaosTestError(f"{file}: cannot be read: {error!r}") from None


def chosen(run_dir: Path, numbers: Sequence[int]) -> tuple[Proposed, ...]:
    """Those of these numbers; raises `ChaosTestError` for one that there is not."""
    every = {one.number: one for one in read(run_dir)}
    for number in numbers:
        if number not in every:
            listed = ", ".join(map(str, sorted(every))) or "none"
            raise ChaosTestError(f"{run_dir}: there is no proposal {number}; there are {listed}")
    return tuple(every[number] for number in dict.fromkeys(numbers))


def with_diff(proposed: Proposed) -> Proposed:
    """It, if it is a patch; raises `ChaosTestError` if it is in words only."""
    if not proposed.diff:
        why = proposed.why_no_diff or "what to do is for people to decide"
        raise ChaosTestError(f"proposal {proposed.number} has no patch: {why}")
    return proposed
