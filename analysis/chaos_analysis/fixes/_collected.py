"""A call that is made for each item of a list, and whose results are collected: in a loop or in a comprehension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._block import statement_of
from chaos_analysis.fixes._edits import module_imports
from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source

# What several threads may do at a time, and without the request at hand.
_HARMLESS = {
    *("json", "raise_for_status", "get", "strip", "lower", "upper", "format", "join", "quote", "quote_plus"),
    *("str", "int", "float", "bool", "len", "dict", "list", "tuple", "cast"),
}
_OF_THE_REQUEST = ("request", "session", "g", "current_app", "current_user")


@dataclass(frozen=True)
class Collected:
    """`item` is the loop's variable, `result` what is collected of it, `into` the list of a loop. Either `loop` or
    `node` (a comprehension, which stands in the statement `line`) is there.
    """

    item: str
    result: cst.BaseExpression
    line: cst.CSTNode
    loop: cst.For | None = None
    into: str = ""
    node: cst.ListComp | cst.DictComp | None = None


def collected(source: Source, call: cst.Call) -> Collected:
    """The loop around the call; raises `Declined` where there is none, or where it does more than collect."""
    for around in source.ancestors(call):
        if isinstance(around, cst.ListComp | cst.DictComp):
            return _comprehension(source, around, call)
        if isinstance(around, cst.For):
            return _loop(source, around, call)
        if isinstance(around, cst.FunctionDef | cst.Lambda | cst.GeneratorExp | cst.SetComp | cst.While):
            break
    raise Declined("no loop over a list stands around the call in its function: look where the function is called")


def _comprehension(source: Source, node: cst.ListComp | cst.DictComp, call: cst.Call) -> Collected:
    inner = node.for_in
    if inner.ifs or inner.inner_for_in or inner.asynchronous or not isinstance(inner.target, cst.Name):
        raise Declined("the comprehension does more than collect one result for each item")
    result = node.value if isinstance(node, cst.DictComp) else node.elt
    if isinstance(node, cst.DictComp):
        plain = isinstance(inner.iter, cst.Name | cst.Attribute)
        if not plain or source.code(node.key) != inner.target.value:
            raise Declined("the dictionary is not one of results by item of a list that has a name")
    _refuse_entangled(source, result, call)
    return Collected(inner.target.value, result, statement_of(source, node), node=node)


def _loop(source: Source, loop: cst.For, call: cst.Call) -> Collected:
    more = Declined("the loop does more than collect one result for each item")
    body = list(loop.body.body)
    lines = [line for line in body if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1]
    if loop.orelse or loop.asynchronous or not isinstance(loop.target, cst.Name) or len(lines) < len(body):
        raise more
    small = [line.body[0] for line in lines]
    last = small[-1].value if isinstance(small[-1], cst.Expr) else None
    head = source.text[source.span(loop.iter)[1] : source.span(body[0])[0]]
    if not _appends(last) or not head.lstrip().startswith(":") or not all(map(_is_plain, small[:-1])):
        raise more
    assert isinstance(last, cst.Call)
    assert isinstance(last.func, cst.Attribute)
    if "#" in source.text[source.span(last.args[0])[1] : source.span(last)[1]]:
        raise more
    bound = {loop.target.value, *(name for each in small for name in _bound(each))}
    function = next(node for node in source.ancestors(loop) if isinstance(node, cst.FunctionDef))
    for name in source.find(cst.Name):
        around = source.ancestors(name)
        if name.value in bound and function in around and loop not in around:
            raise Declined(f"{name.value} is used outside the loop as well")
    into = source.code(last.func.value)
    if sum(name.value == into and loop in source.ancestors(name) for name in source.find(cst.Name)) > 1:
        raise Declined(f"the loop looks at what {into} has so far")
    for each in lines:
        _refuse_entangled(source, each, call, last)
    return Collected(loop.target.value, last.args[0].value, loop, loop=loop, into=into)


def _appends(node: cst.BaseExpression | None) -> bool:
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute) or len(node.args) != 1:
        return False
    return node.func.attr.value == "append" and isinstance(node.func.value, cst.Name) and not node.args[0].star


def _is_plain(node: cst.BaseSmallStatement) -> bool:
    """Whether it only gives a name to something, or calls something."""
    if isinstance(node, cst.Assign):
        return all(isinstance(target.target, cst.Name) for target in node.targets)
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.Call)


def _bound(node: cst.BaseSmallStatement) -> list[str]:
    targets = [each.target for each in node.targets] if isinstance(node, cst.Assign) else []
    return [target.value for target in targets if isinstance(target, cst.Name)]


def _refuse_entangled(source: Source, node: cst.CSTNode, *known: cst.Call) -> None:
    """Raise where it calls what may need the request, or may not stand several threads."""
    flask = {
        (alias.asname or alias).name.value  # type: ignore[union-attr]  # `from … import` has plain names
        for _, statement in module_imports(source)
        if isinstance(statement, cst.ImportFrom) and not isinstance(statement.names, cst.ImportStar)
        for alias in statement.names
    } & set(_OF_THE_REQUEST)
    for name in source.find(cst.Name):
        if name.value in flask and node in source.ancestors(name):
            raise Declined(f"{name.value} is not to be had in other threads: take what is needed of it before the loop")
    for call in source.find(cst.Call):
        called = source.code(call.func).rpartition(".")[2]
        if node in (call, *source.ancestors(call)) and call not in known and called not in _HARMLESS:
            raise Declined(f"{called}() may need the request, or not stand several threads: look at it first")
