"""Where a Flask app registers its error handlers, and how its error answers look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._fix import AlreadyThere, Declined

if TYPE_CHECKING:
    from chaos_analysis.fixes._source import Source

_NAMES = {"error", "title", "name", "code", "type"}
_TEXTS = {"message", "detail", "description", "msg", "reason"}


@dataclass(frozen=True)
class Place:
    """Where one more handler goes: after `statement` (before it, when `before`), on the app called `app`.

    `decorator` is the registering attribute (`errorhandler`), None for a call of `register_error_handler`; `function`
    is what it stands in, None at the module's top level; `first` says that there is no handler yet.
    """

    statement: cst.CSTNode
    app: str
    decorator: str | None
    function: cst.FunctionDef | None
    before: bool = False
    first: bool = False


def place(source: Source, error: str) -> Place:
    """Beside the last handler, else where the app is made.

    Raises `AlreadyThere` where `error` has a handler, `Declined` where there is no app.
    """
    handled = [code for found in (*_decorated(source), *_called(source)) if (code := found[1]).endswith(error)]
    if handled:
        raise AlreadyThere(f"{handled[0]} has a handler")
    beside = [found for found, _ in (*_decorated(source), *_called(source))]
    if beside:
        return max(beside, key=lambda each: source.span(each.statement))
    for call in source.find(cst.Call):
        if source.qualified(call) == "flask.Flask":
            return _where_made(source, call)
    raise Declined("no file here makes a Flask app")


def function_around(source: Source, node: cst.CSTNode) -> cst.FunctionDef | None:
    """The innermost function that the node stands in."""
    return next((around for around in source.ancestors(node) if isinstance(around, cst.FunctionDef)), None)


def body(source: Source, sentence: str) -> str:
    """The JSON body of a 503, in the shape of the app's other errors: the first dictionary that looks like one."""
    for node in source.find(cst.Dict):
        keys = [_text(element.key) if isinstance(element, cst.DictElement) else "" for element in node.elements]
        if keys and set(keys) <= _NAMES | _TEXTS | {"status"} and set(keys) & {"error", "message", "detail"}:
            return "{" + ", ".join(f'"{key}": {_value(key, keys, sentence)}' for key in keys) + "}"
    return f'{{"error": "{sentence}"}}'


def _value(key: str, keys: list[str], sentence: str) -> str:
    if key == "status":
        return "503"
    return '"Service Unavailable"' if key in _NAMES and set(keys) & _TEXTS else f'"{sentence}"'


def _text(node: cst.CSTNode) -> str:
    return str(node.evaluated_value) if isinstance(node, cst.SimpleString) else ""


def _decorated(source: Source) -> list[tuple[Place, str]]:
    """Handlers registered by a decorator, with the code of the error they are for."""
    found = []
    for node in source.find(cst.FunctionDef):
        for each in node.decorators:
            call = each.decorator
            if isinstance(call, cst.Call) and call.args and isinstance(call.func, cst.Attribute):
                attribute, on = call.func.attr.value, source.code(call.func.value)
                if attribute == "app_errorhandler" or (attribute == "errorhandler" and _is_app(source, node, on)):
                    found.append(
                        (Place(node, on, attribute, function_around(source, node)), source.code(call.args[0].value))
                    )
    return found


def _called(source: Source) -> list[tuple[Place, str]]:
    """Handlers registered by `app.register_error_handler(error, function)`, with the code of the error."""
    found = []
    for node in source.find(cst.SimpleStatementLine):
        expression = node.body[0]
        call = expression.value if isinstance(expression, cst.Expr) else None
        if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) and len(call.args) == 2:
            on, function = source.code(call.func.value), function_around(source, node)
            if call.func.attr.value == "register_error_handler" and _is_app(source, node, on):
                style = None if function else "errorhandler"
                found.append((Place(node, on, style, function), source.code(call.args[0].value)))
    return found


def _is_app(source: Source, node: cst.CSTNode, name: str) -> bool:
    """Whether a name is the app, and not a blueprint: made by `Flask(...)`, or a parameter called or annotated so."""
    function = function_around(source, node)
    for parameter in function.params.params if function else ():
        if parameter.name.value == name:
            annotation = source.code(parameter.annotation.annotation) if parameter.annotation else ""
            return name in ("app", "application", "flask_app") or annotation.strip("'\"").endswith("Flask")
    return any(name == made for made, _ in _apps(source))


def _apps(source: Source) -> list[tuple[str, cst.SimpleStatementLine]]:
    found = []
    for line in source.find(cst.SimpleStatementLine):
        node = line.body[0]
        target = (
            node.targets[0].target
            if isinstance(node, cst.Assign)
            else node.target
            if isinstance(node, cst.AnnAssign)
            else None
        )
        value = node.value if isinstance(node, cst.Assign | cst.AnnAssign) else None
        if target is not None and isinstance(value, cst.Call) and source.qualified(value) == "flask.Flask":
            found.append((source.code(target), line))
    return found


def _where_made(source: Source, call: cst.Call) -> Place:
    """After the app is made, or, in a factory, before it is returned."""
    for name, line in _apps(source):
        if line in source.ancestors(call):
            function = function_around(source, line)
            for node in reversed(source.find(cst.SimpleStatementLine)) if function else ():
                last = node.body[-1]
                returned = isinstance(last, cst.Return) and last.value is not None and source.code(last.value) == name
                if returned and function_around(source, node) is function:
                    return Place(node, name, "errorhandler", function, before=True, first=True)
            return Place(line, name, "errorhandler", function, first=True)
    raise Declined("the Flask app is made without a name to register a handler on")
