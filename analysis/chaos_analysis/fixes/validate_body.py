"""A dependency's answer checked before it is used: a bad one is a 502, where it was a KeyError of the app's own."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._declare import annotates, bare, declare, imports, joined
from chaos_analysis.fixes._edits import MIN_WIDTH, free_name
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._guard import guards, logger
from chaos_analysis.fixes._json_reads import reads
from chaos_analysis.fixes._named import answer, error_class, requests_call
from chaos_analysis.fixes._reads import on_flask, with_diff
from chaos_analysis.fixes._source import Source
from chaos_analysis.fixes._swallowed import swallower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._json_reads import Read
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Pattern, Proposal, Site

_BAD_ANSWERS = {"garbage_body", "http_error", "truncated_body"}
_MADE_OF = "raise BadGateway("  # tells our function from another one of its name
_FUNCTION = '''
def checked(answer: requests.Response, *keys: str, kind: type = dict) -> Any:
    """The JSON of a good answer, with these keys; every other answer ends in a 502."""
    try:
        answer.raise_for_status()
        found = answer.json()
        if not isinstance(found, kind) or not all(key in found for key in keys):
            raise ValueError(f"no {kind.__name__} with {', '.join(keys) or 'any keys'}")
    except (requests.RequestException, ValueError) as error:
        LOGGER.error("%s gave a bad answer: %s", answer.url, error)
        raise BadGateway("A service that this one needs gave a bad answer.") from error
    return found
'''


def _with_checked(source: str, logger: str) -> str:
    """A case's source, in which `CHECKED = ...` stands for the whole function, as it is without annotations."""
    function = joined(bare(_FUNCTION.replace("LOGGER", logger)).strip(), MIN_WIDTH)
    return dedent(source.removeprefix("\n")).replace("CHECKED = ...", function)


