"""One attempt of a command or a pipeline: drawn for, acted on, timed and noted. How it is sent is the hooks' part."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calls import Call, Exchange
from chaos_middleware.errors import mark_injected
from chaos_middleware.seams.cache import commands, earlier
from chaos_middleware.seams.cache.target import CacheTarget

if TYPE_CHECKING:
    from chaos_middleware.request import Request

_IN_THE_ANSWER = ("stale_value", "garbage_body")  # act on an answer that has come
_TAKEN_BY = {"cache_miss": commands.READS, "stale_value": earlier.READABLE, "garbage_body": commands.VALUES}


class CacheCall(Call):
    """`identity` is `COMMAND host keys`, without the values: they may differ from run to run, and nobody need see them.

    `names`: the commands; of a pipeline the facts have them in one, after the word PIPELINE.
    """

    __slots__ = ("_names",)

    seam = "cache"

    def __init__(self, names: Sequence[str], keys: str, host: str, *, pipeline: bool = False) -> None:
        super().__init__((commands.short(" ".join(("PIPELINE", *names))) if pipeline else names[0], keys, host))
        self._names = names

    @property
    def identity(self) -> str:
        command, keys, host = self.facts
        return f"{command} {host} {keys}".rstrip()

    def takes(self, fault: str) -> bool:
        return fault not in _TAKEN_BY or not _TAKEN_BY[fault].isdisjoint(self._names)


class CacheExchange(Exchange):
    """`connect` is the client's `socket_connect_timeout` in seconds, `limit` its `socket_timeout`; None where it has
    none. `names` and `replies`: of each command; `before`: what the values among the replies were earlier, where a rule
    wants to know. With `missing`, keys that do not exist are asked for, and the real ones left alone.
    """

    depth = 3
    missing = False
    replies: list[Any]
    before: Sequence[earlier.Before] = ()

    def __init__(
        self,
        request: Request,
        library: str,
        client: Any,
        conn: Any,
        sent: Sequence[Sequence[Any]],
        *,
        attempt: Callable[[Sequence[Sequence[Any]]], list[Any]],
        pipeline: bool,
    ) -> None:
        """`library`: the package; `sent`: each command, its name and arguments; `attempt` sends them as it does."""
        self._library, self._conn, self._sent, self._attempt = library, conn, sent, attempt
        self.encoder: Callable[[], Any] = client.get_encoder
        self._socket = getattr(conn, "_conn", conn)  # behind a client-side cache
        self.connect = getattr(self._socket, "socket_connect_timeout", None)
        self.limit = self._socket.socket_timeout
        self.names = [commands.name_of(command) for command in sent]
        keys = commands.shown(key for name, c in zip(self.names, sent) for key in commands.keys_of(name, c))
        host = "unix" if hasattr(self._socket, "path") else self._socket.host
        super().__init__(request, CacheCall(list(dict.fromkeys(self.names)), keys, host, pipeline=pipeline))

    def run(self) -> list[Any]:
        """The attempt: the replies that the app gets, or the library's error."""
        try:
            if self.firings:
                self._faulted()
            else:
                self._send()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.note()
            self._sent, self.before = (), ()  # a note is kept for longer than the call
        replies, self.replies = self.replies, []
        return replies

    def timeout(self) -> Any:
        return None if self.connect is self.limit is None else (self.connect, self.limit)

    def timed_out(self) -> Exception:
        return self._broken("TimeoutError", "Timeout reading from socket", TimeoutError("timed out"))

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

    def _broken(self, kind: str, text: str, origin: OSError) -> Exception:
        """The library's error of this class, as it makes it of `origin`; its connection is gone then."""
        self._conn.disconnect()
        error: Exception = getattr(sys.modules[f"{self._library}.exceptions"], kind)(text)
        error.__context__ = origin
        return error

    def _faulted(self) -> None:
        self._act(late=False)
        self._send_in_time()
        self._act(late=True)

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
