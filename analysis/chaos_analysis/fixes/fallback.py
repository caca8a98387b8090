"""The last good answer of a dependency in the place of one that fails, for reads: bounded, logged and marked."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._declare import annotates, bare, declare, imports, joined
from chaos_analysis.fixes._edits import MIN_WIDTH
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import guarded, guards, logger
from chaos_analysis.fixes._last_good import NAME, STORE, last_good
from chaos_analysis.fixes._named import answer, error_class, free_in, reads_json
from chaos_analysis.fixes._question import question
from chaos_analysis.fixes._reads import READS, endpoints_at, is_part, on_flask, with_diff, writes
from chaos_analysis.fixes._source import Source
from chaos_analysis.patterns._words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._named import Answer
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Pattern, Proposal, Site

_CHANGING = re.compile(r"\.(post|put|patch|delete)\(|methods\s*=.*(POST|PUT|PATCH|DELETE)", re.DOTALL)


def _with_store(source: str, *, logger: str, flask: bool = True) -> str:
    """A case's source, in which `LAST_GOOD = ...` stands for the whole class, as it is without annotations."""
    declared = joined(bare(last_good("requests", logger, flask=flask)).strip(), MIN_WIDTH)
    return dedent(source.removeprefix("\n")).replace("LAST_GOOD = ...", declared)


