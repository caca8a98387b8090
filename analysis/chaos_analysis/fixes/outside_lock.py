"""A call that is made while a lock is held, made before or after: a slow dependency then holds up nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._block import statement_of, withs
from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._reads import with_diff
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal

_LOCK = re.compile(r"lock|mutex", re.IGNORECASE)
_DECIDE = "# chaos-test: decide whether anything in this statement needs "


class OutsideLock(Fix):
    """Moves the statement of the call out of the `with` that holds the lock, where it is its first or its last one."""

    name = "outside_lock"
    title = "Make a call without holding a lock"
    reference = (
        "Python, threading, Using locks, conditions, and semaphores in the with statement: "
        "https://docs.python.org/3/library/threading.html#using-locks-conditions-and-semaphores-in-the-with-statement; "
        "Microsoft, Azure Architecture, Bulkhead pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/bulkhead"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "the last statement",
            before="""
                import requests


                def items():
                    with lock:
                        visits["items"] += 1
                        # live
                        stock = requests.get(
                            URL,  # all
                        )
                    return stock.json()
                """,
            after="""
                import requests


                def items():
                    with lock:
                        visits["items"] += 1
                        # live
                    # chaos-test: decide whether anything in this statement needs lock
                    stock = requests.get(
                        URL,  # all
                    )
                    return stock.json()
                """,
            at="requests.get",
        ),
        Case(
            "the first statement, in a method",
            before="""
                import requests


                class Shop:
                    def items(self):
                        with self._lock:
                            stock = requests.get(URL).json()
                            self.stock.update(stock)
                """,
            after="""
                import requests


                class Shop:
                    def items(self):
                        # chaos-test: decide whether anything in this statement needs self._lock
                        stock = requests.get(URL).json()
                        with self._lock:
                            self.stock.update(stock)
                """,
            at="requests.get",
        ),
        Case(
            "the lock is there for the call",
            before="""
                import requests


                def items():
                    with lock:
                        return requests.get(URL).json()
                """,
            declined="for the call",
            at="requests.get",
        ),
        Case(
            "between others",
            before="""
                import requests


                def items():
                    with lock:
                        visits["items"] += 1
                        stock = requests.get(URL).json()
                        visits["stock"] = len(stock)
                """,
            declined="between",
            at="requests.get",
        ),
        Case(
            "no lock",
            before="""
                import requests


                def items():
                    with requests.Session() as s:
                        s.get(URL)
                        s.get(OTHER)
                """,
            declined="no lock",
            at="s.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Take the statement out, and mark it."""
        module = Source(source)
        call = http_call(module, spot)
        statement = statement_of(module, call.node)
        held = next(((block, entered) for block, entered in withs(module, call.node) if _LOCK.search(entered)), None)
        if held is None:
            if any(_DECIDE.strip() in (line.comment.value if line.comment else "") for line in statement.leading_lines):
                raise AlreadyThere("the call is made without the lock")
            raise Declined("no lock is held around the call in its function")
        block, entered = held
        body = list(block.body.body)
        if statement not in body or len(block.items) > 1:
            raise Declined(f"between the call and {entered} stand other blocks: look at what they need")
        if len(body) == 1:
            raise Declined(f"{entered} is there for the call: who waits for it wants to make the same call")
        if statement not in (body[0], body[-1]):
            raise Declined(f"the call stands between others under {entered}: split the block by hand")
        mark = f"{module.indent(block)}{_DECIDE}{entered}{module.newline}"
        first, over = module.line_start(module.span(statement)[0]), module.line_end(module.span(statement)[1])
        outside = _further_out(module, statement, len(module.indent(statement)) - len(module.indent(block)))
        if statement is body[-1]:
            return module.splice([(first, first, mark), *outside])
        above = module.line_start(module.span(block)[0])
        moved = module.splice(outside)[first : over - sum(end - start for start, end, _ in outside)]
        return module.splice([(above, above, mark + moved), (first, over, "")])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose slow calls hold up requests that do not make them."""
        for site, patterns in evidence.http_sites("head_of_line_blocking"):
            yield from with_diff(
                evidence.proposal(
                    self,
                    patterns,
                    site,
                    Spot(line=site.line, method=method(patterns[0])),
                    what=(
                        "Move the call out of the block that holds the lock, so that requests which need the lock for "
                        "something else do not wait for the dependency. Look, at the marked place, whether anything "
                        "in the statement needs the lock."
                    ),
                    why=summaries(patterns),
                    caution=(
                        "What the call is made with, and what is done with its answer, may now change meanwhile: take "
                        "copies under the lock. More calls are under way at a time than the lock let through: give the "
                        "call a short timeout, and bound them (bulkhead) where the other side cannot take it."
                    ),
                    automatic=False,
                )
            )


def _further_out(source: Source, statement: cst.SimpleStatementLine, by: int) -> list[Splice]:
    """The statement's lines with so many characters of indentation less; text in them stays as it is."""
    start, end = source.span(statement)
    texts = [source.span(node) for kind in (cst.SimpleString, cst.FormattedString) for node in source.find(kind)]
    splices: list[Splice] = []
    at = source.line_start(start)
    while at < end:
        if source.text[at : at + by].isspace() and not any(begin < at < over for begin, over in texts):
            splices.append((at, at + by, ""))
        at = source.line_end(at)
    return splices
