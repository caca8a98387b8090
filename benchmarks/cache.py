"""What the cache seam costs a command that no rule is for, with redis-py and valkey-py.

As benchmarks/http_client.py: in pairs (benchmarks/pairs.py), all seams installed, a rule for the seam that this call
does not match, the client's real code down to a connection to nobody. `unkeyed`: no current request. `noted`: a call
of a keyed request, looked up, timed, its site found and its note kept. No target is set for either.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
import valkey

from benchmarks.pairs import difference
from chaos_middleware import ChaosMiddleware
from chaos_middleware.experiment import parse

HERE = Path(__file__).parent
RULE = {"name": "elsewhere", "seam": "cache", "rate": 1, "match": {"key": ["else*"]}, "fault": {"type": "noop"}}


class _Nobody:
    """Always gives the same answer."""

    def connect(self) -> None:
        """There is nobody."""

    def can_read(self, timeout: float = 0) -> bool:  # noqa: ARG002 - as a connection has it
        """Nothing is left over."""
        return False

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001, FBT002
        """Sent, to nobody."""

    def read_response(self, *_args: Any, **_kwargs: Any) -> bytes:
        """What was stored."""
        return b"v"


class _RedisConnection(_Nobody, redis.Connection):
    pass


class _ValkeyConnection(_Nobody, valkey.Connection):
    pass


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` a command, and its 95 % interval over the pairs."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = parse({"version": 1, "seed": 1, "rules": [RULE], "calls": {"share": 0}})
        middleware = ChaosMiddleware(lambda *_: [], experiment, enabled=True, run_dir=folder, app_dir=HERE)
        assert middleware.injector is not None
        request, _ = middleware.injector.open("1.0.0", "chaos", {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
        try:
            rows = []
            for name, call in _calls().items():
                rows.append({"name": f"cache, {name}, unkeyed", **difference(lambda call=call: call, None)})
                rows.append({"name": f"cache, {name}, noted", **difference(lambda call=call: call, request)})
            return rows
        finally:
            middleware.uninstall()


def _calls() -> dict[str, Callable[[], object]]:
    by_redis = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=_RedisConnection))
    by_valkey = valkey.Valkey(connection_pool=valkey.ConnectionPool(connection_class=_ValkeyConnection))
    return {"redis-py": lambda: by_redis.get("fares:7"), "valkey-py": lambda: by_valkey.get("fares:7")}


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:34} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
