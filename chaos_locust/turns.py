"""How blocks of a script begin and end: a file `turn-3` lets block 3 begin, a file `done-3` says that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOOK_SECONDS = 0.03


class Turns:
    """Lets blocks begin in order; without a folder none waits for anything but the one before it.

    `passed(block)`: whether every user is through with a block.
    """

    def __init__(self, folder: Path | None, blocks: int, passed: Callable[[int], bool]) -> None:
        self._folder = folder
        self._passed = passed
        self._gates = [Event() for _ in range(blocks)]
        self._watching = gevent.spawn(self._watch)

    def gate(self, block: int) -> Event:
        """Set when the block may begin."""
        return self._gates[block]

    def close(self) -> None:
        """Look no more, and say of the last blocks that they are over: Locust may end before anybody looked."""
        self._watching.kill()
        for block, gate in enumerate(self._gates):
            if gate.is_set() and self._passed(block):
                self._tell(block)

    def _watch(self) -> None:
        for block, gate in enumerate(self._gates):
            while self._folder is not None and not (self._folder / f"turn-{block}").exists():
                gevent.sleep(_LOOK_SECONDS)
            gate.set()
            while not self._passed(block):
                gevent.sleep(_LOOK_SECONDS)
            self._tell(block)

    def _tell(self, block: int) -> None:
        if self._folder is not None:
            (self._folder / f"done-{block}").touch()
