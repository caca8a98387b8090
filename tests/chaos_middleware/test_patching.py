"""Functions replaced and put back."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zipfile

import pytest

from chaos_middleware.patching import Patches, Replace, Spare, parameters, unless


@pytest.fixture
def make_module(tmp_path, monkeypatch):
    """Writes a module with `Thing().name() == "real"`, which the test may import by name."""
    names = []

    def make(name):
        (tmp_path / f"{name}.py").write_text("class Thing:\n    def name(self):\n        return 'real'\n")
        names.append(name)
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    yield make
    for name in names:
        sys.modules.pop(name, None)


def _patches(name):
    return Patches("test", {name: (Replace("Thing.name", lambda original: lambda self: f"not {original(self)}"),)})


def test_a_loaded_module_is_patched_at_once_and_restored_to_the_very_object(make_module):
    """Uninstall puts back the same function object."""
    module = importlib.import_module(make_module("already_there"))
    original = module.Thing.__dict__["name"]
    patches = _patches("already_there")
    patches.install()
    assert module.Thing().name() == "not real"
    patches.uninstall()
    assert module.Thing.__dict__["name"] is original


def test_a_module_is_patched_when_the_app_imports_it(make_module):
    """Installing imports nothing; the patch is there once the module has been executed, and its loader is its own."""
    patches = _patches(make_module("imported_later"))
    patches.install()
    assert "imported_later" not in sys.modules
    module = importlib.import_module("imported_later")
    assert module.Thing().name() == "not real"
    assert "exec_module" not in vars(module.__spec__.loader)
    patches.uninstall()
    assert module.Thing().name() == "real"
    assert patches not in sys.meta_path


def test_a_module_in_a_zip_is_patched_and_its_neighbours_import(tmp_path, monkeypatch):
    """All modules of a zip file have one loader; asking where a module is, as many do, does not import it."""
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("zipped.py", "class Thing:\n    def name(self):\n        return 'real'\n")
        archive.writestr("zipped_neighbour.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "app.zip"))
    patches = _patches("zipped")
    patches.install()
    try:
        assert importlib.util.find_spec("zipped") is not None
        assert importlib.util.find_spec("zipped") is not None
        importlib.import_module("zipped_neighbour")
        module = importlib.import_module("zipped")
        assert module.Thing().name() == "not real"
        assert module.__loader__ is module.__spec__.loader is sys.modules["zipped_neighbour"].__loader__
    finally:
        patches.uninstall()
        sys.modules.pop("zipped", None)
        sys.modules.pop("zipped_neighbour", None)


def test_a_module_that_is_imported_after_the_uninstall_is_left_alone(make_module):
    """Nothing waits any more."""
    patches = _patches(make_module("imported_after"))
    patches.install()
    patches.uninstall()
    assert importlib.import_module("imported_after").Thing().name() == "real"


def test_installs_are_counted(make_module):
    """The patch stays, once, until the last of several installs is undone; one uninstall too many does no harm."""
    module = importlib.import_module(make_module("counted"))
    patches = _patches("counted")
    patches.install()
    patches.install()
    patches.uninstall()
    assert module.Thing().name() == "not real"
    patches.uninstall()
    patches.uninstall()
    assert module.Thing().name() == "real"
    patches.install()
    assert module.Thing().name() == "not real"
    patches.uninstall()


def test_somebody_elses_patch_on_top_survives(make_module):
    """Undone out of order, ours leaves the other's in place, and installing again does not patch twice."""
    module = importlib.import_module(make_module("stacked"))
    patches = _patches("stacked")
    patches.install()
    ours = module.Thing.name
    module.Thing.name = lambda self: f"their {ours(self)}"
    patches.uninstall()
    patches.install()
    assert module.Thing().name() == "their not real"
    patches.uninstall()


def _spared(base, derived):
    """Patches of `Thing.name` in one module, which a class of another inherits and is spared."""
    replace = Replace("Thing.name", lambda original: lambda self: f"not {original(self)}")
    return Patches("test", {base: (replace,), derived: (Spare("Special.name", replace),)})


