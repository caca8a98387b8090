"""A transaction made again: at work with real conflicts, and where it may not be."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes.transaction_retry import TransactionRetry
from tests.chaos_analysis.fixes.made_up import pattern, proposed
from tests.postgres_server import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chaos_analysis.model import Proposal

TAKE = """\
import psycopg


def take(url, met):
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        left = connection.execute("SELECT n FROM stock").fetchone()[0]
        met()
        connection.execute("UPDATE stock SET n = %s", [left - 1])
    return left
"""
ORDER = """\
from sqlalchemy import text


def order(session):
    session.execute(text("INSERT INTO stock VALUES (1)"))
    session.commit()
"""

STAMINA = pytest.mark.parametrize("stamina", [False, True])


def _patched(source: str, line: int, library: str = "", *, stamina: bool = False) -> dict[str, Any]:
    names: dict[str, Any] = {}
    spot = Spot(line=line, library=library, stamina=stamina, budget=10.0)
    exec(compile(TransactionRetry().edit(source, spot), "shop.py", "exec"), names)
    return names


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL with ten of something."""
    with postgresql() as server:
        server.ask("CREATE TABLE stock (n integer)")
        server.ask("INSERT INTO stock VALUES (10)")
        yield server.dsn


def _rival(url: str, times: int) -> Callable[[], None]:
    """Changes the row that a transaction has read, for the first so many times."""
    left = [None] * times

    def meet() -> None:
        if left:
            left.pop()
            with psycopg.connect(url) as connection:
                connection.execute("UPDATE stock SET n = n - 1")

    return meet


@STAMINA
def test_a_conflict_is_resolved_by_reading_again(url: str, stamina: bool) -> None:
    """A rival takes one between read and write: the patched transaction reads anew, and none is lost."""
    with psycopg.connect(url) as connection:
        before = connection.execute("SELECT n FROM stock").fetchone()
    assert before is not None
    assert _patched(TAKE, 9, stamina=stamina)["take"](url, _rival(url, 1)) == before[0] - 1
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM stock").fetchone() == (before[0] - 2,)


@STAMINA
def test_after_three_conflicts_the_error_goes_on(url: str, stamina: bool) -> None:
    """Who always comes too late learns so."""
    rival = _rival(url, 9)
    with pytest.raises(psycopg.errors.SerializationFailure):
        _patched(TAKE, 9, stamina=stamina)["take"](url, rival)


@STAMINA
def test_another_error_is_not_tried_again(url: str, stamina: bool) -> None:
    """What fails for its own sake fails once."""
    met: list[int] = []

    def meet() -> None:
        met.append(1)
        raise psycopg.errors.UniqueViolation

    with pytest.raises(psycopg.errors.UniqueViolation):
        _patched(TAKE, 9, stamina=stamina)["take"](url, meet)
    assert len(met) == 1


