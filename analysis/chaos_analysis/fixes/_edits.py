"""Edits that several fixes make: a keyword argument more, an import more, a name that is not taken yet."""

from __future__ import annotations

import re
import sys
from itertools import count, takewhile
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._source import Source, Splice

_Import = cst.Import | cst.ImportFrom
_COMMA = re.compile(r"(?:\s|\\|#[^\r\n]*[\r\n])*,")  # after an argument, across line breaks and comments
MIN_WIDTH = 88  # a line that short is never broken: the width that Black and Ruff default to


def add_keyword(source: Source, call: cst.Call, argument: str) -> list[Splice]:
    """Add `argument` (`"timeout=1"`) as the call's last, laid out as the others are."""
    end_of_call = source.span(call)[1] - 1
    if not call.args:
        return [(end_of_call, end_of_call, argument)]
    last = call.args[-1]
    start, end = source.span(last)
    margin = source.text[source.line_start(start) : start]
    if margin.strip():
        return _inline(source, call, argument)
    comma = ","
    if there := _COMMA.match(source.text, end):
        comma, end = "", there.end()
    if source.line_start(end_of_call) <= end:
        return [(end, end, f"{comma}{source.newline}{margin}{argument}")]
    below = source.line_end(end)  # a comment beside the last argument stays there
    return [(end, end, comma), (below, below, f"{margin}{argument},{source.newline}")]


def _inline(source: Source, call: cst.Call, argument: str) -> list[Splice]:
    """The argument in the last one's line, or, if that gets longer than the file's lines are, each on its own line."""
    start, end = source.span(call)
    last = source.span(call.args[-1])[1]
    line = source.text[source.line_start(start) : source.line_end(end)]
    longest = max(MIN_WIDTH, *map(len, source.text.splitlines()))
    if len(line.splitlines()) > 1 or len(line.rstrip()) + 2 + len(argument) <= longest:
        return [(last, last, f", {argument}")]
    outer = line[: len(line) - len(line.lstrip())]
    inner = source.newline + outer + source.module.default_indent
    arguments = [source.text[slice(*source.span(arg))] for arg in call.args]
    laid_out = "".join(f"{inner}{each}," for each in [*arguments, argument])
    return [(source.span(call.args[0])[0], end - 1, laid_out + source.newline + outer)]


def free_name(source: Source, wanted: str) -> str:
    """`wanted`, or with a number where the module has that name already."""
    taken = source.names()
    return next(name for number in count(1) if (name := wanted if number == 1 else f"{wanted}_{number}") not in taken)


def module_imports(source: Source) -> list[tuple[cst.SimpleStatementLine, _Import]]:
    """The imports at the top level of the module and above its functions and classes, one a statement."""
    head = takewhile(lambda node: not isinstance(node, cst.FunctionDef | cst.ClassDef), source.module.body)
    lines = [node for node in head if isinstance(node, cst.SimpleStatementLine)]
    return [(line, line.body[0]) for line in lines if len(line.body) == 1 and isinstance(line.body[0], _Import)]


def imported_as(source: Source, module: str) -> str | None:
    """The name under which the module has `import module` at its top level, or None."""
    for _, statement in module_imports(source):
        if isinstance(statement, cst.Import):
            for alias in statement.names:
                name = source.code(alias.name)
                if name == module and alias.asname:
                    return source.code(alias.asname.name)
                if name == module or (name.startswith(f"{module}.") and not alias.asname):
                    return module
    return None


def add_import(source: Source, module: str, *names: str) -> Iterator[Splice]:
    """`from module import names`, or `import module` without names, where isort would have it; nothing if it is there.

    Raises `Declined` where the module imports nothing at its top level, or where the name is taken.
    """
    present = {alias for _, node in module_imports(source) for alias in _imported(source, node)}
    missing = [name for name in names if (module, name) not in present]
    if not missing and (names or imported_as(source, module)):
        return
    if taken := source.names() & {*missing, *([] if names else [module])}:
        raise Declined(f"the module has the name {taken.pop()} for something else")
    for _, node in module_imports(source):
        if missing and order(source, node)[1:] == (True, module) and isinstance(node, cst.ImportFrom):
            yield from (_more(source, node, name) for name in missing)
            return
    text = f"from {module} import {', '.join(missing)}" if names else f"import {module}"
    wanted = _section(module), bool(names), module
    blocks = _blocks(source)
    same = [block for block in blocks if order(source, block[0][1])[0] == wanted[0]]
    later = [line for line, node in (same[0] if same else []) if order(source, node) > wanted]
    below = [block[0][0] for block in blocks if order(source, block[0][1])[0] > wanted[0]]
    if later or (below and not same):
        at = source.line_start(source.span((later or below)[0])[0])
        yield at, at, text + source.newline * (1 if later else 2)
    elif same:
        yield source.after(same[0][-1][0], [text])
    else:
        yield source.after(blocks[-1][-1][0], ["", text])


