"""Engines of SQLAlchemy in a module's source, where they are made, and what is said there about their pools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._calls import keyword
from chaos_analysis.fixes._edits import add_keyword
from chaos_analysis.fixes._fix import Declined
from chaos_analysis.fixes._places import homes, named
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.model import Site

MAKERS = frozenset(
    f"sqlalchemy.{module}{name}"
    for module in ("", "engine.", "engine.create.")
    for name in ("create_engine", "engine_from_config")
)
EXTENSION = "flask_sqlalchemy.SQLAlchemy"
OPTIONS = "SQLALCHEMY_ENGINE_OPTIONS"
WORDS = ("create_engine", "engine_from_config", "SQLAlchemy(", OPTIONS)
_OF_SQLITE = re.compile(r"sqlite|check_same_thread|[\"']timeout[\"']", re.IGNORECASE)
_SAYS_ITS_ENGINE = ("BEGIN", "COMMIT", "ROLLBACK", "CHECKOUT")


def home(evidence: Evidence, site: Site | None, dialect: str) -> Site:
    """Where the app's engine is made or its options stand; in the file of `site`, where that makes any.

    Raises `Declined` where no file, or more than one place, does.
    """
    choices = [
        list(homes(evidence.sources, WORDS, choose))
        for choose in (lambda source: _made(source, dialect), _said, _extension)
    ]
    made = next(filter(None, choices), [])
    here = [each for each in made if site is not None and each.file == site.file]
    found = here or made
    if not found:
        raise Declined("no file of the run's sources makes an engine of SQLAlchemy: say it where yours is made")
    if len(found) > 1:
        places = ", ".join(str(each) for each in found[:3])
        raise Declined(f"{len(found)} places make an engine ({places}), and the run cannot tell which one it was")
    return found[0]


def dialect(evidence: Evidence) -> str:
    """The database as SQLAlchemy calls it (`postgresql`), "" where the run does not tell one alone."""
    calls = evidence.tables.calls
    targets = calls.loc[calls["seam"] == "database", "target"].astype(str).unique()
    pairs = [target.split() for target in targets]
    names = {pair[1] for pair in pairs if len(pair) == 2 and pair[0] in _SAYS_ITS_ENGINE}
    return names.pop() if len(names) == 1 else ""


def _made(source: Source, dialect: str) -> list[cst.Call]:
    """The calls that make an engine, without those of SQLite for another `dialect`."""
    made = named(source, MAKERS)
    return made if dialect == "sqlite" else [call for call in made if not of_sqlite(source, call)]


def of_sqlite(source: Source, node: cst.CSTNode) -> bool:
    """Whether what the engine is told is for SQLite."""
    return _OF_SQLITE.search(source.code(node)) is not None


def _said(source: Source) -> list[cst.Dict]:
    return [node for node in source.find(cst.Dict) if _is_options(source, node)]


def _extension(source: Source) -> list[cst.Call]:
    return named(source, {EXTENSION})


def engine_at(source: Source, line: int) -> cst.CSTNode:
    """The one that stands on this line; raises `Declined` where none does."""
    for node in (*_made(source, "sqlite"), *_said(source), *_extension(source)):
        if source.covers(node, line):
            return node
    raise Declined(f"no engine of SQLAlchemy is made on line {line}")


def option(source: Source, node: cst.CSTNode, name: str) -> cst.BaseExpression | None:
    """What an engine's option is set to, None where it is not."""
    if isinstance(node, cst.Dict):
        return item(node, name)
    assert isinstance(node, cst.Call)
    given = keyword(node, name)
    if given is not None:
        return given.value
    inner = _options_of(source, node)
    return item(inner, name) if inner is not None else None


def with_options(text: str, line: int, wanted: Mapping[str, str]) -> str:
    """`text` with the options of the engine at `line` set, where they are not; None and False count as not set."""
    for name, value in wanted.items():
        source = Source(text)
        node = engine_at(source, line)
        given = option(source, node, name)
        if given is None:
            splices = _added(source, node, name, value)
        elif source.code(given) in ("None", "False"):
            splices = [(*source.span(given), value)]
        else:
            continue
        above = source.line_start(source.span(node)[0])
        line += sum(more.count(source.newline) for start, _, more in splices if start <= above)
        text = source.splice(splices)
    return text


