"""Where a logical operation begins that a call is part of: outside the loops that try it again, inside all others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst
from libcst import matchers

from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source

Loop = cst.For | cst.While


def retry_loop(source: Source, call: cst.Call, but: re.Pattern[str]) -> Loop | None:
    """The outermost loop of the call's function that makes the same call again; None where no loop does.

    Statements with `but` in them do not tell one round from another.
    """
    found: Loop | None = None
    for around in source.ancestors(call):
        if isinstance(around, cst.FunctionDef | cst.Lambda):
            break
        if isinstance(around, Loop):
            if varies(source, around, call, but):
                break
            found = around
    return found


def varies(source: Source, loop: Loop, node: cst.CSTNode, but: re.Pattern[str] | None = None) -> bool:
    """Whether something in `node` may be different in each round: the loop's target, what calls answer, or what is
    made of these.
    """
    changing = names(source, loop.target) if isinstance(loop, cst.For) else set()
    inside = [line for line in source.find(cst.SimpleStatementLine) if _in(source, line, loop)]
    made = [line for line in inside if not _in(source, node, line) and not (but and but.search(source.code(line)))]
    for line in made:
        changing |= assigned(source, line) if matchers.findall(line, matchers.Call()) else set()
    for _ in made:  # as long as the longest chain can be
        for line in made:
            changing |= assigned(source, line) if changing & _used(source, line) else set()
    return bool(changing & names(source, node))


def statement(source: Source, node: cst.CSTNode) -> cst.SimpleStatementLine:
    """The statement around an expression; raises `Declined` where it has no line of its own."""
    line = next((each for each in source.ancestors(node) if isinstance(each, cst.SimpleStatementLine)), None)
    if line is None or len(line.body) > 1:
        raise Declined("the call stands in a larger statement: give it one of its own")
    return line


def _in(source: Source, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
    return node is outer or any(around is outer for around in source.ancestors(node))


def assigned(source: Source, line: cst.SimpleStatementLine) -> set[str]:
    """The names that a statement binds or changes."""
    targets: list[cst.CSTNode] = []
    for small in line.body:
        if isinstance(small, cst.Assign):
            targets += [each.target for each in small.targets]
        elif isinstance(small, cst.AnnAssign | cst.AugAssign):
            targets.append(small.target)
    return {name for target in targets for name in names(source, target)}


def _used(source: Source, line: cst.SimpleStatementLine) -> set[str]:
    values = [small.value for small in line.body if isinstance(small, cst.Assign | cst.AnnAssign | cst.AugAssign)]
    return {name for value in values if value is not None for name in names(source, value)}


def names(source: Source, node: cst.CSTNode) -> set[str]:
    """The names that a node uses or binds: no attributes, no keywords of calls."""
    found = set()
    for name in matchers.findall(node, matchers.Name()):
        parent = source.ancestors(name)[0]
        attribute = isinstance(parent, cst.Attribute) and parent.attr is name
        keyword = isinstance(parent, cst.Arg) and parent.keyword is name
        if isinstance(name, cst.Name) and not attribute and not keyword:
            found.add(name.value)
    return found
