"""A call handed to somebody who makes it: `requests.get(url)` as `GUARD(requests.get, url)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import MIN_WIDTH
from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._source import Source, Splice


def hand_to(source: Source, call: HttpCall, caller: str) -> list[Splice]:
    """Have `caller` make the call, as the outermost of those who do.

    Laid out as it was, or, where a line gets too long, an argument a line.
    """
    node, function = call.node, source.code(call.node.func)
    if isinstance(node.func, cst.Attribute) and call.handed:  # an executor's method, which calls what it is given
        return [_before(source, call.makers[1] if call.makers[1:] else call.function, caller)]
    (start, end), name_end = source.span(node), source.span(node.func)[1]
    if not node.args:
        return [(start, end, f"{caller}({function})")]
    first = source.span(node.args[0])[0]
    margin = source.text[source.line_start(first) : first]
    if not margin.strip():
        return [(start, name_end, caller), (first, first, f"{function},{source.newline}{margin}")]
    line = source.text[source.line_start(start) : source.line_end(end)]
    longest = max(MIN_WIDTH, *map(len, source.text.splitlines()))
    if len(line.splitlines()) > 1 or len(line.rstrip()) + len(caller) + 2 <= longest:
        return [(start, name_end, caller), (first, first, f"{function}, ")]
    outer = line[: len(line) - len(line.lstrip())]
    inner = source.newline + outer + source.module.default_indent
    arguments = [function, *(source.text[slice(*source.span(arg))] for arg in node.args)]
    laid_out = "".join(f"{inner}{each}," for each in arguments)
    return [(start, end, f"{caller}({laid_out}{source.newline}{outer})")]


def hand_in(source: Source, call: HttpCall, caller: str) -> list[Splice]:
    """Have `caller` make the call, as the innermost of those who do."""
    if not call.handed:
        return hand_to(source, call, caller)
    if isinstance(call.node.func, cst.Attribute):
        raise Declined(f"{source.code(call.node.func)} makes the call: hand it `{caller}` in its place")
    return [_before(source, call.function, caller)]


def _before(source: Source, argument: cst.BaseExpression, caller: str) -> Splice:
    """`caller` as one argument more, in the line of the others or on its own."""
    at = source.span(argument)[0]
    margin = source.text[source.line_start(at) : at]
    return at, at, f"{caller}, " if margin.strip() else f"{caller},{source.newline}{margin}"
