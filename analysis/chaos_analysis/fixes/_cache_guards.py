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
            statement, kept = _statement(source, each)
        except AlreadyThere:
            continue
        except Declined:
            if each is call:
                raise
            continue
        above = library.lazily if not _imports(source, statement, function, blocks, library.name) else ""
        handler = [f"except {code}:", *(f"{source.module.default_indent}{line}" for line in _told(log, kept))]
        changed += guarded(source, statement, handler, above)
        blocks.append(source.ancestors(statement)[0])
    return source.splice([*splices, *more, *changed]) if changed else source.text


def _told(log: str, kept: str | None) -> list[str]:
    done = "written" if kept is None else "read"
    return [f'{log}.warning("The cache cannot be {done}", exc_info=True)', *([kept] if kept else [])]


def _statement(source: Source, call: cst.Call) -> tuple[cst.SimpleStatementLine, str | None]:
    """The statement that consists of the call, and what stands in its stead after an error: None for a write."""
    statement = next((node for node in source.ancestors(call) if isinstance(node, cst.SimpleStatementLine)), None)
    for guard in guards(source, call):
        if not catches(source, guard, _caches.ERRORS.values()):
            continue
        if isinstance(guard.body, cst.IndentedBlock) and len(guard.body.body) == 1:
            raise AlreadyThere("the call has a `try` of its own")
        raise Declined("the call's errors are caught already, with others': see what becomes of them")
    last = statement.body[0] if statement and len(statement.body) == 1 else None
    verb = _caches.verb(call)
    if statement is not None and getattr(last, "value", None) is call:
        if isinstance(last, cst.Expr) and verb in _caches.WRITES:
            return statement, None
        if verb in _caches.MISSES:
            miss = _caches.MISSES[verb].format(source.code(call.args[0].value) if call.args else "")
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
