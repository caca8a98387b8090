"""Where a function reads the JSON of a call's answer, and which keys it takes from it whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._named import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._source import Source

_LOOKS = ("status_code", "ok")
# What stands in one of these happens only sometimes, but for the part named.
_SOMETIMES = {
    **dict.fromkeys((cst.If, cst.IfExp, cst.While), "test"),
    **dict.fromkeys((cst.For, cst.CompFor), "iter"),
    **dict.fromkeys((cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp), "for_in"),
    **dict.fromkeys((cst.Else, cst.Try, cst.ExceptHandler, cst.Lambda, cst.FunctionDef, cst.MatchCase), ""),
    cst.BooleanOperation: "left",
}


class Read(NamedTuple):
    """`answer.json()`: the call, what it is called on, the keys that are taken from it, as code, and whether it is used
    as an object at all.
    """

    node: cst.Call
    on: cst.BaseExpression
    keys: tuple[str, ...]
    as_object: bool


def reads(source: Source, call: HttpCall, checker: str) -> list[Read]:
    """The reads of the call's answer; raises `AlreadyThere` where `checker` makes them, `Declined` without any."""
    scope = next((node for node in source.ancestors(call.node) if isinstance(node, cst.FunctionDef)), source.module)
    name = _name(source, call)
    found, raises, looks = [], False, False
    for node in source.find(cst.Attribute):
        mine = node.value is call.node or (isinstance(node.value, cst.Name) and node.value.value == name)
        if not mine or not inside(source, node, scope):
            continue
        parent = source.ancestors(node)[0]
        raises, looks = raises or node.attr.value == "raise_for_status", looks or node.attr.value in _LOOKS
        if node.attr.value == "json" and isinstance(parent, cst.Call) and parent.func is node and not parent.args:
            found.append(_read(source, parent, node.value, scope))
    if looks and not raises:
        raise Declined("the status is looked at, and what is read may be an error's body: check it by hand")
    if found:
        return found
    for other in source.find(cst.Call):
        first = other.args[0].value if other.args else None
        same = first is call.node or (isinstance(first, cst.Name) and first.value == name)
        if same and source.code(other.func) == checker and inside(source, other, scope):
            raise AlreadyThere("the body is checked")
    raise Declined("no JSON of the answer is read here: what its body must be like is for people to say")


def _name(source: Source, call: HttpCall) -> str | None:
    """The name that the answer is assigned to."""
    parent = source.ancestors(call.node)[0]
    if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
        target: cst.CSTNode = parent.targets[0].target
    elif isinstance(parent, cst.AnnAssign):
        target = parent.target
    else:
        return None
    return target.value if isinstance(target, cst.Name) else None


def _read(source: Source, node: cst.Call, on: cst.BaseExpression, scope: cst.CSTNode) -> Read:
    parent = source.ancestors(node)[0]
    if isinstance(parent, cst.Subscript):
        return Read(node, on, tuple(_key(source, parent)), as_object=any(_key(source, parent)))
    if isinstance(parent, cst.Attribute):
        return Read(node, on, (), as_object=parent.attr.value in ("get", "items", "keys", "values"))
    name = parent.targets[0].target if isinstance(parent, cst.Assign) and len(parent.targets) == 1 else None
    if not isinstance(name, cst.Name):
        return Read(node, on, (), as_object=False)
    keys = dict.fromkeys(key for each in _taken(source, name.value, node, scope) for key in _key(source, each))
    gets = any(f"{name.value}.{method}(" in source.code(scope) for method in ("get", "items", "keys", "values"))
    return Read(node, on, tuple(keys), as_object=bool(keys) or gets)


def _taken(source: Source, name: str, node: cst.Call, scope: cst.CSTNode) -> Iterator[cst.Subscript]:
    """Subscripts of a name that are read whenever `node` was."""
    beside = set(source.ancestors(node))
    for each in source.find(cst.Subscript):
        if isinstance(each.value, cst.Name) and each.value.value == name and inside(source, each, scope):
            around = [other for other in source.ancestors(each) if other not in beside]
            written = bool(around) and isinstance(around[0], cst.AssignTarget | cst.AugAssign | cst.Del)
            if not written and not any(map(_is_sometimes, [each, *around], around)):
                yield each


def _is_sometimes(part: cst.CSTNode, whole: cst.CSTNode) -> bool:
    """Whether `part` happens only sometimes when `whole` does."""
    always = _SOMETIMES.get(type(whole))
    return always is not None and getattr(whole, always or "_", None) is not part


def _key(source: Source, node: cst.Subscript) -> Iterator[str]:
    """The code of a subscript that is a plain text."""
    index = node.slice[0].slice
    if len(node.slice) == 1 and isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
        yield source.code(index.value)
