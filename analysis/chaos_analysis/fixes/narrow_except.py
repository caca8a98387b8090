"""A broad `except` around a call that hides its errors, narrowed to the library's own, logged and raised."""

from __future__ import annotations

import tokenize
from io import StringIO
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import add_import
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import guards, logger
from chaos_analysis.fixes._named import error_class, free_in
from chaos_analysis.fixes._reads import with_diff
from chaos_analysis.fixes._source import Source
from chaos_analysis.fixes._swallowed import is_broad, is_taken_before, line_of, raises, swallower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Proposal

_DECIDE = "# chaos-test: decide what the answer is without it"


class NarrowExcept(Fix):
    """Has a broad `except` around the call take only the library's errors, log them and raise them again.

    What it made up instead is gone from the code: the marked place is for what people decide on.
    """

    name = "narrow_except"
    title = "Do not hide a dependency's errors"
    rescues = False
    reference = (
        "RFC 9110, 503 Service Unavailable: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4; Python, Errors and "
        "Exceptions, Handling Exceptions: https://docs.python.org/3/tutorial/errors.html#handling-exceptions"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a default for everything; what was said of it stays",
            before="""
                import logging

                import requests

                log = logging.getLogger(__name__)


                def price():
                    try:
                        stock = requests.get(URL, timeout=1)
                        return stock.json()["price"]
                    except Exception:
                        # never fail
                        return 0  # EUR
                """,
            after="""
                import logging

                import requests

                log = logging.getLogger(__name__)


                def price():
                    try:
                        stock = requests.get(URL, timeout=1)
                        return stock.json()["price"]
                    except requests.RequestException as error:
                        # never fail
                        # EUR
                        log.error("The call in price failed: %s", error)
                        # chaos-test: decide what the answer is without it
                        raise
                """,
            at="requests.get",
        ),
        Case(
            "a bare except in one line, after one that is right, in a module without a logger",
            before="""
                import requests as r


                class Shop:
                    def price(self, error):
                        try:
                            answer = r.get(URL)
                        except KeyError:
                            raise
                        except: pass
                        else:
                            return answer.text
                """,
            after="""
                import logging

                import requests as r

                logger = logging.getLogger(__name__)


                class Shop:
                    def price(self, error):
                        try:
                            answer = r.get(URL)
                        except KeyError:
                            raise
                        except r.RequestException as error_2:
                            logger.error("The call in price failed: %s", error_2)
                            # chaos-test: decide what the answer is without it
                            raise
                        else:
                            return answer.text
                """,
            at="r.get",
        ),
        Case(
            "a name that it has",
            before="""
                from urllib.request import urlopen

                from flask import Flask

                app = Flask(__name__)


                def price():
                    try:
                        return urlopen(URL).read()
                    except (ValueError, Exception) as e:
                        print(e)
                """,
            after="""
                from urllib.request import urlopen

                from flask import Flask

                app = Flask(__name__)


                def price():
                    try:
                        return urlopen(URL).read()
                    except OSError as e:
                        app.logger.error("The call in price failed: %s", e)
                        # chaos-test: decide what the answer is without it
                        raise
                """,
            at="urlopen(URL)",
        ),
        Case(
            "the call is another function's, which this one calls, of a module without its library",
            before="""
                import logging

                from shop import client

                log = logging.getLogger(__name__)


                def price():
                    try:
                        return client.fetch()["price"]
                    except Exception:
                        return 0
                """,
            after="""
                import logging

                import requests
                from shop import client

                log = logging.getLogger(__name__)


                def price():
                    try:
                        return client.fetch()["price"]
                    except requests.RequestException as error:
                        log.error("The call in price failed: %s", error)
                        # chaos-test: decide what the answer is without it
                        raise
                """,
            at="except Exception",
            again="except requests",
            known={"library": "requests"},
        ),
        Case(
            "it is narrow",
            before="""
                import requests


                def price():
                    try:
                        return requests.get(URL).json()
                    except requests.RequestException:
                        return 0
                """,
            declined="narrow",
            at="requests.get",
        ),
        Case(
            "nothing hides it here",
            before="""
                import requests


                def price():
                    return requests.get(URL).json()
                """,
            declined="no `except`",
            at="requests.get",
        ),
        Case(
            "it is told already",
            before="""
                import requests


                def price():
                    try:
                        return requests.get(URL).json()
                    except Exception:
                        log.exception("no price")
                        raise
                """,
            declined="raised again",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Replace the handler that takes everything: the one on the spot's line, or around the call there."""
        module = Source(source)
        guard, library = _guarded(module, spot)
        handler = next((each for each in guard.handlers if is_broad(module, each)), None)
        if handler is None or is_taken_before(module, guard, handler):
            if _DECIDE in module.code(guard):
                raise AlreadyThere("the except is narrow, and its place is marked")
            raise Declined("the except is narrow: what it makes up is for people to decide")
        if raises(module, handler):
            raise Declined("the error is raised again, or another one is")
        error, needs = _error(module, library, spot)
        log, needed = logger(module, handler)
        return module.splice(imports(module, [*needs, *needed, *_narrowed(module, handler, error, log)]))

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each `except` through which errors of a site became an answer that looks fine."""
        for site, patterns in evidence.http_sites("wrong_content"):
            verb = method(patterns[0])
            found = swallower(evidence.sources, site, verb)
            if found is None:
                continue
            at = site if found.around_call else found.site
            proposals = evidence.proposal(
                self,
                patterns,
                at,
                Spot(line=at.line, method=verb, library="" if found.around_call else found.library),
                what=(
                    f"At {found.site}, catch the client library's own errors and nothing else, log them, and raise "
                    "them again. What the code made up instead is taken out; at the marked place, decide what the "
                    "answer is without this part, and mark such an answer (`degraded: true`), or leave the error to "
                    "the app's handler."
                ),
                why=f"{summaries(patterns)} The `except` at {found.site} takes what the call at {site} raises.",
                caution=(
                    "Callers will see errors that were hidden before: answer them with 503 (see unavailable). Other "
                    "errors in the block, such as a KeyError from a bad body, are bugs that come out now: see "
                    "validate_body. Look at what relied on the made-up value."
                ),
                automatic=False,
            )
            yield from with_diff(proposals)


def _guarded(source: Source, spot: Spot) -> tuple[cst.Try, str]:
    """The `try` whose `except` is on the spot's line, or that stands around the call there; what makes the call."""
    for guard in source.find(cst.Try):
        if spot.library and any(line_of(source, handler) == spot.line for handler in guard.handlers):
            return guard, spot.library
    call = http_call(source, spot)
    around = next(guards(source, call.node), None)
    if around is None:
        raise Declined("no `except` stands around the call in its function: the error is hidden elsewhere")
    return around, call.library


def _error(source: Source, library: str, spot: Spot) -> tuple[str, list[Splice]]:
    """How the module says the library's error, and the import that it takes."""
    if library == "urllib":
        return "OSError", []
    try:
        return error_class(source)
    except Declined:
        if spot.library not in ("requests", "session"):
            raise
    return "requests.RequestException", list(add_import(source, "requests"))


def _narrowed(source: Source, handler: cst.ExceptHandler, error: str, log: str) -> Iterator[Splice]:
    """The handler's new head and body; comments in it stay."""
    function = next((node for node in source.ancestors(handler) if isinstance(node, cst.FunctionDef)), None)
    scope: cst.CSTNode = function or source.module
    caught = source.code(handler.name.name) if handler.name else free_in(source, scope, "error")
    place = f"call in {function.name.value}" if function is not None else "call"
    start, end = source.span(handler)[0], source.line_end(source.span(handler.body.body[-1])[1])
    margin = source.indent(handler)
    step = source.module.default_indent
    lines = [
        f"except {error} as {caught}:",
        *(step + comment for comment in _comments(source.text[start:end])),
        f'{step}{log}.error("The {place} failed: %s", {caught})',
        f"{step}{_DECIDE}",
        f"{step}raise",
    ]
    text = source.newline.join([lines[0], *(margin + line for line in lines[1:])])
    yield start, end, text + (source.newline if source.text[start:end].endswith(("\n", "\r")) else "")


def _comments(text: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(StringIO("try: pass\n" + text).readline))
    except (tokenize.TokenError, IndentationError):
        tokens = []
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
