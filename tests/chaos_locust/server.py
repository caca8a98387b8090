"""A real WSGI server that counts what reaches it. Usage: server.py PORT HITS-FILE. Run as a process of its own."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
from urllib.parse import parse_qs

import gevent
from gevent.pywsgi import WSGIHandler, WSGIServer


class Handler(WSGIHandler):
    """Hands the connection to the app, which resets some."""

    def get_environ(self):
        return super().get_environ() | {"test.socket": self.socket}


class App:
    """Writes one line a hit before it answers; the path says how it answers."""

    def __init__(self, hits: str) -> None:
        self.file = os.open(hits, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.count = 0

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        hit = {
            "key": environ.get("HTTP_X_CHAOS_KEY"),
            "stage": environ.get("HTTP_X_CHAOS_STAGE"),
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "body": environ["wsgi.input"].read().decode(),
        }
        os.write(self.file, json.dumps(hit).encode() + b"\n")
        self.count += 1
        if path == "/reset" or (path == "/flaky" and self.count % 3 == 0):
            return self.reset(environ["test.socket"])
        if path == "/redirect":
            start_response("302 Found", [("Location", "/ok"), ("Content-Length", "0")])
            return []
        if path == "/drip":
            start_response("200 OK", [("Content-Length", "100")])
            return self.drip()
        gevent.sleep(float(parse_qs(environ["QUERY_STRING"]).get("sleep", ["0"])[0]))
        status = "500 Broken" if path == "/broken" else "200 OK"
        body = json.dumps({"path": path}).encode()
        start_response(
            status,
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("X-Chaos-Fault", f"{hit['key']}:some-rule" if path == "/faulted" else ""),
            ],
        )
        return [body]

    def drip(self):
        """A byte each 50 ms: no single wait is long."""
        for _ in range(100):
            gevent.sleep(0.05)
            yield b"x"

    def reset(self, connection):
        """A true RST."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())
        raise ConnectionResetError(errno.ECONNRESET, "reset")


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=200)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    server = WSGIServer(gevent.socket.socket(fileno=listener.detach()), App(sys.argv[2]), log=None, error_log=None)
    server.handler_class = Handler
    server.serve_forever()
