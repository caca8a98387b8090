"""A wait for a pool's connection that ends before the caller's patience, and an answer that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _answers, _engines
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._limits import FLOOR, limit
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._limits import Limit
    from chaos_analysis.model import Proposal
    from chaos_analysis.sources import Sources

_ERRORS = ("TimeoutError", "SQLAlchemyError")  # the second has it as a subclass
_ANSWER = _answers.Answer(_ERRORS, "sqlalchemy.exc", "no_free_connection", "The pool has no free connection")
_SHORT = 0.1  # seconds; a checkout of a pool that has a connection takes a thousandth of that


class PoolTimeout(Fix):
    """Sets `pool_timeout` where the app's engine is made, and registers a handler that answers its error with 503."""

    name = "pool_timeout"
    title = "Wait for a connection for less time than the caller does"
    rescues = False
    reference = (
        "SQLAlchemy, create_engine, pool_timeout: "
        "https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine.params.pool_timeout; "
        "RFC 9110, 503 Service Unavailable: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "an engine and an app in one module",
            before="""
                from flask import Flask
                from sqlalchemy import create_engine

                engine = create_engine(URL)
                app = Flask(__name__)


                @app.get('/')
                def index():
                    return ''
                """,
            after="""
                from flask import Flask
                from sqlalchemy import create_engine, exc

                engine = create_engine(URL, pool_timeout=0.25)
                app = Flask(__name__)


                @app.errorhandler(exc.TimeoutError)
                def no_free_connection(error):
                    app.logger.error("The pool has no free connection", exc_info=error)
                    answer = {"error": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}


                @app.get('/')
                def index():
                    return ''
                """,
            at="create_engine(",
        ),
        Case(
            "a longer wait",
            before="import sqlalchemy as sa\n\nengine = sa.create_engine(URL, pool_timeout=20)\n",
            after="import sqlalchemy as sa\n\nengine = sa.create_engine(URL, pool_timeout=0.25)\n",
            at="create_engine(",
        ),
        Case(
            "an extension, whose error has a handler under another name",
            before="""
                from flask import Flask
                from flask_sqlalchemy import SQLAlchemy
                from sqlalchemy.exc import TimeoutError as NoConnection

                app = Flask(__name__)
                db = SQLAlchemy(app)


                @app.errorhandler(NoConnection)
                def busy(error):
                    return '', 503
                """,
            after="""
                from flask import Flask
                from flask_sqlalchemy import SQLAlchemy
                from sqlalchemy.exc import TimeoutError as NoConnection

                app = Flask(__name__)
                db = SQLAlchemy(app, engine_options={"pool_timeout": 0.25})


                @app.errorhandler(NoConnection)
                def busy(error):
                    return '', 503
                """,
            at="SQLAlchemy(",
        ),
        Case(
            "a shorter wait",
            before="from sqlalchemy import create_engine\n\nengine = create_engine(URL, pool_timeout=0.1)\n",
            declined="the pool gives up",
            at="create_engine(",
        ),
        Case(
            "no pool",
            before="""
                from sqlalchemy import create_engine
                from sqlalchemy.pool import NullPool

                engine = create_engine(URL, poolclass=NullPool)
                """,
            declined="keeps no connections",
            at="create_engine(",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Set the limit where it is not set or longer, and add the handler where this module makes the app."""
        after = _limited(source, spot)
        try:
            after = _answers.answered(after, _ANSWER)
        except Declined:
            if after == source:
                raise AlreadyThere("the pool gives up in time, and is answered for") from None
        return after

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """The engine's file, and the one with the app's handlers."""
        engine = sources.text(file)
        if engine is None:
            raise Declined(f"the run folder has no copy of {file}")
        texts = _answers.with_handler(sources, {file: _limited(engine, spot)}, file, _ANSWER)
        changed = {name: text for name, text in texts.items() if text != sources.text(name)}
        if not changed:
            raise AlreadyThere("the pool gives up in time, and is answered for")
        return changed

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for the engine: the pool is everybody's."""
        patterns = [each for each in evidence.patterns if each.finder == "pool_wait"]
        if not patterns:
            return
        site, told = patterns[0].site, ""
        spot: Spot | str
        try:
            found = _limit(evidence)
            site, told = _engines.home(evidence, site, _engines.dialect(evidence)), found.told
            spot = Spot(line=site.line, timeout=(found.seconds, found.seconds))
        except Declined as declined:
            spot = str(declined)
        handler = _answers.missing(evidence.sources, _ERRORS, site.file if site else "")
        yield from evidence.proposal(
            self,
            patterns,
            site,
            spot,
            what=(
                "Pass `pool_timeout=` to the engine, and answer SQLAlchemy's TimeoutError with 503 and Retry-After: "
                f"who cannot be served now learns so at once, and keeps no worker busy.{handler}"
            ),
            automatic=not handler,
            why=f"{summaries(patterns)} {told}".strip(),
            caution=(
                "It refuses requests: also those that would have got a connection a little later. What it saves is "
                "workers, and callers that had left by then. A healthy connection is held for no longer than a request "
                "takes, so whoever waits longer waits for something that is stuck, or the pool is too small for the "
                "load. A larger pool moves the wait into the database: its max_connections is shared by all processes. "
                "Keep transactions short, and make no outbound call while a connection is held. The figures are from "
                "this machine and this load."
            ),
        )


def _limited(text: str, spot: Spot) -> str:
    """The text with the limit set, if it is not, or is a longer one."""
    source = Source(text)
    node = _engines.engine_at(source, spot.line)
    if _engines.without_pool(source, node):
        raise AlreadyThere("the engine keeps no connections")
    given, value = _engines.option(source, node, "pool_timeout"), spot.timeout[1]
    if isinstance(given, cst.Integer | cst.Float) and given.evaluated_value > value:
        return source.splice([(*source.span(given), f"{value:g}")])
    return _engines.with_options(text, spot.line, {"pool_timeout": f"{value:g}"})


def _limit(evidence: Evidence) -> Limit:
    """From what whole requests took that met no fault and did not wait for a connection."""
    answers, calls = evidence.tables.answers, evidence.tables.calls
    asked = calls["target"].astype(str).str.startswith("CHECKOUT ") & (calls["seconds"] >= _SHORT)
    good = (answers["faults"].map(len) == 0) & answers["error"].isna() & answers["sampled"].astype(bool)
    good &= ~answers["key"].isin(set(calls.loc[asked, "key"]))
    return limit(answers.loc[good, "seconds"].tolist(), "requests that met no fault", evidence.deadline, FLOOR)
