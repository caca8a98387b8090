"""A real Valkey server, clients of both libraries, and an app under chaos whose one view is a function of the test."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.valkey_server import running_valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENTS = {"redis": "Redis", "valkey": "Valkey"}


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """The server, one for all tests."""
    with running_valkey() as server:
        yield server


@pytest.fixture(params=CLIENTS)
def library(request: pytest.FixtureRequest) -> Any:
    """redis-py and valkey-py."""
    return pytest.importorskip(request.param)


@pytest.fixture
def connect(server: Any, library: Any) -> Iterator[Callable[..., Any]]:
    """Makes clients of the library, that do not retry unless told, of an empty database."""
    made = []
    no_retry = importlib.import_module(f"{library.__name__}.retry").Retry(library.backoff.NoBackoff(), 0)

    def connect(**settings: Any) -> Any:
        settings = {"host": "127.0.0.1", "port": server.port, "retry": no_retry, **settings}
        if library.__version__ < "5":
            settings.pop("protocol", None)  # there is one only
        made.append(getattr(library, CLIENTS[library.__name__])(**settings))
        return made[-1]

    connect().flushall()
    yield connect
    for each in made:
        each.close()


class Chaos:
    """An app under chaos; `run` serves one keyed request with a function as its view."""

    def __init__(self, wrap: Any, rules: tuple[dict[str, Any], ...], share: float) -> None:
        rules = tuple({"seam": "cache", **rule} for rule in rules)
        self.wrapped = wrap(self._app, *rules, app_dir=Path(__file__).parent, calls={"share": share})
        self.records, self.control = self.wrapped.records, self.wrapped.control

    def _app(self, environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        self.result = self.view()
        return []

    def run(self, view: Callable[[], Any], key: str | None = "1.0.0") -> Any:
        self.view = view
        self.wrapped.get("/page", key)
        return self.result

    def timed(self, view: Callable[[], Any], key: str = "1.0.0") -> tuple[Any, float]:
        """What the view raised, and after how many seconds."""
        started = time.monotonic()
        with pytest.raises(Exception) as info:  # noqa: PT011 - the tests look at it
            self.run(view, key)
        return info.value, time.monotonic() - started

    def reached(self) -> list[tuple[str, str]]:
        """Identity and occurrence of the calls that a rule was for."""
        return [(line[3], line[4]) for line in self.wrapped.reached() if len(line) > 3]


@pytest.fixture
def chaos(wrap: Any) -> Callable[..., Chaos]:
    """Makes apps under chaos from rules of the cache seam, by default with the rate 1."""

    def make(*rules: dict[str, Any], share: float = 1) -> Chaos:
        return Chaos(wrap, rules, share)

    return make
