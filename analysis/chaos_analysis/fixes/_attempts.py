"""A transaction in a loop: of the app's own, or of stamina; and where it must not be in one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes import _transactions
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._handlers import function_around

if TYPE_CHECKING:
    from chaos_analysis.fixes._again import Errors
    from chaos_analysis.fixes._source import Source

ATTEMPTS = 3
_LOOP = re.compile(r"attempt|retr(y|ies)|tries", re.IGNORECASE)
_RETRIERS = ("stamina", "tenacity", "backoff", "retrying", "retry")


def in_a_loop(source: Source, attempt: str, errors: Errors, on: str, *, ends: bool) -> tuple[list[str], list[str]]:
    """What stands above the transaction and below it; it needs no `break` where it `ends` by itself."""
    step = source.module.default_indent
    named, unless = (" as error", f" or {errors.denied}") if errors.test else ("", "")
    handler = [
        *([] if ends else [f"{step * 2}break"]),
        f"{step}except {errors.kind}{named}:",
        *([f"{step * 2}{on}.rollback()"] if on else []),
        f"{step * 2}if {attempt} == {ATTEMPTS - 1}{unless}:",
        f"{step * 3}raise",
        f"{step * 2}time.sleep(random.uniform(0.05, 0.1) * 2**{attempt})",
    ]
    return [f"for {attempt} in range({ATTEMPTS}):", "try:"], handler


def with_stamina(
    source: Source, attempt: str, errors: Errors, on: str, *, margin: str, budget: float
) -> tuple[list[str], list[str]]:
    """The same with stamina, whose pauses are as long: its own end after 45 s, more than most callers wait."""
    step = source.module.default_indent
    asks = f"lambda error: isinstance(error, {errors.kind}) and {errors.test}" if errors.test else errors.kind
    given = [f"on={asks}", f"attempts={ATTEMPTS}", f"timeout={f'{budget:g}' if budget else 'None'}"]
    given += ["wait_initial=0.05", "wait_jitter=0.05"]
    laid_out = "".join(f"{source.newline}{margin}{step}{each}," for each in given)
    lead = [f"for {attempt} in stamina.retry_context({laid_out}{source.newline}{margin}):", f"with {attempt}:"]
    if not on:
        return lead, []
    handler = [f"{step * 2}except BaseException:", f"{step * 3}{on}.rollback()", f"{step * 3}raise"]
    return [*lead, "try:"], handler


def transaction(source: Source, call: cst.Call) -> tuple[str, cst.CSTNode, cst.CSTNode]:
    """What must be rolled back between attempts ("" where a block does so), the first and the last statement."""
    on, block = _transactions.whole(source, call)
    if block is not None:
        return "", block, block
    if not on:
        raise Declined("the block around the statement is none that begins and ends a transaction")
    if function_around(source, call) is None:
        raise Declined("the statement stands not in a function that could be made again")
    first, last = _transactions.uses(source, call, on)
    inside = [first, last] if first is not last else [first]
    ends = [each for each in source.find(cst.Call) if source.code(each.func) == f"{on}.commit"]
    if not any(source.span(inside[0]) <= source.span(each) <= (source.span(inside[-1])[1],) * 2 for each in ends):
        raise Declined("the transaction ends elsewhere: it is to be made again there, as a whole")
    return on, first, last


def refuse_retried(source: Source, call: cst.Call) -> None:
    """Raise where the transaction is made again already: two layers multiply."""
    for node in source.ancestors(call):
        if isinstance(node, cst.For | cst.While):
            head = source.code(node.target if isinstance(node, cst.For) else node.test)
            if _LOOP.search(head):
                raise AlreadyThere("a loop around it tries again")
        for decorator in node.decorators if isinstance(node, cst.FunctionDef) else ():
            name = source.code(decorator.decorator)
            if name.partition(".")[0].partition("(")[0] in _RETRIERS:
                raise AlreadyThere(f"the function is made again already, by {name}")


def refuse_leaving(source: Source, first: cst.CSTNode, last: cst.CSTNode) -> None:
    """Raise where a `break` or `continue` in the statements is for a loop around them, or where they yield."""
    start, end = source.span(first)[0], source.span(last)[1]
    for node in (*source.find(cst.Break), *source.find(cst.Continue)):
        at = source.span(node)[0]
        loops = [each for each in source.ancestors(node) if isinstance(each, cst.For | cst.While)]
        if start <= at < end and (not loops or source.span(loops[0])[0] < start):
            raise Declined("a statement of the transaction leaves a loop around it: put the transaction in a function")
    if any(start <= source.span(node)[0] < end for node in source.find(cst.Yield)):
        raise Declined("the transaction yields in between: what was handed out cannot be made again")
