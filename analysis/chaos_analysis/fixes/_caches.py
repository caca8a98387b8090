"""Clients of Redis and Valkey in a module's source: their commands, their own error, where they are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import add_import, imported_as, module_imports
from chaos_analysis.fixes._fix import Declined
from chaos_analysis.fixes._places import at_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from chaos_analysis.fixes._source import Source, Splice

ERRORS = {"redis": "RedisError", "valkey": "ValkeyError"}
WORDS = ("redis", "valkey")
# What a read gives where the key is missing, as redis-py has it; of several keys, a None for each.
MISSES = {
    "get": "None",
    "hget": "None",
    "hgetall": "{}",
    "lrange": "[]",
    "smembers": "set()",
    "mget": "[None] * len({})",
}
WRITES = ("set", "setex", "psetex", "mset", "hset", "hmset", "expire", "pexpire")
# Commands by which a cache is more than a cache: a lock, a counter, a queue.
_SHARED = re.compile(
    r"^(setnx|msetnx|hsetnx|getset|getdel|h?(incr|decr)\w*|append|[lr]?(push|pop)\w*|[bs]?[lrz]?pop\w*|sadd|srem|z\w+|x\w+"
    r"|publish|pubsub|subscribe|lock|eval\w*|register_script|watch|transaction|setbit|pf\w+)$"
)
_IMPORT = re.compile(r"^[ \t]+((?:import|from) (redis|valkey)\b[^\r\n]*)", re.MULTILINE)


@dataclass(frozen=True)
class Library:
    """Which client the app has; `lazily`: the import that stands in its functions, where none is at the top level."""

    name: str
    lazily: str = ""


def library(source: Source, otherwise: str = "", lazily: str = "") -> Library:
    """The library that the module imports, or else the one that the app does elsewhere."""
    for name in ERRORS:
        if any(_module(source, node).split(".")[0] == name for _, node in module_imports(source)):
            return Library(name)
    if found := imported_lazily(source.text):
        return Library(found[0], found[1])
    if otherwise:
        return Library(otherwise, lazily)
    raise Declined("no file of the app imports redis or valkey, whose error is to be caught: catch your client's own")


def imported_lazily(text: str) -> tuple[str, str] | None:
    """The library that a function of this module imports, and the statement with its comment."""
    found = _IMPORT.search(text)
    return (found[2], f"import {found[2]}{_comment(found[1])}") if found else None


def error(source: Source, of: Library) -> tuple[str, list[Splice]]:
    """The code of the library's own error at the top level of the module, with the import that it needs."""
    name = ERRORS[of.name]
    if of.lazily:
        return f"{of.name}.{name}", []
    if alias := imported_as(source, of.name):
        return f"{alias}.{name}", []
    direct = any(
        isinstance(node, cst.ImportFrom) and _module(source, node) in (of.name, f"{of.name}.exceptions")
        for _, node in module_imports(source)
    )
    if direct:
        return name, list(add_import(source, _home(source, of), name))
    return f"{of.name}.{name}", list(add_import(source, of.name))


def cache_call(source: Source, line: int, command: str) -> cst.Call | None:
    """The call at this line that sends the command, None where no cache's call stands there."""
    calls = [call for call in at_line(source, source.find(cst.Call), line) if isinstance(call.func, cst.Attribute)]
    sent = [call for call in calls if verb(call) in (*MISSES, *WRITES) or _SHARED.match(verb(call))]
    wanted = [call for call in sent if command.lower().startswith(verb(call)[:3])] or sent
    return wanted[0] if wanted else None  # outermost first: another `get` may stand among its arguments


def verb(call: cst.Call) -> str:
    """The method's name."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


def refuse_shared(source: Source, calls: Collection[cst.Call]) -> None:
    """Raise where these calls on one client make of it more than a cache."""
    for call in calls:
        locks = {arg.keyword.value for arg in call.args if arg.keyword} & {"nx", "xx", "get"} and verb(call) == "set"
        if locks or _SHARED.match(verb(call)):
            raise Declined(
                f"`{source.code(call.func)}` makes of it more than a cache (a lock, a counter, a queue): its errors "
                "are no misses"
            )


def _home(source: Source, of: Library) -> str:
    modules = {_module(source, node) for _, node in module_imports(source) if isinstance(node, cst.ImportFrom)}
    return f"{of.name}.exceptions" if f"{of.name}.exceptions" in modules else of.name


def _module(source: Source, node: cst.Import | cst.ImportFrom) -> str:
    if isinstance(node, cst.Import):
        return source.code(node.names[0].name)
    return source.code(node.module) if node.module and not node.relative else ""


def _comment(statement: str) -> str:
    return f"  {statement[statement.index('#') :].rstrip()}" if "#" in statement else ""
