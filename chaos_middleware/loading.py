"""`MODULE:APP` or `MODULE:FACTORY()`: import it, or say in one sentence why that does not work."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from chaos_middleware.answers import WsgiApp
from chaos_middleware.errors import ServeError

_TARGET = re.compile(r"(?P<module>[\w.]+):(?P<name>[\w.]+)(?P<call>\(\))?\Z")


def check_target(target: str) -> re.Match[str]:
    """The parts of a target; raises `ServeError` for what cannot be one."""
    parts = _TARGET.match(target)
    if parts is None:
        raise ServeError(f"{target!r} is not MODULE:APP or MODULE:FACTORY(), e.g. shop:app or shop:create_app()")
    return parts


def load_app(target: str, app_dir: str) -> WsgiApp:
    """The WSGI application that `target` names, with `app_dir` on the import path; raises `ServeError`."""
    parts = check_target(target)
    if app_dir not in sys.path:
        sys.path.insert(0, app_dir)
    module = _import(parts["module"], app_dir)
    app = _attribute(module, parts["name"])
    if parts["call"]:
        app = _made(app, target, app_dir)
    return _checked(app, target)


def _import(name: str, app_dir: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            src = Path(app_dir, "src")
            hint = f"; {src} has it: make that the app's folder" if _has_module(src, error.name) else ""
            raise ServeError(f"there is no module {error.name!r} in {app_dir} or elsewhere on the path{hint}") from None
        raise ServeError(f"{name} fails at import: {_told(error, app_dir)}") from error
    except (Exception, SystemExit) as error:
        raise ServeError(f"{name} fails at import: {_told(error, app_dir)}") from error


def _has_module(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.py").is_file()


def _attribute(module: ModuleType, name: str) -> Any:
    try:
        return attrgetter(name)(module)
    except AttributeError:
        raise ServeError(f"module {module.__name__!r} ({module.__file__}) has no {name!r}") from None


def _made(factory: Any, target: str, app_dir: str) -> Any:
    if not callable(factory):
        raise ServeError(f"{target}: {type(factory).__name__} is not a function that makes an application")
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise ServeError(f"{target} fails: {_told(error, app_dir)}") from error


def _checked(app: Any, target: str) -> WsgiApp:
    if not callable(app):
        raise ServeError(f"{target} is not a WSGI application but a {type(app).__name__}")
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004 - the method is meant
        raise ServeError(f"{target} is an ASGI application; only WSGI applications can be served")
    if not _takes_a_request(app):
        raise ServeError(f"{target} cannot be called with environ and start_response; a factory is written {target}()")
    wsgi: WsgiApp = app
    return wsgi


def _takes_a_request(app: Any) -> bool:
    """Whether a function takes two arguments; a factory whose brackets were forgotten would fail at each request."""
    if not inspect.isroutine(app):
        return True
    try:
        inspect.signature(app).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a function in C that does not tell
        return True
    return True


def _told(error: BaseException, app_dir: str) -> str:
    """The traceback's last line; of a module that is not there also who looked for it, as another one may have it."""
    line = _last_line(error, app_dir)
    if not isinstance(error, ModuleNotFoundError):
        return line
    return f"{line}; this is {sys.executable}: --python names the app's own interpreter"


def _last_line(error: BaseException, app_dir: str) -> str:
    """The traceback's last line, with the place in the app's own source where there is one."""
    line = traceback.format_exception_only(type(error), error)[-1].strip()
    if isinstance(error, SyntaxError):
        return f"{line} ({error.filename}:{error.lineno})"
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith("<") and f.filename != __file__
    ]
    own = [f for f in frames if f.filename.startswith(app_dir + os.sep) and "site-packages" not in f.filename]
    for frame in reversed(own or frames):
        return f"{line} ({frame.filename}:{frame.lineno})"
    return line
