"""What the app uses and no seam sees is said once."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from functools import reduce

import pytest

from chaos_middleware import unseen
from chaos_middleware.unseen import LIBRARIES, UNSEEN

TEXT = "the app uses redis.asyncio, which no seam sees: its calls meet no rule and are not noted"


@pytest.fixture(autouse=True)
def _nothing_used(monkeypatch):
    monkeypatch.setattr(unseen, "_used", {})


def _ask_redis():
    """A real use, of a port where nobody listens."""
    from redis.asyncio import Redis

    async def ping():
        async with Redis(port=1, socket_connect_timeout=1) as client:
            with contextlib.suppress(Exception):
                await client.ping()

    asyncio.run(ping())


def _app(view):
    def app(environ, start_response):
        view()
        start_response("200 OK", [])
        return []

    return app


def test_a_use_in_a_request_is_noted_once(wrap):
    """The first use says so in the ledger, with a warning; later ones do not repeat it."""
    app = wrap(_app(_ask_redis))
    app.get()
    app.get(key="1.1.2", headers={"X-Chaos-Stage": "recovery"})
    assert [(note["level"], note["text"]) for note in app.records("note")] == [("warning", TEXT)]


def test_a_use_before_the_first_request_is_noted_with_it(wrap):
    """What the app does while it starts is told when a keyed request comes; without one nothing is written."""
    app = wrap(_app(lambda: None))
    _ask_redis()
    app.get(key=None)
    assert app.records("note") == []
    app.get()
    assert [note["text"] for note in app.records("note")] == [TEXT]


def test_an_import_alone_is_not_noted(wrap):
    """redis itself imports its asyncio part for everybody."""
    app = wrap(_app(lambda: importlib.import_module("redis.asyncio.connection")))
    app.get()
    assert app.records("note") == []


@pytest.mark.parametrize(("library", "module", "path"), LIBRARIES, ids=[library for library, _, _ in LIBRARIES])
def test_the_function_is_there_and_is_restored(library, module, path):
    """Each library of the table that is installed here has the function, and gets the very object back."""
    *outer, name = path.split(".")
    loaded = pytest.importorskip(module)
    owner = reduce(getattr, outer, loaded)
    before = getattr(owner, name)
    UNSEEN.install()
    try:
        assert getattr(owner, name).__wrapped__ is before
    finally:
        UNSEEN.uninstall()
    assert getattr(owner, name) is before
