"""A dependency's failure answered as 503 with Retry-After, where it was an unhandled exception and a 500."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes._answers import Answer, answered
from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._handlers import place
from chaos_analysis.fixes._source import Source
from chaos_analysis.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal

ERROR = "RequestException"
_ANSWER = Answer((ERROR,), "requests", "dependency_unavailable", "A dependency failed")
# Subclasses of requests.RequestException that a failing dependency raises; `json()` raises its own JSONDecodeError.
COVERED = frozenset(
    {
        *("RequestException", "ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "ChunkedEncodingError"),
        *("ContentDecodingError", "RetryError", "JSONDecodeError", "HTTPError", "SSLError", "ProxyError"),
    }
)
_USUALLY = {
    "connection_refused": "ConnectionError",
    "connection_reset": "ConnectionError",
    "connect_timeout": "ConnectTimeout",
    "read_timeout": "ReadTimeout",
    "truncated_body": "ChunkedEncodingError",
}
_CANDIDATES = ("errorhandler(", "register_error_handler(", "Flask(")  # the text of files worth a look


class Unavailable(Fix):
    """Registers a handler for `requests.RequestException` beside the app's others, or where the app is made."""

    name = "unavailable"
    title = "Answer 503 when a dependency fails"
    rescues = False
    mends = ("unmapped_error",)
    reference = (
        "RFC 9110, 503 Service Unavailable: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4, and Retry-After: "
        "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3; Flask, Handling Application Errors: "
        "https://flask.palletsprojects.com/en/stable/errorhandling/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a factory",
            before="""
                from flask import Flask


                def create_app():
                    app = Flask(__name__)
                    return app
                """,
            after="""
                import requests
                from flask import Flask


                def create_app():
                    app = Flask(__name__)

                    @app.errorhandler(requests.RequestException)
                    def dependency_unavailable(error):
                        app.logger.error("A dependency failed", exc_info=error)
                        answer = {"error": "Unavailable for the moment."}
                        return answer, 503, {"Retry-After": "1"}

                    return app
                """,
        ),
        Case(
            "a module",
            before="""
                import flask
                import requests as r

                app = flask.Flask(__name__)


                @app.get('/')
                def index():
                    return r.get(URL).text
                """,
            after="""
                import flask
                import requests as r

                app = flask.Flask(__name__)


                @app.errorhandler(r.RequestException)
                def dependency_unavailable(error):
                    app.logger.error("A dependency failed", exc_info=error)
                    answer = {"error": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}


                @app.get('/')
                def index():
                    return r.get(URL).text
                """,
        ),
        Case(
            "beside handlers that are registered by call, in the shape of their answers",
            before="""
                from werkzeug.exceptions import NotFound


                def init_app(app):
                    app.register_error_handler(NotFound, _not_found)
                    app.teardown_request(close)


                def _not_found(error):
                    return {'error': 'Not Found', 'message': str(error)}, 404
                """,
            after="""
                import requests
                from flask import current_app
                from werkzeug.exceptions import NotFound


                def init_app(app):
                    app.register_error_handler(NotFound, _not_found)
                    app.register_error_handler(requests.RequestException, _dependency_unavailable)
                    app.teardown_request(close)


                def _not_found(error):
                    return {'error': 'Not Found', 'message': str(error)}, 404


                def _dependency_unavailable(error):
                    current_app.logger.error("A dependency failed", exc_info=error)
                    answer = {"error": "Service Unavailable", "message": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}
                """,
        ),
        Case(
            "beside a decorated handler of a blueprint for the whole app",
            before="""
                from flask import Blueprint

                errors = Blueprint('errors', __name__)


                @errors.app_errorhandler(404)
                def missing(error):
                    return {'detail': 'nothing here'}, 404
                """,
            after="""
                import requests
                from flask import Blueprint, current_app

                errors = Blueprint('errors', __name__)


                @errors.app_errorhandler(404)
                def missing(error):
                    return {'detail': 'nothing here'}, 404


                @errors.app_errorhandler(requests.RequestException)
                def dependency_unavailable(error):
                    current_app.logger.error("A dependency failed", exc_info=error)
                    answer = {"detail": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}
                """,
        ),
        Case(
            "it has such a handler",
            before="""
                import requests
                from flask import Flask

                app = Flask(__name__)


                @app.errorhandler(requests.RequestException)
                def down(error):
                    return '', 503
                """,
            declined="has a handler",
        ),
        Case(
            "a blueprint alone",
            before="""
                @bp.errorhandler(404)
                def x(e):
                    return ''
                """,
            declined="no file here makes",
        ),
        Case(
            "an app without a name",
            before="""
                from flask import Flask

                serve(Flask('x'))
                """,
            declined="without a name",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:  # noqa: ARG002 - the place follows from the source alone
        """Add the handler and the imports it needs."""
        return answered(source, _ANSWER)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for the app, for all patterns in which an error of requests left it."""
        patterns = [each for each in evidence.http("dependency_error") if _covered(evidence, each)]
        if not patterns:
            return
        site, spot = self._home(evidence, patterns)
        yield from evidence.proposal(
            self,
            patterns,
            site,
            spot,
            what=(
                "Register an error handler for `requests.RequestException` that logs the error and answers 503 with "
                "Retry-After in JSON."
            ),
            why=summaries(patterns),
            caution=(
                "It does not raise the success rate: failures stay failures, but callers, proxies and alerts can "
                "tell a dependency's outage from a bug, and may try again. With raise_for_status in the code an "
                "upstream's 404 becomes a 503 too: catch that where it is expected. An error status that nobody "
                "checks surfaces as another exception (KeyError) and is not covered: see raise_for_status."
            ),
        )

    def _home(self, evidence: Evidence, patterns: list[Pattern]) -> tuple[Site | None, Spot | str]:
        """The file to change: the one with the error handlers, else the one that makes the app; rather in a package of
        the calls, for the folder may hold other apps.
        """
        packages = {pattern.site.file.partition("/")[0] for pattern in patterns if pattern.site}
        found: list[tuple[bool, bool, Site]] = []
        for file in evidence.sources.files():
            text = evidence.sources.text(file) or ""
            if not any(word in text for word in _CANDIDATES):
                continue
            try:
                module = Source(text)
                where = place(module, ERROR)
            except AlreadyThere:
                return Site(file, 1, "<module>"), Spot()  # the edit finds it again, and nothing is proposed
            except Declined:
                continue
            line = text[: module.span(where.statement)[0]].count("\n") + 1
            here = Site(file, line, where.function.name.value if where.function else "<module>")
            found.append((file.partition("/")[0] not in packages, where.first, here))
        if found:
            return min(found, key=lambda each: each[:2])[2], Spot()
        return None, "no file of the run's sources makes a Flask app: register the handler where yours is made"


def _covered(evidence: Evidence, pattern: Pattern) -> bool:
    """Whether an error of requests left the app: by the ledger, or, without its word, by the kind of the fault.

    Names alone do not tell, for other libraries have a `ConnectionError` too: without a call site nobody knows.
    """
    if pattern.site is None:
        return False
    text = evidence.sources.text(pattern.site.file)
    if text is not None and not _of_requests(text, pattern.site.line, method(pattern)):
        return False
    errors = evidence.errors_of(pattern) or tuple(_USUALLY.get(fault, "") for fault in pattern.faults)
    return bool(COVERED & set(errors))


def _of_requests(text: str, line: int, verb: str) -> bool:
    """Whether the call is made with requests; urllib has an `HTTPError` too, and the ledger tells only the name."""
    try:
        return http_call(Source(text), Spot(line=line, method=verb)).library in ("requests", "session")
    except Declined:
        return "requests" in text
