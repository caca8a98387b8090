"""A transaction made again, as a whole, after an error by which the database asks for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _again, _attempts, _transactions
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._engines import dialect
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import end_line, guarded
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._named import free_in
from chaos_analysis.fixes._places import by_site, line_of
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal


class TransactionRetry(Fix):
    """Puts the block that owns the transaction, or the statements up to its commit, in a loop of three attempts."""

    name = "transaction_retry"
    title = "Make the whole transaction again when the database asks for it"
    reference = (
        "PostgreSQL, Serialization Failure Handling: "
        "https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html; SQLite, Result Codes, "
        "SQLITE_BUSY: https://www.sqlite.org/rescode.html#busy"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a block of psycopg's",
            before="""
                import psycopg


                def total():
                    with psycopg.connect(URL) as connection:
                        found = connection.execute(SUM).fetchone()[0]  # of all
                    return found
                """,
            after="""
                import random
                import time

                import psycopg


                def total():
                    for attempt in range(3):
                        try:
                            with psycopg.connect(URL) as connection:
                                found = connection.execute(SUM).fetchone()[0]  # of all
                            break
                        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                            if attempt == 2:
                                raise
                            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)
                    return found
                """,
            at="connection.execute",
        ),
        Case(
            "an engine's, which answers from inside",
            before="""
                import time

                from sqlalchemy import create_engine, text

                engine = create_engine("postgresql://localhost/shop")


                def take(n):
                    with engine.begin() as connection:
                        connection.execute(text(TAKE), {'n': n})
                        return connection.scalar(text(LEFT))
                """,
            after="""
                import random
                import time

                from sqlalchemy import create_engine, exc, text


                def asks_again(error):
                    \"\"\"Whether the database asks for the whole transaction again, for a conflict.\"\"\"
                    cause = error.orig
                    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
                    return state in ("40001", "40P01")


                engine = create_engine("postgresql://localhost/shop")


                def take(n):
                    for attempt in range(3):
                        try:
                            with engine.begin() as connection:
                                connection.execute(text(TAKE), {'n': n})
                                return connection.scalar(text(LEFT))
                        except exc.DBAPIError as error:
                            if attempt == 2 or not asks_again(error):
                                raise
                            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)
                """,
            at="connection.execute",
        ),
        Case(
            "a session's statements up to the commit, in SQLite",
            before="""
                from sqlalchemy import create_engine

                engine = create_engine('sqlite:///shop.db')


                def order(session, item):
                    check(item)
                    session.add(item)
                    session.commit()
                    return item.id
                """,
            after="""
                import random
                import time

                from sqlalchemy import create_engine, exc


                def asks_again(error):
                    \"\"\"Whether the database asks for the whole transaction again, for a lock.\"\"\"
                    return "locked" in str(error.orig)


                engine = create_engine('sqlite:///shop.db')


                def order(session, item):
                    check(item)
                    for attempt in range(3):
                        try:
                            session.add(item)
                            session.commit()
                            break
                        except exc.DBAPIError as error:
                            session.rollback()
                            if attempt == 2 or not asks_again(error):
                                raise
                            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)
                    return item.id
                """,
            at="session.commit",
        ),
        Case(
            "an app that has stamina",
            before="""
                import psycopg2


                def order(connection, item):
                    connection.cursor().execute(INSERT, [item])
                    connection.commit()
                """,
            after="""
                import psycopg2
                import stamina


                def order(connection, item):
                    for attempt in stamina.retry_context(
                        on=psycopg2.extensions.TransactionRollbackError,
                        attempts=3,
                        timeout=2,
                        wait_initial=0.05,
                        wait_jitter=0.05,
                    ):
                        with attempt:
                            try:
                                connection.cursor().execute(INSERT, [item])
                                connection.commit()
                            except BaseException:
                                connection.rollback()
                                raise
                """,
            at="execute(",
            known={"stamina": True, "budget": 2},
        ),
        Case(
            "a loop that tries again",
            before="""
                import psycopg

                for attempt in range(6):
                    with psycopg.connect(URL) as connection:
                        connection.execute(SUM)
                """,
            declined="tries again",
            at="connection.execute",
        ),
        Case(
            "its end is elsewhere",
            before="""
                import psycopg


                def add(connection, item):
                    connection.execute(INSERT, [item])
                """,
            declined="ends elsewhere",
            at="connection.execute",
        ),
        Case(
            "a loop of its own",
            before="""
                import psycopg


                def f(urls):
                    for url in urls:
                        with psycopg.connect(url) as c:
                            if not c.execute(SUM).fetchone():
                                continue
                            save(url)
                """,
            declined="leaves a loop",
            at="c.execute",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Put the transaction in a loop, after declaring which errors ask for it."""
        module = Source(source)
        call = _transactions.statement_call(module, spot.line)
        _attempts.refuse_retried(module, call)
        on, first, last = _attempts.transaction(module, call)
        _attempts.refuse_leaving(module, first, last)
        final = last.body.body[-1] if isinstance(last, cst.With) and isinstance(last.body, cst.IndentedBlock) else last
        ends = isinstance(final, cst.SimpleStatementLine) and isinstance(final.body[-1], cst.Return)
        code = source[module.span(first)[0] : module.span(last)[1]]
        errors = _again.errors(module, spot.library, code)
        attempt = free_in(module, function_around(module, call) or module.module, "attempt")
        if spot.stamina:
            lead, handler = _attempts.with_stamina(
                module, attempt, errors, on, margin=module.indent(first), budget=spot.budget
            )
            wanted: list[tuple[str, ...]] = [("stamina",)]
        else:
            lead, handler = _attempts.in_a_loop(module, attempt, errors, on, ends=ends)
            wanted = [("random",), ("time",)]
        splices = guarded(module, first, handler, last=last if last is not first else None, lead=lead)
        return module.splice(imports(module, [*errors.splices, *splices], *wanted, *errors.imports))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal a call site whose transaction was not made again, where nothing else is repeated with it."""
        for site, patterns in by_site(evidence, "no_transaction_retry"):
            told = ""
            spot: Spot | str = Spot(
                line=site.line,
                library=dialect(evidence),
                stamina=_again.has_stamina(evidence.sources),
                budget=evidence.deadline or 0.0,
            )
            try:
                told = _again.fits(evidence, _attempts.ATTEMPTS)
                lines, own_block = _lines(evidence.sources.text(site.file), site.line)
                _again.refuse_more(evidence, site, lines, own_block=own_block)
            except Declined as declined:
                spot = str(declined)
            yield from evidence.proposal(
                self,
                patterns,
                site,
                spot,
                what=(
                    f"Make the transaction again from its beginning, {_attempts.ATTEMPTS} times in all with growing, "
                    "jittered pauses, on the errors by which the database asks for that, and on no others."
                ),
                why=f"{summaries(patterns)} {told}".strip(),
                caution=(
                    "All that stands in the loop happens again: nothing in it may act outside the database (mails, "
                    "calls, files), which the run can tell only of what it noted. What was read before the loop may be "
                    "different now: read it inside. Under a conflict that all requests share, more attempts are more "
                    "conflicts: see whether rows can be locked in one order, or the transaction made shorter."
                ),
            )


def _lines(text: str | None, line: int) -> tuple[range, bool]:
    """The lines that would be made again, and whether they are a block that owns its transaction."""
    if text is None:
        return range(0), True
    source = Source(text)
    on, first, last = _attempts.transaction(source, _transactions.statement_call(source, line))
    return range(line_of(source, first), line_of(source, end_line(source, last)) + 1), not on
