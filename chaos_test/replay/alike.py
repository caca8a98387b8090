"""Two arms with the same code must be alike: what is said where they are not, and what ends the replay at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.effect import own_names
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_FIRST = 2  # blocks after which it is asked: the one that warms up, and the first that is judged
_EXAMPLES = 2


def between(base: Path, again: Path) -> Callable[[int], None]:
    """What is to be called after each block: it raises `ChaosTestError` where the same code calls by other names in
    each of these arms, for that does not pass by itself.
    """

    def after(block: int) -> None:
        if block < _FIRST and (found := own_names(base, again)):
            pairs = "; ".join(f"{mine}, in the other {other}" for mine, other in found[:_EXAMPLES])
            raise ChaosTestError(
                f"the same code makes calls under another name in each arm, so they meet other faults there: {pairs}. "
                "Keep {scratch} out of keys and paths, and give each arm a database of its own (docs/measuring.md)"
            )

    return after


def told(where: Mapping[str, str]) -> str:
    """Endpoints, each with how it differs."""
    return "; ".join(f"{endpoint} ({how})" for endpoint, how in where.items())
