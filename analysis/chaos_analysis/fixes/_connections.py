"""Where connections to a database are made, bare or by an engine, and what their drivers are told there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes import _engines
from chaos_analysis.fixes._calls import has_star, keyword
from chaos_analysis.fixes._edits import add_keyword
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._places import at_line, homes, named
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Site

LIMIT = "statement_timeout"


@dataclass(frozen=True)
class Driver:
    """A database's argument for a limit, and the error that tells of it, of the module `of`, before its bases."""

    argument: str
    of: str
    errors: tuple[str, ...]


_POSTGRESQL, _SQLITE, _MYSQL = "options", "timeout", "read_timeout"
BARE = {
    "psycopg.connect": Driver(
        _POSTGRESQL, "psycopg.errors", ("QueryCanceled", "psycopg.OperationalError", "psycopg.Error")
    ),
    "psycopg2.connect": Driver(
        _POSTGRESQL, "psycopg2.extensions", ("QueryCanceledError", "psycopg2.OperationalError", "psycopg2.Error")
    ),
    "sqlite3.connect": Driver(_SQLITE, "sqlite3", ("OperationalError", "sqlite3.Error")),
    "pymysql.connect": Driver(_MYSQL, "pymysql.err", ("OperationalError", "pymysql.Error")),
}
_ENGINES = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE, "mysql": _MYSQL, "mariadb": _MYSQL}
_WORDS = ("psycopg", "psycopg2", "sqlite3", "pymysql")


def home(evidence: Evidence, site: Site) -> Site:
    """Where the connection of the statement at `site` is made: bare in its own function, or by the app's engine, or
    bare at the only place where any is.

    Raises `Declined` where that leaves a choice, or nothing.
    """
    made = list(homes(evidence.sources, _WORDS, lambda source: named(source, BARE)))
    here = [each for each in made if each.file == site.file]
    own = [each for each in here if each.function == site.function.replace(".<locals>", "")]
    for found in (own, here):
        if len(found) == 1:
            return found[0]
    try:
        return _engines.home(evidence, site, _engines.dialect(evidence))
    except Declined:
        if len(made) == 1:
            return made[0]
        raise


def driver(source: Source, line: int, dialect: str) -> tuple[cst.CSTNode, Driver]:
    """What makes the connection on this line, and how it is told; `Declined` where nothing does."""
    bare = at_line(source, named(source, BARE), line)
    if bare:
        return bare[0], BARE[source.qualified(bare[0])]
    node = _engines.engine_at(source, line)
    dialect = dialect or ("sqlite" if _engines.of_sqlite(source, node) else "")
    if dialect not in _ENGINES:
        raise Declined("the run does not tell of which database the engine is: give its driver a limit there")
    return node, Driver(_ENGINES[dialect], "sqlalchemy.exc", ("OperationalError", "DBAPIError", "SQLAlchemyError"))


def refuse_limited(source: Source, line: int) -> None:
    """Raise where a limit for statements is among what the connection is told."""
    nodes = (*named(source, BARE), *source.find(cst.Dict), *named(source, _engines.MAKERS))
    if any(source.covers(node, line) and LIMIT in source.code(node) for node in nodes):
        raise AlreadyThere("the connection has a limit for its statements")


def limited(text: str, line: int, dialect: str, seconds: float) -> str:
    """`text` with the limit where the connection is made on this line."""
    source = Source(text)
    node, of = driver(source, line, dialect)
    value = f'"-c {LIMIT}={round(seconds * 1000)}"' if of.argument == _POSTGRESQL else f"{seconds:g}"
    if isinstance(node, cst.Call) and source.qualified(node) in BARE:
        return _bare(source, node, of.argument, value)
    given = _engines.option(source, node, "connect_args")
    if given is None:
        return _engines.with_options(text, line, {"connect_args": f'{{"{of.argument}": {value}}}'})
    if not isinstance(given, cst.Dict):
        raise Declined(f"the driver's arguments come from elsewhere ({source.code(given)}): say it there")
    there = _engines.item(given, of.argument)
    if there is None:
        return source.splice([_engines.first_item(source, given, f'"{of.argument}": {value}')])
    return source.splice([(*source.span(there), _shorter(source, there, value))])


def _bare(source: Source, node: cst.Call, argument: str, value: str) -> str:
    given = keyword(node, argument)
    if given is not None:
        return source.splice([(*source.span(given.value), _shorter(source, given.value, value))])
    if star := has_star(node):
        raise Declined(f"the call unpacks arguments with {star}, and `{argument}` may be among them: add it there")
    if argument == _SQLITE and len(node.args) > 1 and node.args[1].keyword is None:
        return source.splice([(*source.span(node.args[1].value), _shorter(source, node.args[1].value, value))])
    return source.splice(add_keyword(source, node, f"{argument}={value}"))


def _shorter(source: Source, given: cst.BaseExpression, value: str) -> str:
    """What is to stand there instead: a shorter limit, or PostgreSQL's options with one more."""
    if source.code(given) == "None":
        return value
    if isinstance(given, cst.Integer | cst.Float):
        if given.evaluated_value <= float(value.strip('"')):
            raise AlreadyThere("the connection has a shorter limit")
        return value
    if isinstance(given, cst.SimpleString) and value.startswith('"-c') and not given.prefix:
        quote = given.quote
        return f"{quote}{given.raw_value} {value.strip(chr(34))}{quote}" if given.raw_value else value
    raise Declined(f"its limit is {source.code(given)}: say there what a statement may take")
