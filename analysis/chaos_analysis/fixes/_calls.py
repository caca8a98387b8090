"""Which call stands at a recorded place, of which library, and where the object that it is made on was created.

The source alone cannot tell that `s.get` is an HTTP call; that the run recorded one on this line can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import libcst as cst

from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._source import Source

Library = Literal["requests", "session", "urllib", "urllib3", "http.client"]

VERBS = ("get", "head", "options", "post", "put", "patch", "delete")
FUNCTIONS: dict[str, Library] = {
    **{f"requests.{module}{verb}": "requests" for module in ("", "api.") for verb in (*VERBS, "request")},
    "urllib.request.urlopen": "urllib",
    "urllib3.request": "urllib3",
}
MAKERS: dict[str, Library] = {
    **dict.fromkeys(("requests.Session", "requests.session", "requests.sessions.Session"), "session"),
    "urllib.request.build_opener": "urllib",
    **{
        f"urllib3.{pool}": "urllib3"
        for pool in ("PoolManager", "ProxyManager", "HTTPConnectionPool", "HTTPSConnectionPool")
    },
    **dict.fromkeys(("http.client.HTTPConnection", "http.client.HTTPSConnection"), "http.client"),
}
METHODS: dict[str, Library] = {
    **dict.fromkeys((*VERBS, "request", "send"), "session"),
    **dict.fromkeys(("open",), "urllib"),
    **dict.fromkeys(("urlopen",), "urllib3"),
    **dict.fromkeys(("getresponse", "endheaders"), "http.client"),
}
_HTTP_WORD = re.compile(r"session|http|client|requests|conn|pool|opener|api", re.IGNORECASE)
_HTTP_ARGUMENTS = {"params", "json", "headers", "data", "auth", "stream", "verify", "timeout", "fields", "files"}


@dataclass(frozen=True)
class HttpCall:
    """An outbound call in the source. `maker` is the call that made its session or connection, if it was found."""

    node: cst.Call
    library: Library
    verb: str
    maker: cst.Call | None = None


def http_call(source: Source, spot: Spot) -> HttpCall:
    """The outbound HTTP call at the spot's line; raises `Declined` where there is none or it cannot be told which."""
    here = [call for call in source.find(cst.Call) if source.covers(call, spot.line)]
    sure = [found for call in here if (found := _resolved(source, call))]
    likely = [
        HttpCall(call, METHODS[_attribute(call)], _attribute(call)) for call in here if _looks_like_http(source, call)
    ]
    for calls in (sure, likely):
        wanted = [call for call in calls if call.verb not in VERBS or spot.method in ("", call.verb.upper())]
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            raise Declined(f"line {spot.line} has {len(wanted)} HTTP calls, and the run cannot tell which one it was")
    raise Declined(f"no HTTP call of a known library was found on line {spot.line}")


def keyword(call: cst.Call, name: str) -> cst.Arg | None:
    """The call's keyword argument of this name."""
    return next((arg for arg in call.args if arg.keyword is not None and arg.keyword.value == name), None)


def has_star(call: cst.Call) -> str:
    """The `*` or `**` of a call that unpacks arguments, else ""."""
    return next((arg.star for arg in call.args if arg.star), "")


def makers(source: Source, library: Library) -> list[tuple[str, cst.Call]]:
    """What is created for a library in this module: the names it is assigned to, and the creating calls."""
    found: list[tuple[str, cst.Call]] = []
    for call in source.find(cst.Call):
        node = source.ancestors(call)[0]
        target: cst.CSTNode | None = None
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            target = node.targets[0].target
        elif isinstance(node, cst.AnnAssign):
            target = node.target
        elif isinstance(node, cst.WithItem) and node.asname is not None:
            target = node.asname.name
        if target is not None and MAKERS.get(source.qualified(call)) == library:
            found.append((source.code(target), call))
    return found


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """What a method is called on; None for a plain function."""
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def _resolved(source: Source, call: cst.Call) -> HttpCall | None:
    """The call with its library, where imports and assignments tell it."""
    verb = _attribute(call)
    name = source.qualified(call)
    if name in FUNCTIONS:
        return HttpCall(call, FUNCTIONS[name], name.rpartition(".")[2])
    on = receiver(call)
    if on is None or verb not in METHODS:
        return None
    if isinstance(on, cst.Call) and source.qualified(on) in MAKERS:
        return HttpCall(call, MAKERS[source.qualified(on)], verb, on)
    for library in dict.fromkeys(MAKERS.values()):
        made = [maker for target, maker in makers(source, library) if target == source.code(on)]
        if made:
            return HttpCall(call, library, verb, _nearest(source, made, call))
    return None


def _nearest(source: Source, made: list[cst.Call], call: cst.Call) -> cst.Call | None:
    """Of several objects under one name the one made in the same function; None where that leaves a choice."""
    if len(made) > 1:
        around = set(source.ancestors(call))
        functions = [(maker, [a for a in source.ancestors(maker) if isinstance(a, cst.FunctionDef)]) for maker in made]
        made = [maker for maker, inside in functions if inside and inside[0] in around]
    return made[0] if len(made) == 1 else None


def _looks_like_http(source: Source, call: cst.Call) -> bool:
    """Whether a method call on something unknown is the HTTP call, and not, say, a dictionary's `get` beside it."""
    on = receiver(call)
    if on is None or _attribute(call) not in METHODS:
        return False
    maker = (
        on.func if isinstance(on, cst.Call) else on
    )  # `client().get` is judged by "client", `r.json().get` by "json"
    last = source.code(maker).rpartition(".")[2]
    named = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    return bool(_HTTP_WORD.search(last) or named & _HTTP_ARGUMENTS)


def _attribute(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
