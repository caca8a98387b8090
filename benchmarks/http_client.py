"""What the http_client seam costs a call that meets no fault.

In pairs inside one process: urllib3 with its real code, but a connection to nobody, so that no network blurs the
difference. `idle`: the seam installed and no current request, against no seam. `noted`: a call of a keyed request,
drawn for with no rule, timed, its site found and its note kept, against no seam. `beyond the note`: the same against
a call that has all of that done by hand around it.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import urllib3

from chaos_middleware import ChaosMiddleware
from chaos_middleware.calls import Exchange
from chaos_middleware.experiment import parse
from chaos_middleware.request import Request, current
from chaos_middleware.seams.http_client import SEAM, wire
from chaos_middleware.seams.http_client.exchange import HttpCall

PAIRS = 16
CALLS = 500
ANSWER = wire.answer(200, b"{}")
T_95 = 2.131  # Student's t for 15 degrees of freedom
HERE = Path(__file__).parent


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a call, its 95 % interval over the pairs, and a target where one is."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = parse({"version": 1, "seed": 1, "rules": [], "calls": {"share": 0}})
        middleware = ChaosMiddleware(lambda *_: [], experiment, enabled=True, run_dir=folder, app_dir=HERE)
        injector = middleware.injector
        assert injector is not None
        try:
            request, _ = injector.open("1.0.0", "chaos", {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
            return [
                {"name": "http_client, idle", **_difference(None, None)},
                {"name": "http_client, noted", **_difference(None, request)},
                {"name": "http_client, beyond the note", **_difference(request, request), "target": 5.0},
            ]
        finally:
            middleware.uninstall()


def _difference(by_hand: Request | None, request: Request | None) -> dict[str, Any]:
    differences = []
    for _ in range(PAIRS):
        SEAM.uninstall()
        without = _per_call(by_hand, None)
        SEAM.install()
        differences.append(_per_call(None, request) - without)
    mean = statistics.fmean(differences)
    half = T_95 * statistics.stdev(differences) / PAIRS**0.5
    return {"microseconds": mean, "low": mean - half, "high": mean + half}


def _per_call(by_hand: Request | None, request: Request | None) -> float:
    """CPU microseconds of an attempt of a pool; one of the two requests is noted, by hand or by the seam."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 1)
    connection: Any = urllib3.connection.HTTPConnection("127.0.0.1", 1)
    timeout = urllib3.Timeout(connect=1, read=2)
    token = current.set(request)
    gc.collect()
    started = time.process_time()
    for _ in range(CALLS):
        connection.sock = wire.Peer(ANSWER)
        if by_hand is not None:
            _noted_by_hand(by_hand, pool, connection, timeout)
        else:
            pool._make_request(connection, "GET", "/ok", timeout=timeout)
        noted = by_hand or request
        if noted is not None:
            noted.calls.clear()  # a request makes a few calls, not thousands
    seconds = time.process_time() - started
    current.reset(token)
    return seconds / CALLS * 1e6


def _noted_by_hand(request: Request, pool: Any, connection: Any, timeout: Any) -> None:
    exchange = Exchange(request, HttpCall("GET", pool.host, "/ok"))
    pool._make_request(connection, "GET", "/ok", timeout=timeout)
    exchange.note()


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:30} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
