"""A copy of an app's sources to try a change on: the working tree as it is, which is left alone.

Of a git repository it has what git tracks or would track, without environments and runs, and of the app's own folder
what git ignores as well (settings, built files) if it is small. There is no worktree and no branch: a crash leaves at
most a temporary folder. Links lead to the copy of what they led to, or to the thing itself where that is not copied.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SKIPPED = frozenset({".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__"})
_RUN = re.compile(r"\d{8}T\d{6}Z-\w+")  # a run's folder, or a map's
_CACHE = re.compile(r"\..*_cache")  # .mypy_cache, .pytest_cache, …
_MOST_BYTES = 5_000_000  # of a file that git ignores


@dataclass(frozen=True)
class Tree:
    """Where the sources are: `root` is the repository's top, or the app's folder where there is none; `app` in it."""

    root: Path
    app: Path

    @property
    def prefix(self) -> Path:
        """The app's folder as seen from the root."""
        return self.app.relative_to(self.root)


def tree_of(app_dir: Path) -> Tree:
    """The tree that an app's folder belongs to."""
    app = app_dir.resolve()
    top = _git(app, "rev-parse", "--show-toplevel").strip()
    return Tree(Path(top).resolve() if top else app, app)


def copy(tree: Tree, to: Path) -> Path:
    """Copy the tree and return the app's folder in the copy."""
    files = sorted(set(_files(tree)))
    links = [file for file in files if (tree.root / file).is_symlink()]
    for file in sorted(set(files) - set(links)):
        source, target = tree.root / file, to / file
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile; or the app cannot read it either
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    for file in links:
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        (to / file).symlink_to(_end(tree.root / file, tree, to))
    app = to / tree.prefix
    app.mkdir(parents=True, exist_ok=True)
    return app


def moved(path: str, tree: Tree, to: Path) -> str | None:
    """A folder of the tree, such as one on `sys.path`, as the copy has it; None for what is not of the tree."""
    whole = Path(path).resolve()
    if not whole.is_relative_to(tree.root):
        return None
    found = whole.relative_to(tree.root)
    if any(_is_skipped(tree.root / part) for part in (found, *found.parents) if part.parts):
        return None
    return str(to / found)


def _end(link: Path, tree: Tree, to: Path) -> Path:
    """Where a link leads in the copy: into the copy as far as that has it, else to where it leads anyway."""
    whole = link.parent.resolve() / link.readlink()
    inside = moved(str(whole), tree, to)
    return Path(inside) if inside and (Path(inside).exists() or not whole.exists()) else whole


def _files(tree: Tree) -> Iterator[Path]:
    tracked = _listed(tree, "--cached", "--recurse-submodules")
    new = _listed(tree, "--others", "--exclude-standard")
    if not tracked and not new:
        yield from _walk(tree.app, tree.root, most=None)
        return
    yield from tracked
    skipped: dict[Path, bool] = {}
    for file in new:  # an environment, or runs, that nobody has told git to ignore
        for folder in file.parents[:-1]:
            if folder not in skipped:
                skipped[folder] = _is_skipped(tree.root / folder)
        if not any(skipped[folder] for folder in file.parents[:-1]):
            yield file
    yield from _walk(tree.app, tree.root, most=_MOST_BYTES)


def _listed(tree: Tree, *which: str) -> list[Path]:
    return [Path(name) for name in _git(tree.root, "ls-files", "-z", *which).split("\0") if name]


def _walk(folder: Path, root: Path, *, most: int | None) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        here = Path(path)
        folders[:] = [name for name in folders if not _is_skipped(here / name)]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*names, *links):
            file = here / name
            with suppress(FileNotFoundError):
                if most is None or file.lstat().st_size <= most:
                    yield file.relative_to(root)


def _is_skipped(folder: Path) -> bool:
    named = folder.name in _SKIPPED or _CACHE.fullmatch(folder.name) or _RUN.match(folder.name)
    return bool(named) or (folder / "pyvenv.cfg").exists()


def _git(folder: Path, *words: str) -> str:
    """What git says; nothing where there is no git, or no repository."""
    try:
        answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=60, check=True)  # noqa: S603, S607 - the git on the PATH
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode("utf-8", "surrogateescape")
