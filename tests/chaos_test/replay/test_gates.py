"""What is asked of a change before it is replayed, with real interpreters."""

from __future__ import annotations

import difflib
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from chaos_test.replay import copies, gates, interpreter
from chaos_test.table import Table
from chaos_test.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_test.replay.gates import Copy

SHOP = "import json\n\n\ndef app(environ, start_response):\n    return json.dumps([])\n"
PYTHON = Path(sys.executable)


def diff(before: str, after: str, path: str = "shop.py") -> str:
    """A unified diff."""
    lines = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(*lines, f"a/{path}", f"b/{path}"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The app's folder."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "shop.py").write_text(SHOP)
    return tmp_path / "app"


def target(root: Path, *, app: str = "shop:app", python: Path = PYTHON, **table: object) -> Target:
    """The target in a folder."""
    return Target(app=app, url=None, dir=root, python=python, table=Table(**table))  # type: ignore[arg-type]


def asked(root: Path, text: str, of: Target | None = None) -> Copy:
    """What the gates say of a change, made in a copy."""
    tree, to = copies.tree_of(root), root.parent / "copy"
    return gates.check(text, of or target(root), tree, to, copies.copy(tree, to))


def told(copy: Copy) -> dict[str, bool | None]:
    """The gates by name."""
    return {gate.name: gate.ok for gate in copy.gates}


def test_a_good_change_is_made_in_the_copy_alone(root: Path) -> None:
    """Every gate says yes; the original is as it was."""
    copy = asked(root, diff(SHOP, SHOP.replace("import json\n", "import json\nimport time\n")))
    assert told(copy) == {"applies": True, "compiles": True, "imports": True}
    assert copy.usable
    assert "import time" in (copy.app / "shop.py").read_text()
    assert (root / "shop.py").read_text() == SHOP


@pytest.mark.parametrize(
    ("text", "gate", "said"),
    [
        ("this is no diff", "applies", "not a unified diff"),
        (diff("other\n", "none\n"), "applies", "shop.py is not what the patch was made for"),
        (diff("x\n", "y\n", "../up.py"), "applies", "lies outside"),
        (diff(SHOP, SHOP.replace("def app", "def def app")), "compiles", "SyntaxError"),
        (diff(SHOP, SHOP.replace("import json", "import no_such_module.deep, json")), "imports", "no_such_module"),
        (diff(SHOP, SHOP.replace("import json", "from no_such_module import json")), "imports", "no_such_module"),
    ],
)
def test_the_first_no_ends_it(root: Path, text: str, gate: str, said: str) -> None:
    """The last gate that was asked says no, and why; there is nothing to replay."""
    copy = asked(root, text)
    assert (copy.gates[-1].name, copy.gates[-1].ok, copy.usable) == (gate, False, False)
    assert said in copy.gates[-1].summary


def test_a_file_may_be_named_as_other_tools_do(root: Path) -> None:
    """As `diff -r` in the folder itself names it."""
    assert told(asked(root, diff(SHOP, SHOP + "x = 1\n", "./shop.py")))["imports"] is True


def test_a_module_that_the_patch_itself_brings_is_found(root: Path) -> None:
    """A new file beside the app."""
    new = "--- /dev/null\n+++ b/helper.py\n@@ -0,0 +1 @@\n+import time\n"
    copy = asked(root, new + diff(SHOP, SHOP.replace("import json", "import json, helper")))
    assert told(copy)["imports"] is True


def test_an_import_that_was_missing_before_is_not_the_patchs(root: Path) -> None:
    """What the app does not find anyway, in a branch of it, is not held against a change."""
    (root / "shop.py").write_text(text := "try:\n    import no_such_module\nexcept ImportError:\n    pass\n")
    assert told(asked(root, diff(text, text + "x = 1\n")))["imports"] is True


def test_a_declared_requirement_is_installed_beside_the_copy(root: Path) -> None:
    """From a local wheel, so that no network is needed: the change can import it, the app's environment cannot."""
    package = root.parent / "tiny_dependency"
    package.mkdir()
    (package / "tiny_dependency.py").write_text("value = 1\n")
    (package / "pyproject.toml").write_text(
        '[project]\nname = "tiny-dependency"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (package / "backend.py").write_text(WHEEL)
    import subprocess

    command = [sys.executable, "-c", "import backend, sys; print(backend.build_wheel(sys.argv[1]))", str(root.parent)]
    subprocess.run(command, cwd=package, check=True, capture_output=True)
    before = "flask\n"
    (root / "requirements.txt").write_text(before)
    links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(root.parent)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in links.items():
            patch.setenv(name, value)
        text = diff(SHOP, SHOP.replace("import json", "import json, tiny_dependency"))
        copy = asked(root, text + diff(before, before + "tiny-dependency>=1.0\n", "requirements.txt"))
    assert told(copy)["imports"] is True
    assert copy.paths[-1].is_relative_to(root.parent / "copy")
    assert interpreter.missing(target(root), ["tiny_dependency"], root, ()) == ["tiny_dependency"]


WHEEL = """
import os, sys, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "tiny_dependency-1.0-py3-none-any.whl"
    info = "tiny_dependency-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write("tiny_dependency.py")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: tiny-dependency\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (('+  "circuitbreaker>=2.0",', '+name = "x"', "+dev = []", "+# x"), ["circuitbreaker>=2.0"]),
        (
            ("+stamina", "+redis[hiredis] ~= 5.2", "-old==1", " kept==1", "+-r base.txt"),
            ["stamina", "redis[hiredis] ~= 5.2"],
        ),
    ],
)
def test_what_a_diff_declares(lines: tuple[str, ...], found: list[str]) -> None:
    """Requirements that it adds, in the files that are for them, and nothing that only looks so."""
    body = "\n".join(lines)
    assert gates._declared(f"--- a/pyproject.toml\n+++ b/pyproject.toml\n@@ -1 +1 @@\n{body}\n") == found
    assert gates._declared(f"--- a/shop.py\n+++ b/shop.py\n@@ -1 +1 @@\n{body}\n") == []


def say_of(root: Path, command: str, stopped: Callable[[], bool] = lambda: False) -> tuple[bool | None, str]:
    """What the app's tests say of the app as it is."""
    gate = gates.tests(command, target(root, tests=command), asked(root, ""), stopped)
    return gate.ok, gate.summary


def test_the_apps_tests_are_run_on_the_copy(root: Path) -> None:
    """With its own interpreter; what they say last is the summary."""
    (root / "tests").mkdir()
    (root / "tests" / "test_shop.py").write_text("import shop\n\ndef test_it():\n    assert 'copy' in shop.__file__\n")
    ok, said = say_of(root, "")
    assert ok is True, said
    assert said.startswith("1 passed")
    (root / "tests" / "test_shop.py").write_text("def test_it():\n    assert False\n")
    assert say_of(root, "")[0] is False
    assert say_of(root, "python -c 'raise SystemExit(0)'") == (True, "exit code 0")
    assert say_of(root, "python -c 'raise SystemExit(3)'") == (False, "exit code 3")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (".venv/bin/python -m pytest", "No such file or directory"),
        ("./shop.py", "Permission denied"),
        ("sh -c 'no-such-program x'", "not found"),
    ],
)
def test_a_command_that_is_not_there_is_no_test_that_fails(root: Path, command: str, said: str) -> None:
    """Such as one of an environment, which is in no copy; a shell's word for it counts as well."""
    ok, told = say_of(root, command)
    assert ok is None
    assert ": could not be run: " in told
    assert told.endswith(said)