class Fallback(Fix):
    """Keeps good answers of a call that reads, and lets the last one stand in, marked, while the other side fails."""

    name = "fallback"
    title = "Answer with the last good value while a dependency fails"
    mends = ("no_fallback",)
    reference = (
        "RFC 5861, HTTP Cache-Control Extensions for Stale Content, stale-if-error: "
        "https://www.rfc-editor.org/rfc/rfc5861#section-4; Google, Site Reliability Engineering, Addressing Cascading "
        "Failures, Load Shedding and Graceful Degradation: https://sre.google/sre-book/addressing-cascading-failures/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "the answer has a name; what is asked for is told by what varies in the call",
            before="""
                import requests
                from flask import Flask

                app = Flask(__name__)


                @app.get("/items/<slug>")
                def item(slug):
                    # live
                    answer = requests.get(f"{BASE}/fares/{slug}", timeout=1)  # EUR
                    return {"fare": answer.json()["fare"]}
                """,
            after=_with_store(
                """
                from threading import Lock
                from time import monotonic

                import requests
                from flask import Flask, after_this_request, has_request_context


                LAST_GOOD = ...


                app = Flask(__name__)


                @app.get("/items/<slug>")
                def item(slug):
                    # live
                    question = ("item", slug)
                    try:
                        answer = requests.get(f"{BASE}/fares/{slug}", timeout=1)  # EUR
                        LAST_GOOD.keep(question, answer, as_json=True)
                    except requests.RequestException as error:
                        answer = LAST_GOOD.instead_of(error, question)
                    return {"fare": answer.json()["fare"]}
                """,
                logger="app.logger",
            ),
            at="requests.get",
            known={"flask": True},
        ),
        Case(
            "the answer has no name, the module a logger, and the app may be of any framework",
            before="""
                import logging

                import requests as r

                log = logging.getLogger("shop")
                SESSION = r.Session()


                class Shop:
                    def names(self, ids, lang):
                        return SESSION.get(self.url, params={"ids": ids, "lang": lang[0]}).text
                """,
            after=_with_store(
                """
                import logging
                from threading import Lock
                from time import monotonic

                import requests as r


                LAST_GOOD = ...


                log = logging.getLogger("shop")
                SESSION = r.Session()


                class Shop:
                    def names(self, ids, lang):
                        question = ("names", self.url, ids, lang[0])
                        try:
                            response = SESSION.get(self.url, params={"ids": ids, "lang": lang[0]})
                            LAST_GOOD.keep(question, response)
                        except r.RequestException as error:
                            response = LAST_GOOD.instead_of(error, question)
                        return response.text
                """,
                logger="log",
                flask=False,
            ),
            at="SESSION.get",
        ),
        Case(
            "for one user",
            before="""
                import requests


                def orders(user):
                    return requests.get(URL, headers={"Authorization": user.token}).json()
                """,
            declined="another",
            at="requests.get",
        ),
        Case(
            "a session of somebody's",
            before="""
                import requests


                def orders(session):
                    return session.get(URL).json()
                """,
            declined="handed in",
            at="session.get",
        ),
        Case(
            "what is asked is worked out in place",
            before="""
                import requests


                def orders():
                    return requests.get(address_of(user())).json()
                """,
            declined="address_of()",
            at="requests.get",
        ),
        Case(
            "in a route that changes something",
            before="""
                import requests


                @app.route("/orders", methods=["GET", "POST"])
                def orders():
                    return requests.get(URL).json()
                """,
            declined="changes",
            at="requests.get",
        ),
        Case(
            "only where nothing is kept yet",
            before="""
                import requests

                known = {}


                def profile(number):
                    if number not in known:
                        answer = requests.get(f"{URL}/members/{number}", timeout=2)
                        known[number] = answer.json()
                    return known[number]
                """,
            declined="keeps every answer itself",
            at="requests.get",
        ),
        Case(
            "a POST",
            before="""
                import requests


                def order():
                    return requests.post(URL).json()
                """,
            declined="POST",
            at="requests.post",
            method="POST",
        ),
        Case(
            "the error is caught",
            before="""
                import requests


                def names():
                    try:
                        return requests.get(URL).json()
                    except Exception:
                        return []
                """,
            declined="`try`",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Put the call into a `try`, and the class that keeps the answers below the imports, once."""
        if spot.method not in READS:
            raise Declined(f"{spot.method or 'the call'} changes something: nothing can stand in for that")
        module = Source(source)
        found = answer(module, spot)
        if found.function is None:
            raise Declined("the call is made once, when the module is imported")
        _refuse_caught(module, found)
        _refuse_kept(module, found)
        _refuse_changing(module, found.function)
        asked = ", ".join([f'"{_label(module, found)}"', *question(module, found.call)])
        error, needs = error_class(module)
        splices = [*needs, *_store(module, found, error, flask=spot.flask)]
        return module.splice([*splices, *_call(module, found, asked if ", " in asked else f"{asked},", error)])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site of reads whose failure failed a page of which it gives only a part."""
        for site, found in evidence.http_sites("no_fallback", "dependency_error", "wrong_content"):
            patterns = [pattern for pattern in found if method(pattern) in READS]
            lacking = any(pattern.finder == "no_fallback" for pattern in patterns)
            endpoints = endpoints_at(evidence, site)
            if not patterns or not (lacking or (endpoints and is_part(evidence, site))):
                continue
            spot = _spot(evidence, site, patterns[0], endpoints)
            proposals = evidence.proposal(
                self,
                patterns,
                site,
                spot,
                what=(
                    "Keep the good answers of this call (256 at most, 300 s each) and let the last one to the same "
                    "question stand in while the call fails or is answered with a server error. It is logged, and the "
                    "response says `X-Degraded: stale`. Where there is none, the error is raised as before."
                ),
                why=summaries(patterns),
                caution=(
                    "An old value must be better than none here: not for balances, permissions, stock that is about to "
                    "be sold, or a price that a later request takes for good. How old it may be is a question for "
                    "people: see SECONDS. Each process keeps its own, and none after a start. What tells one user "
                    "from another must be in the question: review the tuple. Only endpoints that read were seen to "
                    f"make this call ({listed(endpoints) or 'the run noted none'}); look for others."
                ),
            )
            yield from proposals if isinstance(spot, str) else with_diff(proposals)


def _spot(evidence: Evidence, site: Site, pattern: Pattern, endpoints: tuple[str, ...]) -> Spot | str:
    """The spot, or why there is none."""
    if changing := writes(endpoints):
        return (
            f"{listed(changing)} makes this call too: what it does with an old value would last. Split the call, and "
            "let the reads alone fall back"
        )
    return Spot(line=site.line, method=method(pattern), flask=on_flask(evidence))


def _refuse_caught(source: Source, found: Answer) -> None:
    """Raise where the call's error is taken already."""
    for guard in guards(source, found.call.node):
        if any(f"{NAME}.instead_of(" in source.code(handler) for handler in guard.handlers):
            raise AlreadyThere("the last good answer stands in already")
        raise Declined("the call stands in a `try`: let the last good answer stand in there, or narrow it first")


def _refuse_kept(source: Source, found: Answer) -> None:
    """Raise where the call is made only for what `store` does not hold, which it then does for good: what could stand
    in was never asked for before.
    """
    for around in source.ancestors(found.call.node):
        if isinstance(around, cst.FunctionDef):
            return
        if not isinstance(around, cst.If) or not isinstance(around.test, cst.Comparison):
            continue
        left, last = around.test.left, around.test.comparisons[-1]
        key, store = source.code(left), source.code(last.comparator)
        kept = isinstance(last.operator, cst.NotIn) and f"{store}[{key}] = " in source.code(around.body)
        if kept and _is_plain(source, store):
            raise Declined(f"`{store}` keeps every answer itself, so where the call is made there is no earlier one")


def _is_plain(source: Source, store: str) -> bool:
    """Whether it is made as a dictionary of the module, of which nothing is taken out again."""
    named = re.escape(store)
    made = re.search(rf"^{named}(: [^=\n]+)? = (\{{|dict\()", source.text, re.MULTILINE)
    return made is not None and not re.search(rf"\bdel {named}\b|\b{named}\.(pop|clear)", source.text)


def _refuse_changing(source: Source, function: cst.FunctionDef) -> None:
    for each in function.decorators:
        if _CHANGING.search(source.code(each.decorator)):
            raise Declined(f"the call stands in a route that changes something, {function.name.value}")


def _label(source: Source, found: Answer) -> str:
    """What the question begins with: the function's name, with a number where a question of it is there already."""
    assert found.function is not None
    name = found.function.name.value
    others = sum(source.text.count(f' = ("{name}{end}') for end in ('"', " "))
    return f"{name} {others + 1}" if others else name


def _call(source: Source, found: Answer, asked: str, error: str) -> list[Splice]:
    """The `try` around the call."""
    margin, step = source.indent(found.line), source.module.default_indent
    name, caught = free_in(source, found.scope, "question"), free_in(source, found.scope, "error")
    parsed = ", as_json=True" if reads_json(source, found) else ""
    handler = [
        f"{step}{NAME}.keep({name}, {found.name}{parsed})",
        f"except {error} as {caught}:",
        f"{step}{found.name} = {NAME}.instead_of({caught}, {name})",
    ]
    at = source.line_start(source.span(found.line)[0])
    above = f"{margin}{name} = ({asked}){source.newline}"
    if found.given:
        return [(at, at, above), *guarded(source, found.line, handler)]
    start, end = source.span(found.call.node)
    tried = ["try:", f"{step}{found.name} = {source.text[start:end]}", *handler]
    block = above + "".join(f"{margin}{line}{source.newline}" for line in tried)
    return [(at, at, block), (start, end, found.name)]


def _store(source: Source, found: Answer, error: str, *, flask: bool) -> Iterable[Splice]:
    """The class that keeps the answers, and its imports."""
    if any(node.name.value == STORE for node in source.find(cst.ClassDef)):
        return
    if {NAME, STORE} & source.names():
        raise Declined(f"the module has the name {NAME} for something else")
    log, needs = logger(source, source.module.body[-1])
    text = last_good(error.rpartition(".")[0], log, flask=flask)
    annotated = annotates(source, found.function) and "." in error and "Response" not in source.names()
    names = ["after_this_request", "has_request_context", *(["Response"] if annotated else [])]
    yield from imports(
        source,
        needs,
        ("threading", "Lock"),
        ("time", "monotonic"),
        *([("flask", *sorted(names))] if flask else []),
    )
    yield declare(source, text if annotated else bare(text))
