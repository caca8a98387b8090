"""A statement put into a block of its own, such as a `with`, and what stands around it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._source import Source, Splice


def statement_of(source: Source, node: cst.CSTNode) -> cst.SimpleStatementLine:
    """The statement that the node stands in, alone on its lines; raises `Declined` where it is none such."""
    for around in source.ancestors(node):
        if isinstance(around, cst.SimpleStatementLine) and len(around.body) == 1:
            return around
        if isinstance(
            around, cst.SimpleStatementLine | cst.SimpleStatementSuite | cst.Lambda | cst.BaseCompoundStatement
        ):
            break
    raise Declined("the call does not stand in a statement of its own: give it one")


def within(source: Source, statement: cst.SimpleStatementLine, head: str) -> list[Splice]:
    """`statement` one level further in, below `head`."""
    start, end = source.span(statement)
    first = source.line_start(start)
    splices: list[Splice] = [(first, first, f"{source.indent(statement)}{head}{source.newline}")]
    texts = [source.span(node) for kind in (cst.SimpleString, cst.FormattedString) for node in source.find(kind)]
    at = first
    while at < end:
        if source.text[at : source.line_end(at)].strip() and not any(begin < at < over for begin, over in texts):
            splices.append((at, at, source.module.default_indent))
        at = source.line_end(at)
    return splices


def withs(source: Source, node: cst.CSTNode) -> Iterator[tuple[cst.With, str]]:
    """The `with` blocks around the node in its function, innermost first, with the code of what each enters."""
    for around in source.ancestors(node):
        if isinstance(around, cst.FunctionDef | cst.Lambda):
            return
        if isinstance(around, cst.With):
            yield from ((around, source.code(item.item)) for item in around.items)
