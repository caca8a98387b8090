"""The header `Idempotency-Key` at a call, and the key made once for the operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst
from libcst import matchers

from chaos_analysis.fixes._calls import has_star, keyword
from chaos_analysis.fixes._edits import add_import, add_keyword, free_name, imported_as
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._operations import Loop, assigned, names, statement, varies

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source, Splice

HEADER = "Idempotency-Key"
NAMED = re.compile(r"['\"](x-)?idempotency-key['\"]", re.IGNORECASE)
_UNIQUE = re.compile(r"\b(uuid[1-8]?|token_hex|token_urlsafe|urandom|ulid)\b", re.IGNORECASE)


class Keyed(NamedTuple):
    """The splices that give a call its key, and the lines that make it, which belong before the operation."""

    splices: list[Splice]
    made: list[str]


def carries_key(source: Source, call: cst.Call, loop: Loop | None) -> bool:
    """Whether the call's headers have a key that is the same each time the loop makes the call."""
    headers = keyword(call, "headers")
    if headers is None:
        return False
    code = source.code(headers.value)
    made = _made_in(source, headers.value, loop)
    if loop is not None and made is not None:
        code = source.code(made)
        return bool(NAMED.search(code)) and not _UNIQUE.search(code) and not varies(source, loop, made)
    above = names(source, headers.value)
    lines = [line for line in source.find(cst.SimpleStatementLine) if assigned(source, line) & above]
    if loop is not None and _UNIQUE.search(code):
        return False
    return bool(NAMED.search(code) or any(NAMED.search(source.code(line)) for line in lines))


def give_key(source: Source, call: cst.Call, loop: Loop | None) -> Keyed:
    """A key for the call: in place where it is made once, else made before the loop that makes it again.

    A statement in the loop that makes the headers anew moves before it. Raises `Declined`.
    """
    if carries_key(source, call, loop):
        raise AlreadyThere("the call carries an idempotency key")
    if star := has_star(call):
        raise Declined(f"the call unpacks arguments with {star}, and headers may be among them")
    headers = keyword(call, "headers")
    made = _made_in(source, headers.value, loop) if headers is not None else None
    if loop is not None and made is not None and NAMED.search(source.code(made)):
        if varies(source, loop, made):
            raise Declined("the key is made of what changes in each round: make it once, outside the loop")
        start = source.line_start(source.span(made)[0])
        return Keyed([(start, source.line_end(source.span(made)[1]), "")], [source.code(made)])
    value, imports = _unique(source)
    if loop is None:
        return Keyed([*imports, *_header(source, call, value)], [])
    name = free_name(source, "idempotency_key")
    return Keyed([*imports, *_header(source, call, name)], [f"{name} = {value}"])


def _unique(source: Source) -> tuple[str, list[Splice]]:
    """The code of a new key, and the import that it needs."""
    if uuid := imported_as(source, "uuid"):
        return f"{uuid}.uuid4().hex", []
    return "uuid4().hex", [*add_import(source, "uuid", "uuid4")]


def _header(source: Source, call: cst.Call, value: str) -> list[Splice]:
    """The header in the call's dictionary of headers, or in one around what it gives."""
    headers = keyword(call, "headers")
    if headers is None:
        return add_keyword(source, call, f'headers={{"{HEADER}": {value}}}')
    start, end = source.span(headers.value)
    if not isinstance(headers.value, cst.Dict):
        return [(start, end, f'{{**{source.code(headers.value)}, "{HEADER}": {value}}}')]
    for element in headers.value.elements:
        if isinstance(element, cst.DictElement) and NAMED.fullmatch(source.code(element.key)):
            return [(*source.span(element.value), value)]
    if not headers.value.elements:
        return [(start, end, f'{{"{HEADER}": {value}}}')]
    last = source.span(headers.value.elements[-1].value)[1]
    return [(last, last, f', "{HEADER}": {value}')]


def _made_in(source: Source, headers: cst.BaseExpression, loop: Loop | None) -> cst.SimpleStatementLine | None:
    """The statement of the loop that makes headers which the call names."""
    if loop is None or not isinstance(headers, cst.Name):
        return None
    here = [node for node in matchers.findall(loop, matchers.Assign()) if isinstance(node, cst.Assign)]
    lines = [statement(source, node) for node in here]
    return next((line for line in lines if headers.value in assigned(source, line)), None)
