"""What the http_client seam costs a call that no rule is for, in every library that it drives.

In pairs (benchmarks/pairs.py): the library's real code down to a connection to nobody, so that no network blurs the
difference. All seams are installed, and the experiment has a rule for the seam that this call does not match.
`unkeyed`: no current request, against no seam. `noted`: a call of a keyed request, looked up, timed, its site found and
its note kept, against no seam; this is the row that has the target. requests and httpx meet the same hooks in calls
that take several times as long, whose code has pushed ours out of the caches.
"""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpcore
import httpx
import requests
import urllib3

from benchmarks.pairs import difference
from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse
from chaos_middleware.seams.http_client import wire

TARGET = 5.0  # µs
HERE = Path(__file__).parent
RULE = {"name": "elsewhere", "seam": "http_client", "rate": 1, "match": {"path": ["/else*"]}, "fault": {"type": "noop"}}


class Nobody(wire.Peer):
    """Always gives the same answer."""

    gettimeout = staticmethod(partial(float, 1))  # in C, as a socket's is


class NobodysStream(httpcore.NetworkStream):
    """The same for httpx."""

    def read(self, *_args: Any, **_kwargs: Any) -> bytes:
        """The answer."""
        return ANSWER

    def write(self, *_args: Any, **_kwargs: Any) -> None:
        """Sent, to nobody."""

    def close(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, _info: str) -> Any:
        """There is none."""
        return None


class NobodysNetwork(httpcore.NetworkBackend):
    """Where httpx connects to nobody."""

    def connect_tcp(self, *_args: Any, **_kwargs: Any) -> NobodysStream:
        """A connection."""
        return NobodysStream()


ANSWER = wire.answer(200, b"{}")
PEER: Any = Nobody(ANSWER)


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a call, its 95 % interval over the pairs, and the target of what is noted."""
    with tempfile.TemporaryDirectory() as folder, _nobody_answers():
        experiment = parse({"version": 1, "seed": 1, "rules": [RULE], "calls": {"share": 0}})
        middleware = ChaosMiddleware(lambda *_: [], experiment, enabled=True, run_dir=folder, app_dir=HERE)
        assert middleware.injector is not None
        request, _ = middleware.injector.open("1.0.0", "chaos", {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
        try:
            rows = []
            for name, call in _calls().items():
                rows.append({"name": f"http_client, {name}, unkeyed", **difference(lambda call=call: call, None)})
                rows.append(
                    {
                        "name": f"http_client, {name}, noted",
                        **difference(lambda call=call: call, request),
                        "target": TARGET,
                    }
                )
            return rows
        finally:
            middleware.uninstall()


def _calls() -> dict[str, Callable[[], object]]:
    manager, session = urllib3.PoolManager(), requests.Session()
    session.trust_env = False
    timeout = urllib3.Timeout(connect=1, read=2)
    connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=1)

    transport = httpx.HTTPTransport(verify=False)
    transport._pool._network_backend = NobodysNetwork()
    client = httpx.Client(transport=transport, trust_env=False)

    def by_http_client() -> None:
        connection.request("GET", "/ok")
        connection.getresponse().read()

    return {
        "urllib3": lambda: manager.request("GET", "http://127.0.0.1:1/ok", timeout=timeout),
        "requests": lambda: session.get("http://127.0.0.1:1/ok", timeout=(1, 2)),
        "http.client": by_http_client,
        "httpx": lambda: client.get("http://127.0.0.1:1/ok"),
    }


@contextmanager
def _nobody_answers() -> Iterator[None]:
    """The connections of http.client and urllib3 are to nobody."""
    kind, pooled = http.client.HTTPConnection, urllib3.connection.HTTPConnection
    connects, connected = (kind.connect, pooled.connect), pooled.is_connected

    def connect(connection: Any) -> None:
        connection.sock = PEER

    kind.connect = pooled.connect = connect  # type: ignore[method-assign,assignment]
    pooled.is_connected = True  # type: ignore[assignment]
    try:
        yield
    finally:
        kind.connect, pooled.connect = connects  # type: ignore[method-assign]
        pooled.is_connected = connected  # type: ignore[method-assign]


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:34} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
