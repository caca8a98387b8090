"""One attempt of a command or a pipeline: drawn for, acted on, timed and noted. How it is sent is the hooks' part."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any, Callable

from chaos_middleware.calls import Exchange
from chaos_middleware.errors import mark_injected
from chaos_middleware.seams.cache import commands, earlier
from chaos_middleware.seams.cache.target import CacheTarget

_IN_THE_ANSWER = ("stale_value", "garbage_body")  # act on an answer that has come
_COMPILED = ("HiredisParser", "LibvalkeyParser")  # they leave it to the connection to tell of a timeout

Attempt = Callable[[Sequence[Sequence[Any]]], "list[Any]"]


class CacheExchange(Exchange):
    """`connect` is the client's `socket_connect_timeout` in seconds, `limit` its `socket_timeout`; None where it has
    none. `names` and `replies`: of each command; `before`: what the values among the replies were earlier, where a rule
    wants to know. With `missing`, keys that do not exist are asked for, and the real ones left alone.

    All but `conn` are there only where the call is `watched`: a call without a fault needs none of them.
    """

    depth = 2
    conn: Any
    connect: float | None = None
    missing = False
    names: list[str]
    replies: list[Any]
    before: Sequence[earlier.Before] = ()

    def watched(self, library: str, client: Any, sent: Sequence[Sequence[Any]], attempt: Attempt) -> list[Any]:
        """The attempt with its faults: the replies that the app gets, or the library's error.

        `library`: the package; `sent`: each command, its name and arguments; `attempt` sends them as the library does.
        """
        self._library, self._sent, self._attempt = library, sent, attempt
        self.encoder: Callable[[], Any] = client.get_encoder
        self.names = [commands.name_of(command) for command in sent]
        self.connect, self.limit = self._timeouts()
        try:
            self._act(late=False)
            self._send_in_time()
            self._act(late=True)
            return self.replies
        finally:
            self.replies, self.before, self._sent = [], (), ()  # a note is kept for longer than the call

    def timeout(self) -> Any:
        timeouts = self._timeouts()
        return None if timeouts == (None, None) else timeouts

    def timed_out(self) -> Exception:
        conn = self._socket
        where = conn._host_error() if type(conn._parser).__name__.strip("_") in _COMPILED else "socket"
        return self._broken("TimeoutError", f"Timeout reading from {where}", TimeoutError("timed out"))

    def connect_timed_out(self) -> Exception:
        """The library's error when no connection comes about within `connect`."""
        return self._broken("TimeoutError", "Timeout connecting to server", TimeoutError("timed out"))

    def refused(self) -> Exception:
        """The library's error where nobody listens."""
        origin = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        return self._broken("ConnectionError", self._socket._error_message(origin), origin)

    def was_reset(self) -> Exception:
        """The library's error when the server resets the connection."""
        origin = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        text = f"Error while reading from {self._socket._host_error()} : {origin.args}"
        return self._broken("ConnectionError", text, origin)

    @property
    def _socket(self) -> Any:
        """The connection proper, behind a client-side cache."""
        return getattr(self.conn, "_conn", self.conn)

    def _timeouts(self) -> tuple[Any, Any]:
        conn = self._socket
        return getattr(conn, "socket_connect_timeout", None), conn.socket_timeout

    def _broken(self, kind: str, text: str, origin: OSError) -> Exception:
        """The library's error of this class, as it makes it of `origin`; its connection is gone then."""
        self.conn.disconnect()
        error: Exception = getattr(sys.modules[f"{self._library}.exceptions"], kind)(text)
        error.__context__ = origin
        return error

    def _act(self, *, late: bool) -> None:
        for firing in self.firings:
            in_the_answer = firing.fault.name in _IN_THE_ANSWER
            if late == (in_the_answer or firing.rule.phase == "after") and not (in_the_answer and self.missing):
                self.request.injector.act(firing, CacheTarget(self, firing))

    def _send_in_time(self) -> None:
        """The library's attempt, within what the faults have left of the caller's time."""
        left = self.left()
        if self.delayed_by is None or left is None:
            self._send()
            return
        self._limit_to(max(left, 0.001))
        try:
            self._send()
        except Exception as error:
            if type(error).__name__ == "TimeoutError":
                mark_injected(error, self.delayed_by)
            raise
        finally:
            self._limit_to(self.limit)

    def _limit_to(self, seconds: float | None) -> None:
        conn = self._socket
        conn.socket_timeout = seconds  # for a connection that is yet to be made
        if conn._sock is not None:
            conn._sock.settimeout(seconds)

    def _send(self) -> None:
        sent = self._sent
        if self.missing:
            sent = [commands.without_its_keys(name, command) for name, command in zip(self.names, sent)]
        self.replies = self._attempt(sent)
        memory = earlier.memory_of(self.request.injector)
        if memory is not None and not self.missing:
            conn = self._socket
            where = (getattr(conn, "path", None) or (conn.host, conn.port), conn.db)
            self.before = memory.look(where, self.encoder(), zip(self.names, sent, self.replies))
