"""The servers that an app's environment may have, in the order in which they are taken."""

from __future__ import annotations

import importlib
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos_middleware.answers import WsgiApp
from chaos_middleware.errors import ChaosError, ServeError

THREADS = 64  # of a server with a fixed pool: injected delays must not use them up


@dataclass(frozen=True)
class Service:
    """What is to be served. `load` makes the app, in each process that runs it; `ready` tells the world."""

    load: Callable[[], WsgiApp]
    ready: Callable[[], None]
    listener: socket.socket
    workers: int

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self.listener.getsockname()[:2]
        return str(host), int(port)


@dataclass(frozen=True)
class Server:
    """A WSGI server: `name` for --server, `title` for people, `needs` the module that must import."""

    name: str
    title: str
    needs: str
    run: Callable[[Service], None]
    processes: bool = False
    exposes_socket: bool = True

    def missing(self) -> str | None:
        """Why this environment does not have it, or None."""
        try:
            importlib.import_module(self.needs)
        except Exception as error:  # gunicorn's workers raise RuntimeError as well as ImportError
            return str(error)
        return None


def _gunicorn(worker_class: str) -> Callable[[Service], None]:
    def run(service: Service) -> None:
        from gunicorn.errors import HaltServer  # noqa: PLC0415 - only where the app has it

        read, write = os.pipe()
        master = os.getpid()
        try:
            _gunicorn_application(service, worker_class, write).run()
        except (SystemExit, HaltServer) as end:  # the latter when a second worker fails in the course of the end
            code = end.code if isinstance(end, SystemExit) else end.exit_status
            if code != _BOOT_FAILED or os.getpid() != master:  # a worker is a fork of this very frame
                raise
            os.set_blocking(read, False)
            raise ServeError(os.read(read, 4096).decode().partition("\n")[0] or "the worker failed to boot") from None

    return run


_NO_NEWS = re.compile(r"^Shutting down|^Reason: Worker failed|exited with code 3\.?$|was sent SIG(TERM|QUIT|INT)!")
_BOOT_FAILED = 3  # gunicorn's Arbiter.WORKER_BOOT_ERROR: such a worker ends the whole server


def _gunicorn_application(service: Service, worker_class: str, failures: int) -> Any:
    """Gunicorn's application. Each worker loads the app itself, after gevent has patched."""
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - only where the app has it

    def booted(worker: Any) -> None:
        for number in (signal.SIGINT, signal.SIGQUIT):  # gevent's quick exit leaves a traceback at each Ctrl-C
            signal.signal(number, worker.handle_exit)
        if worker.age == 1:
            service.ready()

    settings = {
        "bind": f"fd://{service.listener.detach()}",
        "workers": service.workers,
        "worker_class": worker_class,
        "threads": THREADS if worker_class == "gthread" else 1,
        "keepalive": 75,  # a connection closed while its next request is on the way would look like a fault
        "timeout": 0,  # a worker that hangs is a finding, not to be killed
        "graceful_timeout": 5,
        "loglevel": "warning",
        "control_socket_disable": True,
        "when_ready": _forward_kill_switch,
        "post_worker_init": booted,
    }

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)
            logging.getLogger("gunicorn.error").addFilter(_is_news)

        def load(self) -> WsgiApp:
            try:
                return service.load()
            except ChaosError as error:
                os.write(failures, f"{error}\n".encode())
                sys.exit(_BOOT_FAILED)

    return Application()


def _is_news(record: logging.LogRecord) -> bool:
    """False for what gunicorn says of an end that was asked for, and around a worker that failed to boot."""
    return _NO_NEWS.search(record.getMessage()) is None


def _forward_kill_switch(arbiter: Any) -> None:
    """Let the master hand SIGURG on to its workers."""

    def forward(*_: object) -> None:
        for pid in list(arbiter.WORKERS):
            os.kill(pid, signal.SIGURG)

    signal.signal(signal.SIGURG, forward)


def _werkzeug(service: Service) -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 - only where the app has it

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            """No access log."""

    host, port = service.address
    app = service.load()
    server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=service.listener.fileno())
    service.ready()
    server.serve_forever()


def _pywsgi(service: Service) -> None:
    import gevent.monkey  # noqa: PLC0415 - only where the app has it

    gevent.monkey.patch_all()
    from gevent import socket as gevent_socket  # noqa: PLC0415 - after patching
    from gevent.pywsgi import WSGIServer  # noqa: PLC0415 - after patching

    listener = gevent_socket.socket(service.listener.family, service.listener.type, fileno=service.listener.detach())
    server = WSGIServer(listener, service.load(), log=None)
    server.start()
    service.ready()
    server.serve_forever()


def _waitress(service: Service) -> None:
    waitress = importlib.import_module("waitress")

    server = waitress.create_server(service.load(), sockets=[service.listener], threads=THREADS)
    service.ready()
    server.run()


def _wsgiref(service: Service) -> None:
    from socketserver import ThreadingMixIn  # noqa: PLC0415 - after the others
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer  # noqa: PLC0415

    class Threaded(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def address_string(self) -> str:
            return str(self.client_address[0])  # without asking a name server

        def log_message(self, *_: object) -> None:
            """No access log."""

    server = Threaded(service.address, Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = service.listener
    server.server_name, server.server_port = service.address
    server.setup_environ()
    server.set_app(service.load())
    service.ready()
    server.serve_forever()


SERVERS = (
    Server("gunicorn", "gunicorn (gevent)", "gunicorn.workers.ggevent", _gunicorn("gevent"), processes=True),
    Server("gthread", "gunicorn (gthread)", "gunicorn.workers.gthread", _gunicorn("gthread"), processes=True),
    Server("werkzeug", "werkzeug (threads)", "werkzeug.serving", _werkzeug),
    Server("waitress", "waitress", "waitress", _waitress, exposes_socket=False),
    Server("wsgiref", "wsgiref (threads)", "wsgiref.simple_server", _wsgiref),
)
BY_REQUEST_ONLY = (
    Server("sync", "gunicorn (sync)", "gunicorn.workers.sync", _gunicorn("sync"), processes=True),
    Server("pywsgi", "gevent pywsgi", "gevent.pywsgi", _pywsgi),
)
