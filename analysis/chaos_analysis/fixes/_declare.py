"""A declaration of the module's, such as a class, between its imports and its first definition."""

from __future__ import annotations

import re
from itertools import groupby, pairwise, takewhile
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import MIN_WIDTH, add_import, end_of_imports, module_imports, order
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._source import Splice

_IMPORT = re.compile(r"\s*(import|from) .*\s*\Z")  # a line that is nothing else
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
    """`splices`, and what `add_import` makes of each `(module, *names)`; imports at one place in isort's order.

    An empty line divides those of two sections, and none those of one.
    """
    added = (splice for module, *names in wanted for splice in add_import(source, module, *names))
    every = [*splices, *added]
    apart = [splice for splice in every if _IMPORT.match(splice[2])]
    places = groupby(sorted(apart, key=lambda splice: splice[0]), key=lambda splice: splice[0])
    together = [(at, at, _together(source, [text for *_, text in there])) for at, there in places]
    return [*together, *(splice for splice in every if splice not in apart)]


def _together(source: Source, texts: list[str]) -> str:
    """Import statements of one place in their order, the empty lines around them those of the first and last."""
    ordered = sorted((_order(text), text) for text in texts)
    found = ordered[0][1]
    for (before, _), (after, text) in pairwise(ordered):
        gap = source.newline if before[0] != after[0] else ""
        found = found.rstrip() + source.newline + gap + text.lstrip()
    return found


def _order(text: str) -> tuple[int, bool, str]:
    """The place of a text with one import statement in isort's order."""
    alone = Source(text)
    return next(order(alone, node) for _, node in module_imports(alone))


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
