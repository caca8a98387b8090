"""A limit for what the app reads of a request's body: what is longer is answered 413."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis import wording
from chaos_analysis.fixes._apps import home, made
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Fix, Spot
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal

_LIMIT = "MAX_CONTENT_LENGTH"
_UPLOADS = "request.files"
_MIB = 1 << 20
_ROOM = 4  # times the longest good body
_ERRORS = 400


class BodyLimit(Fix):
    """Sets `MAX_CONTENT_LENGTH` where the Flask app is made: to 1 MiB, or to four times the longest good body."""

    name = "body_limit"
    title = "Refuse bodies that are too long"
    reference = (
        "Flask, Security Considerations, Resource Use: "
        "https://flask.palletsprojects.com/en/stable/web-security/#resource-use; "
        "RFC 9110, 413 Content Too Large: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14"
    )
    rescues = False
    mends = ("unbounded_body",)

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a module",
            before="""
                import flask

                app = flask.Flask(__name__)  # the shop


                @app.post("/orders")
                def order():
                    return flask.request.get_json()
                """,
            after="""
                import flask

                app = flask.Flask(__name__)  # the shop
                app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024  # bytes; more gets a 413


                @app.post("/orders")
                def order():
                    return flask.request.get_json()
                """,
        ),
        Case(
            "a factory, whose arguments have a line each",
            before="""
                from flask import Flask


                def create_app(settings):
                  app: Flask = Flask(
                    __name__,
                  )
                  app.config.from_mapping(settings)
                  return app
                """,
            after="""
                from flask import Flask


                def create_app(settings):
                  app: Flask = Flask(
                    __name__,
                  )
                  app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024  # bytes; more gets a 413
                  app.config.from_mapping(settings)
                  return app
                """,
        ),
        Case(
            "an attribute",
            before="""
                from flask import Flask


                class Shop:
                    def __init__(self):
                        self.web = Flask("shop")
                """,
            after="""
                from flask import Flask


                class Shop:
                    def __init__(self):
                        self.web = Flask("shop")
                        self.web.config["MAX_CONTENT_LENGTH"] = 1024 * 1024  # bytes; more gets a 413
                """,
        ),
        Case(
            "long good bodies",
            before="""
                from flask import Flask

                app = Flask(__name__)
                """,
            after="""
                from flask import Flask

                app = Flask(__name__)
                app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024  # bytes; more gets a 413
                """,
            known={"body": 16},
        ),
        Case(
            "a limit of the app's own",
            before="""
                from flask import Flask

                app = Flask(__name__)
                app.config.update(MAX_CONTENT_LENGTH=64_000_000)
                """,
            declined="a limit already",
        ),
        Case(
            "two apps",
            before='from flask import Flask\n\napp = Flask(__name__)\nadmin = Flask("admin")\n',
            declined="2 places",
        ),
        Case(
            "no app of Flask",
            before="import bottle\n\napp = bottle.Bottle()\n",
            declined="no places",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Put the limit below the line that makes the app."""
        module = Source(source)
        app = made(module)
        if _is_limited(module):
            raise AlreadyThere("the app has a limit already")
        times = f"{spot.body} * " if spot.body > 1 else ""
        line = f'{app.name}.config["{_LIMIT}"] = {times}1024 * 1024  # bytes; more gets a 413'
        return module.splice([module.after(app.line, [line])])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for the app."""
        patterns = [each for each in evidence.patterns if each.finder == "unbounded_body"]
        if not patterns:
            return
        site = home(evidence.sources)
        texts = [evidence.sources.text(file) or "" for file in evidence.sources.files()]
        longest, n = _good_bodies(evidence)
        limit = _mebibytes(longest)
        seen = (
            f"the longest of {wording.count(n)} good bodies noted had {wording.count(longest)} bytes, and the limit is "
            "four times that or more"
            if n
            else "the run has not noted how long good bodies are"
        )
        yield from evidence.proposal(
            self,
            patterns,
            site,
            Spot(line=site.line, body=limit)
            if site
            else "no single place in the source that ran makes an app of Flask",
            what=(
                f"Bound the body of every request: one that says to be longer than {limit} MiB is not read and "
                "answered 413, through the app's handler of HTTP errors; one in chunks is read no further than that."
            ),
            why=summaries(patterns),
            caution=(
                f"The limit is a guess: {seen}. It is for all endpoints, also "
                "those that take uploads: give these one of their own (request.max_content_length, from Flask 3.1 on). "
                "A request is refused when its body is first asked for: a view that never asks does not notice. A "
                "proxy in front has a limit of its own (nginx's client_max_body_size, 1 MB by itself) and should "
                "refuse earlier; gunicorn's --limit-request-… bound lines and headers, not bodies."
            ),
            automatic=not any(_UPLOADS in text for text in texts),
        )


def _good_bodies(evidence: Evidence) -> tuple[int, int]:
    """The length in bytes of the longest body that met no fault and was answered well, and of how many."""
    answers = evidence.tables.answers
    good = answers[(answers["faults"].map(len) == 0) & (answers["status"] < _ERRORS) & answers["body"].gt(0)]
    return (int(good["body"].max()), len(good)) if len(good) else (0, 0)


def _mebibytes(longest: int) -> int:
    """A limit that leaves good bodies room: a power of two."""
    limit = 1
    while limit * _MIB < _ROOM * longest:
        limit *= 2
    return limit


def _is_limited(source: Source) -> bool:
    """Whether the module names the limit, of the app or of a request."""
    named = [name.value for name in source.find(cst.Name)]
    quoted = [text.value.strip("\"'") for text in source.find(cst.SimpleString)]
    return any(each.upper() == _LIMIT for each in (*named, *quoted))