def test_a_session_is_rolled_back_before_it_is_used_again(tmp_path: Path) -> None:
    """SQLite is locked at first: the statements are made again once the other writer has ended, and only once kept."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    file = tmp_path / "shop.db"
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("CREATE TABLE stock (n)")
    holder.execute("BEGIN IMMEDIATE")
    shop = _patched(ORDER, 5, "sqlite")
    paused = threading.Event()
    shop["time"] = type("Clock", (), {"sleep": lambda _: (holder.execute("COMMIT"), paused.set())})
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 0.05})
    with Session(engine) as session:
        shop["order"](session)
    assert paused.is_set()
    assert holder.execute("SELECT count(*) FROM stock").fetchone() == (1,)
    holder.close()
    engine.dispose()


def test_a_session_is_rolled_back_before_stamina_uses_it_again(tmp_path: Path) -> None:
    """A lock ends before the second attempt, which is made in a new transaction; a duplicate gets no second one."""
    from sqlalchemy import create_engine, event, text
    from sqlalchemy.exc import IntegrityError, OperationalError
    from sqlalchemy.orm import Session

    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stock (n UNIQUE)"))
    meet: list[Exception] = [sqlite3.OperationalError("database is locked")]

    @event.listens_for(engine, "before_cursor_execute")
    def conflict(*_: object) -> None:
        if meet:
            raise OperationalError("INSERT", None, meet.pop())

    shop = _patched(ORDER, 5, "sqlite", stamina=True)
    with Session(engine) as session:
        shop["order"](session)
        assert not meet
        with pytest.raises(IntegrityError):
            shop["order"](session)
        assert session.execute(text("SELECT count(*) FROM stock")).scalar() == 1
    engine.dispose()


def _proposed(folder: Path, source: str, line: int, *calls: dict[str, Any], deadline: float = 10.0) -> Proposal:
    (folder / "shop.py").write_text(source)
    found = pattern("no_transaction_retry", "shop.py", line, faults=("statement_error",))
    noted = [{"target": "SELECT stock 97ccb5bd"}, *calls]
    answers = [{"seconds": 0.2}]
    (proposal,) = proposed(
        folder, "transaction_retry", found, calls=noted, answers=answers, deadline=deadline
    )  # fmt: skip
    return proposal


def test_a_block_of_its_own_is_proposed_with_what_it_may_take(tmp_path: Path) -> None:
    """The measured time and the client's patience are in the proposal."""
    found = _proposed(tmp_path, TAKE, 7)
    assert "+    for attempt in range(3):" in found.diff
    assert "fit the 10 s that the client waits" in found.why


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("retries.py", "import stamina\n"),
        ("requirements.txt", "flask\nstamina>=24.3\n"),
        ("pyproject.toml", "[project]\ndependencies = ['flask', 'stamina']\n"),
    ],
)
def test_an_app_that_has_stamina_gets_its_attempts_from_that(file: str, text: str, tmp_path: Path) -> None:
    """Imported anywhere, or declared: its loop ends when the client has left."""
    (tmp_path / file).write_text(text)
    found = _proposed(tmp_path, TAKE, 7)
    assert "+    for attempt in stamina.retry_context(" in found.diff
    assert "+        timeout=10," in found.diff


def test_three_attempts_must_fit_what_the_client_waits(tmp_path: Path) -> None:
    """0.2 s three times and 0.3 s of pauses are 0.9 s."""
    assert "do not fit" in (_proposed(tmp_path, TAKE, 7, deadline=0.9).why_no_diff or "")
    assert _proposed(tmp_path, TAKE, 7, deadline=1.0).diff


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        ({"seam": "http_client", "target": "GET 127.0.0.1/fares"}, True),
        ({"seam": "http_client", "target": "POST 127.0.0.1/payments", "line": 8}, False),
        ({"seam": "http_client", "target": "POST 127.0.0.1/payments", "line": 10}, True),  # behind the block
        ({"seam": "http_client", "target": "POST 127.0.0.1/payments", "file": "payments.py"}, False),
        ({"seam": "cache", "target": "INCR 127.0.0.1 seen", "line": 8}, False),
    ],
)
def test_what_changes_something_elsewhere_is_not_made_again(
    call: dict[str, Any], allowed: bool, tmp_path: Path
) -> None:
    """A payment within the block, or nobody knows where, would be made again with it."""
    found = _proposed(tmp_path, TAKE, 7, call)
    assert bool(found.diff) == allowed
    assert allowed or call["target"] in (found.why_no_diff or "")


def test_a_transaction_that_began_elsewhere_is_not_cut_in_two(tmp_path: Path) -> None:
    """Its caller had read something in the same transaction: made again from the middle it would use what was read."""
    begun = {"function": "view", "file": "views.py", "line": 3, "target": "SELECT stock 1", "started": 1.0}
    ended = {"function": "view", "file": "views.py", "line": 4, "target": "COMMIT postgresql", "started": 1.5}
    here = {"function": "order", "line": 5, "target": "INSERT stock 1", "started": 2.0}
    found = _proposed(tmp_path, ORDER, 5, begun, here, {"target": "COMMIT postgresql", "line": 6, "started": 3.0})
    assert "begins before, at views.py:3" in (found.why_no_diff or "")
    assert _proposed(tmp_path, ORDER, 5, begun, ended, here).diff


def test_without_the_databases_name_nothing_is_guessed() -> None:
    """SQLAlchemy's errors are told apart by the driver's codes, which are each database's own."""
    with pytest.raises(Declined, match="of which database"):
        TransactionRetry().edit(ORDER, Spot(line=5))
