"""A pause before each repetition, longer every time: in the app's own loop, or by urllib3's policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call, keyword
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import add_import, add_keyword, end_of_imports, free_name, imported_as
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._reads import with_diff
from chaos_analysis.fixes._sessions import session_of
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal

_RETRY = re.compile(r"(requests\.packages\.)?urllib3\.(util\.)?(retry\.)?Retry|requests\.adapters\.Retry")
_PAUSES = re.compile(r"(\w+\.)*(sleep|wait)")
_POLICY = "backoff_factor=0.1, backoff_jitter=0.1"
_BEFORE_BACKOFF = 7  # parameters of Retry that may be given by position
_FUNCTION = (cst.FunctionDef, cst.Lambda)


class Backoff(Fix):
    """Sleeps in a `for` over `range` before all attempts but the first, or gives urllib3's `Retry` a backoff."""

    name = "backoff"
    title = "Pause between repetitions"
    reference = (
        "AWS Builders' Library, Timeouts, retries, and backoff with jitter: "
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/; "
        "urllib3, Retry: https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry"
    )
    rescues = False
    mends = ("missing_backoff",)

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a loop whose number nobody reads",
            before="""
                import requests


                def items():
                    for _ in range(3):  # three times
                        # the stock
                        stock = requests.get(URL, timeout=1)
                        if stock.ok:
                            return stock.json()
                    return None
                """,
            after="""
                import random
                import time

                import requests


                def items():
                    for attempt in range(3):  # three times
                        if attempt:
                            time.sleep(min(1, random.uniform(0.025, 0.05) * 2**attempt))
                        # the stock
                        stock = requests.get(URL, timeout=1)
                        if stock.ok:
                            return stock.json()
                    return None
                """,
            at="requests.get",
        ),
        Case(
            "a loop with a number, and what is imported under other names",
            before="""
                import random as rnd
                import time as clock

                from requests import get


                class Shop:
                  def items(self):
                    for tries in range(self.attempts):
                      try:
                        return get(URL, timeout=1).json()
                      except OSError:
                        if tries == self.attempts - 1:
                          raise
                """,
            after="""
                import random as rnd
                import time as clock

                from requests import get


                class Shop:
                  def items(self):
                    for tries in range(self.attempts):
                      if tries:
                        clock.sleep(min(1, rnd.uniform(0.025, 0.05) * 2**tries))
                      try:
                        return get(URL, timeout=1).json()
                      except OSError:
                        if tries == self.attempts - 1:
                          raise
                """,
            at="return get",
        ),
        Case(
            "urllib3's policy on a session",
            before="""
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                session = requests.Session()
                session.mount("https://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[503])))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            after="""
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                session = requests.Session()
                session.mount("https://", HTTPAdapter(max_retries=Retry(
                    2,
                    status_forcelist=[503],
                    backoff_factor=0.1, backoff_jitter=0.1,
                )))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            at="session.get",
        ),
        Case(
            "a policy with a name, for both schemes",
            before="""
                import requests
                from requests.adapters import HTTPAdapter, Retry

                POLICY = Retry(total=3)
                session = requests.Session()
                session.mount("http://", HTTPAdapter(max_retries=POLICY))
                session.mount("https://", HTTPAdapter(max_retries=POLICY))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            after="""
                import requests
                from requests.adapters import HTTPAdapter, Retry

                POLICY = Retry(total=3, backoff_factor=0.1, backoff_jitter=0.1)
                session = requests.Session()
                session.mount("http://", HTTPAdapter(max_retries=POLICY))
                session.mount("https://", HTTPAdapter(max_retries=POLICY))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            at="session.get",
        ),
        Case(
            "a number of attempts",
            before="""
                import requests
                from requests.adapters import HTTPAdapter

                session = requests.Session()
                session.mount("https://", HTTPAdapter(max_retries=3))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            after="""
                import requests
                from requests.adapters import HTTPAdapter
                from urllib3.util import Retry

                RETRY = Retry(3, backoff_factor=0.1, backoff_jitter=0.1)

                session = requests.Session()
                session.mount("https://", HTTPAdapter(max_retries=RETRY))


                def items():
                    return session.get(URL, timeout=1).json()
                """,
            at="session.get",
        ),
        Case(
            "a loop that pauses",
            before="""
                import time

                import requests


                def items():
                    for attempt in range(3):
                        stock = requests.get(URL, timeout=1)
                        if stock.ok:
                            return stock.json()
                        time.sleep(0.001)
                """,
            declined="pauses already",
            at="requests.get",
        ),
        Case(
            "a loop over things",
            before="""
                import requests


                def items():
                    return [one(n) for n in range(3)]


                def all_items():
                    for n in range(3):
                        yield requests.get(f"{URL}/{n}", timeout=1)
                """,
            declined="what is called",
            at="requests.get",
        ),
        Case(
            "a loop of another kind",
            before="""
                import requests


                def items():
                    while True:
                        stock = requests.get(URL, timeout=1)
                        if stock.ok:
                            return stock.json()
                """,
            declined="no loop over range",
            at="requests.get",
        ),
        Case(
            "a loop that counts from one",
            before="""
                import requests


                def items():
                    for attempt in range(1, 4):
                        stock = requests.get(URL, timeout=1)
                        if stock.ok or attempt == 3:
                            return stock.json()
                """,
            declined="no loop over range",
            at="requests.get",
        ),
        Case(
            "nothing that repeats is to be seen",
            before="""
                import requests


                def items():
                    return requests.get(URL, timeout=1).json()
                """,
            declined="no loop over range",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Where the call stands in a loop it is the loop that pauses, else the policy of its session or of itself."""
        module = Source(source)
        call = http_call(module, spot)
        around = module.ancestors(call.node)
        within = around[: next((at for at, node in enumerate(around) if isinstance(node, _FUNCTION)), len(around))]
        loop = next((node for node in within if isinstance(node, cst.For | cst.While)), None)
        if loop is not None:
            return module.splice(_in_loop(module, call, loop))
        return module.splice(_in_policy(module, call))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each call that is repeated without a pause."""
        for site, patterns in evidence.http_sites("missing_backoff"):
            yield from with_diff(
                evidence.proposal(
                    self,
                    patterns,
                    site,
                    Spot(line=site.line, method=method(patterns[0])),
                    what=(
                        "Pause before each repetition, twice as long every time and with jitter, so that what passes "
                        "in a moment has the moment, and callers do not all come back at once."
                    ),
                    why=summaries(patterns),
                    caution=(
                        "The pauses count in the caller's latency: their sum, 0.15 s in the mean for three attempts, "
                        "must lie inside its timeout. A worker of the app waits all the while: under load bound how "
                        "many may (bulkhead), or break off (circuit breaker)."
                    ),
                )
            )


def _in_loop(source: Source, call: HttpCall, loop: cst.For | cst.While) -> list[Splice]:
    """Pause at the top of the loop, the first time excepted."""
    if any(_PAUSES.fullmatch(source.code(each.func)) for each in _calls_in(loop)):
        raise AlreadyThere("the loop pauses already")
    if not isinstance(loop, cst.For) or not _is_range(source, loop.iter) or not isinstance(loop.target, cst.Name):
        raise Declined("there is no loop over range(n) around the call: pause where it is repeated")
    if loop.asynchronous or any(isinstance(node, cst.Await) for node in source.ancestors(call.node)):
        raise Declined("the call is asynchronous: pause with asyncio.sleep")
    if not isinstance(loop.body, cst.IndentedBlock):
        raise Declined("the loop is on one line: give it a block")
    splices: list[Splice] = []
    name = loop.target.value
    if name in _names_in(call.node):
        raise Declined(f"the loop's {name} is part of what is called: these may be calls of several things")
    if name.startswith("_") and name not in _names_in(loop.body):
        taken = _names_in(function_around(source, loop) or source.module)
        name = free_name(source, "attempt") if "attempt" in taken else "attempt"
        splices.append((*source.span(loop.target), name))
    random, clock = imported_as(source, "random"), imported_as(source, "time")
    margin, step = source.indent(loop.body.body[0]), source.module.default_indent
    pause = f"min(1, {random or 'random'}.uniform(0.025, 0.05) * 2**{name})"
    lines = (f"{margin}if {name}:", f"{margin}{step}{clock or 'time'}.sleep({pause})")
    at = source.line_end(source.span(loop.iter)[1])
    splices.append((at, at, "".join(line + source.newline for line in lines)))
    return imports(source, splices, *([] if random else [("random",)]), *([] if clock else [("time",)]))


def _in_policy(source: Source, call: HttpCall) -> list[Splice]:
    """Give what urllib3 is to repeat by a backoff."""
    given = _policies(source, call)
    numbers = {source.code(each) for each in given if isinstance(each, cst.Integer)}
    made = list(dict.fromkeys(retry for each in given if (retry := _made(source, each)) is not None))
    if not made and not numbers:
        raise Declined("there is no loop over range(n) around the call, and no Retry of urllib3 that the module makes")
    if len(numbers) > 1:
        raise Declined("its adapters repeat unequally often: give each a Retry with a backoff")
    splices: list[Splice] = []
    for retry in made:
        if any(arg.star for arg in retry.args) or len([arg for arg in retry.args if not arg.keyword]) > _BEFORE_BACKOFF:
            raise Declined("the policy's arguments do not tell whether there is a backoff among them")
        if (there := keyword(retry, "backoff_factor")) is not None:
            if source.code(there.value) not in ("0", "0.0"):
                raise AlreadyThere("the policy has a backoff")
            raise Declined("the policy says that there is to be no backoff: decide it there")
        splices += add_keyword(source, retry, _POLICY)
    if numbers:
        name = free_name(source, "RETRY")
        splices += [(*source.span(each), name) for each in given if isinstance(each, cst.Integer)]
        splices += add_import(source, "urllib3.util", "Retry")
        declared = ["", f"{name} = Retry({numbers.pop()}, {_POLICY})"]
        splices.append(source.after(end_of_imports(source), declared, indent=""))
    return splices


def _policies(source: Source, call: HttpCall) -> list[cst.BaseExpression]:
    """What stands for retries where the call, or its session or pool, is told of them."""
    if call.library == "urllib3":
        told = [keyword(each, "retries") for each in (call.node, call.maker) if each is not None]
    elif call.library == "session":
        name, maker = session_of(source, call)
        mounted = [
            each
            for each in source.find(cst.Call)
            if source.code(each.func) == f"{name}.mount"
            and function_around(source, each) is function_around(source, maker)
        ]
        adapters = [node for each in mounted for node in _calls_in(each) if node is not each]
        told = [keyword(each, "max_retries") for each in adapters]
    else:
        told = []
    return [arg.value for arg in told if arg is not None]


def _made(source: Source, policy: cst.BaseExpression) -> cst.Call | None:
    """The call of urllib3's `Retry` that makes it, here or where the name is given its only value."""
    if isinstance(policy, cst.Name):
        values = [
            node.value
            for node in source.find(cst.Assign)
            if any(source.code(target.target) == policy.value for target in node.targets)
            and function_around(source, node) in (None, function_around(source, policy))
        ]
        policy = values[0] if len(values) == 1 else policy
    return policy if isinstance(policy, cst.Call) and _RETRY.fullmatch(source.qualified(policy)) else None


def _is_range(source: Source, node: cst.BaseExpression) -> bool:
    """Whether it counts from 0."""
    return isinstance(node, cst.Call) and source.code(node.func) == "range" and len(node.args) == 1


def _calls_in(node: cst.CSTNode) -> list[cst.Call]:
    return [each for each in _below(node) if isinstance(each, cst.Call)]


def _names_in(node: cst.CSTNode) -> set[str]:
    return {each.value for each in _below(node) if isinstance(each, cst.Name)}


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _below(child)
