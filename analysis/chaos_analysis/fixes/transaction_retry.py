"""A transaction made again, as a whole, after an error by which the database asks for that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _again, _transactions
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._engines import dialect
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import end_line, guarded
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._named import free_in
from chaos_analysis.fixes._places import by_site, line_of
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal

ATTEMPTS = 3
_LOOP = re.compile(r"attempt|retr(y|ies)|tries", re.IGNORECASE)
_RETRIERS = ("stamina", "tenacity", "backoff", "retrying", "retry")


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
        _refuse_retried(module, call)
        on, first, last = _transaction(module, call)
        _refuse_leaving(module, first, last)
        final = last.body.body[-1] if isinstance(last, cst.With) and isinstance(last.body, cst.IndentedBlock) else last
        ends = isinstance(final, cst.SimpleStatementLine) and isinstance(final.body[-1], cst.Return)
        code = source[module.span(first)[0] : module.span(last)[1]]
        errors = _again.errors(module, spot.library, code)
        attempt = free_in(module, function_around(module, call) or module.module, "attempt")
        if spot.stamina:
            lead, handler = _with_stamina(module, attempt, errors, on, margin=module.indent(first), budget=spot.budget)
            wanted: list[tuple[str, ...]] = [("stamina",)]
        else:
            lead, handler = _in_a_loop(module, attempt, errors, on, ends=ends)
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
                told = _again.fits(evidence, ATTEMPTS)
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
                    f"Make the transaction again from its beginning, {ATTEMPTS} times in all with growing, jittered "
                    "pauses, on the errors by which the database asks for that, and on no others."
                ),
                why=f"{summaries(patterns)} {told}".strip(),
                caution=(
                    "All that stands in the loop happens again: nothing in it may act outside the database (mails, "
                    "calls, files), which the run can tell only of what it noted. What was read before the loop may be "
                    "different now: read it inside. Under a conflict that all requests share, more attempts are more "
                    "conflicts: see whether rows can be locked in one order, or the transaction made shorter."
                ),
            )


def _in_a_loop(
    source: Source, attempt: str, errors: _again.Errors, on: str, *, ends: bool
) -> tuple[list[str], list[str]]:
    """What stands above the transaction and below it; it needs no `break` where it `ends` by itself."""
    step = source.module.default_indent
    named, unless = (" as error", f" or {errors.denied}") if errors.test else ("", "")
    handler = [
        *([] if ends else [f"{step * 2}break"]),
        f"{step}except {errors.kind}{named}:",
        *([f"{step * 2}{on}.rollback()"] if on else []),
        f"{step * 2}if {attempt} == {ATTEMPTS - 1}{unless}:",
        f"{step * 3}raise",
        f"{step * 2}time.sleep(random.uniform(0.05, 0.1) * 2**{attempt})",
    ]
    return [f"for {attempt} in range({ATTEMPTS}):", "try:"], handler


def _with_stamina(
    source: Source, attempt: str, errors: _again.Errors, on: str, *, margin: str, budget: float
) -> tuple[list[str], list[str]]:
    """The same with stamina, whose pauses are as long: its own end after 45 s, more than most callers wait."""
    step = source.module.default_indent
    asks = f"lambda error: isinstance(error, {errors.kind}) and {errors.test}" if errors.test else errors.kind
    given = [f"on={asks}", f"attempts={ATTEMPTS}", f"timeout={f'{budget:g}' if budget else 'None'}"]
    given += ["wait_initial=0.05", "wait_jitter=0.05"]
    laid_out = "".join(f"{source.newline}{margin}{step}{each}," for each in given)
    lead = [f"for {attempt} in stamina.retry_context({laid_out}{source.newline}{margin}):", f"with {attempt}:"]
    if not on:
        return lead, []
    handler = [f"{step * 2}except BaseException:", f"{step * 3}{on}.rollback()", f"{step * 3}raise"]
    return [*lead, "try:"], handler


def _transaction(source: Source, call: cst.Call) -> tuple[str, cst.CSTNode, cst.CSTNode]:
    """What must be rolled back between attempts ("" where a block does so), the first and the last statement."""
    on, block = _transactions.whole(source, call)
    if block is not None:
        return "", block, block
    if not on:
        raise Declined("the block around the statement is none that begins and ends a transaction")
    if function_around(source, call) is None:
        raise Declined("the statement stands not in a function that could be made again")
    first, last = _transactions.uses(source, call, on)
    inside = [first, last] if first is not last else [first]
    ends = [each for each in source.find(cst.Call) if source.code(each.func) == f"{on}.commit"]
    if not any(source.span(inside[0]) <= source.span(each) <= (source.span(inside[-1])[1],) * 2 for each in ends):
        raise Declined("the transaction ends elsewhere: it is to be made again there, as a whole")
    return on, first, last


def _lines(text: str | None, line: int) -> tuple[range, bool]:
    """The lines that would be made again, and whether they are a block that owns its transaction."""
    if text is None:
        return range(0), True
    source = Source(text)
    on, first, last = _transaction(source, _transactions.statement_call(source, line))
    return range(line_of(source, first), line_of(source, end_line(source, last)) + 1), not on


def _refuse_retried(source: Source, call: cst.Call) -> None:
    """Raise where the transaction is made again already: two layers multiply."""
    for node in source.ancestors(call):
        if isinstance(node, cst.For | cst.While):
            head = source.code(node.target if isinstance(node, cst.For) else node.test)
            if _LOOP.search(head):
                raise AlreadyThere("a loop around it tries again")
        for decorator in node.decorators if isinstance(node, cst.FunctionDef) else ():
            name = source.code(decorator.decorator)
            if name.partition(".")[0].partition("(")[0] in _RETRIERS:
                raise AlreadyThere(f"the function is made again already, by {name}")


def _refuse_leaving(source: Source, first: cst.CSTNode, last: cst.CSTNode) -> None:
    """Raise where a `break` or `continue` in the statements is for a loop around them, or where they yield."""
    start, end = source.span(first)[0], source.span(last)[1]
    for node in (*source.find(cst.Break), *source.find(cst.Continue)):
        at = source.span(node)[0]
        loops = [each for each in source.ancestors(node) if isinstance(each, cst.For | cst.While)]
        if start <= at < end and (not loops or source.span(loops[0])[0] < start):
            raise Declined("a statement of the transaction leaves a loop around it: put the transaction in a function")
    if any(start <= source.span(node)[0] < end for node in source.find(cst.Yield)):
        raise Declined("the transaction yields in between: what was handed out cannot be made again")
