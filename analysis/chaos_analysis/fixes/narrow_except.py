"""A broad `except` around a call that hides its errors, narrowed to the library's own, logged and raised."""

from __future__ import annotations

import re
import tokenize
from io import StringIO
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import guards, logger
from chaos_analysis.fixes._named import error_class, free_in
from chaos_analysis.fixes._reads import with_diff
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Pattern, Proposal

_BROAD = ("Exception", "BaseException")
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
        """Replace the handler that takes everything."""
        module = Source(source)
        call = http_call(module, spot)
        guard = next(guards(module, call.node), None)
        if guard is None:
            raise Declined("no `except` stands around the call in its function: the error is hidden elsewhere")
        handler = next((each for each in guard.handlers if _is_broad(module, each)), None)
        if handler is None or _is_taken_before(module, guard, handler):
            if _DECIDE in module.code(guard):
                raise AlreadyThere("the except is narrow, and its place is marked")
            raise Declined("the except is narrow: what it makes up is for people to decide")
        if any(isinstance(node, cst.Raise) for node in _within(module, handler)):
            raise Declined("the error is raised again, or another one is")
        error, needs = ("OSError", []) if call.library == "urllib" else error_class(module)
        log, needed = logger(module, handler)
        return module.splice([*needs, *needed, *_narrowed(module, call.node, handler, error, log)])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose errors became an answer that looks fine, through a broad `except`."""
        for site, patterns in evidence.http_sites("wrong_content"):
            if not _is_hidden(evidence, patterns[0]):
                continue
            proposals = evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line, method=method(patterns[0])),
                what=(
                    "Catch the client library's own errors and nothing else, log them, and raise them again. What the "
                    "code made up instead is taken out; at the marked place, decide what the answer is without this "
                    "part, and mark such an answer (`degraded: true`), or leave the error to the app's handler."
                ),
                why=summaries(patterns),
                caution=(
                    "Callers will see errors that were hidden before: answer them with 503 (see unavailable). Other "
                    "errors in the block, such as a KeyError from a bad body, are bugs that come out now: see "
                    "validate_body. Look at what relied on the made-up value."
                ),
                automatic=False,
            )
            yield from with_diff(proposals)


def _is_hidden(evidence: Evidence, pattern: Pattern) -> bool:
    """Whether a broad `except` stands around the call."""
    text = evidence.sources.text(pattern.site.file) if pattern.site else None
    if text is None or pattern.site is None:
        return False
    try:
        source = Source(text)
        call = http_call(source, Spot(line=pattern.site.line, method=method(pattern)))
    except Declined:
        return False
    return any(_is_broad(source, handler) for guard in guards(source, call.node) for handler in guard.handlers)


def _is_broad(source: Source, handler: cst.ExceptHandler) -> bool:
    kinds = [handler.type]
    if isinstance(handler.type, cst.Tuple):
        kinds = [each.value for each in handler.type.elements]
    return any(kind is None or source.code(kind) in _BROAD for kind in kinds)


def _is_taken_before(source: Source, guard: cst.Try, broad: cst.ExceptHandler) -> bool:
    """Whether a narrower handler takes the library's errors before the broad one does."""
    above = guard.handlers[: list(guard.handlers).index(broad)]
    words = set(re.findall(r"\w+", " ".join(source.code(each.type) for each in above if each.type is not None)))
    return bool(words & {"RequestException", "OSError", "IOError"})


def _within(source: Source, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    return (each for each in source.find(cst.Raise) if node in source.ancestors(each))


def _narrowed(source: Source, call: cst.Call, handler: cst.ExceptHandler, error: str, log: str) -> Iterator[Splice]:
    """The handler's new head and body; comments in it stay."""
    function = next((node for node in source.ancestors(call) if isinstance(node, cst.FunctionDef)), None)
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
