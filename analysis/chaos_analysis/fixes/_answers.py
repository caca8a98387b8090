"""A handler that answers an error with 503, where the app registers its handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import add_import, free_name, imported_as, module_imports
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._handlers import body, place
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._handlers import Place
    from chaos_analysis.fixes._source import Splice
    from chaos_analysis.sources import Sources


class Answer(NamedTuple):
    """What a handler is for: the first of the errors, of `module`, which the others have among theirs."""

    errors: tuple[str, ...]
    module: str
    name: str
    log: str


SENTENCE = "Unavailable for the moment."
_CANDIDATES = ("errorhandler(", "register_error_handler(", "Flask(")  # the text of files worth a look


def home(sources: Sources, errors: Sequence[str], first: str) -> str:
    """The file for the handler: `first` where that makes an app, else one with handlers, else one that makes the app;
    rather in the package of `first`, for the folder may hold other apps.

    Raises `AlreadyThere` where one of the errors has a handler, `Declined` where no file makes an app.
    """
    if "Flask(" in (sources.text(first) or ""):
        _place(Source(sources.text(first) or ""), errors)
        return first
    package = first.partition("/")[0]
    found: list[tuple[bool, bool, str]] = []
    for file in sources.files():
        text = sources.text(file) or ""
        if any(word in text for word in _CANDIDATES):
            try:
                found.append((file.partition("/")[0] != package, _place(Source(text), errors).first, file))
            except AlreadyThere:
                raise
            except Declined:
                continue
    if not found:
        raise Declined("no file of the run's sources makes a Flask app")
    return min(found)[2]


def with_handler(sources: Sources, texts: dict[str, str], first: str, answer: Answer) -> dict[str, str]:
    """The new texts, with the handler in one of them or in another file, where it can be and is not yet."""
    try:
        file = home(sources, answer.errors, first)
        return {**texts, file: answered(texts.get(file) or sources.text(file) or "", answer)}
    except Declined:
        return texts


def missing(sources: Sources, errors: Sequence[str], first: str) -> str:
    """What people must do themselves where no handler can be put anywhere, in a sentence; else ""."""
    try:
        home(sources, errors, first)
    except AlreadyThere:
        return ""
    except Declined as declined:
        return f" The handler is yours to write: {declined}."
    return ""


def answered(text: str, answer: Answer) -> str:
    """`text` with the handler.

    Raises `AlreadyThere` where any of the errors has a handler, `Declined` where the module makes no app.
    """
    source = Source(text)
    where = _place(source, answer.errors)
    code, splices = _error(source, answer.module, answer.errors[0])
    needed = () if where.decorator == "errorhandler" else (("flask", "current_app"),)
    return source.splice([*imports(source, splices, *needed), *_handler(source, where, code, answer)])


def _place(source: Source, errors: Sequence[str]) -> Place:
    """The last of the places tried, which are one; raises as `place` does, also for an error's other name."""
    others = [alias for error in errors for alias in _aliases(source, error)]
    return [place(source, error) for error in (*errors, *others)][-1]


def _aliases(source: Source, error: str) -> list[str]:
    return [
        source.code(alias.asname.name)
        for _, node in module_imports(source)
        if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar)
        for alias in node.names
        if alias.asname is not None and source.code(alias.name) == error
    ]


def _error(source: Source, module: str, error: str) -> tuple[str, list[Splice]]:
    """The code of the error's class, and the import that it needs: `exc.TimeoutError` of `sqlalchemy.exc`."""
    package, _, part = module.rpartition(".")
    if alias := imported_as(source, package or module):
        return f"{alias}.{part}.{error}" if package else f"{alias}.{error}", []
    if not package:
        return f"{module}.{error}", list(add_import(source, module))
    try:
        return f"{part}.{error}", list(add_import(source, package, part))
    except Declined:
        return f"{module}.{error}", list(add_import(source, module))


def _handler(source: Source, where: Place, error: str, answer: Answer) -> list[Splice]:
    """The handler's function and its registration."""
    annotated = where.function is not None and where.function.returns is not None
    private = where.decorator is None
    name = free_name(source, f"_{answer.name}" if private else answer.name)
    logger = f"{where.app}.logger" if where.decorator == "errorhandler" else "current_app.logger"
    step = source.module.default_indent
    lines = [
        f"def {name}(error: {error}) -> tuple[dict[str, str], int, dict[str, str]]:"
        if annotated
        else f"def {name}(error):",
        f'{step}{logger}.error("{answer.log}", exc_info=error)',
        f"{step}answer = {body(source, SENTENCE)}",
        f'{step}return answer, 503, {{"Retry-After": "1"}}',
    ]
    if private:
        registered = source.after(where.statement, [f"{where.app}.register_error_handler({error}, {name})"])
        return [registered, source.after(source.module.body[-1], ["", "", *lines], indent="")]
    lines.insert(0, f"@{where.app}.{where.decorator}({error})")
    if where.before:
        at, margin = source.line_start(source.span(where.statement)[0]), source.indent(where.statement)
        blank = "" if source.text[:at].endswith(source.newline * 2) else source.newline
        return [(at, at, blank + "".join(f"{margin}{line}{source.newline}" for line in lines) + source.newline)]
    gap = [""] if where.function is not None else ["", ""]
    return [source.after(where.statement, [*gap, *lines])]
