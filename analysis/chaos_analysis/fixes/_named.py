"""The answer of an HTTP call as a name in its function, so that statements about it can stand behind the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._edits import add_import, imported_as, module_imports
from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._fix import Spot
    from chaos_analysis.fixes._source import Source, Splice

ERROR = "RequestException"
REQUESTS = ("requests", "session")


@dataclass(frozen=True)
class Answer:
    """The statement that `call` stands in, and the answer's name there; `given` where the source has that name.

    `scope` is the function around it, or the module.
    """

    call: HttpCall
    line: cst.SimpleStatementLine
    name: str
    given: bool
    scope: cst.CSTNode

    @property
    def function(self) -> cst.FunctionDef | None:
        """The function around the call."""
        return self.scope if isinstance(self.scope, cst.FunctionDef) else None


def answer(source: Source, spot: Spot, *, of: Sequence[str] = REQUESTS) -> Answer:
    """The answer of the call at the spot; `Declined` where it is of no library of these, or where something may run
    before it in its statement.
    """
    call = _made_here(source, spot, of)
    around = source.ancestors(call.node)
    line = next((node for node in around if isinstance(node, cst.SimpleStatementLine)), None)
    if line is None or len(line.body) > 1:
        raise _in_larger()
    scope = next((node for node in around if isinstance(node, cst.FunctionDef)), source.module)
    statement = line.body[0]
    value = getattr(statement, "value", None)
    target = (
        statement.targets[0].target
        if isinstance(statement, cst.Assign) and len(statement.targets) == 1
        else statement.target
        if isinstance(statement, cst.AnnAssign)
        else None
    )
    if value is call.node and isinstance(target, cst.Name):
        return Answer(call, line, target.value, given=True, scope=scope)
    if not isinstance(value, cst.CSTNode) or call.node not in begins(value):
        raise _in_larger()
    return Answer(call, line, free_in(source, scope, "response"), given=False, scope=scope)


def requests_call(source: Source, spot: Spot) -> HttpCall:
    """The call at the spot; `Declined` where it is not of requests, or is left to somebody else to make."""
    return _made_here(source, spot, REQUESTS)


def _made_here(source: Source, spot: Spot, of: Sequence[str]) -> HttpCall:
    call = http_call(source, spot)
    if call.library not in of:
        raise Declined(f"the call is made with {call.library}, whose errors and answers are not those of requests")
    if getattr(call, "handed", False):
        raise Declined("the call is handed to somebody who makes it: change it there")
    return call


def begins(value: cst.CSTNode | None) -> list[cst.CSTNode]:
    """What a value begins with, outermost first: `a().b["c"]` with `a().b`, `a()`, `a`. Nothing runs before these."""
    found: list[cst.CSTNode] = []
    while value is not None:
        found.append(value)
        if isinstance(value, cst.Attribute | cst.Subscript):
            value = value.value
        else:
            value = value.func if isinstance(value, cst.Call) else None
    return found


def free_in(source: Source, scope: cst.CSTNode, wanted: str) -> str:
    """`wanted`, or with a number where the function, or anything in it, has that name already."""
    taken = {node.value for node in source.find(cst.Name) if inside(source, node, scope)}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def inside(source: Source, node: cst.CSTNode, scope: cst.CSTNode) -> bool:
    """Whether the node stands in the scope."""
    return any(around is scope for around in source.ancestors(node))


def error_class(source: Source) -> tuple[str, list[Splice]]:
    """How the module says `requests.RequestException`, and the import that it takes; `Declined` without requests."""
    module = imported_as(source, "requests")
    if module is not None:
        return f"{module}.{ERROR}", []
    for _, node in module_imports(source):
        if isinstance(node, cst.ImportFrom) and node.module is not None and not isinstance(node.names, cst.ImportStar):
            for alias in node.names if source.code(node.module).partition(".")[0] == "requests" else ():
                if source.code(alias.name) == ERROR:
                    return source.code(alias.asname.name if alias.asname else alias.name), []
    for _, node in module_imports(source):
        if isinstance(node, cst.ImportFrom) and node.module is not None and source.code(node.module) == "requests":
            return ERROR, list(add_import(source, "requests", ERROR))
    raise Declined("the module does not import requests at its top level, and the client may be of another library")


def reads_json(source: Source, found: Answer) -> bool:
    """Whether the answer's JSON is read in the function."""
    for node in source.find(cst.Attribute):
        if node.attr.value == "json" and inside(source, node, found.scope):
            on = node.value
            if on is found.call.node or (found.given and isinstance(on, cst.Name) and on.value == found.name):
                return True
    return False


def _in_larger() -> Declined:
    return Declined("the call stands in a larger expression: give its answer a name first")
