"""What the middleware costs a request that meets no fault: `python -m benchmarks.middleware`.

CPU time of a raw WSGI app under a keyed environ in one process: bare, wrapped and off, wrapped with ten rules at a rate
of 1e-9. The three take turns, and the difference is taken within each turn, so that a busy machine does not blur it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from scipy import stats

from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse

PAIRS = 16
REQUESTS = 20_000
BODY = [b"ok"]
OFF_TARGET, ON_TARGET = 1.0, 5.0  # µs a request

RULE = {"seam": "wsgi", "rate": 1e-9, "match": {"route": ["/api/*"]}, "fault": {"type": "noop"}}
EXPERIMENT = {"version": 1, "seed": 1, "rules": [{"name": f"r{n}", **RULE} for n in range(10)], "calls": {"share": 0}}
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/api/destinations",
    "SCRIPT_NAME": "",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_X_CHAOS_STAGE": "chaos",
}


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `value` in µs a request, its 95 % interval (t, over the pairs) `low`, `high`, and `target`."""
    off = ChaosMiddleware(_app, enabled=False)
    with tempfile.TemporaryDirectory() as folder:
        on = ChaosMiddleware(_app, parse(EXPERIMENT), enabled=True, run_dir=Path(folder))
        try:
            turns = [[_per_request(app) for app in (_app, off, on)] for _ in range(PAIRS + 1)][1:]
        finally:
            on.uninstall()
    return [
        _row("middleware off", [off - bare for bare, off, _ in turns], OFF_TARGET),
        _row("middleware on, 10 rules at 1e-9", [on - bare for bare, _, on in turns], ON_TARGET),
    ]


def _app(_: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return BODY


def _start_response(*_: Any) -> None:
    """A server's."""


def _per_request(app: Any) -> float:
    environ = dict(ENVIRON)
    started = time.process_time()
    for number in range(REQUESTS):
        environ["HTTP_X_CHAOS_KEY"] = f"3.{number}.1"
        for _ in app(environ, _start_response):
            pass
    return (time.process_time() - started) / REQUESTS * 1e6


def _row(name: str, differences: list[float], target: float) -> dict[str, Any]:
    mean = statistics.fmean(differences)
    half = float(stats.t.ppf(0.975, PAIRS - 1)) * statistics.stdev(differences) / PAIRS**0.5
    return {"name": name, "value": mean, "unit": "µs", "low": mean - half, "high": mean + half, "target": target}


if __name__ == "__main__":
    for row in run():
        print(
            f"{row['name']}: {row['value']:.2f} µs ({row['low']:.2f} to {row['high']:.2f}), target {row['target']:g} µs"
        )
