"""The app's own process: pressure on memory, processor and descriptors, and the death of a worker.

These faults befall no single request. A window opens when the first keyed request of a stage comes in, in the process
that it comes to, and closes after its seconds, with its stage, or with the kill switch.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calls import Call
from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.faults.base import Target
from chaos_middleware.request import Request, current
from chaos_middleware.seams.process.pressure import cpu, descriptors, memory

if TYPE_CHECKING:
    from chaos_middleware.injector import Firing, Injector

KEY = "process"  # no client's request can have it: it has no dots
_SLICE_SECONDS = 0.1


class Windows:
    """Opens the windows of the stages that reach this process first."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector
        self._rules = [rule for rule in injector.experiment.rules if rule.seam == "process"]
        self.stage = ""

    def enter(self, stage: str) -> None:
        """A request of a stage that is new to this process has come in."""
        self.stage = stage  # which ends the windows of the one before
        if any(rule.rate_in(stage) > 0 for rule in self._rules) and self._injector.ledger.claim(f"{stage}.process"):
            window = _Window(self._injector, KEY, stage, {"REQUEST_METHOD": "", "PATH_INFO": ""}, 0)
            for firing in self._injector.reach(window, _Stage(stage))[1]:
                self._start(firing)

    def _start(self, firing: Firing) -> None:
        def window() -> None:
            target = ProcessTarget(firing, self)
            self._injector.act(firing, target)
            if target.deadly:
                os.kill(os.getpid(), signal.SIGKILL)

        token = current.set(None)  # it is not the work of the request that happened to be first
        try:
            threading.Thread(target=window, name=f"chaos {firing.rule.name}", daemon=True).start()
        finally:
            current.reset(token)


class _Window(Request):
    """What a window's events are noted under."""

    def where(self) -> str:
        return ""


class _Stage(Call):
    __slots__ = ("_stage",)

    seam = "process"

    def __init__(self, stage: str) -> None:
        super().__init__(())
        self._stage = stage

    @property
    def identity(self) -> str:
        return f"stage {self._stage}"


class ProcessTarget(Target):
    """This process, for one firing. `deadly`: it is to end when the ledger has the event."""

    place = "a process"
    deadly = False

    def __init__(self, firing: Firing, windows: Windows) -> None:
        self._firing = firing
        self._windows = windows
        self._control = firing.request.injector.control

    def press(self, what: str, amount: int, seconds: float) -> None:
        take: dict[str, Callable[[int], Any]] = {"memory": memory, "cpu": cpu, "descriptors": descriptors}
        with take[what](amount) as taken:
            self._firing.did = taken
            self._hold(seconds)

    def kill(self) -> None:
        if "gunicorn.arbiter" not in sys.modules:
            raise UnsupportedFault("this server starts no other worker in the place of one that died")
        self._firing.did = f"SIGKILL to {os.getpid()}"
        self.deadly = True

    def _hold(self, seconds: float) -> None:
        until = monotonic() + seconds
        stage = self._firing.request.stage
        while (left := until - monotonic()) > 0 and self._windows.stage == stage and not self._control.stopped():
            self._control.sleep(min(left, _SLICE_SECONDS))
