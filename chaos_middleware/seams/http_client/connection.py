"""Driver for `http.client` and what is built on it (`urllib.request`, `xmlrpc`): where a request is sent, and where its
answer is read.

urllib3's own connections pass: their pools are driven one level up.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from functools import partial, wraps
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calm import is_calm
from chaos_middleware.errors import mark_injected
from chaos_middleware.request import current
from chaos_middleware.seams.http_client import wire
from chaos_middleware.seams.http_client.exchange import Calls, HttpCall, HttpExchange, http_call, seconds
from chaos_middleware.seams.http_client.quiet import Begun, keep

if TYPE_CHECKING:
    from chaos_middleware.request import Request

_REMEMBERED = 64
_urllib3: dict[type, bool] = {}  # the classes of connections seen so far


def endheaders(original: Callable[..., None]) -> Callable[..., None]:
    """`HTTPConnection.endheaders`, which connects and sends, with faults for the calls of a current request."""

    @wraps(original)
    def hooked(conn: Any, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        kind = conn.__class__
        passes = _urllib3.get(kind)  # in one step: another thread may clear it
        if passes is None:
            passes = _is_urllib3(kind)
        request = None if passes else current.get()
        if request is None or not conn._buffer:  # an empty buffer is an error of the caller
            original(conn, message_body, encode_chunked=encode_chunked)
            return
        call = _CALLS[conn._buffer[0], conn._tunnel_host or conn.host]  # behind a proxy, the one that is asked
        sock, headers = conn.sock, None
        asked = conn.timeout if sock is None else sock.gettimeout()
        if call.facts[0] in ("POST", "PATCH"):  # of others nobody asks, and a name for each line takes its time
            lines = (str(line, "latin-1").partition(":") for line in conn._buffer[1:])
            headers = {name: value.strip() for name, _, value in lines}
        if call in request.calm or is_calm(request, call):
            spot = request.injector.frames.along(call.way, 1)
            begun = (call, spot, _timeouts, asked, headers, monotonic())
            try:
                original(conn, message_body, encode_chunked=encode_chunked)
            except BaseException as error:
                keep(request, begun, None, type(error).__name__)
                raise
            conn.getresponse = partial(_answered, conn, request, begun)
            return
        exchange = _ConnectionExchange(request, call)
        exchange.conn, exchange.asked, exchange.headers = conn, asked, headers
        if not exchange.firings:
            try:
                original(conn, message_body, encode_chunked=encode_chunked)
            except BaseException as error:
                exchange.error = error
                exchange.note()
                raise
            conn.getresponse = exchange.plain
            return
        try:
            exchange.open()
            original(conn, message_body, encode_chunked=encode_chunked)
        except BaseException as error:
            exchange.error = error
            exchange.note()
            raise
        finally:
            exchange.restore_timeout()
        exchange.sent()

    return hooked


def _answered(conn: Any, request: Request, begun: Begun) -> Any:
    """In the place of the connection's next `getresponse`, for a call that is only noted."""
    status, failed = None, None
    try:  # noqa: SIM105 - suppress costs a microsecond, and by way of `vars` all later access would be slow
        del conn.getresponse
    except AttributeError:
        pass
    try:
        response = conn.getresponse()
        status = response.status
    except BaseException as error:
        failed = type(error).__name__
        raise
    finally:
        keep(request, begun, status, failed)
    return response


def _timeouts(asked: Any) -> tuple[float | None, float | None]:
    """The one timeout of a connection is for each of the two."""
    return (seconds(asked),) * 2


def _called(line: bytes, host: str) -> HttpCall:
    """`line`: the first of the request; what is called is kept nowhere else."""
    method, url, _ = str(line, "latin-1").split(" ", 2)
    return http_call(method, host, url)


_CALLS = Calls(_called)


class _ConnectionExchange(HttpExchange):
    depth = 2
    conn: Any
    asked: float | None  # the caller's one timeout
    _aside: Any = None
    _peer: wire.Peer | None = None
    _late_error: Exception | None = None

    def open(self) -> None:
        """Before the request is sent: make the connection a real one with the time that is left, or one to nobody."""
        self._timeout = self.conn.timeout
        try:
            self.before()
        except OSError as error:
            if error is not self._late_error:
                raise
            self._connect_to(wire.Peer(error))  # it is the wait for the answer that fails, not the sending
        else:
            if self.answer is not None:
                self._connect_to(wire.Peer(self.answer))
            elif self.delayed_by is not None and self.limit is not None:
                self._limit(self.left())

    def restore_timeout(self) -> None:
        """The connection has its own timeout again, also where only its socket should have the shortened one."""
        self.conn.timeout = self._timeout

    def sent(self) -> None:
        """The request is on its way. The connection's next `getresponse` is ours; nobody else's is touched."""
        self._sock = self.conn.sock
        self.conn.getresponse = self._getresponse

    def plain(self) -> Any:
        """In the place of the connection's next `getresponse`, where no fault is."""
        conn, self.conn = self.conn, None
        try:  # noqa: SIM105 - suppress costs a microsecond, and by way of `vars` all later access would be slow
            del conn.getresponse
        except AttributeError:
            pass
        try:
            response = conn.getresponse()
            self.status = response.status
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.note()
        return response

    def _getresponse(self) -> Any:
        with suppress(AttributeError):
            del self.conn.getresponse
        try:
            response = self._finish()
            self.status = response.status
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.note()
        return response

    def _finish(self) -> Any:
        """The answer, real or played, with the faults that come after the call."""
        conn = self.conn
        if self._peer is not None:
            try:
                return conn.getresponse()
            finally:
                conn.sock = self._aside
        response = self._real_answer()
        try:
            self.after(response)
        except BaseException:
            response.close()
            conn.close()
            raise
        return response if self.answer is None else self._play(self.answer)

    def timeouts(self) -> tuple[float | None, float | None]:
        return _timeouts(self.asked)

    def connect_timed_out(self) -> Exception:
        return socket.timeout("timed out")

    def timed_out(self) -> Exception:
        self._late_error = socket.timeout("timed out")
        return self._late_error

    def _connect_to(self, peer: wire.Peer) -> None:
        self._aside, self._peer = self.conn.sock, peer
        self.conn.sock = peer

    def _limit(self, seconds: float | None) -> None:
        conn = self.conn
        conn.timeout = seconds
        if conn.sock is not None:
            conn.sock.settimeout(seconds)

    def _real_answer(self) -> Any:
        conn = self.conn
        if self.delayed_by is None:
            return conn.getresponse()
        try:
            response = conn.getresponse()
        except socket.timeout as error:
            mark_injected(error, self.delayed_by)
            raise
        wire.set_timeout(self._sock, response, self.limit)
        return response

    def _play(self, answer: bytes) -> Any:
        from chaos_middleware.seams.http_client.cut_short import cut_short  # noqa: PLC0415 - see there

        conn = self.conn
        conn.close()
        kind = conn.response_class if self.cut_by is None else cut_short(self.cut_by)
        peer: Any = wire.Peer(answer)
        response = kind(peer, method=conn._method)
        response.begin()
        return response


def _is_urllib3(kind: type) -> bool:
    module = sys.modules.get("urllib3.connection")
    if len(_urllib3) >= _REMEMBERED:
        _urllib3.clear()
    found = _urllib3[kind] = module is not None and issubclass(kind, module.HTTPConnection)
    return found
