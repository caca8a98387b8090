"""One link: a listener, and for each connection to it one to the other side, with whatever its faults do to it."""

from __future__ import annotations

import errno
import struct
import time
from contextlib import ExitStack, suppress
from itertools import count
from typing import TYPE_CHECKING, NoReturn

import gevent
from gevent import socket
from gevent.queue import Queue
from gevent.server import StreamServer

from chaos_middleware.faults.base import Target
from chaos_middleware.seams.network import KEY, Connection, Passage
from chaos_test.network.impairment import Impairment

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_middleware.injector import Firing, Injector

_CHUNK = 65_536
_WAITING = 64  # pieces under way in a delayed connection; then the sender has to wait, as on a real line
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent is thrown away, and the other side gets a RST


class Link:
    """`name` listens on `port` of loopback and goes to `to`; `stage` tells the run's stage."""

    def __init__(self, name: str, port: int, to: tuple[str, int], injector: Injector, stage: Callable[[], str]) -> None:
        self.name = name
        self.to = to
        self.injector = injector
        self.live: set[Carried] = set()
        self._port = port
        self._stage = stage
        self._ordinals = count()
        self._server: StreamServer | None = None
        self._down = False

    def start(self) -> None:
        """Listen."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(1024)
        self._port = listener.getsockname()[1]
        self._server = StreamServer(listener, self._handle)
        self._server.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def down(self, how: str, seconds: float) -> None:
        """Let nobody connect for so long: `refused`, or `hang`. A second one while it is down changes nothing."""
        if not self._down and self._server is not None:
            self._down = True
            gevent.spawn(self._while_down, how, seconds)

    def _while_down(self, how: str, seconds: float) -> None:
        assert self._server is not None
        self._server.close()
        with ExitStack() as held:
            if how == "hang":
                _fill(self._port, held)
            self.injector.control.sleep(seconds)
        self.start()
        self._down = False

    def _handle(self, client: socket.socket, _: object) -> None:
        passage = Passage(self.injector, KEY, self._stage(), {"REQUEST_METHOD": "", "PATH_INFO": ""}, 0)
        firings = self.injector.reach(passage, Connection(self.name, next(self._ordinals)))[1]
        carried = Carried(self, client)
        self.live.add(carried)
        try:
            with ExitStack() as acting:
                for firing in firings:
                    if acting.enter_context(self.injector.run(firing)):
                        self.injector.perform(firing, ConnectionTarget(carried, firing))
                carried.carry()
        except ConnectionResetError:
            carried.cut()  # a fault has asked for it
        finally:
            self.live.discard(carried)
            client.close()


class Carried:
    """One connection on its way through."""

    def __init__(self, link: Link, client: socket.socket) -> None:
        self.link = link
        self.impaired = Impairment()
        self._client = client
        self._server: socket.socket | None = None

    def carry(self) -> None:
        """Pass everything on until both sides are done."""
        if self.impaired.silence is not None:
            self._keep_silent(self.impaired.silence)
            return
        try:
            self._server = socket.create_connection(self.link.to, timeout=30)
        except OSError:
            self.cut()
            return
        self._server.settimeout(None)
        for each in (self._client, self._server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = self._shaped if self.impaired.shapes or self.impaired.linger else self._plain
        asked = gevent.spawn(self._plain, self._client, self._server)
        try:
            back(self._server, self._client)
        finally:
            asked.kill()
            self._server.close()

    def cut(self) -> None:
        """Reset both sides."""
        for each in (self._client, self._server):
            if each is not None:
                with suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.close()

    def _plain(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _shaped(self, source: socket.socket, sink: socket.socket) -> None:
        """A reader that notes when each piece came, and this writer that lets it wait its time."""
        came: Queue = Queue(_WAITING)
        reader = gevent.spawn(self._read, source, came)
        sent = 0
        try:
            while True:
                piece, due = came.get()
                self._wait_until(due)
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                allowed = self.impaired.allowed(sent, len(piece))
                sink.sendall(piece[:allowed])
                sent += allowed
                if sent == self.impaired.reset and (allowed < len(piece) or sent):
                    self.cut()
                    return
                if allowed < len(piece) or sent == self.impaired.limit:
                    return  # both are closed in good order
        except OSError:
            return
        finally:
            reader.kill()

    def _read(self, source: socket.socket, came: Queue) -> None:
        impaired = self.impaired
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                at = time.monotonic()
                for piece in impaired.pieces(data):
                    came.put((piece, impaired.due(len(piece), at)))
        came.put((b"", time.monotonic() + impaired.linger))

    def _wait_until(self, due: float) -> None:
        left = due - time.monotonic()
        if left > 0:
            self.link.injector.control.sleep(left)

    def _keep_silent(self, seconds: float) -> None:
        """Take what comes, and answer nothing."""
        self._client.settimeout(0.1)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.link.injector.control.stopped():
            try:
                if not self._client.recv(_CHUNK):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


class ConnectionTarget(Target):
    """One firing at one connection."""

    place = "a connection"

    def __init__(self, carried: Carried, firing: Firing) -> None:
        self._carried = carried
        self._firing = firing

    def delay(self, seconds: float, *, blocking: bool) -> None:  # noqa: ARG002 - nobody shares a line's thread
        """Let each piece of the answer come so much later."""
        self._carried.impaired.delay += seconds

    def fail(self, how: str, give_up: float = 0.0) -> NoReturn:
        """Reset it as soon as it stands."""
        if how != "connection_reset":
            super().fail(how, give_up)
        self._firing.did = "reset"
        raise ConnectionResetError(errno.ECONNRESET, "injected")

    def impair(self, what: str, amount: float, *, seconds: float = 0.0, draw: float = 0.0) -> None:
        """Put it into the connection's impairment; what befalls the whole link begins at once."""
        impaired, link = self._carried.impaired, self._carried.link
        if what in {"refused", "hang"}:
            link.down(what, amount)
        elif what == "live_reset":
            others = [each for each in link.live if each is not self._carried]
            for each in others:
                each.cut()
            self._firing.did = f"{len(others)} reset"
        elif what == "slicer":
            impaired.slice, impaired.gap = int(amount), seconds
        elif what == "packet_loss":
            impaired.loss, impaired.stall = amount, seconds
        else:
            name = {"bandwidth": "rate", "data_limit": "limit", "reset_after": "reset", "slow_close": "linger"}
            setattr(impaired, name.get(what, what), int(amount) if what in {"data_limit", "reset_after"} else amount)
        if draw:
            impaired.dice.seed(draw)


def _fill(port: int, held: ExitStack) -> None:
    """Listen with a queue of no length and fill it: the kernel then drops every further attempt."""
    listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    for _ in range(8):
        waiting = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        waiting.settimeout(0.05)
        with suppress(OSError):
            waiting.connect(("127.0.0.1", port))
