"""What is asked of a change before it is replayed, cheapest first; the first answer that is no ends the asking."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_analysis.effect import Gate
from chaos_test import patches
from chaos_test.replay.copies import moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chaos_test.replay.copies import Tree
    from chaos_test.target import Target

TEST_SECONDS = 120.0
_DEPENDENCIES = ".chaos-test-dependencies"
_REQUIREMENT = re.compile(
    r"""^\+\s*["']?(?P<what>[A-Za-z][\w.-]*(?:\[[\w, .-]+\])?\s*(?:[<>=!~]=?[^"'#]*)?)["']?,?\s*$"""
)
_DECLARES = re.compile(r"(requirements[\w.-]*\.(txt|in)|pyproject\.toml)$")
_FOUND = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
_COMPILED = "import sys; [compile(open(f, 'rb').read(), f, 'exec') for f in sys.argv[1:]]"
_ORIGIN = (
    "import sys, importlib.util as u; s = u.find_spec(sys.argv[1]);"
    "print(s.origin or list(s.submodule_search_locations)[0])"
)


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


def import_paths(target: Target, tree: Tree, to: Path) -> tuple[Path, ...]:
    """What the app's interpreter imports from by itself, such as `src`, as far as it is of the tree, as in the copy."""
    answer = _python(target.python, "import sys; print(*sys.path[1:], sep='\\n')", (), target.dir or tree.app, {})
    places = (moved(path, tree, to) for path in answer.stdout.splitlines() if path)
    folder = to / tree.prefix
    return tuple(dict.fromkeys(Path(place) for place in places if place and Path(place) not in {to, folder}))


def check(diff: str, target: Target, tree: Tree, root: Path, app: Path) -> Copy:
    """Make the change in the copy below `root`, and ask of it what needs no replay; the app's tests are asked apart."""
    paths = import_paths(target, tree, root)
    if not diff:
        return Copy(app, paths)
    gates: list[Gate] = []
    try:
        changes = patches.parse(diff)
        before = {change.path: _text(root / change.path) for change in changes}
        patches.write(patches.apply(changes, root), root)
    except patches.PatchError as error:
        return Copy(app, paths, (Gate("applies", ok=False, summary=str(error)),))
    gates.append(Gate("applies", ok=True, summary=f"{len(changes)} files changed"))
    files = [root / change.path for change in changes if change.path.endswith(".py") and not change.deletes]
    gates.append(_compiles(target, files, app))
    if gates[-1].ok is False:
        return Copy(app, paths, tuple(gates))
    named = {name for file in files for name in _imports(_text(file)) - _imports(before[str(file.relative_to(root))])}
    missing = _missing(target, named, app, paths)
    if missing and (wanted := _declared(diff)):
        paths = (*paths, root / _DEPENDENCIES)
        _install(target, wanted, root / _DEPENDENCIES)
        missing = _missing(target, named, app, paths)
    lacking = f"{', '.join(missing)} cannot be imported, and no requirement that the patch declares brings it"
    gates.append(Gate("imports", not missing, lacking if missing else f"{len(named)} new imports are found"))
    return Copy(app, paths, tuple(gates))


def comes_from_copy(target: Target, copy: Copy, root: Path) -> str:
    """Why what would be started is not the copy; "" where it is."""
    module = (target.app or "").partition(":")[0]
    answer = _python(target.python, _ORIGIN, (module,), copy.app, _environment(copy.app, copy.paths))
    origin = answer.stdout.strip().splitlines()[-1:] or [""]
    if not origin[0]:
        return f"{module} is not found from the copy of the app's folder"
    inside = Path(origin[0]).resolve().is_relative_to(root.resolve())
    return "" if inside else f"the interpreter imports {module} from {origin[0]}, not from the copy"


def tests(command: str, target: Target, copy: Copy) -> Gate:
    """The app's own tests on a copy; `command` is as in its pyproject.toml, "" for pytest if there are tests for it."""
    words = shlex.split(command) if command else ["python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    if not command and not _has_tests(target, copy):
        return Gate("the app's tests", ok=None, summary="it has none that pytest would run")
    if words[0] in {"python", "python3"}:
        words[0] = str(target.python)
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | _environment(copy.app, copy.paths)
    try:
        answer = subprocess.run(  # noqa: S603 - the app's own command
            words, cwd=copy.app, env=env, capture_output=True, timeout=TEST_SECONDS, check=False, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Gate("the app's tests", ok=False, summary=f"{' '.join(words)}: {error}")
    last = answer.stdout.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit code {answer.returncode}"]
    return Gate("the app's tests", answer.returncode == 0, last[0].strip("= "))


def _has_tests(target: Target, copy: Copy) -> bool:
    there = any((copy.app / name).is_dir() for name in ("tests", "test"))
    return there and not _missing(target, {"pytest"}, copy.app, copy.paths)


def _compiles(target: Target, files: Iterable[Path], app: Path) -> Gate:
    answer = _python(target.python, _COMPILED, tuple(map(str, files)), app, {})
    said = answer.stderr.strip().splitlines()[-1:] or ["it compiles"]
    return Gate("compiles", answer.returncode == 0, said[0])


def _missing(target: Target, names: Iterable[str], app: Path, paths: tuple[Path, ...]) -> list[str]:
    tops = tuple(sorted({name.partition(".")[0] for name in names}))
    answer = _python(target.python, _FOUND, tops, app, _environment(app, paths)) if tops else None
    return answer.stdout.split() if answer else []


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


def _install(target: Target, wanted: list[str], to: Path) -> None:
    """Install beside the copy, not into the app's environment; what goes wrong shows as an import that is missing."""
    command = [sys.executable, "-m", "pip", "--python", str(target.python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--target", str(to), *wanted]
    subprocess.run(command, capture_output=True, check=False, timeout=TEST_SECONDS)  # noqa: S603 - words, no shell


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _environment(app: Path, paths: tuple[Path, ...]) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(map(str, (app, *paths)))}


def _python(
    python: Path, code: str, words: tuple[str, ...], cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the app's interpreter, our own few lines
        [str(python), "-c", code, *words],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