def _derived(tmp_path, base, body="pass"):
    (tmp_path / "derived.py").write_text(f"import {base}\nclass Special({base}.Thing):\n    {body}\n")
    return "derived"


@pytest.mark.parametrize("imported_before", [True, False])
def test_a_class_that_is_spared_has_the_original_and_then_inherits_again(make_module, tmp_path, imported_before):
    """Its base is patched all the while; nothing is left on it afterwards."""
    base, derived = make_module("spares"), _derived(tmp_path, "spares")
    if imported_before:
        importlib.import_module(derived)
    patches = _spared(base, derived)
    patches.install()
    special = importlib.import_module(derived).Special
    original = vars(special)["name"]
    assert (special().name(), sys.modules[base].Thing().name()) == ("real", "not real")
    patches.uninstall()
    assert "name" not in vars(special)
    assert sys.modules[base].Thing.name is original
    del sys.modules[derived]


def test_a_class_with_a_function_of_its_own_is_left_alone(make_module, tmp_path):
    """What it calls of its base is the base's hook."""
    base, derived = make_module("owns"), _derived(tmp_path, "owns", "def name(self): return f'own, {super().name()}'")
    patches = _spared(base, derived)
    patches.install()
    special = importlib.import_module(derived).Special
    assert special().name() == "own, not real"
    patches.uninstall()
    assert special().name() == "own, real"
    del sys.modules[derived]


def test_somebody_elses_patch_of_the_base_reaches_the_class_too(make_module, tmp_path):
    """On top of ours, and there before the class: then it is not spared."""
    base, derived = make_module("wrapped"), _derived(tmp_path, "wrapped")
    patches = _spared(base, derived)
    patches.install()
    module = importlib.import_module(base)
    ours = module.Thing.name
    module.Thing.name = lambda self: f"their {ours(self)}"
    special = importlib.import_module(derived).Special
    assert special().name() == "their not real"
    patches.uninstall()
    del sys.modules[derived]


def test_what_somebody_puts_on_a_spared_class_stays(make_module, tmp_path):
    """Undoing takes away only what is ours."""
    base, derived = make_module("kept"), _derived(tmp_path, "kept")
    patches = _spared(base, derived)
    patches.install()
    special = importlib.import_module(derived).Special
    special.name = lambda self: "theirs"
    patches.uninstall()
    assert special().name() == "theirs"
    del sys.modules[derived]


def test_a_function_that_is_gone_is_told_and_breaks_nothing(make_module):
    """The import of a library that has lost the function works, with a warning."""
    patches = Patches("test", {make_module("changed"): (Replace("Other.name", lambda original: original),)})
    patches.install()
    with pytest.warns(RuntimeWarning, match="changed has no Other.name any more"):
        assert importlib.import_module("changed").Thing().name() == "real"
    patches.uninstall()


def _starred(one, two=2, *, three=3):
    return one, two, three


def _plain(one, two=2, three=3):
    return one, two, three


@pytest.mark.parametrize(
    ("original", "given"), [(_starred, ((1,), {"three": 4})), (_plain, ((1, 2, 4), {}))], ids=["starred", "plain"]
)
def test_a_hook_takes_what_the_original_takes(original, given):
    """By position, by name, with its defaults: the original runs, unless there is something; then all is handed on."""
    found, seen = [None], []
    hooked = unless(lambda: found[0], original, lambda *handed: seen.append(handed))
    assert hooked.__wrapped__ is original
    assert hooked(1, three=4) == hooked(one=1, three=4) == (1, 2, 4)
    with pytest.raises(TypeError):
        hooked(1, four=4)
    assert seen == []
    found[0] = "request"
    hooked(1, three=4)
    assert seen == [("request", *given)]


def test_parameters_are_told_where_all_can_be_given_by_position():
    """Of a function with keyword-only ones, and of one in C, there are none."""
    assert (parameters(_starred), parameters(_plain), parameters(print)) == ((), ("one", "two", "three"), ())
