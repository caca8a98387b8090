"""`chaos-test clean`: remove the temporary folders of runs that died together with what was to clean up after them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console

from chaos_analysis.wording import plural
from chaos_test import scratch

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

HELP = "remove the temporary folders that killed runs have left"
EPILOG = """A run removes what it makes, even when it is killed; this is for what a crash of the machine has left, or a
kill of all its processes at once. A folder is removed only if who made it is dead and no process uses it.

exit codes: 0 done, or there was nothing to do · 2 wrong usage, or something could not be removed"""
_YOUNG_SECONDS = 60.0  # an empty folder may be one that is just being made


@dataclass(frozen=True)
class Found:
    """A folder, and why it stays ("" where it goes)."""

    folder: Path
    stays: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to do it."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def command(args: argparse.Namespace) -> int:
    """Remove what nobody needs any more, and say so; returns the exit code."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    left = False
    found = list(look(Path(tempfile.gettempdir())))
    for one in found:
        if one.stays:
            console.print(f"left alone {one.folder}: {one.stays}")
            continue
        files, size = _held(one.folder)
        if not args.dry_run:
            shutil.rmtree(one.folder, ignore_errors=True)
        failed = not args.dry_run and one.folder.exists()
        word = "would remove" if args.dry_run else "could not remove all of" if failed else "removed"
        console.print(f"{word} {one.folder} ({plural(files, 'file')}, {size / 1e6:.1f} MB)")
        left |= failed
    if not found:
        console.print(f"Nothing of chaos-test is left in {tempfile.gettempdir()}.")
    return 2 if left else 0


def look(temporary: Path) -> Iterator[Found]:
    """The folders of chaos-test that this user has in a temporary folder."""
    folders = sorted(folder for folder in temporary.glob(f"{scratch.PREFIX}*") if _is_ours(folder))
    used = list(_used()) if folders else []
    for folder in folders:
        yield Found(folder, _stays(folder, used))


def _is_ours(folder: Path) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _stays(folder: Path, used: list[tuple[psutil.Process, str]]) -> str:
    owned = scratch.is_owned(folder)
    if owned:
        return "the run that made it is under way"
    if owned is None and (any(folder.iterdir()) or time.time() - folder.stat().st_mtime < _YOUNG_SECONDS):
        return "nothing in it says whose it is"
    for process, told in used:
        if str(folder) in told:
            return f"process {process.pid} ({process.info['name']}) uses it; end that first"
    return ""


def _used() -> Iterator[tuple[psutil.Process, str]]:
    """The living processes but this one, with their folders, words and environments."""
    for process in psutil.process_iter(["name"]):
        told: list[str] = []
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                told += process.cmdline()
                told += [process.cwd()]
                told += process.environ().values()
        if told:
            yield process, "\n".join(told)


def _held(folder: Path) -> tuple[int, int]:
    """How many files there are in it, and their bytes."""
    sizes = []
    for file in folder.rglob("*"):
        with suppress(OSError):
            if not file.is_dir() or file.is_symlink():
                sizes.append(file.lstat().st_size)
    return len(sizes), sum(sizes)
