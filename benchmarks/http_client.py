"""What the http_client seam costs a call that no rule is for, in every library that it drives.

In pairs inside one process: the library's real code down to a connection to nobody, so that no network blurs the
difference. All seams are installed, and the experiment has a rule for the seam that this call does not match.
`unkeyed`: no current request, against no seam. `noted`: a call of a keyed request, looked up, timed, its site found and
its note kept, against no seam; this is the row that has the target. The figure is the median over the pairs, with the
distribution-free interval of a median, as a shared machine's interruptions are rare and large.
"""

from __future__ import annotations

import gc
import http.client
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import urllib3
from scipy.stats import binom

from chaos_middleware import ChaosMiddleware
from chaos_middleware.carry import CARRY
from chaos_middleware.experiment import parse
from chaos_middleware.request import Request, current
from chaos_middleware.seams import SEAMS
from chaos_middleware.seams.http_client import wire

PAIRS = 60
CALLS = 100
TARGET = 5.0  # µs
HERE = Path(__file__).parent
RULE = {"name": "elsewhere", "seam": "http_client", "rate": 1, "match": {"path": ["/else*"]}, "fault": {"type": "noop"}}


class Nobody(wire.Peer):
    """Always gives the same answer."""

    def gettimeout(self) -> float:
        """As a socket has it."""
        return 1.0


PEER: Any = Nobody(wire.answer(200, b"{}"))


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
                rows.append({"name": f"http_client, {name}, unkeyed", **difference(call, None)})
                rows.append({"name": f"http_client, {name}, noted", **difference(call, request), "target": TARGET})
            return rows
        finally:
            middleware.uninstall()


def _calls() -> dict[str, Callable[[], object]]:
    manager, session = urllib3.PoolManager(), requests.Session()
    session.trust_env = False
    timeout = urllib3.Timeout(connect=1, read=2)
    connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=1)

    def by_http_client() -> None:
        connection.request("GET", "/ok")
        connection.getresponse().read()

    return {
        "urllib3": lambda: manager.request("GET", "http://127.0.0.1:1/ok", timeout=timeout),
        "requests": lambda: session.get("http://127.0.0.1:1/ok", timeout=(1, 2)),
        "http.client": by_http_client,
    }


def difference(call: Callable[[], object], request: Request | None) -> dict[str, Any]:
    """What a call costs more with every seam, in `microseconds`, with its interval: of this request, or of none."""
    token = current.set(request)
    differences = []
    try:
        for pair in range(-3, PAIRS):  # the first ones warm up
            _switch("uninstall")
            without = _per_call(call, request)
            _switch("install")
            difference = _per_call(call, request) - without
            if pair >= 0:
                differences.append(difference)
    finally:
        current.reset(token)
    differences.sort()
    low = int(binom.ppf(0.025, PAIRS, 0.5))
    return {
        "microseconds": (differences[PAIRS // 2 - 1] + differences[PAIRS // 2]) / 2,
        "low": differences[low - 1],
        "high": differences[PAIRS - low],
    }


def _switch(how: str) -> None:
    for patches in (CARRY, *SEAMS):
        getattr(patches, how)()


def _per_call(call: Callable[[], object], request: Request | None) -> float:
    """CPU microseconds of a call."""
    gc.collect()
    started = time.thread_time()
    for _ in range(CALLS):
        call()
        if request is not None:
            request.calls.clear()  # a request makes a few calls, not thousands
    seconds = time.thread_time() - started
    return seconds / CALLS * 1e6


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
