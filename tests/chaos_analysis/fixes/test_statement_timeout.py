"""The limit that is proposed for statements, kept to by real databases, and where it is said."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.statement_timeout import StatementTimeout
from tests.chaos_analysis.fixes.made_up import pattern, proposed
from tests.postgres_server import Postgres, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from chaos_analysis.model import Proposal

ENGINE = "from sqlalchemy import create_engine, text\n\nengine = create_engine(URL)\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL for all of the file."""
    with postgresql() as running:
        yield running


def _patched(source: str, url: str, library: str = "") -> dict[str, Any]:
    names: dict[str, Any] = {"URL": url}
    text = StatementTimeout().edit(source, Spot(line=3, timeout=(0.2, 0.2), library=library))
    exec(compile(text, "shop.py", "exec"), names)
    return names


def _proposed(folder: Path, targets: Sequence[str], **more: Any) -> Proposal:
    calls = [{"target": target, "seconds": 0.01} for target in targets]
    found = pattern("no_statement_timeout", "shop.py", 4, **{"faults": ("slow_statement",), **more})
    (proposal,) = proposed(folder, "statement_timeout", found, calls=calls, deadline=10.0)
    return proposal


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_an_engine_of_postgresql_ends_its_statements(server: Postgres, driver: str) -> None:
    """Half a minute of sleep ends after 0.2 s with the driver's error, in SQLAlchemy's wrapping; the rest goes on."""
    shop = _patched(ENGINE, server.url(driver), "postgresql")
    with shop["engine"].connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.execute(shop["text"]("SELECT pg_sleep(30)"))
    with shop["engine"].connect() as connection:
        assert connection.execute(shop["text"]("SELECT 1")).scalar() == 1
    shop["engine"].dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_bare_connection_ends_its_statements(server: Postgres, driver: str) -> None:
    """The same without SQLAlchemy, with the error that the handler is for."""
    shop = _patched(f"import {driver}\n\nconnection = {driver}.connect(URL)\n", server.dsn)
    with pytest.raises(shop[driver].OperationalError, match="statement timeout"):
        shop["connection"].cursor().execute("SELECT pg_sleep(30)")
    shop["connection"].close()


def test_an_engine_of_sqlite_waits_for_a_lock_no_longer(tmp_path: Path) -> None:
    """While another connection writes, a write fails after 0.2 s, where SQLite's driver would wait for 5 s."""
    file = tmp_path / "shop.db"
    shop = _patched(ENGINE, f"sqlite:///{file}", "sqlite")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("CREATE TABLE stock (n)")
    holder.execute("BEGIN IMMEDIATE")
    with shop["engine"].connect() as connection, pytest.raises(OperationalError, match="locked"):
        connection.execute(shop["text"]("INSERT INTO stock VALUES (1)"))
    holder.close()
    shop["engine"].dispose()


def test_the_limit_is_from_statements_and_not_from_commits_or_checkouts(tmp_path: Path) -> None:
    """Only what the limit is for counts; the value and its n are in the proposal."""
    (tmp_path / "shop.py").write_text(ENGINE)
    found = _proposed(tmp_path, ["SELECT stock 97ccb5bd"] * 80 + ["COMMIT postgresql"] * 80)
    assert "80 fault-free statements" in found.why
    assert 'create_engine(URL, connect_args={"options": "-c statement_timeout=500"})' in found.diff
    assert not found.automatic  # no file makes the app, for the handler


def test_too_few_statements_give_no_limit(tmp_path: Path) -> None:
    """71 are one too few for a figure."""
    (tmp_path / "shop.py").write_text(ENGINE)
    found = _proposed(tmp_path, ["SELECT stock 97ccb5bd"] * 71 + ["COMMIT postgresql"])
    assert not found.diff
    assert "need 72" in (found.why_no_diff or "")


def test_sqlite_has_no_limit_for_a_statement_that_runs(tmp_path: Path) -> None:
    """Its timeout ends waits for a lock: proposed for those, and only words for the others."""
    (tmp_path / "shop.py").write_text(ENGINE)
    targets = ["SELECT stock 97ccb5bd"] * 80 + ["COMMIT sqlite"]
    assert "set_progress_handler" in (_proposed(tmp_path, targets).why_no_diff or "")
    assert 'connect_args={"timeout": 0.5}' in _proposed(tmp_path, targets, faults=("lock_contention",)).diff


def test_the_connection_of_the_statements_own_function_comes_first(tmp_path: Path) -> None:
    """Two functions of a file connect: the one with the slow statement gets the limit."""
    (tmp_path / "shop.py").write_text(
        "import psycopg\n\n\ndef f():\n    return psycopg.connect(URL)\n\n\ndef g():\n    return psycopg.connect(URL)\n"
    )
    found = _proposed(tmp_path, ["SELECT stock 97ccb5bd"] * 80)
    assert (found.line, found.function) == (5, "f")
    assert found.diff.count("statement_timeout=500") == 1
