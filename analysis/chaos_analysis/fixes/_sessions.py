"""Sessions of requests in a module's source: what retries them already, where they are made, and one for bare calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._calls import HttpCall, has_star, makers
from chaos_analysis.fixes._edits import add_import, end_of_imports, imported_as, module_imports
from chaos_analysis.fixes._fix import AlreadyThere, Declined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._source import Source, Splice

_LOOP = re.compile(r"attempt|retr(y|ies)|tries", re.IGNORECASE)
_RETRIERS = ("stamina", "tenacity", "backoff", "retrying", "retry", "urllib3")


def refuse_retried(source: Source, call: HttpCall) -> None:
    """Raise where the call is retried already: two layers multiply."""
    around = source.ancestors(call.node)
    for node in around:
        if isinstance(node, cst.FunctionDef):
            for decorator in node.decorators:
                name = source.code(decorator.decorator)
                if name.partition(".")[0].partition("(")[0] in _RETRIERS:
                    raise AlreadyThere(f"the function is retried already, by {name}")
        elif isinstance(node, cst.For) and _LOOP.search(source.code(node.target)):
            raise AlreadyThere("the call stands in a loop that tries again")


def mounts(name: str, policy: str) -> list[str]:
    """The lines that put the policy on a session."""
    return [f'{name}.mount("{scheme}://", HTTPAdapter(max_retries={policy}))' for scheme in ("http", "https")]


def session_of(source: Source, call: HttpCall) -> tuple[str, cst.Call]:
    """The name of the call's session and the call that makes it, or the module's only one; raises `Declined`."""
    made = makers(source, "session")
    here = [(name, maker) for name, maker in made if maker is call.maker] or (made if len(made) == 1 else [])
    if not here and isinstance(call.receiver, cst.Call) and call.maker is not None:
        raise Declined("the session has no name to mount an adapter on: give it one")
    if not here:
        raise Declined("the session is made elsewhere: mount an adapter with retries there")
    return here[0]


def mount(source: Source, call: HttpCall, policy: str) -> Splice:
    """Mount the retries where the session of the call is made, or the module's only one."""
    name, maker = session_of(source, call)
    mounted = [each for each in source.find(cst.Call) if source.code(each.func) == f"{name}.mount"]
    if mounted:
        raise AlreadyThere(f"{name} mounts an adapter already: see whether that retries")
    for node in source.ancestors(maker):
        if isinstance(node, cst.With) and isinstance(node.body, cst.IndentedBlock):
            first = node.body.body[0]
            at = source.line_start(source.span(first)[0])
            margin = source.indent(first)
            return at, at, "".join(f"{margin}{line}{source.newline}" for line in mounts(name, policy))
        if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
            if source.span(node) < source.span(end_of_imports(source)):
                raise Declined("the session is made above an import: move it below, and mount an adapter with retries")
            return source.after(node, mounts(name, policy))
    raise Declined("the session shares its line with other statements")


def own_session(source: Source, call: HttpCall, session: str) -> tuple[str, Iterator[Splice]]:
    """The code that makes a session for a bare call, and the splices that use it."""
    if star := has_star(call.node):
        raise Declined(f"the call unpacks arguments with {star}: put a session with retries in its place by hand")
    on = call.receiver
    if on is not None and imported_as(source, "requests") == source.code(on):
        return f"{source.code(on)}.Session()", _use(source, call, session)
    if on is None and _imported_function(source, call) is not None:
        return "Session()", _use(source, call, session)
    raise Declined("requests is not imported at the top level of the module, where a session could be made")


def _use(source: Source, call: HttpCall, session: str) -> Iterator[Splice]:
    yield (*source.span(call.function), f"{session}.{call.verb}")
    if call.verb == "get" and len(call.arguments) > 1 and call.arguments[1].keyword is None:
        at = source.span(call.arguments[1])[0]
        yield at, at, "params="
    if call.receiver is None:
        alias = _imported_function(source, call)
        uses = [name for name in source.find(cst.Name) if name.value == source.code(call.function)]
        if alias is not None and len(uses) == 2:  # the import and this call
            yield (*source.span(alias), "Session")
        else:
            yield from add_import(source, "requests", "Session")


def _imported_function(source: Source, call: HttpCall) -> cst.ImportAlias | None:
    name = source.code(call.function)
    for _, node in module_imports(source):
        if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                if source.code(alias.asname.name if alias.asname else alias.name) == name:
                    return alias
    return None
