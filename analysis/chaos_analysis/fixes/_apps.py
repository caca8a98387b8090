"""Where the Flask app is made, so that something may be done with it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from chaos_analysis.fixes._fix import Declined
from chaos_analysis.fixes._source import Source
from chaos_analysis.model import Site

if TYPE_CHECKING:
    from chaos_analysis.sources import Sources


class Made(NamedTuple):
    """The statement that makes the app, the app's name there, the call, and the function around it, if any."""

    line: cst.SimpleStatementLine
    name: str
    call: cst.Call
    function: cst.FunctionDef | None


def made(source: Source) -> Made:
    """The only place that makes an app; raises `Declined` where there is none, or a choice."""
    found = []
    for line in source.find(cst.SimpleStatementLine):
        node = line.body[0]
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            target: cst.CSTNode = node.targets[0].target
        elif isinstance(node, cst.AnnAssign):
            target = node.target
        else:
            continue
        if len(line.body) == 1 and isinstance(node.value, cst.Call) and source.qualified(node.value) == "flask.Flask":
            around = next((each for each in source.ancestors(line) if isinstance(each, cst.FunctionDef)), None)
            found.append(Made(line, source.code(target), node.value, around))
    if len(found) != 1:
        raise Declined(f"{len(found) or 'no'} places here make a Flask app that has a name")
    return found[0]


def home(sources: Sources) -> Site | None:
    """The place in the run's sources that makes the app; None where no file, or more than one, does."""
    found = []
    for file in sources.files():
        text = sources.text(file) or ""
        if "Flask(" in text:
            try:
                source = Source(text)
                app = made(source)
            except Declined:
                continue
            line = text[: source.span(app.line)[0]].count("\n") + 1
            found.append(Site(file, line, app.function.name.value if app.function else "<module>"))
    return found[0] if len(found) == 1 else None
