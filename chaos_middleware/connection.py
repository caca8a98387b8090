"""The client's connection, where the server lets the app at it: broken off with a true RST, or ended in mid-answer.

Servers keep the connection in different places: gunicorn (all workers) and werkzeug name it in the environ, behind the
input stream of gevent's pywsgi and of wsgiref stands a `SocketIO`; waitress shows none.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from array import array
from typing import Any, NoReturn

from chaos_middleware.errors import UnsupportedFault

_NAMED = ("gunicorn.socket", "werkzeug.socket")
_FLUSH_SECONDS = 1.0
_LINGER_NOT = struct.pack("ii", 1, 0)


class Severed(ConnectionResetError):  # noqa: N818 - not an error but what the fault did
    """Tells the server that its client is gone, which every server takes without a word: the fault has seen to it."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "connection broken off by chaos-test")


def descriptor(environ: dict[str, Any]) -> int:
    """The connection's file descriptor; raises `UnsupportedFault` where the server shows none."""
    for name in _NAMED:
        if name in environ:
            return int(environ[name].fileno())
    stream = environ.get("wsgi.input")
    raw: Any = getattr(getattr(stream, "rfile", stream), "raw", None)  # pywsgi wraps it, wsgiref does not
    if getattr(raw, "_sock", None) is None:
        software = environ.get("SERVER_SOFTWARE", "this server")
        raise UnsupportedFault(f"{software} does not let the app at its connection, so it cannot be broken off")
    return int(raw.fileno())


def reset(environ: dict[str, Any]) -> NoReturn:
    """End the connection with a RST; the client sees ECONNRESET.

    A socket whose other end is closed takes the place of the connection under the same descriptor: whatever the server
    still does with its socket object finds nobody there, and no second reference keeps the connection open.
    """
    at = descriptor(environ)
    with socket.socket(fileno=os.dup(at)) as connection:
        _flush(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    here, there = socket.socketpair()
    there.close()
    with here:
        os.dup2(here.fileno(), at, inheritable=False)
    raise Severed


def _flush(connection: socket.socket) -> None:
    """Let what was sent arrive before a RST throws it away; a client that does not take it is not waited for long."""
    if connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    until = time.monotonic() + _FLUSH_SECONDS
    while _unsent(connection) and time.monotonic() < until:
        time.sleep(0.002)


def _unsent(connection: socket.socket) -> int:
    """Bytes that the other side has not acknowledged."""
    buffer = array("i", [0])
    try:
        from fcntl import ioctl  # noqa: PLC0415 - Windows has neither
        from termios import TIOCOUTQ  # noqa: PLC0415

        ioctl(connection.fileno(), TIOCOUTQ, buffer)
    except (ImportError, OSError):  # not to be had for this kind of socket
        return 0
    return buffer[0]


def end(environ: dict[str, Any]) -> NoReturn:
    """End the connection as if the answer were over; the client sees an end of file."""
    with socket.socket(fileno=os.dup(descriptor(environ))) as connection:
        connection.shutdown(socket.SHUT_WR)
    raise Severed
