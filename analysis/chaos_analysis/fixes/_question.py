"""What a call asks, as a tuple of expressions: calls with equal ones ask for the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._calls import MAKERS, receiver
from chaos_analysis.fixes._edits import module_imports
from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._source import Source

_HOW = ("timeout", "allow_redirects", "verify", "proxies", "cert")  # is asked, not what
_WHO = ("auth", "cookies", "headers")  # asks: the answer may be for one user alone
# Equal for equal arguments; any other call may answer differently each time.
_PURE = {
    *("str", "int", "float", "repr", "len", "list", "tuple", "sorted", "dict", "quote", "quote_plus", "urlencode"),
    *("urljoin", "join", "format", "strip", "lstrip", "rstrip", "lower", "upper", "get", "getenv", "isoformat"),
}
_SAME = ("os",)  # modules whose attributes are the same for every request
# Where a name stands that is given a value.
_BINDING = {
    **dict.fromkeys((cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.NamedExpr), "target"),
    **dict.fromkeys((cst.Param, cst.AsName), "name"),
}


def question(source: Source, call: HttpCall) -> tuple[str, ...]:
    """The varying parts of what the call asks, as code that can be evaluated again before it.

    Raises `Declined` where the answer may be for one user alone, or where a part is worked out anew each time.
    """
    _refuse_other_clients(source, call)
    parts: list[str] = []
    for arg in call.node.args:
        name = arg.keyword.value if arg.keyword is not None else ""
        if arg.star:
            raise Declined(f"the call unpacks arguments with {arg.star}: what it asks cannot be told")
        if name == "stream" and source.code(arg.value) != "False":
            raise Declined("the answer is read as a stream, which can be read only once")
        found = [] if name in _HOW else list(_varying(source, arg.value))
        if name in _WHO and (found or name != "headers"):
            raise Declined(f"the call passes {name}: its answer may be for one user, and must not be shown to another")
        parts += found
    return tuple(dict.fromkeys(parts))


def _refuse_other_clients(source: Source, call: HttpCall) -> None:
    """Raise where the session may be another one for another user."""
    on = receiver(call.node)
    if on is None or call.library != "session":
        return
    made_here = isinstance(on, cst.Call) and source.qualified(on) in MAKERS
    function = next((node for node in source.ancestors(call.node) if isinstance(node, cst.FunctionDef)), None)
    for attribute in _WHO:
        if function is not None and f"{source.code(on)}.{attribute}" in source.code(function):
            raise Declined(f"the function sets {attribute} of the session: its answer may be for one user alone")
    handed = {each.name.value for each in function.params.params} if function is not None else set()
    if isinstance(on, cst.Call) and not made_here:
        raise Declined("the session comes from a call: it may be another one for another user")
    if isinstance(on, cst.Name) and on.value in handed:
        raise Declined("the session is handed in: it may be another one for another user")


def _varying(source: Source, node: cst.CSTNode) -> Iterator[str]:
    """The largest names, attributes and subscripts in an expression that are not the same for every request."""
    if isinstance(node, cst.Name | cst.Attribute | cst.Subscript) and (root := _root(node)) is not None:
        if root.value not in _constants(source):
            yield source.code(node)
            return
        inner: list[cst.CSTNode] = list(_indices(node))
    elif isinstance(node, cst.Call):
        name = source.code(node.func).rpartition(".")[2]
        if name not in _PURE:
            raise Declined(f"{name}() is called in the call's arguments: give its value a name first")
        inner = [arg.value for arg in node.args]
        if isinstance(node.func, cst.Attribute):
            inner.insert(0, node.func.value)
    elif isinstance(node, cst.Lambda | cst.BaseComp | cst.Await | cst.NamedExpr | cst.Yield):
        raise Declined("the call's arguments are worked out in place: give them a name first")
    else:
        inner = [node.value] if isinstance(node, cst.Attribute) else list(node.children)
    for each in inner:
        yield from _varying(source, each)


def _root(node: cst.CSTNode) -> cst.Name | None:
    """The name that a chain of attributes and plain subscripts begins with; None for another expression."""
    while isinstance(node, cst.Attribute | cst.Subscript):
        if isinstance(node, cst.Subscript) and any(
            not isinstance(each.slice, cst.Index)
            or not isinstance(each.slice.value, cst.Name | cst.SimpleString | cst.Integer)
            for each in node.slice
        ):
            return None
        node = node.value
    return node if isinstance(node, cst.Name) else None


def _indices(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What stands in the brackets of a chain."""
    while isinstance(node, cst.Attribute | cst.Subscript):
        if isinstance(node, cst.Subscript):
            yield from node.slice
        node = node.value


def _constants(source: Source) -> set[str]:
    """Names that mean the same for every request: those in capitals that no function gives a value, and `_SAME`."""
    imported = {name for _, node in module_imports(source) for name in _imported(source, node)}
    capitals = {node.value for node in source.find(cst.Name) if node.value.isupper()}
    return {*(capitals - _bound_in_functions(source)), *(imported & {*_SAME, "environ"}), "True", "False", "None"}


def _bound_in_functions(source: Source) -> set[str]:
    bound = set()
    for name in source.find(cst.Name):
        around = source.ancestors(name)
        if any(isinstance(each, cst.FunctionDef | cst.Lambda | cst.BaseComp) for each in around):
            for part, whole in zip([name, *around], around, strict=False):
                if part is getattr(whole, _BINDING.get(type(whole), "_"), None):
                    bound.add(name.value)
    return bound


def _imported(source: Source, node: cst.Import | cst.ImportFrom) -> Iterator[str]:
    for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
        yield source.code(alias.asname.name if alias.asname else alias.name).partition(".")[0]
