"""run.json as it is when a run begins."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test import plan, record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    Begun = Callable[[], dict[str, Any]]


@pytest.fixture
def begun(parse: Callable[..., argparse.Namespace], app_dir: Path) -> Begun:
    """A function: run.json of the shop in `app_dir` as it is now."""
    words = ("shop:app", "--app-dir", str(app_dir / "svc"), "--endpoint", "/", "--seed", "9")
    (app_dir / "svc").mkdir()
    return lambda: record.begun(plan.make(parse(*words)), app_dir / "run-1", ["chaos-test", "run"])


def git(folder: Path, *words: str) -> None:
    """Run git, as somebody whose name git need not ask for."""
    name = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", folder, *name, *words], check=True, capture_output=True)


def test_it_says_what_is_run_and_is_not_finished(begun: Begun) -> None:
    """A run whose command is killed leaves this: it ended by a crash."""
    run = begun()
    assert (run["id"], run["seed"], run["ended_by"], run["finished"]) == ("run-1", 9, "crashed", None)
    assert run["load"]["endpoints"] == ["GET /"]
    assert run["load"]["deadline"] == 10


def test_outside_a_repository_there_is_no_revision(begun: Begun) -> None:
    """No git, no guess."""
    app = begun()["app"]
    assert (app["git_revision"], app["git_dirty"], app["git_prefix"]) == (None, False, "")


def test_inside_a_repository_revision_place_and_changes_are_known(begun: Begun, app_dir: Path) -> None:
    """Only changes in the app's own folder make it dirty; its place below the top is what patches need."""
    git(app_dir, "init", "-q")
    git(app_dir, "commit", "-q", "--allow-empty", "-m", "x")
    app = begun()["app"]
    assert (len(app["git_revision"]), app["git_dirty"], app["git_prefix"]) == (40, False, "svc")
    (app_dir / "svc" / "new.py").write_text("")
    assert begun()["app"]["git_dirty"] is True
