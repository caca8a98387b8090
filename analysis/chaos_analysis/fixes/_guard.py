"""A statement put into a `try`, and the logger that its `except` tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import add_import, end_of_imports, free_name
from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chaos_analysis.fixes._source import Source, Splice

_ANY = ("Exception", "BaseException")


def guarded(
    source: Source,
    statement: cst.CSTNode,
    handler: Sequence[str],
    above: str = "",
    *,
    last: cst.CSTNode | None = None,
    lead: Sequence[str] = ("try:",),
) -> list[Splice]:
    """`statement`, or all from it to `last` in its block, in a `try`.

    `handler` is the `except` with its body, unindented; `above` stands before the `try`. `lead` are the lines that the
    statement is to stand in, each one further in than the one before.
    """
    final = end_line(source, last or statement)
    start, end = source.span(statement)[0], source.span(final)[1]
    alone = not isinstance(statement, cst.SimpleStatementLine) or last is not None or len(statement.body) == 1
    if source.text[source.line_start(start) : start].strip() or not alone:
        raise Declined("the statement shares its line with another one")
    margin, step = source.indent(statement), source.module.default_indent
    first = source.line_start(start)
    lines = [*([above, ""] if above else []), *(step * depth + line for depth, line in enumerate(lead))]
    splices = [(first, first, "".join((margin + line if line else "") + source.newline for line in lines))]
    splices += [(at, at, step * len(lead)) for at in _lines(source, first, end)]
    return [*splices, source.after(final, handler, indent=margin)]


def end_line(source: Source, node: cst.CSTNode) -> cst.CSTNode:
    """The last simple statement of a compound one: what ends where its own text does."""
    inner = [line for line in source.find(cst.SimpleStatementLine) if line is node or node in source.ancestors(line)]
    return inner[-1] if inner else node


def guards(source: Source, node: cst.CSTNode) -> Iterator[cst.Try]:
    """The `try` statements in whose guarded part the node stands, innermost first."""
    inner: cst.CSTNode = node
    for around in source.ancestors(node):
        if isinstance(around, cst.FunctionDef | cst.Lambda):
            return
        if isinstance(around, cst.Try) and inner is around.body:
            yield around
        inner = around


def catches(source: Source, guard: cst.Try, names: Iterable[str]) -> bool:
    """Whether a handler of the `try` takes errors called so, by their last name, or all errors."""
    wanted = {*names, *_ANY}
    for handler in guard.handlers:
        if handler.type is None:
            return True
        kinds = (
            [each.value for each in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
        )
        if wanted & {source.code(kind).rpartition(".")[2] for kind in kinds}:
            return True
    return False


def logger(source: Source, node: cst.CSTNode) -> tuple[str, list[Splice]]:
    """The code of a logger that can be used at `node`: the module's, the app's, or one that the splices make."""
    for call in source.find(cst.Call):
        around = source.ancestors(call)
        if not isinstance(around[0], cst.Assign) or not isinstance(around[0].targets[0].target, cst.Name):
            continue
        name = around[0].targets[0].target.value
        inside = next((each for each in around if isinstance(each, cst.FunctionDef)), None)
        if source.qualified(call) == "logging.getLogger" and inside is None:
            return name, []
        reached = inside is None or inside in source.ancestors(node)
        if source.qualified(call) == "flask.Flask" and reached and source.span(call) < source.span(node):
            return f"{name}.logger", []
    name = free_name(source, "logger")
    made = source.after(end_of_imports(source), ["", f"{name} = logging.getLogger(__name__)"], indent="")
    return name, [*add_import(source, "logging"), made]


def _lines(source: Source, first: int, end: int) -> Iterator[int]:
    """Where the statement's lines begin, but for those inside a string of several lines, and empty ones."""
    texts = (*source.find(cst.SimpleString), *source.find(cst.FormattedString))
    inside = [source.span(node) for node in texts]
    at = first
    while at < end:
        blank = not source.text[at : source.line_end(at)].strip()
        if not blank and not any(start < at < stop for start, stop in inside):
            yield at
        at = source.line_end(at)
