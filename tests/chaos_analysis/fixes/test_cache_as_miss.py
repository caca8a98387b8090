"""A cache's error taken for a miss: at work with a real server, and proposed for an app of several files."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes.cache_as_miss import CacheAsMiss
from tests.chaos_analysis.fixes.made_up import pattern, proposed
from tests.valkey_server import running_valkey

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Proposal

SHOP = """\
import redis

asked = []
cache = redis.Redis(port=PORT)


def stock(n):
    known = cache.get(f"stock:{n}")
    if known is None:
        asked.append(n)
        known = b"3"
        cache.set(f"stock:{n}", known)
    return known
"""


def _patched(port: int) -> dict[str, Any]:
    text = CacheAsMiss().edit(SHOP, Spot(line=8, method="GET", timeout=(1.05, 0.25)))
    names: dict[str, Any] = {"__name__": "shop", "PORT": port}
    exec(compile(text, "shop.py", "exec"), names)
    return names


def _propose(folder: Path, line: int, healthy: int) -> list[Proposal]:
    found = pattern("cache_on_critical_path", "shop.py", line, seam="cache", target="GET 127.0.0.1 stock:<id>")
    return proposed(folder, "cache_as_miss", found, calls=[{"seam": "cache"}] * healthy)


def test_the_patched_module_reads_and_writes_its_cache_as_before() -> None:
    """With a server that answers, what was asked for once comes from the cache."""
    with running_valkey() as server:
        shop = _patched(server.port)
        assert [shop["stock"](1), shop["stock"](1)] == [b"3", b"3"]
        assert shop["asked"] == [1]
        shop["cache"].close()


def test_a_cache_that_is_down_is_one_that_knows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens: the source is asked each time, at once, and the log says so for the read and for the write."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    shop = _patched(port)
    assert [shop["stock"](1), shop["stock"](1)] == [b"3", b"3"]
    assert shop["asked"] == [1, 1]
    assert [record.getMessage() for record in caplog.records[:2]] == [
        "The cache cannot be read",
        "The cache cannot be written",
    ]


def test_a_cache_that_does_not_answer_costs_two_short_waits_a_command() -> None:
    """A server that accepts and says nothing: a command waits its timeout twice, where redis-py would for seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shop = _patched(silent.getsockname()[1])
        started = time.monotonic()
        assert shop["stock"](1) == b"3"
        assert time.monotonic() - started < 2.0  # 2 commands, 2 attempts, 0.25 s
        shop["cache"].close()


def test_the_client_of_another_file_is_in_the_same_patch(tmp_path: Path) -> None:
    """The read is guarded where it stands with the error of the library that the other file imports, in its way."""
    (tmp_path / "shop.py").write_text("import os\n\n\ndef stock(cache, n):\n    x = cache.get(n)\n    return x\n")
    (tmp_path / "store.py").write_text("def make(url):\n    import redis\n\n    return redis.Redis.from_url(url)\n")
    (found,) = _propose(tmp_path, 5, 400)
    assert "+    import redis\n+\n+    try:\n+        x = cache.get(n)\n+    except redis.RedisError:" in found.diff
    assert "+    return redis.Redis.from_url(url, socket_connect_timeout=1.05, socket_timeout=0.25)" in found.diff


def test_without_enough_commands_the_client_is_left_as_it_is(tmp_path: Path) -> None:
    """71 fault-free commands support no timeout: the error is caught all the same, and the proposal says why."""
    (tmp_path / "shop.py").write_text(SHOP)
    (found,) = _propose(tmp_path, 8, 71)
    assert "except redis.RedisError:" in found.diff
    assert "socket_timeout" not in found.diff
    assert "72 fault-free" in found.why


def test_an_app_that_imports_no_client_is_told_in_words(tmp_path: Path) -> None:
    """What is behind a wrapper's `get` cannot be told: nothing is guessed."""
    (tmp_path / "shop.py").write_text("import os\n\n\ndef stock(cache, n):\n    x = cache.get(n)\n    return x\n")
    (found,) = _propose(tmp_path, 5, 400)
    assert not found.diff
    assert "imports redis or valkey" in found.why_no_diff


def test_a_value_of_several_lines_keeps_its_text() -> None:
    """The lines of a string are not indented with the statement that they are part of."""
    source = 'import redis\n\nr = redis.Redis()\nx = r.get("""a\nb\n""")\n'
    after = CacheAsMiss().edit(source, Spot(line=4, method="GET"))
    assert 'try:\n    x = r.get("""a\nb\n""")\nexcept redis.RedisError:\n' in after
    compile(after, "after.py", "exec")


@pytest.mark.parametrize(
    ("test", "then"),
    [
        ("if x := c.get(key):", "if x:"),
        ("if (x := c.get(key)) is None:", "if x is None:"),
        ("if (x := c.get(\n        key,\n    )) == b'':", "if x == b'':"),
    ],
)
def test_a_read_named_in_a_test_stands_before_it(test: str, then: str) -> None:
    """The test is of the name alone; whatever it compares with stays."""
    source = f"import redis\n\n\ndef f(c, key):\n    {test}\n        return 1\n    return 2\n"
    after = CacheAsMiss().edit(source, Spot(line=5, method="GET"))
    assert f"        x = None\n    {then}\n        return 1\n" in after
    compile(after, "after.py", "exec")


@pytest.mark.parametrize("test", ["if key and (x := c.get(key)):", "if key:\n        pass\n    elif x := c.get(key):"])
def test_a_read_that_may_not_happen_stays_where_it_is(test: str) -> None:
    """Before a test of something else it would be made in every case."""
    source = f"import redis\n\n\ndef f(c, key):\n    {test}\n        return 1\n    return 2\n"
    with pytest.raises(Declined, match="larger expression"):
        CacheAsMiss().edit(source, Spot(line=source[: source.index("c.get")].count("\n") + 1, method="GET"))
