"""Copies of working trees: what is in them, and that nothing is done to what they are copies of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chaos_test.replay import copies


def git(folder: Path, *words: str) -> str:
    """What git says."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def fill(folder: Path, *names: str) -> Path:
    """Files whose text is their name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def held(folder: Path) -> set[str]:
    """The files below a folder, links among them."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder to copy."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def to(tmp_path: Path) -> Path:
    """Where the copy goes."""
    return tmp_path / "to"


def test_a_repository_is_copied_as_its_working_tree_is(root: Path, to: Path) -> None:
    """Changes that are not committed, new files, and of the app's folder what git ignores; not what was deleted."""
    git(root, "init", "-q")
    fill(root, "shop.py", "old.py", ".gitignore", "lib/x.py").joinpath(".gitignore").write_text(".env\nbig\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    fill(root, "new.py", ".env").joinpath("shop.py").write_text("changed")
    (root / "big").write_bytes(bytes(6_000_000))
    (root / "old.py").unlink()
    before = git(root, "status", "--porcelain", "--ignored", "--branch"), git(root, "worktree", "list")
    tree = copies.tree_of(root)
    assert copies.copy(tree, to) == to
    assert held(to) == {"shop.py", ".gitignore", "lib/x.py", "new.py", ".env"}
    assert (to / "shop.py").read_text() == "changed"
    assert before == (git(root, "status", "--porcelain", "--ignored", "--branch"), git(root, "worktree", "list"))


def test_a_folder_of_a_larger_repository(root: Path, to: Path) -> None:
    """The whole repository is copied, for the app may import its neighbours; what is ignored, of its folder only."""
    git(root, "init", "-q")
    fill(root, "apps/shop/shop.py", "apps/shop/local.cfg", "shared/money.py", "shared/local.cfg", ".gitignore")
    (root / ".gitignore").write_text("local.cfg\n")
    git(root, "add", ".")
    tree = copies.tree_of(root / "apps" / "shop")
    assert (tree.root, tree.prefix) == (root, Path("apps/shop"))
    assert copies.copy(tree, to) == to / "apps" / "shop"
    assert held(to) == {"apps/shop/shop.py", "apps/shop/local.cfg", "shared/money.py", ".gitignore"}


def test_a_submodule_beside_the_apps_folder(root: Path, to: Path, tmp_path: Path) -> None:
    """What the app imports from there is part of the tree."""
    (tmp_path / "money").mkdir()
    for folder in (root, fill(tmp_path / "money", "money.py")):
        git(folder, "init", "-q")
    git(tmp_path / "money", "add", ".")
    git(tmp_path / "money", "commit", "-qm", "x")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "money"), "shared")
    fill(root, "apps/shop/shop.py")
    git(root, "add", ".")
    copies.copy(copies.tree_of(root / "apps" / "shop"), to)
    assert held(to) == {".gitmodules", "apps/shop/shop.py", "shared/money.py"}


def test_what_nobody_has_told_git_to_ignore(root: Path, to: Path) -> None:
    """An environment and a run's folder are not copied, whatever git thinks of them, unless they are tracked."""
    git(root, "init", "-q")
    fill(root, "shop.py", "reports/20250101T000000Z-abcd/run.json")
    git(root, "add", ".")
    fill(root, "new/x.py", "env/pyvenv.cfg", "env/lib/flask.py", "reports/20260101T000000Z-abcd/verify/run.json")
    copies.copy(copies.tree_of(root), to)
    assert held(to) == {"shop.py", "reports/20250101T000000Z-abcd/run.json", "new/x.py"}


def test_without_git_the_folder_is_copied(root: Path, to: Path) -> None:
    """No environment under whatever name, no tool's cache, no runs; packages called reports or price_cache are the
    app's.
    """
    ours = {"shop.py", "deep/er/x.py", "reports/__init__.py", "price_cache/__init__.py", ".env", "data.bin"}
    fill(root, *ours)
    fill(root, "env38/pyvenv.cfg", "env38/lib/flask.py", ".venv/x", "node_modules/x", "__pycache__/x.pyc")
    fill(root, ".mypy_cache/x", "reports/20260101T000000Z-abcd/run.json")
    tree = copies.tree_of(root)
    assert (tree.root, tree.app) == (root, root)
    copies.copy(tree, to)
    assert held(to) == ours


def test_permissions_and_times_are_kept(root: Path, to: Path) -> None:
    """A script stays executable."""
    fill(root, "run.sh").joinpath("run.sh").chmod(0o750)
    copies.copy(copies.tree_of(root), to)
    ours, theirs = (root / "run.sh").stat(), (to / "run.sh").stat()
    assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns)


@pytest.mark.parametrize("with_git", [True, False])
def test_links_lead_into_the_copy(root: Path, to: Path, tmp_path: Path, *, with_git: bool) -> None:
    """To files and folders, said relatively or absolutely; what is not copied is led to where it is."""
    fill(root, "real/money.py", ".venv/lib/flask.py")
    fill(tmp_path, "outside/common.py")
    (root / "relative").symlink_to("real")
    (root / "absolute.py").symlink_to(root / "real" / "money.py")
    (root / "out").symlink_to("../outside")
    (root / "env").symlink_to(".venv/lib")
    (root / "dangling").symlink_to("nowhere")
    if with_git:
        git(root, "init", "-q")
        (root / ".gitignore").write_text(".venv\n")
        git(root, "add", ".")
    copies.copy(copies.tree_of(root), to)
    assert (to / "relative" / "money.py").resolve() == to / "real" / "money.py"
    assert (to / "absolute.py").resolve() == to / "real" / "money.py"
    assert (to / "out" / "common.py").resolve() == tmp_path / "outside" / "common.py"
    assert (to / "env" / "flask.py").resolve() == root / ".venv" / "lib" / "flask.py"
    assert (to / "dangling").is_symlink()


def test_what_cannot_be_read_is_left_out(root: Path, to: Path) -> None:
    """A socket, and a file that the app could not read either."""
    import os
    import socket

    fill(root, "shop.py", "secret").joinpath("secret").chmod(0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        copies.copy(copies.tree_of(root), to)
    assert held(to) == ({"shop.py", "secret"} if os.geteuid() == 0 else {"shop.py"})


def test_folders_on_the_path_as_the_copy_has_them(root: Path, to: Path, tmp_path: Path) -> None:
    """`src` moves; an environment inside the tree, and what is elsewhere, do not."""
    fill(root, "src/shop.py", "env/pyvenv.cfg", "env/lib/site-packages/x.py")
    tree = copies.tree_of(root)
    (tmp_path / "link").symlink_to(root / "src")
    assert copies.moved(str(root / "src"), tree, to) == str(to / "src")
    assert copies.moved(str(tmp_path / "link"), tree, to) == str(to / "src")
    assert copies.moved(str(root / "env" / "lib" / "site-packages"), tree, to) is None
    assert copies.moved("/usr/lib/python3", tree, to) is None
