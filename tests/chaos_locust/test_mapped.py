"""Rows in mapped pages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import mapped
file = mapped.MappedFile(Path(sys.argv[2]))
for i in range(9):
    file.append(b"%d\\n" % i)
os.kill(os.getpid(), 9)
"""


def test_lines_of_all_lengths_follow_each_other_over_blocks(pure, tmp_path, monkeypatch):
    """Lines that end at, cross and exceed a block's end are whole, and a closed file has nothing after them."""
    monkeypatch.setattr(pure.mapped, "_BLOCK", 4096)
    file, lines = pure.mapped.MappedFile(tmp_path / "part"), []
    for length in (10, 4086, 4096, 1, 4095, 5, 20000, 3, 8190):
        lines.append(b"x" * (length - 1) + b"\n")
        file.append(lines[-1])
    file.close()
    assert (tmp_path / "part").read_bytes() == b"".join(lines)


def test_a_file_without_lines_is_empty(pure, tmp_path):
    """Closing cuts off what was never used."""
    pure.mapped.MappedFile(tmp_path / "part").close()
    assert (tmp_path / "part").read_bytes() == b""


def test_a_process_that_is_killed_leaves_its_lines_and_spaces(pure, tmp_path):
    """SIGKILL takes nothing that was appended, and what follows means nothing in JSON."""
    folder = str(Path(pure.mapped.__file__).parent)
    command = [sys.executable, "-c", KILLED, folder, str(tmp_path / "part")]
    assert subprocess.run(command, check=False).returncode == -9
    assert (tmp_path / "part").read_bytes().rstrip(b" ") == b"".join(b"%d\n" % i for i in range(9))


def test_a_closed_file_takes_no_more_lines(pure, tmp_path):
    """They are refused, and do not end up in whatever file has been opened since."""
    file = pure.mapped.MappedFile(tmp_path / "part")
    file.append(b"line\n")
    file.close()
    with (tmp_path / "other").open("w"), pytest.raises(OSError, match="Bad file descriptor"):
        file.append(b"late\n")
    assert [(tmp_path / name).read_bytes() for name in ("part", "other")] == [b"line\n", b""]


def test_another_runs_part_is_not_overwritten(pure, tmp_path):
    """A part is a new file."""
    pure.mapped.MappedFile(tmp_path / "part").close()
    with pytest.raises(FileExistsError):
        pure.mapped.MappedFile(tmp_path / "part")


def test_a_full_disk_is_an_error_and_not_a_signal(pure, tmp_path, monkeypatch):
    """Writing to a mapped page that the disk has no room for would kill the process; room is made before."""
    file = pure.mapped.MappedFile(tmp_path / "part")
    monkeypatch.setattr(os, "pwrite", lambda _file, room, _at: len(room) - 1)
    with pytest.raises(OSError, match="no room"):
        file.append(b"line\n")
