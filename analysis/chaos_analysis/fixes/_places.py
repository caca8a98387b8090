"""Where in the app's sources something is made that a call elsewhere uses: a client, an engine, a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._edits import add_keyword
from chaos_analysis.fixes._fix import Declined
from chaos_analysis.fixes._source import Source
from chaos_analysis.model import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern
    from chaos_analysis.sources import Sources


def by_site(evidence: Evidence, *finders: str) -> list[tuple[Site, tuple[Pattern, ...]]]:
    """The patterns of these finders that name a call site, one entry a line."""
    groups: dict[Site, list[Pattern]] = {}
    for pattern in evidence.patterns:
        if pattern.finder in finders and pattern.site is not None:
            groups.setdefault(pattern.site, []).append(pattern)
    return [(site, tuple(found)) for site, found in groups.items()]


def homes(
    sources: Sources, words: Collection[str], choose: Callable[[Source], Sequence[cst.CSTNode]]
) -> Iterator[Site]:
    """The places, over all files, of what `choose` finds; only files with one of the `words` are parsed."""
    for file in sources.files():
        text = sources.text(file) or ""
        if not any(word in text for word in words):
            continue
        try:
            source = Source(text)
        except Declined:
            continue
        for node in choose(source):
            yield Site(file, line_of(source, node), function_of(source, node))


def named(source: Source, names: Collection[str]) -> list[cst.Call]:
    """The calls of these full names, as imports tell them."""
    return [call for call in source.find(cst.Call) if source.qualified(call) in names]


def at_line(source: Source, calls: Collection[cst.Call], line: int) -> list[cst.Call]:
    """Those that stand on this line, among others."""
    return [call for call in calls if source.covers(call, line)]


def target(source: Source, call: cst.Call) -> str:
    """The code of what the call's value is assigned to, "" for nothing."""
    parent = source.ancestors(call)[0]
    if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
        return source.code(parent.targets[0].target)
    return source.code(parent.target) if isinstance(parent, cst.AnnAssign) else ""


def line_of(source: Source, node: cst.CSTNode) -> int:
    """The node's first line."""
    return source.text[: source.span(node)[0]].replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


def function_of(source: Source, node: cst.CSTNode) -> str:
    """The qualified name of what the node stands in, as a ledger would have it."""
    kinds = (cst.FunctionDef, cst.ClassDef)
    around = [each.name.value for each in source.ancestors(node) if isinstance(each, kinds)]
    return ".".join(reversed(around)) or "<module>"


def with_keywords(text: str, choose: Callable[[Source], cst.Call | None], arguments: Collection[str]) -> str:
    """`text` with arguments such as `"timeout=1"` added to the call that `choose` finds, in the layout that it has."""
    for argument in arguments:
        source = Source(text)
        call = choose(source)
        if call is not None:
            text = source.splice(add_keyword(source, call, argument))
    return text