def without_pool(source: Source, node: cst.CSTNode) -> bool:
    """Whether the engine keeps no connections."""
    kind = option(source, node, "poolclass")
    return kind is not None and source.code(kind).endswith("NullPool")


def first_item(source: Source, node: cst.Dict, item: str) -> Splice:
    """A splice that puts the item before a dictionary's others, laid out as they are."""
    if not node.elements:
        end = source.span(node)[1] - 1
        return end, end, item
    start = source.span(node.elements[0])[0]
    margin = source.text[source.line_start(start) : start]
    return start, start, f"{item}, " if margin.strip() else f"{item},{source.newline}{margin}"


def _added(source: Source, node: cst.CSTNode, name: str, value: str) -> list[Splice]:
    item = f'"{name}": {value}'
    if isinstance(node, cst.Dict):
        return [first_item(source, node, item)]
    assert isinstance(node, cst.Call)
    inner = _options_of(source, node)
    if inner is not None:
        return [first_item(source, inner, item)]
    extension = source.qualified(node) == EXTENSION
    for arg in node.args:
        if extension and arg.keyword is not None and arg.keyword.value == "engine_options":
            return [(*source.span(arg.value), f"{{{item}, **{source.code(arg.value)}}}")]  # what is said there wins
        if arg.star == "**":
            return [_default(source, node, arg, item)]
    return add_keyword(source, node, f"engine_options={{{item}}}" if extension else f"{name}={value}")


def _options_of(source: Source, call: cst.Call) -> cst.Dict | None:
    """The dictionary that the call gets its options from, where it is written out: inside it, or just above it."""
    for arg in call.args:
        if arg.star == "**" and isinstance(arg.value, cst.Name):
            above = [node for node in source.find(cst.Dict) if _defaults(source, node, arg.value.value)]
            return above[0] if above else None
        named = arg.keyword is not None and arg.keyword.value == "engine_options"
        if named and isinstance(arg.value, cst.Dict) and source.qualified(call) == EXTENSION:
            return arg.value
    return None


def _defaults(source: Source, node: cst.Dict, name: str) -> bool:
    """Whether the statement is `name = {…, **name}`."""
    parent = source.ancestors(node)[0]
    spread = [source.code(each.value) for each in node.elements if isinstance(each, cst.StarredDictElement)]
    return isinstance(parent, cst.Assign) and [source.code(parent.targets[0].target)] == spread == [name]


def _default(source: Source, call: cst.Call, arg: cst.Arg, item: str) -> Splice:
    """A line above the call's, by which a name that is unpacked there has the item unless its maker says otherwise."""
    statement = next((each for each in source.ancestors(call) if isinstance(each, cst.SimpleStatementLine)), None)
    if not isinstance(arg.value, cst.Name) or statement is None:
        raise Declined("the call unpacks arguments with **, and these may be among them: say it there")
    name, at = arg.value.value, source.line_start(source.span(statement)[0])
    return at, at, f"{source.indent(statement)}{name} = {{{item}, **{name}}}{source.newline}"


def item(node: cst.Dict, name: str) -> cst.BaseExpression | None:
    """What a dictionary that is written out has under a key."""
    for each in node.elements:
        key = each.key if isinstance(each, cst.DictElement) else None
        if isinstance(key, cst.SimpleString) and key.evaluated_value == name:
            return each.value
    return None


def _is_options(source: Source, node: cst.Dict) -> bool:
    """Whether the dictionary is Flask-SQLAlchemy's setting: assigned to it, or passed under its name."""
    parent = source.ancestors(node)[0]
    if isinstance(parent, cst.Assign):
        return OPTIONS in source.code(parent.targets[0].target)
    if isinstance(parent, cst.AnnAssign):
        return OPTIONS in source.code(parent.target)
    if isinstance(parent, cst.Arg):
        return parent.keyword is not None and parent.keyword.value == OPTIONS
    if isinstance(parent, cst.DictElement):
        return OPTIONS in source.code(parent.key)
    return False
