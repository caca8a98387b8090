"""Calls that are made one after the other for the items of a list, made a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._collected import Collected, collected
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import end_of_imports, free_name
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._named import free_in, requests_call
from chaos_analysis.fixes._reads import READS, with_diff
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal

_AT_A_TIME = 8
_DECIDE = "# chaos-test: decide whether one call can bring them all (?ids=1,2,3)"


class FanOut(Fix):
    """Has a bounded `ThreadPoolExecutor` of the module make the calls of a loop, or of a comprehension."""

    name = "fan_out"
    title = "Make the calls for a list a few at a time"
    mends = ("n_plus_one",)
    reference = (
        "Python, concurrent.futures, ThreadPoolExecutor: "
        "https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor; Google, Site Reliability "
        "Engineering, Handling Overload: https://sre.google/sre-book/handling-overload/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a loop that appends to a list",
            before="""
                import requests


                def items(count):
                    found = []
                    for number in range(count):  # each
                        stock = requests.get(f"{URL}/{number}", timeout=1)  # live
                        stock.raise_for_status()
                        found.append(stock.json()["price"])
                    return found
                """,
            after="""
                from concurrent.futures import ThreadPoolExecutor

                import requests

                POOL = ThreadPoolExecutor(8)  # calls at a time, over all requests


                def items(count):
                    found = []

                    def ask(number):  # each
                        stock = requests.get(f"{URL}/{number}", timeout=1)  # live
                        stock.raise_for_status()
                        return stock.json()["price"]

                    # chaos-test: decide whether one call can bring them all (?ids=1,2,3)
                    found.extend(POOL.map(ask, range(count)))
                    return found
                """,
            at="requests.get",
        ),
        Case(
            "a list comprehension in a method",
            before="""
                import requests

                SESSION = requests.Session()


                class Shop:
                    def items(self, ids):
                        # the prices
                        return {"items": [SESSION.get(f"{self.url}/{ask}").json() for ask in ids]}
                """,
            after="""
                from concurrent.futures import ThreadPoolExecutor

                import requests

                POOL = ThreadPoolExecutor(8)  # calls at a time, over all requests

                SESSION = requests.Session()


                class Shop:
                    def items(self, ids):
                        # the prices
                        def ask_2(ask):
                            return SESSION.get(f"{self.url}/{ask}").json()

                        # chaos-test: decide whether one call can bring them all (?ids=1,2,3)
                        return {"items": list(POOL.map(ask_2, ids))}
                """,
            at="SESSION.get",
        ),
        Case(
            "a dictionary comprehension by item",
            before="""
                import requests


                def prices(slugs):
                    found = {
                        slug: requests.get(f"{URL}/{slug}").json() for slug in slugs
                    }
                    return found
                """,
            after="""
                from concurrent.futures import ThreadPoolExecutor

                import requests

                POOL = ThreadPoolExecutor(8)  # calls at a time, over all requests


                def prices(slugs):
                    def ask(slug):
                        return requests.get(f"{URL}/{slug}").json()

                    # chaos-test: decide whether one call can bring them all (?ids=1,2,3)
                    found = dict(zip(slugs, POOL.map(ask, slugs)))
                    return found
                """,
            at="requests.get",
        ),
        Case(
            "the next call needs the answer of the last",
            before="""
                import requests


                def pages(url):
                    found = []
                    for _ in range(9):
                        page = requests.get(url).json()
                        url = page["next"]
                        found.append(page)
                    return found
                """,
            declined="url",
            at="requests.get",
        ),
        Case(
            "what was found so far decides on the next",
            before="""
                import requests


                def pages():
                    found = [0]
                    for _ in range(9):
                        found.append(requests.get(f"{URL}/{found[-1]}").json())
                    return found
                """,
            declined="so far",
            at="requests.get",
        ),
        Case(
            "what it calls may need the request",
            before="""
                import requests


                def items(ids):
                    return [requests.get(address(each)).json() for each in ids]
                """,
            declined="address()",
            at="requests.get",
        ),
        Case(
            "some are left out in the course of the loop",
            before="""
                import requests


                def items(ids):
                    found = []
                    for each in ids:
                        answer = requests.get(f"{URL}/{each}")
                        if answer.ok:
                            found.append(answer.json())
                    return found
                """,
            declined="more than collect",
            at="requests.get",
        ),
        Case(
            "no loop in the function",
            before="""
                import requests


                def item(number):
                    return requests.get(f"{URL}/{number}").json()
                """,
            declined="no loop",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Make a function of what is done for an item, and let the pool do it for all of them."""
        if spot.method not in READS:
            raise Declined(f"{spot.method or 'the call'} changes something: do not make several at a time")
        module = Source(source)
        call = requests_call(module, spot)
        function = next((node for node in module.ancestors(call.node) if isinstance(node, cst.FunctionDef)), None)
        if function is None:
            raise Declined("the calls are made once, when the module is imported")
        if f".map({function.name.value}," in source:
            raise AlreadyThere("the calls are made a few at a time")
        found = collected(module, call.node)
        pool, ask = free_name(module, "POOL"), free_in(module, function, "ask")
        made = f"{pool} = ThreadPoolExecutor({_AT_A_TIME})  # calls at a time, over all requests"
        return module.splice(
            [
                *imports(module, (), ("concurrent.futures", "ThreadPoolExecutor")),
                module.after(end_of_imports(module), ["", made], indent=""),
                *(_loop(module, found, pool, ask) if found.loop else _comprehension(module, found, pool, ask)),
            ]
        )

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site that calls for each item of a list, one after the other."""
        for site, found in evidence.http_sites("n_plus_one"):
            patterns = [pattern for pattern in found if method(pattern) in READS]
            if patterns:
                yield from with_diff(
                    evidence.proposal(
                        self,
                        patterns,
                        site,
                        Spot(line=site.line, method=method(patterns[0])),
                        what=(
                            f"Make the calls through a pool of {_AT_A_TIME} threads that all requests share, so that "
                            "their waits overlap. Look first, at the marked place, for a call of the other side that "
                            "brings them all at once: that is better."
                        ),
                        why=summaries(patterns),
                        caution=(
                            "The other side gets its calls in bursts: the size of the pool bounds them for each "
                            "process, and is a guess. An error still fails the whole, and the calls after it have been "
                            "made by then. Flask's request and current_app are not to be had in the pool's threads, "
                            "and a session that they share must not be changed meanwhile. It saves waiting, and no "
                            "chances to fail."
                        ),
                        automatic=False,
                    )
                )


def _loop(source: Source, found: Collected, pool: str, ask: str) -> list[Splice]:
    """The loop's head as a function's, the append as its return, and the calls of all behind it."""
    assert found.loop is not None
    start, over = source.span(found.loop)[0], source.span(found.loop.iter)[1]
    items = source.code(found.loop.iter)
    last = found.loop.body.body[-1]
    value = source.text[slice(*source.span(found.result))]
    shown = f"({value})" if "\n" in value or "\r" in value else value
    above = source.text[: source.line_start(start)].rstrip(" \t").splitlines()[-1].strip()
    gap = "" if not above or above.startswith("#") or above.endswith(":") else source.newline
    at = source.line_start(start)
    return [
        (at, at, gap),
        (start, over, f"def {ask}({found.item})"),
        (*source.span(last), f"return {shown}"),
        source.after(
            last, ["", _DECIDE, f"{found.into}.extend({pool}.map({ask}, {items}))"], indent=source.indent(found.loop)
        ),
    ]


def _comprehension(source: Source, found: Collected, pool: str, ask: str) -> list[Splice]:
    """A function for an item above the statement, and the calls of all where the comprehension was."""
    assert found.node is not None
    items, margin, step = source.code(found.node.for_in.iter), source.indent(found.line), source.module.default_indent
    value = source.text[slice(*source.span(found.result))]
    shown = f"({value})" if "\n" in value or "\r" in value else value
    at = source.line_start(source.span(found.line)[0])
    lines = [f"def {ask}({found.item}):", f"{step}return {shown}", "", _DECIDE]
    above = "".join((margin + line if line else "") + source.newline for line in lines)
    every = f"{pool}.map({ask}, {items})"
    made = f"dict(zip({items}, {every}))" if isinstance(found.node, cst.DictComp) else f"list({every})"
    return [(at, at, above), (*source.span(found.node), made)]
