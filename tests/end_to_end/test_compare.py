"""`chaos-test compare` on a real shop: two revisions of it, and what was recorded of one and the same code."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Command

CALL = """\
    with urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock") as answer:
        return json.load(answer)
"""
RETRIED = """\
    for attempt in range(5):
        try:
            with urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock") as answer:
                return json.load(answer)
        except OSError:
            if attempt == 4:
                raise
"""
OWN_TEST = """\
from shop import create_app


def test_the_shop_has_a_name():
    assert create_app().test_client().get("/about").json == {"name": "shop"}
"""


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=shop", "-c", "user.email=shop@localhost")
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _repository(shop: Path, folder: Path) -> Path:
    """The shop with a test in a repository of its own: `first`, and `second` that asks again, some lines below."""
    shutil.copytree(shop, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_shop.py").write_text(OWN_TEST)
    _git(folder, "init", "--quiet", "--initial-branch", "first")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "Ask once")
    _git(folder, "checkout", "--quiet", "-b", "second")
    source = (folder / "shop.py").read_text()
    assert source.count(CALL) == 1
    (folder / "shop.py").write_text(source.replace(CALL, RETRIED))
    _git(folder, "commit", "--quiet", "--all", "--message", "Ask again")
    return folder


def test_a_revision_that_asks_again_is_better_than_one_that_does_not(command: Command, shop: Path) -> None:
    """Both get the same requests and faults, and their own tests; the repository is as it was, no process is left.

    A tenth of the calls that `GET /items` makes is reset. In a third fewer requests 17 were rescued of 99 pairs; eight
    are enough. What is drawn is the same each time: the seed is the experiment's.
    """
    folder = _repository(shop, command.cwd / "repository")
    (folder / "notes.txt").write_text("not committed")
    words = ("--app-dir", str(folder), "--requests", "900", "--out", "there")
    done = command.run("compare", "--ref", "first", "--ref", "second", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((command.cwd / "there" / "comparison.json").read_bytes())
    assert (found["verdict"], found["method"], found["interleaved"]) == ("improved", "paired", True)
    assert found["base"]["revisions"] == [_git(folder, "rev-parse", "first")]
    assert found["other"]["runs"] == ["second"]
    groups = {each["name"]: each for each in found["groups"]}
    assert groups["GET /items"]["verdict"] == "improved"
    assert groups["GET /about"]["broken"] == groups["GET /about"]["rescued"] == 0
    assert any("does not differ from itself" in note for note in found["notes"])
    assert not any("invalid" in note for note in found["notes"])
    states = {each["id"]: each["state"] for each in found["patterns"]}
    assert states["dependency_error:shop.py:stock"] == "disappeared"
    assert states["missing_timeout:shop.py:stock"] == "stayed"  # two lines below
    assert "disappeared: GET /items answers 500 when" in done.stdout
    assert "### Patterns: " in (command.cwd / "there" / "comparison.md").read_text()
    tests = found["gates"][0]
    assert (tests["name"], tests["ok"]) == ("the app's tests", True)
    assert tests["summary"].count("1 passed in ") == 2
    assert _git(folder, "status", "--porcelain") == "?? notes.txt"
    assert _git(folder, "worktree", "list").count("\n") == 0
    assert not command.left()


def test_what_is_no_revision_is_one_sentence(command: Command, shop: Path) -> None:
    """Before anything is started."""
    folder = _repository(shop, command.cwd / "repository")
    done = command.run("compare", "--ref", "first", "--ref", "third", "--app-dir", str(folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"chaos-test: --ref third: {folder} has no such git revision\n"


def test_an_earlier_comparison_is_not_written_over(command: Command, shop: Path) -> None:
    """It is said before anything is started."""
    folder = _repository(shop, command.cwd / "repository")
    (command.cwd / "there" / "after").mkdir(parents=True)
    words = ("--app-dir", str(folder), "--out", "there")
    done = command.run("compare", "--ref", "first", "--ref", "second", *words)
    assert (done.returncode, done.stdout) == (2, "")
    there = command.cwd / "there"
    assert done.stderr == f"chaos-test: --out {there}: there are runs of an earlier comparison in it; name another\n"


def test_the_same_code_twice_is_not_told_apart(command: Command, shop: Path) -> None:
    """Two recorded runs of one seed come out without a difference, and one against itself cries no wolf."""
    for name in ("one", "two"):
        done = command.run("run", "--app-dir", str(shop), "--requests", "600", "--workers", "1", "--out", name)
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # an objective may be missed on a busy machine
    runs = [str(next((command.cwd / name).iterdir())) for name in ("one", "two")]
    done = command.run("compare", *runs, "--out", "there")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((command.cwd / "there" / "comparison.json").read_bytes())
    assert (found["verdict"], found["method"]) == ("no difference", "paired")
    done = command.run("compare", "--self", runs[0], "--comparisons", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "crying wolf: " in done.stdout
