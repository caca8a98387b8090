"""Statements of a transaction in a module's source: on which connection or session, and what owns the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._handlers import function_around
from chaos_analysis.fixes._places import at_line

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source

VERBS = (
    *("execute", "executemany", "exec_driver_sql", "commit", "flush", "scalar", "scalars", "query", "get", "get_one"),
    *("merge", "refresh", "add", "add_all", "delete", "bulk_save_objects", "cursor"),
)
_SENT = ("execute", "executemany", "exec_driver_sql", "commit", "flush", "scalar", "scalars", "query", "get", "merge")
_OWNERS = ("begin", "begin_nested", "transaction")


def statement_call(source: Source, line: int) -> cst.Call:
    """The call at this line that sends a statement or commits; raises `Declined` where none does."""
    calls = [call for call in at_line(source, source.find(cst.Call), line) if verb(call) in (*_SENT, "refresh")]
    if not calls:
        raise Declined(f"no statement of a database was found on line {line}")
    return max(
        calls, key=lambda call: (-source.span(call)[0], -_SENT.index(verb(call)) if verb(call) in _SENT else -99)
    )


def verb(call: cst.Call) -> str:
    """The method's name."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


def owner(source: Source, call: cst.Call) -> str:
    """The code of the connection or session that the call is made on; of a cursor, its connection.

    Raises `Declined` where a cursor's connection has no name here, `AlreadyThere` where a block ends the transaction.
    """
    assert isinstance(call.func, cst.Attribute)
    on = source.code(call.func.value)
    for name, maker in _named(source, call):
        if name == on and verb(maker) == "cursor" and isinstance(maker.func, cst.Attribute):
            on = source.code(maker.func.value)
    if on.endswith(".cursor()"):
        on = on.removesuffix(".cursor()")
    _refuse_owned(source, call, on)
    return on


def _named(source: Source, call: cst.Call) -> list[tuple[str, cst.Call]]:
    """The names that the function of the call gives to what calls return, by assignment or `with`."""
    found = []
    for each in source.find(cst.Call):
        parent = source.ancestors(each)[0]
        if function_around(source, each) is not function_around(source, call):
            continue
        if isinstance(parent, cst.Assign):
            found.append((source.code(parent.targets[0].target), each))
        elif isinstance(parent, cst.WithItem) and parent.asname is not None:
            found.append((source.code(parent.asname.name), each))
    return found


def _refuse_owned(source: Source, call: cst.Call, on: str) -> None:
    """Raise where a `with` around the call ends the transaction on every way out."""
    for node in source.ancestors(call):
        if isinstance(node, cst.FunctionDef):
            return
        for item in node.items if isinstance(node, cst.With) else ():
            named = item.asname is not None and source.code(item.asname.name) == on
            begins = isinstance(item.item, cst.Call) and verb(item.item) in _OWNERS
            if begins or (named and "cursor" not in source.code(item.item)) or source.code(item.item) == on:
                raise AlreadyThere("a `with` ends the transaction")


def whole(source: Source, call: cst.Call) -> tuple[str, cst.With | None]:
    """The connection or session of the call, and the block that begins and ends its transaction, None without one."""
    assert isinstance(call.func, cst.Attribute)
    try:
        return owner(source, call), None
    except AlreadyThere:
        around = [node for node in source.ancestors(call) if isinstance(node, cst.With)]
        function = function_around(source, call)
        blocks = [node for node in around if function_around(source, node) is function and _owns(node)]
        return "", blocks[-1] if blocks else None


def _owns(node: cst.With) -> bool:
    """Whether the block is about connections or transactions, and no savepoint or cursor."""
    verbs = [verb(item.item) if isinstance(item.item, cst.Call) else "" for item in node.items]
    return any(each not in ("begin_nested", "cursor") for each in verbs)


def uses(source: Source, call: cst.Call, on: str) -> tuple[cst.CSTNode, cst.CSTNode]:
    """The first and the last statement of the call's block that use the connection or session."""
    around = [call, *source.ancestors(call)]
    at = next(place for place, node in enumerate(around) if isinstance(node, cst.IndentedBlock))
    block = around[at]
    assert isinstance(block, cst.IndentedBlock)
    calls = [each for each in source.find(cst.Call) if verb(each) in VERBS]
    calls = [each for each in calls if isinstance(each.func, cst.Attribute) and source.code(each.func.value) == on]
    used = [
        node for node in block.body if node is around[at - 1] or any(node in source.ancestors(each) for each in calls)
    ]
    return used[0], used[-1]
