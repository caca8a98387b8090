"""A failed transaction rolled back before anybody else gets its connection or session."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _transactions
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import catches, guarded, guards
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._places import by_site
from chaos_analysis.fixes._source import Source
from chaos_analysis.fixes._teardown import removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal
    from chaos_analysis.sources import Sources


class Rollback(Fix):
    """Rolls back on every way out of the transaction's `try` by an error, or puts the transaction in one; of a scoped
    session, removes it at teardown.
    """

    name = "rollback"
    title = "Roll a failed transaction back"
    reference = (
        "SQLAlchemy, Session Basics, Framing out a begin / commit / rollback block: "
        "https://docs.sqlalchemy.org/en/20/orm/session_basics.html; psycopg, Transactions management: "
        "https://www.psycopg.org/psycopg3/docs/basic/transactions.html"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a pool made by hand",
            before="""
                def items(pool):
                    connection = pool.get()
                    try:
                        row = connection.execute(COUNT).fetchone()
                        connection.commit()
                        return row[0]
                    finally:
                        pool.put(connection)  # for the next one
                """,
            after="""
                def items(pool):
                    connection = pool.get()
                    try:
                        row = connection.execute(COUNT).fetchone()
                        connection.commit()
                        return row[0]
                    except BaseException:
                        connection.rollback()
                        raise
                    finally:
                        pool.put(connection)  # for the next one
                """,
            at="connection.execute",
        ),
        Case(
            "errors that are answered, and others",
            before="""
                def order(session, item):
                    try:
                        session.add(Order(item))
                        session.commit()
                    except IntegrityError:
                        return 'taken', 409
                    return 'done', 201
                """,
            after="""
                def order(session, item):
                    try:
                        session.add(Order(item))
                        session.commit()
                    except IntegrityError:
                        session.rollback()
                        return 'taken', 409
                    except BaseException:
                        session.rollback()
                        raise
                    return 'done', 201
                """,
            at="session.commit",
        ),
        Case(
            "a session that all share, and a statement of several lines",
            before="""
                def order(session, item):
                    check(item)
                    session.add(Order(item))
                    if item.count:
                        session.execute(
                            TAKE,
                            {'n': item.count},
                        )
                    session.commit()
                    return 'done'
                """,
            after="""
                def order(session, item):
                    check(item)
                    try:
                        session.add(Order(item))
                        if item.count:
                            session.execute(
                                TAKE,
                                {'n': item.count},
                            )
                        session.commit()
                    except BaseException:
                        session.rollback()
                        raise
                    return 'done'
                """,
            at="session.commit",
        ),
        Case(
            "a cursor's connection",
            before="""
                def count(self):
                    cursor = self.connection.cursor()
                    cursor.execute(COUNT)
                    self.connection.commit()
                """,
            after="""
                def count(self):
                    try:
                        cursor = self.connection.cursor()
                        cursor.execute(COUNT)
                        self.connection.commit()
                    except BaseException:
                        self.connection.rollback()
                        raise
                """,
            at="cursor.execute",
        ),
        Case(
            "a block owns it",
            before="""
                def f():
                    with session.begin():
                        session.execute(QUERY)
                """,
            declined="a `with` ends",
            at="session.execute",
        ),
        Case(
            "it is rolled back",
            before="""
                def f():
                    try:
                        session.execute(QUERY)
                    finally:
                        session.rollback()
                """,
            declined="rolled back already",
            at="session.execute",
        ),
        Case("nothing of the kind", before="f(x)\n", declined="no statement", at="f(x)"),
        Case("nobody's function", before="c.execute(QUERY)\n", declined="not in a function", at="c.execute"),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Roll back in each handler, and in one for all other errors."""
        module = Source(source)
        call = _transactions.statement_call(module, spot.line)
        on = _transactions.owner(module, call)
        if function_around(module, call) is None:
            raise Declined("the statement stands not in a function: there is no request to roll back for")
        undo = f"{on}.rollback()"
        around = [guard for guard in guards(module, call) if guard.handlers or guard.finalbody is not None]
        if any(_undone(module, guard, undo) for guard in around):
            raise AlreadyThere("the transaction is rolled back already")
        if around:
            return module.splice(_in_handlers(module, around[0], undo))
        first, last = _transactions.uses(module, call, on)
        return module.splice(guarded(module, first, _handler(module, undo), last=last))

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """Of a scoped session, its end with each request, where the app is made; else the rollback at the statement."""
        try:
            return removed(sources, file, spot.line)
        except AlreadyThere:
            raise
        except Declined:
            return super().edits(sources, file, spot)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal a call site that left a transaction behind."""
        for site, patterns in by_site(evidence, "no_rollback"):
            yield from evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line),
                what=(
                    "Roll back on every way out of the transaction by an error, and let the error go on; or remove a "
                    "scoped session when the request ends. The connection or session goes to the next request as new."
                ),
                why=summaries(patterns),
                caution=(
                    "The request that met the error fails as before. A connection that is broken fails its rollback, "
                    "too: a pool made by hand must replace it (an engine's and psycopg_pool's do). A block that owns "
                    "the transaction (`with session.begin():`, `with connection.transaction():`) says the same in "
                    "less, where the code can be put in one."
                ),
            )


def _handler(source: Source, undo: str) -> list[str]:
    step = source.module.default_indent
    return ["except BaseException:", f"{step}{undo}", f"{step}raise"]


def _undone(source: Source, guard: cst.Try, undo: str) -> bool:
    """Whether every way out of the `try` by an error passes the rollback."""
    if guard.finalbody is not None and undo in source.code(guard.finalbody):
        return True
    return catches(source, guard, ()) and all(undo in source.code(handler) for handler in guard.handlers)


def _in_handlers(source: Source, guard: cst.Try, undo: str) -> Iterator[Splice]:
    """The rollback in each handler of the `try` that lacks it, and a handler for what they do not catch."""
    for handler in guard.handlers:
        if undo not in source.code(handler):
            if not isinstance(handler.body, cst.IndentedBlock):
                raise Declined("a handler shares its line with its statement: put the rollback in it by hand")
            first = handler.body.body[0]
            at = source.line_start(source.span(first)[0])
            yield at, at, f"{source.indent(first)}{undo}{source.newline}"
    if not catches(source, guard, ()):
        margin = source.indent(guard)
        lines = "".join(f"{margin}{line}{source.newline}" for line in _handler(source, undo))
        behind = guard.orelse or guard.finalbody
        if behind is not None:
            at = source.line_start(source.span(behind)[0])
            yield at, at, lines
        else:
            body = guard.handlers[-1].body
            last = body.body[-1] if isinstance(body, cst.IndentedBlock) else body
            yield source.after(last, _handler(source, undo), indent=margin)
