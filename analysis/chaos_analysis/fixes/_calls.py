"""Which call stands at a recorded place, of which library, and where the object that it is made on was created.

The source alone cannot tell that `s.get` is an HTTP call; that the run recorded one on this line can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

Library = Literal["requests", "session", "urllib", "urllib3", "httpx", "http.client"]

VERBS = ("get", "head", "options", "post", "put", "patch", "delete")
FUNCTIONS: dict[str, Library] = {
    **{f"requests.{module}{verb}": "requests" for module in ("", "api.") for verb in (*VERBS, "request")},
    "urllib.request.urlopen": "urllib",
    "urllib3.request": "urllib3",
    **{f"httpx.{verb}": "httpx" for verb in (*VERBS, "request")},
}
MAKERS: dict[str, Library] = {
    **dict.fromkeys(("requests.Session", "requests.session", "requests.sessions.Session"), "session"),
    "urllib.request.build_opener": "urllib",
    **{
        f"urllib3.{pool}": "urllib3"
        for pool in ("PoolManager", "ProxyManager", "HTTPConnectionPool", "HTTPSConnectionPool")
    },
    "httpx.Client": "httpx",
    **dict.fromkeys(("http.client.HTTPConnection", "http.client.HTTPSConnection"), "http.client"),
}
METHODS: dict[str, Library] = {
    **dict.fromkeys((*VERBS, "request", "send"), "session"),
    **dict.fromkeys(("open",), "urllib"),
    **dict.fromkeys(("urlopen",), "urllib3"),
    **dict.fromkeys(("getresponse", "endheaders"), "http.client"),
}
_HTTP_WORD = re.compile(r"session|http|client|requests|conn|pool|opener|api", re.IGNORECASE)
_PASSING = ("submit", "spawn", "to_thread")
_BREAKER = re.compile(r"(\w+\.)*circuit\b")
_HTTP_ARGUMENTS = {"params", "json", "headers", "data", "auth", "stream", "verify", "timeout", "fields", "files"}


@dataclass(frozen=True)
class HttpCall:
    """An outbound call in the source. `maker` is the call that made its session or connection, if it was found.

    `function` is what is called, or what `node` hands to somebody who calls it: `pool.submit(requests.get, url)`.
    """

    node: cst.Call
    library: Library
    verb: str
    maker: cst.Call | None
    function: cst.BaseExpression

    @property
    def arguments(self) -> Sequence[cst.Arg]:
        """Those of the HTTP call itself."""
        return self.node.args[len(self.makers) :]

    @property
    def handed(self) -> bool:
        """Whether somebody else makes the call."""
        return bool(self.makers)

    @property
    def makers(self) -> list[cst.BaseExpression]:
        """Who makes it in its place, the outermost first: of `RETRY(guarded, requests.get, url)` the first two."""
        chain = [self.node.func, *(arg.value for arg in self.node.args)]
        return chain[: chain.index(self.function)]

    @property
    def receiver(self) -> cst.BaseExpression | None:
        """What the method is called on; None for a plain function."""
        return self.function.value if isinstance(self.function, cst.Attribute) else None


def http_call(source: Source, spot: Spot) -> HttpCall:
    """The outbound HTTP call at the spot's line; raises `Declined` where there is none or it cannot be told which."""
    here = [call for call in source.find(cst.Call) if source.covers(call, spot.line)]
    sure = [found for call in here if (found := _resolved(source, call))]
    likely = [
        HttpCall(call, METHODS[verb], verb, None, call.func)
        for call in here
        if _looks_like_http(source, call) and (verb := _attribute(call.func))
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
    made = [call for call in source.find(cst.Call) if MAKERS.get(source.qualified(call)) == library]
    return [(source.code(target), call) for call in made if (target := _target(source, call)) is not None]


def _target(source: Source, call: cst.Call) -> cst.CSTNode | None:
    """What the value of a call is assigned to, alone or in a row: `a, b = f(), g()`."""
    node, *outer = source.ancestors(call)
    if isinstance(node, cst.Assign) and len(node.targets) == 1:
        return node.targets[0].target
    if isinstance(node, cst.AnnAssign):
        return node.target
    if isinstance(node, cst.WithItem) and node.asname is not None:
        return node.asname.name
    if isinstance(node, cst.Element) and isinstance(outer[0], cst.Tuple) and isinstance(outer[1], cst.Assign):
        values, names = outer[0].elements, outer[1].targets[0].target
        if isinstance(names, cst.Tuple) and len(outer[1].targets) == 1 and len(names.elements) == len(values):
            return names.elements[list(values).index(node)].value
    return None


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """What a method is called on; None for a plain function."""
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def _resolved(source: Source, call: cst.Call) -> HttpCall | None:
    """The call with its library, where imports and assignments tell it."""
    found = _function(source, call, call.func, source.qualified(call))
    by: cst.BaseExpression = call.func
    for arg in call.args:
        if found is not None or arg.keyword is not None or arg.star or not _passes(source, by):
            return found
        found, by = _function(source, call, arg.value, source.qualified(arg.value)), arg.value
    return found


def _passes(source: Source, by: cst.BaseExpression) -> bool:
    """Whether it calls its first argument with the others: an executor, a retrying caller, a breaker."""
    name = source.code(by)
    if isinstance(by, cst.Attribute):
        return by.attr.value in _PASSING
    made = [node for node in source.find(cst.Assign) if source.code(node.targets[0].target) == name]
    guards = [node for node in source.find(cst.FunctionDef) if node.name.value == name and node.params.star_kwarg]
    decorated = [source.code(each.decorator) for node in guards for each in node.decorators]
    return any("RetryingCaller(" in source.code(node.value) for node in made) or any(map(_BREAKER.match, decorated))


def _function(source: Source, call: cst.Call, function: cst.BaseExpression, name: str) -> HttpCall | None:
    """The call of, or with, a function of this full name."""
    verb = _attribute(function)
    if name in FUNCTIONS:
        return HttpCall(call, FUNCTIONS[name], name.rpartition(".")[2], None, function)
    if not isinstance(function, cst.Attribute) or verb not in METHODS:
        return None
    on = function.value
    if isinstance(on, cst.Call) and source.qualified(on) in MAKERS:
        return HttpCall(call, MAKERS[source.qualified(on)], verb, on, function)
    for library in dict.fromkeys(MAKERS.values()):
        made = [maker for target, maker in makers(source, library) if target == source.code(on)]
        if made:
            return HttpCall(call, library, verb, _nearest(source, made, call), function)
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
    if on is None or _attribute(call.func) not in METHODS:
        return False
    maker = (
        on.func if isinstance(on, cst.Call) else on
    )  # `client().get` is judged by "client", `r.json().get` by "json"
    last = source.code(maker).rpartition(".")[2]
    named = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    return bool(_HTTP_WORD.search(last) or named & _HTTP_ARGUMENTS)


def _attribute(function: cst.BaseExpression) -> str:
    return function.attr.value if isinstance(function, cst.Attribute) else ""