def test_an_app_without_tests_is_not_asked(root: Path) -> None:
    """That is neither a yes nor a no."""
    assert say_of(root, "") == (None, "no folder tests or test is in the app's, or above it in its project")


def test_tests_beside_the_apps_folder_are_run_from_there(root: Path) -> None:
    """As in a `src` layout, in the copy of the project; a command of the table is run in the project's folder."""
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\npython_files = ['check_*.py']\n")
    (root / "src").mkdir()
    (root / "src" / "inner.py").write_text("value = 1\n")
    (root / "tests").mkdir()
    (root / "tests" / "check_inner.py").write_text("import inner\n\ndef test_it():\n    assert inner.value == 1\n")
    copy = gates.Copy(root / "src")
    of_project = replace(target(root / "src"), project=Path(".."))
    gate = gates.tests("", of_project, copy, lambda: False)
    assert gate.ok is True, gate.summary
    assert gate.summary.startswith("1 passed")
    look = "python -c 'import os, inner; raise SystemExit(not os.path.exists(\"tests\"))'"
    assert gates.tests(look, of_project, copy, lambda: False).ok is True
    (root / "pyproject.toml").unlink()
    assert gates.tests("", of_project, copy, lambda: False).ok is None


def test_tests_that_do_not_end_are_ended_with_all_that_they_started(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A no that says so, and no process is left."""
    monkeypatch.setattr(interpreter, "RUN_SECONDS", 1.0)
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(77.25)'])"
    ok, said = say_of(root, f'python -c "{code}; time.sleep(77.25)"')
    assert ok is False
    assert said.endswith("it was not through in 1 s")
    until = time.monotonic() + 5
    while any("time.sleep(77.25)" in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_who_stops_it_all_stops_the_tests(root: Path) -> None:
    """They need not be waited for."""
    started = time.monotonic()
    assert say_of(root, "python -c 'import time; time.sleep(60)'", lambda: time.monotonic() > started + 0.3)[0] is False
    assert time.monotonic() < started + 30


def test_a_src_layout_is_imported_from_the_copy(tmp_path: Path) -> None:
    """What a .pth of the app's environment, or the table's PYTHONPATH, points at in the original is of the copy."""
    import venv

    root = tmp_path / "app"
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "__init__.py").write_text(SHOP)
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    (packages,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    tree, to = copies.tree_of(root), tmp_path / "copy"
    app = copies.copy(tree, to)
    found = target(root, python=python)
    assert interpreter.comes_from_copy(found, app, (), to) == "shop is not found from the copy of the app's folder"

    (packages / "shop.pth").write_text(f"{root / 'src'}\n")
    assert f"imports shop from {root / 'src'}" in interpreter.comes_from_copy(found, app, (), to)
    paths = interpreter.import_paths(found, tree, to)
    assert paths == (to / "src",)
    assert interpreter.comes_from_copy(found, app, paths, to) == ""

    (packages / "shop.pth").write_text("import shop_finder\n")
    (packages / "shop_finder.py").write_text(FINDER.format(str(root / "src" / "shop" / "__init__.py")))
    assert interpreter.import_paths(found, tree, to) == (to / "src",)

    (packages / "shop.pth").unlink()
    by_table = target(root, python=python, env=(("PYTHONPATH", "src"),))
    assert interpreter.comes_from_copy(by_table, app, interpreter.import_paths(by_table, tree, to), to) == ""


FINDER = """
import sys
from importlib.util import spec_from_file_location

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return spec_from_file_location(name, {0!r}) if name == "shop" else None

sys.meta_path.append(Finder)
"""


def test_an_interpreter_that_does_not_answer_finds_nothing(root: Path) -> None:
    """A missing answer is not taken for a good one."""
    assert interpreter.missing(target(root, python=Path("/bin/false")), ["json"], root, ()) == ["json"]
    assert told(asked(root, diff(SHOP, SHOP + "x = 1\n"), target(root, python=Path("/bin/false"))))["compiles"] is False
