"""What is asked of a change before it is replayed, cheapest first; the first answer that is no ends the asking."""

from __future__ import annotations

import ast
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_analysis.effect import IMPORTS, Gate
from chaos_analysis.wording import plural
from chaos_test import patches
from chaos_test.replay.interpreter import NO_COMMAND, environment, import_paths, install, missing, python, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chaos_test.replay.copies import Tree
    from chaos_test.target import Target

TESTS = "the app's tests"
_DEPENDENCIES = ".chaos-test-dependencies"
_REQUIREMENT = re.compile(
    r"""^\+\s*["']?(?P<what>[A-Za-z][\w.-]*(?:\[[\w, .-]+\])?\s*(?:[<>=!~]=?\s*\d[\w.*,<>=!~ ]*)?)["']?,?\s*$"""
)
_DECLARES = re.compile(r"(requirements[\w.-]*\.(txt|in)|pyproject\.toml)$")
_COMPILED = "import sys; [compile(open(f, 'rb').read(), f, 'exec') for f in sys.argv[1:]]"


@dataclass(frozen=True)
class Copy:
    """A copy of the app with a change in it: its folder, what it imports from, and the gates that were asked."""

    app: Path
    paths: tuple[Path, ...] = ()
    gates: tuple[Gate, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is anything to replay."""
        return all(gate.ok is not False for gate in self.gates)


def check(diff: str, target: Target, tree: Tree, root: Path, app: Path) -> Copy:
    """Make the change in the copy below `root`, and ask of it what needs no replay; the app's tests are asked apart."""
    paths = import_paths(target, tree, root)
    if not diff:
        return Copy(app, paths)
    gates: list[Gate] = []
    try:
        changes = patches.parse(diff)
        before = {root / change.path: _text(root / change.path) for change in changes}
        patches.write(patches.apply(changes, root), root)
    except patches.PatchError as error:
        return Copy(app, paths, (Gate("applies", ok=False, summary=str(error)),))
    gates.append(Gate("applies", ok=True, summary=f"{plural(len(changes), 'file')} changed"))
    files = [root / change.path for change in changes if change.path.endswith(".py") and not change.deletes]
    gates.append(_compiles(target, files, app))
    if gates[-1].ok is False:
        return Copy(app, paths, tuple(gates))
    named = {name for file in files for name in _imports(_text(file)) - _imports(before[file])}
    absent = missing(target, named, app, paths)
    if absent and (wanted := _declared(diff)):
        paths = (*paths, root / _DEPENDENCIES)
        install(target, wanted, root / _DEPENDENCIES)
        absent = missing(target, named, app, paths)
    lacking = f"{', '.join(absent)} cannot be imported, and no requirement that the patch declares brings it"
    gates.append(Gate(IMPORTS, not absent, lacking if absent else f"new imports that are found: {len(named)}"))
    return Copy(app, paths, tuple(gates))


def tests(command: str, target: Target, copy: Copy, stopped: Callable[[], bool]) -> Gate:
    """The app's own tests on a copy; `command` is as in its pyproject.toml, "" for pytest if there are tests for it.

    It is run in the project's folder, pytest in the one with the tests. They end when the user has `stopped` it all.
    """
    words = (
        shlex.split(command)
        if command
        else ["python", "-m", "pytest", "--verbosity=-1", "-x", "-p", "no:cacheprovider"]
    )
    project = _project(target, copy)
    where = project if command else _tested(copy.app, project)
    if where is None:
        return Gate(TESTS, ok=None, summary="no folder tests or test is in the app's, or above it in its project")
    if not command and missing(target, {"pytest"}, copy.app, copy.paths):
        return Gate(TESTS, ok=None, summary=f"{target.python} has no pytest to run them with")
    if words[0] in {"python", "python3"}:
        words[0] = str(target.python)
    env = {"PYTHONDONTWRITEBYTECODE": "1"} | environment(target, copy.app, copy.paths)
    code, said = run(words, where, env, stopped)
    if code in NO_COMMAND:
        return Gate(TESTS, ok=None, summary=f"{' '.join(words)}: could not be run: {said}")
    if code is None:
        return Gate(TESTS, ok=False, summary=f"{' '.join(words)}: {said}")
    return Gate(TESTS, code == 0, (said or f"exit code {code}").strip("= "))


def _project(target: Target, copy: Copy) -> Path:
    """The project's folder as the copy has it: of an app outside any repository only the app's own is copied."""
    found = Path(os.path.normpath(copy.app / target.project))
    return found if (found / "pyproject.toml").is_file() else copy.app


def _tested(app: Path, project: Path) -> Path | None:
    """The folder with the tests: the app's, or the nearest above it, up to the project's."""
    within = (path for path in (app, *app.parents) if path.is_relative_to(project))
    return next((path for path in within if any((path / name).is_dir() for name in ("tests", "test"))), None)


def _compiles(target: Target, files: Iterable[Path], app: Path) -> Gate:
    answer = python(target.python, _COMPILED, tuple(map(str, files)), app, {})
    said = answer.stderr.strip().splitlines()[-1:] or ["it compiles"]
    return Gate("compiles", answer.returncode == 0, said[0])


def _imports(text: str) -> set[str]:
    """The modules that a file imports, without relative ones: those are of the app."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level and node.module
    }


def _declared(diff: str) -> list[str]:
    """The requirements that a diff adds to the app's own declarations."""
    found, declares = [], False
    for line in diff.splitlines():
        if line.startswith("+++ "):
            declares = bool(_DECLARES.search(line.partition("\t")[0].strip()))
        elif declares and (match := _REQUIREMENT.match(line)):
            found.append(match["what"].strip())
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
