"""The app's own interpreter: where it finds the app, what it can import, and commands that it runs on a copy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_test.processes import Children
from chaos_test.replay.copies import moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chaos_test.replay.copies import Tree
    from chaos_test.target import Target

RUN_SECONDS = 120.0
NO_COMMAND = (127, 126)  # what a shell says of a command that is not there, or cannot be executed
_ASK_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_FOUND = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
_ORIGIN = (
    "import sys, importlib.util as u; s = u.find_spec(sys.argv[1]);"
    "print(s.origin or list(s.submodule_search_locations)[0])"
)
_PATHS = """
import os, sys, importlib.util as u
print(*sys.path[1:], sep="\\n")
found = u.find_spec(sys.argv[1].partition(".")[0])
for place in found.submodule_search_locations or [found.origin] if found else ():
    print(os.path.dirname(place))
"""  # the last line: an editable install may find the app by other means than sys.path


def import_paths(target: Target, tree: Tree, to: Path) -> tuple[Path, ...]:
    """What the app's interpreter imports from by itself, such as `src`, as far as it is of the tree, as in the copy."""
    folder = target.dir or tree.app
    answer = python(target.python, _PATHS, (_module(target),), folder, environment(target, folder, ()))
    places = (moved(path, tree, to) for path in answer.stdout.splitlines() if path)
    app = to / tree.prefix
    found = dict.fromkeys(Path(place) for place in places if place and Path(place).is_dir())
    return tuple(place for place in found if place != app)


def comes_from_copy(target: Target, app: Path, paths: Sequence[Path], root: Path) -> str:
    """Why what would be started is not the copy; "" where it is."""
    module = _module(target)
    answer = python(target.python, _ORIGIN, (module,), app, environment(target, app, paths))
    origin = answer.stdout.strip().splitlines()[-1:] or [""]
    if not origin[0]:
        return f"{module} is not found from the copy of the app's folder"
    inside = Path(origin[0]).resolve().is_relative_to(root.resolve())
    return "" if inside else f"the interpreter imports {module} from {origin[0]}, not from the copy"


def missing(target: Target, names: Iterable[str], app: Path, paths: Sequence[Path]) -> list[str]:
    """Which of the modules it does not find, with an app's folder and import paths."""
    tops = tuple(sorted({name.partition(".")[0] for name in names}))
    answer = python(target.python, _FOUND, tops, app, environment(target, app, paths)) if tops else None
    if answer is None:
        return []
    return list(tops) if answer.returncode else answer.stdout.split()


def install(target: Target, wanted: list[str], to: Path) -> None:
    """Install beside the copy, not into the app's environment; what goes wrong shows as an import that is missing."""
    command = [sys.executable, "-m", "pip", "--python", str(target.python), "install", "--quiet"]
    run([*command, "--disable-pip-version-check", "--target", str(to), *wanted], to.parent, {})


def environment(target: Target, app: Path, paths: Sequence[Path]) -> dict[str, str]:
    """What the app imports from, in the order in which it does when it is served."""
    own = dict(target.table.env).get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(app), *map(str, paths), own)))}


def run(
    words: list[str], cwd: Path, env: Mapping[str, str], stopped: Callable[[], bool] = lambda: False
) -> tuple[int | None, str]:
    """A command that may take its time, with all that it starts: its exit code and the last line that it said.

    The code is a shell's `NO_COMMAND` where it could not be started, None where it was not through in time or was
    `stopped`. Nothing of it outlives the command.
    """
    with Children() as children:
        log = children.scratch / "said"
        try:
            child = children.start(words[0], words, cwd=cwd, env=os.environ | env, log=log)
        except OSError as error:
            return NO_COMMAND[0], f"{error.strerror}"
        until = time.monotonic() + RUN_SECONDS
        while child.returncode is None:
            if stopped() or time.monotonic() > until:
                children.stop(child, quick=True)
                return None, "stopped by you" if stopped() else f"it was not through in {RUN_SECONDS:g} s"
            time.sleep(_LOOK_SECONDS)
        return child.returncode, child.last_lines(1).strip()


def python(
    interpreter: Path, code: str, words: tuple[str, ...], cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What a few lines of our own say; an answer with exit code 1 where they do not come to an end."""
    command = [str(interpreter), "-c", code, *words]
    try:
        return subprocess.run(  # noqa: S603 - the app's interpreter, our own few lines
            command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False, timeout=_ASK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _module(target: Target) -> str:
    return (target.app or "").partition(":")[0]