class ValidateBody(Fix):
    """Reads the answer's JSON through a function that looks at status, body and the keys that the code needs."""

    name = "validate_body"
    title = "Check a dependency's answer before using it"
    rescues = False
    mends = ("unchecked_body",)
    reference = (
        "RFC 9110, 502 Bad Gateway: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3; Requests, Quickstart, JSON "
        "Response Content: https://requests.readthedocs.io/en/latest/user/quickstart/#json-response-content"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "what is taken from the JSON whatever happens must be there",
            before="""
                import requests
                from flask import Flask

                app = Flask(__name__)


                @app.get("/price")
                def price():
                    answer = requests.get(URL)  # live
                    stock = answer.json()
                    if stock["sale"]:
                        return {"price": stock["sale price"]}
                    return {"price": stock['price']}
                """,
            after=_with_checked(
                """
                import requests
                from flask import Flask
                from werkzeug.exceptions import BadGateway


                CHECKED = ...


                app = Flask(__name__)


                @app.get("/price")
                def price():
                    answer = requests.get(URL)  # live
                    stock = checked(answer, "sale", 'price')
                    if stock["sale"]:
                        return {"price": stock["sale price"]}
                    return {"price": stock['price']}
                """,
                "app.logger",
            ),
            at="requests.get",
            known={"flask": True},
        ),
        Case(
            "in one expression, in a client that knows nothing of Flask",
            before="""
                import logging

                import requests

                log = logging.getLogger(__name__)
                session = requests.Session()


                def notes(slug):
                    found = session.get(
                        f"{URL}/{slug}",
                    ).json()["notes"]
                    more = session.get(URL).json()
                    return found, more
                """,
            after=_with_checked(
                """
                import logging

                import requests
                from werkzeug.exceptions import BadGateway


                CHECKED = ...


                log = logging.getLogger(__name__)
                session = requests.Session()


                def notes(slug):
                    found = checked(session.get(
                        f"{URL}/{slug}",
                    ), "notes")["notes"]
                    more = session.get(URL).json()
                    return found, more
                """,
                "log",
            ),
            at='f"{URL}/{slug}"',
            known={"flask": True},
        ),
        Case(
            "JSON that is handed on, whatever it is",
            before="""
                import requests as r
                from flask import Flask

                app = Flask(__name__)


                @app.get("/raw")
                def raw():
                    return r.get(URL).json()
                """,
            after=_with_checked(
                """
                import requests as r
                from flask import Flask
                from werkzeug.exceptions import BadGateway


                CHECKED = ...


                app = Flask(__name__)


                @app.get("/raw")
                def raw():
                    return checked(r.get(URL), kind=object)
                """,
                "app.logger",
            ).replace("(requests.", "(r."),
            at="r.get",
            known={"flask": True},
        ),
        Case(
            "the status decides what the body is",
            before="""
                import requests


                def price():
                    answer = requests.get(URL)
                    return answer.json()["price"] if answer.ok else None
                """,
            declined="looked at",
            at="requests.get",
            known={"flask": True},
        ),
        Case(
            "no JSON",
            before="""
                import requests


                def page():
                    return requests.get(URL).text
                """,
            declined="no JSON",
            at="requests.get",
            known={"flask": True},
        ),
        Case(
            "errors are taken care of around it",
            before="""
                import requests


                def price():
                    try:
                        return requests.get(URL).json()["price"]
                    except KeyError:
                        return None
                """,
            declined="`try`",
            at="requests.get",
            known={"flask": True},
        ),
        Case(
            "another framework",
            before="""
                import requests


                def price():
                    return requests.get(URL).json()["price"]
                """,
            declined="Flask",
            at="requests.get",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Read the JSON through the function, and put that below the imports, once."""
        module = Source(source)
        call = requests_call(module, spot)
        error, needed = error_class(module)
        there = _is_there(module)
        name = "checked" if there else free_name(module, "checked")
        found = reads(module, call, name)
        if any(guard for each in found for guard in guards(module, each.node)):
            raise Declined("the answer is read in a `try`: check it there")
        if not spot.flask:
            raise Declined("the app is not one of Flask: check the answer, and tell a bad one in the app's own way")
        splices = [splice for each in found for splice in _read_by(module, each, name)]
        if not there:
            function = next((each for each in module.ancestors(call.node) if isinstance(each, cst.FunctionDef)), None)
            splices = [*needed, *_declared(module, name, error, annotated=annotates(module, function)), *splices]
        return module.splice(splices)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site whose bad answers were used as if they were good."""
        flask = on_flask(evidence)
        for site, found in evidence.http_sites("unchecked_body", "wrong_content"):
            patterns = [pattern for pattern in found if _is_of_answers(pattern)]
            if not any(map(_is_of_bodies, patterns)) and _raises(evidence, site, patterns):
                continue  # the bad status is an error already, and what became of that is its handler's doing
            hidden = all(pattern.finder == "wrong_content" for pattern in patterns)
            if hidden and patterns and swallower(evidence.sources, site, method(patterns[0])):
                continue  # what a check raises would be swallowed, too: see narrow_except
            if patterns:
                proposals = evidence.proposal(
                    self,
                    patterns,
                    site,
                    Spot(line=site.line, method=method(patterns[0]), flask=flask),
                    what=(
                        "Read the JSON through a function that calls `raise_for_status()`, decodes the body and looks "
                        "for the keys that the code takes from it whatever happens; log a bad answer, and answer 502 "
                        "through the app's handler of HTTP errors."
                    ),
                    why=summaries(patterns),
                    caution=(
                        "It does not raise the success rate: the same requests fail, and say whose fault it is. "
                        "Answers that look fine today and hold nothing become failures. A status from 400 on is a bad "
                        "answer: handle first those that are an answer here, such as a 404. A key that only some "
                        "answers have must not be asked for: look at the list. What the values are is not checked."
                    ),
                )
                yield from with_diff(proposals)


def _is_of_answers(pattern: Pattern) -> bool:
    return pattern.finder == "unchecked_body" or bool(_BAD_ANSWERS & set(pattern.faults))


def _is_of_bodies(pattern: Pattern) -> bool:
    """Whether answers were bad by more than their status."""
    return pattern.finder == "unchecked_body" or bool(_BAD_ANSWERS & set(pattern.faults) - {"http_error"})


def _raises(evidence: Evidence, site: Site, patterns: list[Pattern]) -> bool:
    """Whether a bad status of the site's answers is made an error there."""
    text = evidence.sources.text(site.file)
    if text is None or not patterns:
        return False
    module = Source(text)
    try:
        found = answer(module, Spot(line=site.line, method=method(patterns[0])))
    except Declined:
        return False
    return found.function is not None and f"{found.name}.raise_for_status()" in module.code(found.function)


def _is_there(source: Source) -> bool:
    functions = [node for node in source.module.body if isinstance(node, cst.FunctionDef)]
    return any(node.name.value == "checked" and _MADE_OF in source.code(node) for node in functions)


def _read_by(source: Source, read: Read, name: str) -> Iterator[Splice]:
    """`answer.json()` as `checked(answer, "key")`."""
    (start, end), (_, over) = source.span(read.on), source.span(read.node)
    yield start, start, f"{name}("
    more = read.keys if read.as_object else ("kind=object",)
    yield end, over, "".join(f", {each}" for each in more) + ")"


def _declared(source: Source, name: str, error: str, *, annotated: bool) -> Iterator[Splice]:
    """The function, and its imports."""
    log, needs = logger(source, source.module.body[-1])
    annotated = annotated and "." in error
    typed = [("typing", "Any")] if annotated else []
    yield from imports(source, needs, *typed, ("werkzeug.exceptions", "BadGateway"))
    text = _FUNCTION.replace("LOGGER", log).replace("def checked", f"def {name}")
    text = text.replace("requests.RequestException", error).replace("requests.", f"{error.rpartition('.')[0]}.")
    yield declare(source, text if annotated else bare(text))
