"""Temporary folders: whose they are, and that only those of the dead are removed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos_test import scratch
from chaos_test.__main__ import main
from chaos_test.reaper import Reaper

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = """
import sys
from chaos_test import scratch
class Nobody:
    def tell(self, *_): ...
made = scratch.make(Nobody())
(made.path / "deep").mkdir()
(made.path / "deep" / "file").write_text("x" * 1000)
print(made.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this test and of what it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def owner(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a folder of its own, which no reaper knows of."""
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def clean(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What `chaos-test clean` says."""
    assert main(["clean", *words]) == 0
    return capsys.readouterr().out


def dead(process: subprocess.Popen[str]) -> None:
    """Kill it and wait."""
    process.kill()
    process.wait()


def test_the_folder_of_a_living_process_is_left_alone(
    owner: tuple[subprocess.Popen[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said why; also when asked twice, for asking must not take the lock away."""
    for _ in range(2):
        assert clean(capsys) == f"left alone {owner[1]}: the run that made it is under way\n"
    assert (owner[1] / "deep" / "file").is_file()


def test_the_folder_of_a_dead_process_goes_with_what_is_in_it(
    owner: tuple[subprocess.Popen[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what; a dry run only says it."""
    process, folder = owner
    dead(process)
    assert clean(capsys, "--dry-run") == f"would remove {folder} (2 files, 0.0 MB)\n"
    assert folder.is_dir()
    assert clean(capsys) == f"removed {folder} (2 files, 0.0 MB)\n"
    assert not folder.exists()
    assert clean(capsys) == f"Nothing of chaos-test is left in {folder.parent}.\n"


@pytest.mark.parametrize("how", ["cwd", "env", "word"])
def test_a_folder_that_somebody_uses_is_left_alone(
    owner: tuple[subprocess.Popen[str], Path], capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """An app that outlived its run, in the folder, or told of it: the process is named."""
    process, folder = owner
    dead(process)
    code = "import time; print('up', flush=True); time.sleep(60)"
    env = os.environ | ({"PYTHONPATH": f"/x:{folder}/path"} if how == "env" else {})
    words = [sys.executable, "-S", "-c", code, *([str(folder / "app.py")] if how == "word" else [])]
    cwd = folder / "deep" if how == "cwd" else None
    with subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        user.stdout.readline()
        said = clean(capsys)
        user.kill()
    assert said.startswith(f"left alone {folder}: process {user.pid} (")
    assert folder.is_dir()
    assert clean(capsys).startswith(f"removed {folder}")


def test_what_nobody_marked_is_left_alone(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody else's folder of such a name; a link; and one that is just being made. An old empty one goes."""
    (temporary / "chaos-test-notes").mkdir()
    (temporary / "chaos-test-notes" / "mine.txt").write_text("mine")
    (temporary / "chaos-test-link").symlink_to(temporary / "chaos-test-notes")
    (temporary / "chaos-test-new").mkdir()
    old = temporary / "chaos-test-old"
    old.mkdir()
    os.utime(old, (time.time() - 3600,) * 2)
    said = clean(capsys).splitlines()
    assert said == [
        f"left alone {temporary}/chaos-test-new: nothing in it says whose it is",
        f"left alone {temporary}/chaos-test-notes: nothing in it says whose it is",
        f"removed {old} (0 files, 0.0 MB)",
    ]
    assert sorted(path.name for path in temporary.iterdir()) == [
        "chaos-test-link",
        "chaos-test-new",
        "chaos-test-notes",
    ]


def test_a_folder_goes_with_its_block(temporary: Path) -> None:
    """And is owned until then."""
    with scratch.scratch() as folder:
        assert folder.parent == temporary
        assert scratch.is_owned(folder)
    assert list(temporary.iterdir()) == []


WRITER = """
import pathlib, sys, time
until, n = time.monotonic() + 1.5, 0
while time.monotonic() < until:
    n += 1
    try:
        pathlib.Path(sys.argv[1], "deep", str(n)).write_text("x")
    except OSError:
        break
    if n == 1000:
        print("busy", flush=True)
"""


def test_a_folder_that_is_still_written_to_goes_all_the_same(temporary: Path) -> None:
    """The reaper comes again where somebody, whom another reaper is about to end, writes into what it removes."""
    reaper = Reaper()
    made = scratch.make(reaper)
    (made.path / "deep").mkdir()
    with subprocess.Popen([sys.executable, "-S", "-c", WRITER, str(made.path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        reaper.close()
    assert not made.path.exists()
