"""The current request: its key and stage, the faults it met and the outbound calls it made.

`current` follows the request through the app's code; `carry.py` takes it along into the threads and greenlets the app
starts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any

from chaos_middleware.headers import FAULT

if TYPE_CHECKING:
    from chaos_middleware.answers import StartResponse
    from chaos_middleware.calls import Noted
    from chaos_middleware.injector import Firing, Injector

_BARE = ("CONTENT_TYPE", "CONTENT_LENGTH")  # the headers whose variables have no HTTP_
_lock = Lock()  # the app's threads may share a request; held for a few instructions, it serves all requests

current: ContextVar[Request | None] = ContextVar("chaos_request", default=None)


class Request:
    """One keyed request while it is in the app. Cheap to make: one is made for every request under chaos."""

    route: str | None = None  # the framework's template, once it has told
    status: str | None = None  # the status line
    error: BaseException | None = None
    fired: tuple[Firing, ...] = ()  # what the draws decided, whether or not it came to act
    faults: tuple[str, ...]  # ids of the fault events met so far
    closed: bool  # it has left the app
    calm: AbstractSet[object] = frozenset()  # what it may call and only keeps in mind: see calm.py
    pending: dict[str, Callable[[], None]] | None = None  # by phase: what raises an error inside the framework
    start_response: StartResponse  # the server's
    _occurrences: dict[str, itertools.count[int]] | None = None

    def __init__(self, injector: Injector, key: str, stage: str, environ: dict[str, Any], point: int) -> None:
        self.injector = injector
        self.key = key
        self.stage = stage
        self.environ = environ
        self.point = point
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        self.started = time()
        self.sampled = False
        self.faults, self.closed = (), False  # asked of at every call: not in the class, where they are slow to read
        self.calls: list[Noted | tuple[Any, ...]] = []  # ended calls that wait for a reason to be written down

    def start(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], Any]:
        """The app's `start_response`: notes the status and names the faults that the request met so far."""
        self.status = status
        if self.faults:
            headers = [*headers, (FAULT, ",".join(self.faults))]
        return self.start_response(status, headers, *exc_info)

    def occurrence(self, call: str) -> int:
        """How often this same call came before in this request; safe with the app's own threads."""
        if self._occurrences is None:
            with _lock:
                self._occurrences = self._occurrences or {}
        return next(self._occurrences.setdefault(call, itertools.count()))

    def decided(self, firings: list[Firing]) -> None:
        """These came out of a draw."""
        with _lock:
            self.fired = (*self.fired, *firings)

    def met(self, fault: str) -> None:
        """The fault event with this id has begun."""
        with _lock:
            self.faults = (*self.faults, fault)
        self.calm = frozenset()

    def where(self) -> str:
        """The route's template with its method, or the path where no framework told one."""
        return f"{self.method} {self.route or self.path}"

    def length(self) -> int | None:
        """How many bytes the body says to have; None where it does not say."""
        said = self.environ.get("CONTENT_LENGTH", "")
        return int(said) if said.isdecimal() else None

    def raise_pending(self, phase: str) -> bool:
        """Raise the error that waits for this phase; False where there is none (any more)."""
        act = self.pending.pop(phase, None) if self.pending else None
        if act is not None:
            act()
        return act is not None

    def header(self, name: str) -> str:
        """An incoming header's value, or ""."""
        variable = name.upper().replace("-", "_")
        return str(self.environ.get(variable if variable in _BARE else f"HTTP_{variable}", ""))
