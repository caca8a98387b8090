"""Where an error of a recorded call is swallowed: the broad `except` around it, or around who calls its function."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._guard import guards
from chaos_analysis.fixes._source import Source
from chaos_analysis.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.sources import Sources

_BROAD = ("Exception", "BaseException")
_OF_MANY = {*dir(dict), *dir(list), *dir(str), "delete", "head", "patch", "post", "put", "request"}  # methods' names
_OUTWARD = 3  # functions between the call and the `except`


class Swallower(NamedTuple):
    """The line of an `except`, whether it stands around the call itself, and the library that makes the call."""

    site: Site
    around_call: bool
    library: str


def swallower(sources: Sources, site: Site, verb: str) -> Swallower | None:
    """The one broad `except` that takes the errors of the call at `site` and raises none; None where it is not clear.

    A run does not record who called the call's function: callers are looked for by its name, and one `except` among
    them is taken for it, two are not.
    """
    text = sources.text(site.file)
    if text is None:
        return None
    try:
        source = Source(text)
        call = http_call(source, Spot(line=site.line, method=verb))
    except Declined:
        return None
    if any(guards(source, call.node)):
        handler = swallowing(source, call.node)
        return (
            None
            if handler is None
            else Swallower(_site(source, site.file, handler), around_call=True, library=call.library)
        )
    found = set(_outward(sources, site.function.rpartition(".")[2]))
    return Swallower(found.pop(), around_call=False, library=call.library) if len(found) == 1 else None


def swallowing(source: Source, node: cst.CSTNode) -> cst.ExceptHandler | None:
    """The broad handler that errors of the node come to first, unless it raises."""
    for guard in guards(source, node):
        handler = next((each for each in guard.handlers if is_broad(source, each)), None)
        if handler is not None:
            taken = is_taken_before(source, guard, handler) or raises(source, handler)
            return None if taken else handler
    return None


def raises(source: Source, handler: cst.ExceptHandler) -> bool:
    """Whether the handler raises the error again, or another one."""
    return any(handler in source.ancestors(each) for each in source.find(cst.Raise))


def is_broad(source: Source, handler: cst.ExceptHandler) -> bool:
    """Whether the handler takes all errors."""
    kinds = [handler.type]
    if isinstance(handler.type, cst.Tuple):
        kinds = [each.value for each in handler.type.elements]
    return any(kind is None or source.code(kind) in _BROAD for kind in kinds)


def is_taken_before(source: Source, guard: cst.Try, broad: cst.ExceptHandler) -> bool:
    """Whether a narrower handler takes the library's errors before the broad one does."""
    above = guard.handlers[: list(guard.handlers).index(broad)]
    words = set(re.findall(r"\w+", " ".join(source.code(each.type) for each in above if each.type is not None)))
    return bool(words & {"RequestException", "OSError", "IOError"})


def line_of(source: Source, handler: cst.ExceptHandler) -> int:
    """The line of its `except`."""
    return source.text[: source.span(handler)[0]].count("\n") + 1


def _outward(sources: Sources, name: str) -> Iterator[Site]:
    """Where errors that leave a function so called are swallowed, by whoever calls it, or calls who does."""
    names, known = {name}, set()
    modules = [(file, Source(text)) for file in sources.files() if (text := _readable(sources, file))]
    for _ in range(_OUTWARD):
        known |= names
        further: set[str] = set()
        for file, source in modules:
            for call in source.find(cst.Call):
                if not _is_called(call, names):
                    continue
                if handler := swallowing(source, call):
                    yield _site(source, file, handler)
                elif not any(guards(source, call)):
                    further.add(_function(source, call))
        names = further - known - {"<module>"}


def _readable(sources: Sources, file: str) -> str:
    text = sources.text(file) or ""
    try:
        cst.parse_module(text)
    except cst.ParserSyntaxError:
        return ""
    return text


def _is_called(call: cst.Call, names: set[str]) -> bool:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value in names - _OF_MANY
    return isinstance(call.func, cst.Name) and call.func.value in names


def _function(source: Source, node: cst.CSTNode) -> str:
    return next((each.name.value for each in source.ancestors(node) if isinstance(each, cst.FunctionDef)), "<module>")


def _site(source: Source, file: str, handler: cst.ExceptHandler) -> Site:
    return Site(file, line_of(source, handler), _function(source, handler))
