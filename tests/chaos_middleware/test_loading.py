"""`MODULE:APP`, and the sentence for what cannot be loaded."""

from __future__ import annotations

import itertools
import sys

import pytest

from chaos_middleware.errors import ServeError
from chaos_middleware.loading import load_app

NAMES = itertools.count()

SOURCE = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
def make():
    return app
def make_nothing():
    pass
def fail():
    raise RuntimeError("no database")
def leave():
    raise SystemExit(3)
async def asgi(scope, receive, send):
    pass
class Asgi:
    async def __call__(self, scope, receive, send):
        pass
asgi_object = Asgi()
number = 5
class config:
    app = app
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes an importable module and returns its name."""
    monkeypatch.setattr(sys, "path", sys.path[:])

    def write(source: str = SOURCE) -> str:
        name = f"loading_test_{next(NAMES)}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


@pytest.mark.parametrize("name", ["app", "make()", "config.app"])
def test_an_app_or_a_factory_or_one_inside_something(module, tmp_path, name):
    """All three are the same application."""
    target = f"{module()}:{name}"
    assert load_app(target, str(tmp_path))({}, lambda *_: None) == [b"ok"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing", "has no 'missing'"),
        ("number", "is not a WSGI application but a int"),
        ("number()", "int is not a function that makes an application"),
        ("make_nothing()", "is not a WSGI application but a NoneType"),
        ("fail()", "fails: RuntimeError: no database"),
        ("leave()", "fails: SystemExit: 3"),
        ("make", "cannot be called with environ and start_response; a factory is written"),
        ("app()", "missing 2 required positional arguments: 'environ' and 'start_response'"),
        ("asgi", "is an ASGI application"),
        ("asgi_object", "is an ASGI application"),
    ],
)
def test_what_is_no_application(module, tmp_path, name, says):
    """One sentence each."""
    with pytest.raises(ServeError) as error:
        load_app(f"{module()}:{name}", str(tmp_path))
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert "chaos_middleware" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os\nos.environ['NO SUCH VARIABLE']", "KeyError: 'NO SUCH VARIABLE' ({file}:2)"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library' ({file}:1)"),
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax ({file}:2)"),
        ("import json\njson.loads('{{')", "({file}:2)"),
        ("raise SystemExit('stopped by the app')", "SystemExit: stopped by the app ({file}:1)"),
    ],
)
def test_a_module_that_crashes_at_import(module, tmp_path, source, says):
    """The traceback's last line, and the app's own file and line."""
    name = module(source)
    with pytest.raises(ServeError) as error:
        load_app(f"{name}:app", str(tmp_path))
    assert str(error.value).startswith(f"{name} fails at import: ")
    assert says.format(file=tmp_path / f"{name}.py") in str(error.value)


def test_a_module_that_is_not_there(tmp_path):
    """Named, with the folder in which it was looked for."""
    for target in ("no_such_module:app", "no_such_package.web:app"):
        with pytest.raises(ServeError, match=f"there is no module 'no_such_.*' in {tmp_path} or elsewhere"):
            load_app(target, str(tmp_path))


@pytest.mark.parametrize("source", ["import no_such_library\n", "def app():\n    import no_such_library\n"])
def test_a_library_that_this_interpreter_has_not(module, tmp_path, source):
    """The sentence names the interpreter, and how another one is given; also where a factory imports it."""
    with pytest.raises(ServeError) as error:
        load_app(f"{module(source)}:app{'()' if 'def' in source else ''}", str(tmp_path))
    assert "No module named 'no_such_library' (" in str(error.value)
    assert str(error.value).endswith(f"; this is {sys.executable}: --python names the app's own interpreter")


def test_a_module_below_src(tmp_path):
    """The sentence tells the folder that has it."""
    (tmp_path / "src" / "no_such_shop").mkdir(parents=True)
    with pytest.raises(ServeError, match=rf"{tmp_path}/src has it: make that the app's folder"):
        load_app("no_such_shop:app", str(tmp_path))


@pytest.mark.parametrize("target", ["shop", "shop:", ":app", "shop:make(1)", "shop:app; x", "a/b.py:app"])
def test_what_is_no_target(tmp_path, target):
    """Nothing is imported for it."""
    with pytest.raises(ServeError, match=r"is not MODULE:APP or MODULE:FACTORY\(\)"):
        load_app(target, str(tmp_path))
