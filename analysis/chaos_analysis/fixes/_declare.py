"""A declaration of the module's, such as a class, between its imports and its first definition."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import MIN_WIDTH, add_import, end_of_imports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._source import Source, Splice

_SIGNATURE = re.compile(r"^( *def \w+\()\n +(.*)\n +(\).*:)$", re.MULTILINE)  # over three lines


def declare(source: Source, text: str) -> Splice:
    """The code below the imports, with two empty lines around it and the module's indentation."""
    last = end_of_imports(source)
    rest = source.text[source.line_end(source.span(last)[1]) :]
    below = sum(1 for _ in takewhile(lambda line: not line.strip(), rest.splitlines()))
    gap = [""] * max(0, 2 - below) if rest.strip() else []
    longest = max(MIN_WIDTH, *map(len, source.text.splitlines()))
    step = source.module.default_indent
    lines = [step * _depth(line) + line.lstrip() for line in joined(text.strip(), longest).split("\n")]
    return source.after(last, ["", "", *lines, *gap], indent="")


def imports(source: Source, splices: Iterable[Splice], *wanted: tuple[str, ...]) -> list[Splice]:
    """`splices`, and what `add_import` makes of each `(module, *names)`, in isort's order.

    No empty line divides those that begin, or follow, a section together.
    """
    found: list[Splice] = []
    added = (splice for module, *names in wanted for splice in add_import(source, module, *names))
    for at, end, text in (*splices, *added):
        line = text
        if found and found[-1][0] == at and text.endswith(source.newline * 2):
            found[-1] = (*found[-1][:2], found[-1][2].removesuffix(source.newline))
        elif found and found[-1][0] == at:
            line = text.removeprefix(source.newline)
        found.append((at, end, line))
    return found


def annotates(source: Source, function: cst.FunctionDef | None) -> bool:
    """Whether the function is annotated, and its module may say `X | None` in any Python."""
    if function is None or function.returns is None:
        return False
    return any(
        source.code(node).startswith("from __future__ import annotations") for node in source.find(cst.ImportFrom)
    )


def bare(text: str) -> str:
    """Code without its annotations."""
    return cst.parse_module(text).visit(_Bare()).code


def joined(text: str, longest: int) -> str:
    """The code, with signatures in one line that fit into it."""

    def one_line(found: re.Match[str]) -> str:
        joined = "".join(found.groups())
        return joined if len(joined) <= longest else found.group()

    return _SIGNATURE.sub(one_line, text)


def _depth(line: str) -> int:
    return (len(line) - len(line.lstrip())) // 4


class _Bare(cst.CSTTransformer):
    """Code without annotations."""

    def leave_Param(self, original_node: cst.Param, updated_node: cst.Param) -> cst.Param:  # noqa: ARG002, N802 - libcst
        return updated_node.with_changes(annotation=None, equal=_plain(updated_node))

    def leave_FunctionDef(  # noqa: N802 - libcst names it
        self,
        original_node: cst.FunctionDef,  # noqa: ARG002 - libcst passes both
        updated_node: cst.FunctionDef,
    ) -> cst.FunctionDef:
        return updated_node.with_changes(returns=None)

    def leave_AnnAssign(  # noqa: N802 - libcst names it
        self,
        original_node: cst.AnnAssign,  # noqa: ARG002 - libcst passes both
        updated_node: cst.AnnAssign,
    ) -> cst.Assign | cst.AnnAssign:
        if updated_node.value is None:
            return updated_node
        return cst.Assign([cst.AssignTarget(updated_node.target)], updated_node.value)


def _plain(parameter: cst.Param) -> cst.AssignEqual | cst.MaybeSentinel:
    """The `=` of a default without spaces, as it is written where there is no annotation."""
    if parameter.default is None:
        return cst.MaybeSentinel.DEFAULT
    return cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
