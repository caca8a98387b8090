"""`python -m chaos_middleware.serve MODULE:APP`: serve a WSGI app under chaos, on the best server its environment has.

Without `--config` and `CHAOS_ENABLED=1` the app is wrapped, and no fault is injected. SIGURG stops all faults.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

from chaos_middleware.answers import WsgiApp
from chaos_middleware.errors import ChaosError, ServeError
from chaos_middleware.experiment import Experiment, load
from chaos_middleware.loading import check_target, load_app
from chaos_middleware.middleware import PATCHES, ChaosMiddleware
from chaos_middleware.servers import BY_REQUEST_ONLY, SERVERS, Server, Service

THREADED = "threads"  # --server: the best that has threads
_NEEDS_SOCKET = ("connection_reset", "truncated_body")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; 2 for what cannot be served, said in one sentence on stderr."""
    args = _arguments().parse_args(argv)
    try:
        _serve(args)
    except ChaosError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos_middleware.serve", description=__doc__)
    parser.add_argument("target", metavar="MODULE:APP", help="a WSGI application, or MODULE:FACTORY()")
    parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="port 0 takes a free one")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, where the server has several")
    parser.add_argument("--config", metavar="F", help="chaos-config.json; giving it opts in (default: CHAOS_CONFIG)")
    parser.add_argument(
        "--run-dir", metavar="D", help="where ledger, lease and kill switch are (default: CHAOS_RUN_DIR)"
    )
    parser.add_argument("--app-dir", metavar="D", help="root of the app's source (default: CHAOS_APP_DIR, else here)")
    parser.add_argument("--plain", action="store_true", help="do not wrap the app")
    names = [*(server.name for server in (*SERVERS, *BY_REQUEST_ONLY)), THREADED]
    parser.add_argument(
        "--server",
        choices=names,
        help="default: the first of "
        + ", ".join(s.name for s in SERVERS)
        + f"; {THREADED}: of the others than the first",
    )
    return parser


def _serve(args: argparse.Namespace) -> None:
    check_target(args.target)
    if args.workers < 1:
        raise ServeError(f"--workers {args.workers}: at least 1 is needed")
    app_dir = Path(args.app_dir or os.environ.get("CHAOS_APP_DIR") or ".").resolve()
    if not app_dir.is_dir():
        raise ServeError(f"--app-dir {app_dir}: there is no such folder")
    experiment = None if args.plain else _experiment(args.config)
    listener = _listen(args.bind, allow_remote=experiment is not None and experiment.safety.allow_remote)
    server, notes = _choose(args.server)
    workers = args.workers if server.processes else 1
    if workers < args.workers:
        notes.append(f"{server.name} has one process; {args.workers} workers were asked for")
    notes += _unsupported(server, experiment)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def app() -> WsgiApp:
        return _app(args, str(app_dir), experiment)

    def ready() -> None:
        plural = "" if workers == 1 else "s"
        print(f"serving {args.target} on {url} with {server.title}, {workers} worker{plural}", flush=True)
        for note in notes:
            print(f"note: {note}", flush=True)

    os.environ["CHAOS_SERVER"] = server.title
    server.run(Service(app, ready, listener, workers))


def _experiment(config: str | None) -> Experiment | None:
    """The experiment that will run, read before anything is started; None when chaos is off."""
    if config is None and os.environ.get("CHAOS_ENABLED") == "1":
        config = os.environ.get("CHAOS_CONFIG")
    return load(config) if config else None


def _listen(bind: str, *, allow_remote: bool) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65_535:
        raise ServeError(f"--bind {bind}: HOST:PORT is needed, e.g. 127.0.0.1:8000")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        if not (allow_remote or ip_address(address[0]).is_loopback):
            raise ServeError(f"--bind {bind}: only loopback, unless the experiment says safety.allow_remote")
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        why = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror
        raise ServeError(f"--bind {bind}: {why}") from None
    return listener


def _choose(name: str | None) -> tuple[Server, list[str]]:
    """The server with this name, or the best there is (`threads`: with threads, not greenlets), and what to say about
    those that are not to be had.
    """
    notes: list[str] = []
    for server in SERVERS[1:] if name == THREADED else (*SERVERS, *BY_REQUEST_ONLY):
        if name not in (None, THREADED, server.name):
            continue
        why = server.missing()
        if why is None:
            return server, notes
        if name == server.name or find_spec(
            server.needs.partition(".")[0]
        ):  # half there: the rest may just need installing
            notes.append(f"{server.title} cannot be had here: {why}")
    raise ServeError(notes[0])


def _unsupported(server: Server, experiment: Experiment | None) -> list[str]:
    rules = experiment.rules if experiment is not None and not server.exposes_socket else ()
    return [
        f"rule {rule.name}: {rule.fault.name} is refused: {server.name} does not let the app at its connection"
        for rule in rules
        if rule.seam == "wsgi" and rule.fault.name in _NEEDS_SOCKET
    ]


def _app(args: argparse.Namespace, app_dir: str, experiment: Experiment | None) -> WsgiApp:
    """The app as it is served, made in the process that serves it."""
    if args.plain:
        return load_app(args.target, app_dir)
    run_dir = Path(args.run_dir) if args.run_dir else None
    early = PATCHES if experiment is not None else ()
    for patches in early:  # also the connections that the app makes at its import
        patches.install()
    app = load_app(args.target, app_dir)
    wrapped = ChaosMiddleware(app, experiment, enabled=experiment is not None, run_dir=run_dir, app_dir=app_dir)
    for patches in early:
        patches.uninstall()
    if wrapped.injector is not None:
        control = wrapped.injector.control
        signal.signal(signal.SIGURG, lambda *_: control.kill())
    return wrapped


if __name__ == "__main__":
    sys.exit(main())
