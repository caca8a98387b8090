"""A rollback that lets the next user of a connection begin anew: at work, and where it is put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from chaos_analysis.fixes._fix import AlreadyThere, Declined, Spot
from chaos_analysis.fixes.rollback import Rollback
from chaos_analysis.sources import Sources
from tests.chaos_analysis.fixes.made_up import pattern, proposed
from tests.postgres_server import postgresql

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """\
import psycopg

connection = psycopg.connect(URL)


def half(n):
    row = connection.execute("SELECT 10 / %s::integer", [n]).fetchone()
    connection.commit()
    return row[0]
"""


def _patched(source: str, line: int, **names: Any) -> dict[str, Any]:
    exec(compile(Rollback().edit(source, Spot(line=line)), "shop.py", "exec"), names)
    return names


def test_after_an_error_the_connection_is_as_good_as_new() -> None:
    """A division by zero fails its own call, and in PostgreSQL, without the patch, every one after it."""
    with postgresql() as server:
        before: dict[str, Any] = {"URL": server.dsn}
        exec(compile(SHOP, "shop.py", "exec"), before)
        after = _patched(SHOP, 7, URL=server.dsn)
        for shop in (before, after):
            with pytest.raises(psycopg.errors.DivisionByZero):
                shop["half"](0)
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            before["half"](5)
        assert after["half"](5) == 2
        for shop in (before, after):
            shop["connection"].close()


class _Session:
    """Counts what is asked of it, and fails when told to."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
        self.rollbacks = 0

    def commit(self) -> None:
        if self.error is not None:
            raise self.error

    def rollback(self) -> None:
        self.rollbacks += 1


@pytest.mark.parametrize("error", [ValueError(), KeyError(), KeyboardInterrupt()])
def test_every_way_out_by_an_error_passes_the_rollback(error: BaseException) -> None:
    """An error that is answered, one that is not, and one that is no `Exception`: each is rolled back once."""
    source = "def f(session):\n    try:\n        session.commit()\n    except ValueError:\n        return 400\n"
    f, session = _patched(source, 3)["f"], _Session(error)
    if isinstance(error, ValueError):
        assert f(session) == 400
    else:
        with pytest.raises(type(error)):
            f(session)
    assert session.rollbacks == 1


def test_what_went_well_is_not_rolled_back() -> None:
    """Without an error nothing is undone, and the rest of the `try` is as it was."""
    source = "def f(session):\n    try:\n        session.commit()\n    finally:\n        session.closed = True\n"
    session = _Session(None)
    _patched(source, 3)["f"](session)
    assert (session.rollbacks, vars(session)["closed"]) == (0, True)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f():\n    with psycopg.connect(URL) as c:\n        c.execute(Q)\n", 3),
        ("def f():\n    with Session(engine) as session, session.begin():\n        session.flush()\n", 3),
        ("def f(c):\n    with c.transaction():\n        c.execute(Q)\n", 3),
        ("def f(c):\n    with c:\n        c.execute(Q)\n", 3),
    ],
)
def test_a_block_that_ends_the_transaction_needs_nothing(source: str, line: int) -> None:
    """Connections and transactions that a `with` owns are rolled back by it."""
    with pytest.raises(AlreadyThere):
        Rollback().edit(source, Spot(line=line))


def test_a_handler_in_one_line_is_left_to_people() -> None:
    """There is no place in it for one more statement."""
    source = "def f(s):\n    try:\n        s.commit()\n    except ValueError: pass\n"
    with pytest.raises(Declined, match="by hand"):
        Rollback().edit(source, Spot(line=3))


def test_the_proposal_is_for_the_site_that_left_the_transaction(tmp_path: Path) -> None:
    """It has the diff at the statement, cites the pattern and can be applied without a decision."""
    (tmp_path / "shop.py").write_text(SHOP)
    (found,) = proposed(tmp_path, "rollback", pattern("no_rollback", "shop.py", 7))
    assert (found.line, found.automatic, found.patterns) == (7, True, ("no_rollback:shop.py:f",))
    assert "+        connection.rollback()\n+        raise\n" in found.diff


SCOPED = """\
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

engine = create_engine(URL)
db_session = scoped_session(sessionmaker(engine))
app = Flask(__name__)
{teardown}

@app.get("/<int:n>")
def half(n):
    found = db_session.execute(text("SELECT 10 / :n"), {{"n": n}}).scalar()
    db_session.commit()
    return str(found)
"""


def test_a_scoped_session_ends_with_its_request(tmp_path: Path) -> None:
    """In one thread, a request whose statement failed leaves the next one a new session, as the patch has it."""
    before = SCOPED.format(teardown="")
    (tmp_path / "shop.py").write_text(before)
    after = Rollback().edits(Sources(tmp_path), "shop.py", Spot(line=12))["shop.py"]
    assert after == SCOPED.format(teardown="app.teardown_appcontext(lambda error: db_session.remove())\n")
    with postgresql() as server:
        for text, good in ((before, False), (after, True)):
            names: dict[str, Any] = {"__name__": "shop", "URL": server.url()}
            exec(compile(text, "shop.py", "exec"), names)
            client = names["app"].test_client()
            assert [client.get(f"/{n}").status_code for n in (0, 5)] == [500, 200 if good else 500]
            names["db_session"].remove()
            names["engine"].dispose()


def test_a_session_that_is_removed_already_has_no_proposal(tmp_path: Path) -> None:
    """A teardown that removes it is there: the patch changes nothing the second time."""
    after = SCOPED.format(teardown="app.teardown_appcontext(lambda error: db_session.remove())\n")
    (tmp_path / "shop.py").write_text(after)
    assert proposed(tmp_path, "rollback", pattern("no_rollback", "shop.py", 13)) == []


def test_a_scoped_session_that_the_apps_file_does_not_know_is_rolled_back_where_it_is_used(tmp_path: Path) -> None:
    """Which module the app would import it from is not guessed."""
    used = "from store import db_session\n\n\ndef f(x):\n    db_session.add(x)\n    db_session.commit()\n"
    (tmp_path / "views.py").write_text(used)
    (tmp_path / "store.py").write_text("db_session = scoped_session(sessionmaker(engine))\n")
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    changed = Rollback().edits(Sources(tmp_path), "views.py", Spot(line=6))
    assert set(changed) == {"views.py"}
    assert "        db_session.rollback()\n        raise\n" in changed["views.py"]
