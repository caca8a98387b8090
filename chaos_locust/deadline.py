"""The time that a user's request may take, kept by a timer that is set once in a while and not for every request."""

from __future__ import annotations

from time import monotonic
from typing import Any

from gevent import get_hub

from chaos_locust.recorder import DeadlineError


class Deadline:
    """`seconds` for a request of one user, who has one under way while `greenlet` is not None.

    The timer runs on when a request is answered: it finds out by itself whether there is another one and how long that
    may still take. To set and to stop it each time would cost as much as all else that is done before a request.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.greenlet: Any = None
        self._until = 0.0
        self._timer: Any = None

    def watch(self, greenlet: Any) -> None:
        """From now on this greenlet waits; it sets `greenlet` to None when it has its answer."""
        self.greenlet = greenlet
        self._until = monotonic() + self.seconds
        if self._timer is None:
            self._set(self.seconds)

    def spent(self) -> float:
        """Seconds since it last began to watch."""
        return monotonic() - self._until + self.seconds

    def _set(self, seconds: float) -> None:
        self._timer = get_hub().loop.timer(seconds)
        self._timer.start(self._ring)

    def _ring(self) -> None:
        self._timer.close()
        self._timer = None
        if self.greenlet is None:
            return
        left = self._until - monotonic()
        if left > 0:
            self._set(left)
        else:
            self.greenlet.throw(DeadlineError, f"no whole answer within {self.seconds:g} s")
