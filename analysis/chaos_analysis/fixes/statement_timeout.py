"""A limit for statements that the database itself keeps to, where its connections are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from chaos_analysis.fixes import _answers, _connections
from chaos_analysis.fixes._engines import dialect
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import Case, Declined, Fix, Spot
from chaos_analysis.fixes._limits import FLOOR, limit
from chaos_analysis.fixes._places import by_site
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal, Site
    from chaos_analysis.sources import Sources

_NO_STATEMENTS = ("BEGIN", "COMMIT", "ROLLBACK", "CHECKOUT", "SAVEPOINT", "RELEASE", "ROLLBACK_TO")


class StatementTimeout(Fix):
    """Tells the driver: `options` for PostgreSQL, the busy `timeout` for SQLite, `read_timeout` for pymysql."""

    name = "statement_timeout"
    title = "Have the database end a statement that takes too long"
    rescues = False
    reference = (
        "PostgreSQL, Client Connection Defaults, statement_timeout: "
        "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-STATEMENT-TIMEOUT; SQLAlchemy, Custom "
        "DBAPI connect() arguments: https://docs.sqlalchemy.org/en/20/core/engines.html#custom-dbapi-args"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "psycopg, and an app that answers",
            before="""
                import psycopg
                from flask import Flask

                app = Flask(__name__)


                @app.get('/')
                def index():
                    with psycopg.connect(URL) as connection:
                        return connection.execute(QUERY).fetchone()[0]
                """,
            after="""
                import psycopg
                from flask import Flask

                app = Flask(__name__)


                @app.errorhandler(psycopg.errors.QueryCanceled)
                def database_unavailable(error):
                    app.logger.error("The database failed, or took too long", exc_info=error)
                    answer = {"error": "Unavailable for the moment."}
                    return answer, 503, {"Retry-After": "1"}


                @app.get('/')
                def index():
                    with psycopg.connect(URL, options="-c statement_timeout=250") as connection:
                        return connection.execute(QUERY).fetchone()[0]
                """,
            at="psycopg.connect(",
        ),
        Case(
            "further options",
            before="from psycopg2 import connect\n\nconnection = connect(URL, options='-c jit=off')\n",
            after="""
                from psycopg2 import connect

                connection = connect(URL, options='-c jit=off -c statement_timeout=250')
                """,
            at="connect(URL",
        ),
        Case(
            "an engine of PostgreSQL, with an argument for its driver",
            before="""
                from sqlalchemy import create_engine

                engine = create_engine(
                    URL,
                    connect_args={"connect_timeout": 3},
                )
                """,
            after="""
                from sqlalchemy import create_engine

                engine = create_engine(
                    URL,
                    connect_args={"options": "-c statement_timeout=250", "connect_timeout": 3},
                )
                """,
            at="create_engine(",
            known={"library": "postgresql"},
        ),
        Case(
            "an engine of SQLite, whose statements wait for a lock too long",
            before="import sqlalchemy as sa\n\nengine = sa.create_engine(URL, connect_args={'timeout': 15})\n",
            after="import sqlalchemy as sa\n\nengine = sa.create_engine(URL, connect_args={'timeout': 0.25})\n",
            at="create_engine(",
            known={"library": "sqlite"},
        ),
        Case(
            "MySQL",
            before="import pymysql\n\nconnection = pymysql.connect(host=HOST)\n",
            after="import pymysql\n\nconnection = pymysql.connect(host=HOST, read_timeout=0.25)\n",
            at="pymysql.connect(",
        ),
        Case(
            "a name for SQLite's limit",
            before="import sqlite3\n\nconnection = sqlite3.connect(FILE, timeout=SECONDS)\n",
            declined="SECONDS",
            at="sqlite3.connect(",
        ),
        Case(
            "it has one",
            before="import psycopg\n\nc = psycopg.connect(URL, options='-c statement_timeout=5s')\n",
            declined="has a limit",
            at="psycopg.connect(",
        ),
        Case(
            "an engine of nobody knows what",
            before="from sqlalchemy import create_engine\n\nengine = create_engine(URL)\n",
            declined="does not tell",
            at="create_engine(",
        ),
        Case("nothing of the kind", before="c = connect()\n", declined="no engine", at="connect("),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Set the limit, and add the handler where this module makes the app."""
        after, answer = _limited(source, spot)
        try:
            return _answers.answered(after, answer)
        except Declined:
            return after

    def edits(self, sources: Sources, file: str, spot: Spot) -> dict[str, str]:
        """The file that makes the connection, and the one with the app's handlers."""
        text = sources.text(file)
        if text is None:
            raise Declined(f"the run folder has no copy of {file}")
        after, answer = _limited(text, spot)
        return _answers.with_handler(sources, {file: after}, file, answer)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each place where connections of such statements are made."""
        for site, patterns in by_site(evidence, "no_statement_timeout"):
            place, told = site, ""
            spot: Spot | str
            handler = ""
            try:
                _refuse_running(evidence, patterns)
                found = limit(_taken(evidence), "fault-free statements", evidence.deadline, FLOOR)
                place, told = _connections.home(evidence, site), found.told
                spot = Spot(line=place.line, timeout=(found.seconds, found.seconds), library=dialect(evidence))
                handler = _handler(evidence, place, spot)
            except Declined as declined:
                spot = str(declined)
            yield from evidence.proposal(
                self,
                patterns,
                place,
                spot,
                what=(
                    "Give the connection a limit for its statements that the database keeps to, and answer its error "
                    f"with 503 and Retry-After.{handler}"
                ),
                why=f"{summaries(patterns)} {told}".strip(),
                caution=_CAUTION,
                automatic=not handler,
            )


_CAUTION = (
    "It does not raise the success rate: who waited and was served is refused, and holds no connection and no worker "
    "meanwhile. Every statement of these connections has the limit: give migrations and reports one of their own (SET "
    "LOCAL statement_timeout), and compare the figures with production's data before shipping. Of SQLite it ends only "
    "waits for a lock, of MySQL only the wait for its answer. Poolers such as PgBouncer refuse `options`: set it for "
    "the role there (ALTER ROLE … SET statement_timeout). A limit of the server does not end a wait for the network: "
    "see tcp_user_timeout."
)


def _limited(text: str, spot: Spot) -> tuple[str, _answers.Answer]:
    """The text with the limit, and the handler of the error that it brings."""
    source = Source(text)
    _connections.refuse_limited(source, spot.line)
    _, of = _connections.driver(source, spot.line, spot.library)
    after = _connections.limited(text, spot.line, spot.library, spot.timeout[1])
    answer = _answers.Answer(of.errors, of.of, "database_unavailable", "The database failed, or took too long")
    return after, answer


def _handler(evidence: Evidence, place: Site, spot: Spot) -> str:
    text = evidence.sources.text(place.file)
    if text is None:
        return ""
    _, of = _connections.driver(Source(text), spot.line, spot.library)
    return _answers.missing(evidence.sources, of.errors, place.file)


def _taken(evidence: Evidence) -> list[float]:
    """Seconds of the statements that met no fault and no error, whichever these were: the limit is for all of them."""
    calls = evidence.tables.calls
    verbs = calls["target"].astype(str).str.partition(" ")[0]
    good = (calls["seam"] == "database") & (calls["faults"].map(len) == 0) & calls["error"].isna()
    taken: list[float] = calls.loc[good & ~verbs.isin(_NO_STATEMENTS), "seconds"].tolist()
    return taken


def _refuse_running(evidence: Evidence, patterns: Iterable[Pattern]) -> None:
    if dialect(evidence) == "sqlite" and not any("lock_contention" in each.faults for each in patterns):
        raise Declined(
            "SQLite's timeout ends waits for a lock and no statement that runs: see sqlite3's set_progress_handler"
        )
