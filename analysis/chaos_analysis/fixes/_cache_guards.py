"""Reads and writes of a cache put in a `try` each, with a miss in the place of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes import _caches
from chaos_analysis.fixes._calls import receiver
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._guard import catches, guarded, guards, logger
from chaos_analysis.fixes._handlers import function_around

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source


def without_errors(source: Source, call: cst.Call, library: _caches.Library) -> str:
    """The text with each read and write of this client in the call's function guarded; Declined where `call` cannot."""
    on, function = source.code(receiver(call) or call), function_around(source, call)
    calls = [each for each in source.find(cst.Call) if (to := receiver(each)) is not None and source.code(to) == on]
    calls = [each for each in calls if function_around(source, each) is function]
    _caches.refuse_shared(source, calls)
    code, splices = _caches.error(source, library)
    log, more = logger(source, call)
    changed, blocks = [], list[cst.CSTNode]()
    for each in (each for each in calls if _caches.verb(each) in (*_caches.MISSES, *_caches.WRITES)):
        try:
            _refuse_caught(source, each)
            statement, kept = _tested(source, each) or _statement(source, each)
        except AlreadyThere:
            continue
        except Declined:
            if each is call:
                raise
            continue
        above = library.lazily if not _imports(source, statement, function, blocks, library.name) else ""
        handler = [f"except {code}:", *(f"{source.module.default_indent}{line}" for line in _told(log, kept))]
        if isinstance(statement, cst.If):
            changed += _before(source, statement, each, [*([above, ""] if above else []), "try:"], handler)
        else:
            changed += guarded(source, statement, handler, above)
        blocks.append(source.ancestors(statement)[0])
    return source.splice([*splices, *more, *changed]) if changed else source.text


def _told(log: str, kept: str | None) -> list[str]:
    done = "written" if kept is None else "read"
    return [f'{log}.warning("The cache cannot be {done}", exc_info=True)', *([kept] if kept else [])]


def _refuse_caught(source: Source, call: cst.Call) -> None:
    """Raise where the call's error is caught already."""
    for guard in guards(source, call):
        if catches(source, guard, _caches.ERRORS.values()):
            if isinstance(guard.body, cst.IndentedBlock) and len(guard.body.body) == 1:
                raise AlreadyThere("the call has a `try` of its own")
            raise Declined("the call's errors are caught already, with others': see what becomes of them")


def _tested(source: Source, call: cst.Call) -> tuple[cst.If, str] | None:
    """The `if` whose test gives the read a name, `if x := cache.get(key):`, and what the name is after an error."""
    named, *around = source.ancestors(call)
    if not isinstance(named, cst.NamedExpr) or named.value is not call or _caches.verb(call) not in _caches.MISSES:
        return None
    test: cst.CSTNode = named
    if isinstance(around[0], cst.Comparison) and around[0].left is named:
        test, *around = around
    statement = around[0]
    if not isinstance(statement, cst.If) or statement.test is not test or isinstance(around[1], cst.If):
        return None
    return statement, f"{source.code(named.target)} = {_miss(source, call)}"


def _before(
    source: Source, statement: cst.If, call: cst.Call, above: list[str], handler: list[str]
) -> list[tuple[int, int, str]]:
    """The named read in a `try` above the `if`, whose test has the name alone."""
    named = source.ancestors(call)[0]
    assert isinstance(named, cst.NamedExpr)
    name, (start, end) = source.code(named.target), source.span(named)
    for _ in named.lpar:
        start, end = source.text.rindex("(", 0, start), source.text.index(")", end) + 1
    margin, at = source.indent(statement), source.line_start(source.span(statement)[0])
    read = f"{source.module.default_indent}{name} = {source.text[slice(*source.span(call))]}"
    lines = "".join((margin + line if line else "") + source.newline for line in [*above, read, *handler])
    return [(at, at, lines), (start, end, name)]


def _miss(source: Source, call: cst.Call) -> str:
    return _caches.MISSES[_caches.verb(call)].format(source.code(call.args[0].value) if call.args else "")


def _statement(source: Source, call: cst.Call) -> tuple[cst.SimpleStatementLine, str | None]:
    """The statement that consists of the call, and what stands in its stead after an error: None for a write."""
    statement = next((node for node in source.ancestors(call) if isinstance(node, cst.SimpleStatementLine)), None)
    last = statement.body[0] if statement and len(statement.body) == 1 else None
    verb = _caches.verb(call)
    if statement is not None and getattr(last, "value", None) is call:
        if isinstance(last, cst.Expr) and verb in _caches.WRITES:
            return statement, None
        if verb in _caches.MISSES:
            miss = _miss(source, call)
            if isinstance(last, cst.Return):
                return statement, f"return {miss}"
            if isinstance(last, cst.AnnAssign):
                return statement, f"{source.code(last.target)} = {miss}"
            if isinstance(last, cst.Assign) and len(last.targets) == 1:
                return statement, f"{source.code(last.targets[0].target)} = {miss}"
    raise Declined("the call stands in a larger expression: give its value a name, and catch the error there")


def _imports(
    source: Source, statement: cst.CSTNode, function: cst.FunctionDef | None, blocks: list[cst.CSTNode], module: str
) -> bool:
    """Whether the library's name is there at the statement: from the function's own import, or from one put above."""
    around = source.ancestors(statement)
    if any(block in around for block in blocks):
        return True
    own = [node for node in source.find(cst.Import) if any(source.code(each.name) == module for each in node.names)]
    return any(function_around(source, node) is function for node in own)