def end_of_imports(source: Source) -> cst.CSTNode:
    """The last of the module's imports, or the `if TYPE_CHECKING:` after it."""
    last: cst.CSTNode = module_imports(source)[-1][0]
    for node in source.module.body:
        typing_only = isinstance(node, cst.If) and source.code(node.test).endswith("TYPE_CHECKING")
        if typing_only and source.span(node) > source.span(last):
            last = node
    return last


def _imported(source: Source, node: _Import) -> Iterator[tuple[str, str]]:
    if isinstance(node, cst.ImportFrom) and node.module is not None and not isinstance(node.names, cst.ImportStar):
        for alias in node.names:
            if alias.asname is None:
                yield "." * len(node.relative) + source.code(node.module), source.code(alias.name)


def _more(source: Source, node: cst.ImportFrom, name: str) -> Splice:
    """One name more in a `from ... import`, in isort's order: constants, classes, the others."""
    aliases = [] if isinstance(node.names, cst.ImportStar) else list(node.names)
    for alias in aliases:
        other = source.code(alias.name)
        if (not other.isupper(), other[0].islower(), other) > (not name.isupper(), name[0].islower(), name):
            at = source.span(alias)[0]
            margin = source.text[source.line_start(at) : at]
            return at, at, f"{name}, " if margin.strip() else f"{name},{source.newline}{margin}"
    at = source.span(aliases[-1])[1] if aliases else source.span(node)[1]
    return at, at, f", {name}"


def order(source: Source, node: _Import) -> tuple[int, bool, str]:
    """isort's order: by section, plain imports first, then by module."""
    if isinstance(node, cst.Import):
        name = source.code(node.names[0].name)
        return _section(name), False, name
    name = "." * len(node.relative) + (source.code(node.module) if node.module else "")
    return _section(name), True, name


def _section(module: str) -> int:
    """isort's sections: 0 `__future__`, 1 standard library, 2 others (the app's own name is not known), 3 relative."""
    root = module.partition(".")[0]
    if not root:
        return 3
    return 0 if root == "__future__" else 1 if root in sys.stdlib_module_names else 2


def _blocks(source: Source) -> list[list[tuple[cst.SimpleStatementLine, _Import]]]:
    """The imports that one more can join, in groups that not even an empty line divides; `Declined` without any."""
    blocks: list[list[tuple[cst.SimpleStatementLine, _Import]]] = []
    previous: cst.CSTNode | None = None
    body = source.module.body
    for line, node in _joinable(source):
        apart = any(empty.comment is None for empty in line.leading_lines)
        if apart or previous is None or body.index(line) != body.index(previous) + 1:
            blocks.append([])
        blocks[-1].append((line, node))
        previous = line
    if not blocks:
        raise Declined("the module imports nothing at its top level, so there is no place for an import")
    return blocks


def _joinable(source: Source) -> list[tuple[cst.SimpleStatementLine, _Import]]:
    """The imports down to the first value with a name, such as a logger: what is below belongs to other code.

    What something is done for first, as by `monkey.patch_all()` or `os.environ["KEY"] = ...`, stays below that.
    """
    imports = module_imports(source)
    body = source.module.body
    places = [body.index(line) for line, _ in imports]
    acts = [place for place, node in enumerate(body) if place < max(places, default=0) and _acts(node)]
    first = next((place for place in places if not acts or place > acts[-1]), 0)
    names = (place for place, node in enumerate(body) if place > first and _names_a_value(source, node))
    end = next(names, len(body))
    return [each for place, each in zip(places, imports, strict=True) if first <= place < end]


def _acts(statement: cst.CSTNode) -> bool:
    """Whether a statement of a module does something to others: calls, or sets an item or an attribute."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    called = any(isinstance(each, cst.Expr) and isinstance(each.value, cst.Call) for each in statement.body)
    targets = [each.target for part in statement.body if isinstance(part, cst.Assign) for each in part.targets]
    return called or any(isinstance(target, cst.Subscript | cst.Attribute) for target in targets)


def _names_a_value(source: Source, statement: cst.CSTNode) -> bool:
    """Whether it is an assignment, other than to a name such as `__version__`, which may stand among imports."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    assigned = [part for part in statement.body if isinstance(part, cst.Assign | cst.AnnAssign)]
    return any(not source.code(part).startswith("__") for part in assigned)
