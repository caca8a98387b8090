"""What the http_client seam costs a call that meets no fault: `python benchmarks/http_client.py`.

Pairs in one process, alternating: urllib3 with its real code but a connection to nobody, so that no network blurs the
difference. `idle` is the seam installed and no current request; `noted` a keyed request with no rule (drawn for, timed,
its site found, noted in memory, one `reached` line written); `bare note` is the writing of that line alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import urllib3

from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse
from chaos_middleware.request import current
from chaos_middleware.seams.http_client import SEAM, wire

PAIRS = 12
CALLS = 1000
ANSWER = wire.answer(200, b"{}")


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a call, and its 95 % interval (normal, over the pairs) `low`, `high`."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        experiment = parse({"version": 1, "seed": 1, "rules": [], "calls": {"share": 0}})
        middleware = ChaosMiddleware(lambda *_: [], experiment, enabled=True, run_dir=run_dir)
        injector = middleware.injector
        assert injector is not None
        try:
            request, _ = injector.open("1.0.0", "chaos", {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
            rows = [_pairs("idle", None), _pairs("noted", request)]
            written = _per_call(lambda: injector.ledger.reached("1.0.0\tchaos\t1\tGET 127.0.0.1/ok\t0"))
            return [*rows, {"name": "bare note", "microseconds": written, "low": None, "high": None}]
        finally:
            middleware.uninstall()


def _pairs(name: str, request: Any) -> dict[str, Any]:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 1, maxsize=1)
    differences = []
    for _ in range(PAIRS):
        SEAM.uninstall()
        without = _calls(pool, None)
        SEAM.install()
        differences.append(_calls(pool, request) - without)
    mean = statistics.fmean(differences)
    half = 2.2 * statistics.stdev(differences) / PAIRS**0.5  # t for 11 degrees of freedom
    return {"name": name, "microseconds": mean, "low": mean - half, "high": mean + half}


def _calls(pool: urllib3.HTTPConnectionPool, request: Any) -> float:
    connection: Any = urllib3.connection.HTTPConnection("127.0.0.1", 1)
    timeout = urllib3.Timeout(connect=1, read=2)

    def call() -> None:
        connection.sock = wire.Peer(ANSWER)
        pool._make_request(connection, "GET", "/ok", timeout=timeout, preload_content=True)
        if request is not None:
            request.calls = ()  # a request makes a few calls, not thousands

    token = current.set(request)
    try:
        return _per_call(call)
    finally:
        current.reset(token)


def _per_call(call: Any) -> float:
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS * 1e6


if __name__ == "__main__":
    for row in run():
        interval = "" if row["low"] is None else f"  [{row['low']:.2f}, {row['high']:.2f}]"
        print(f"{row['name']:10} {row['microseconds']:6.2f} µs{interval}")
