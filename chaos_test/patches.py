"""Unified diffs, applied and taken back: exactly, wherever the lines that they name have moved to in their file.

PatchError      what does not fit, and where
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<had>\d+))? \+\d+(?:,\d+)? @@")
_NOWHERE = "/dev/null"


class PatchError(ChaosTestError):
    """A diff that cannot be read, or that does not fit the file."""


@dataclass(frozen=True)
class Hunk:
    """Lines with their ends: `before` is what stands at about line `at` (0 the first), `after` what shall."""

    at: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One file's part of a diff, `path` relative to the top of the tree; `creates` or `deletes` the file."""

    path: str
    hunks: tuple[Hunk, ...]
    creates: bool = False
    deletes: bool = False

    def reversed(self) -> Change:
        """What takes it back."""
        hunks = tuple(Hunk(each.at, each.after, each.before) for each in self.hunks)
        return replace(self, hunks=hunks, creates=self.deletes, deletes=self.creates)


def parse(diff: str) -> tuple[Change, ...]:
    """The changes of a diff; raises `PatchError`."""
    changes: list[Change] = []
    lines = diff.splitlines(keepends=True)
    at = 0
    while at < len(lines):
        if not (lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")):
            at += 1
            continue
        old, new = (_path(lines[at + side]) for side in (0, 1))
        at += 2
        hunks: list[Hunk] = []
        while at < len(lines) and (found := _HUNK.match(lines[at])):
            hunk, at = _hunk(found, lines, at + 1)
            hunks.append(hunk)
        path = new if old == _NOWHERE else old
        changes.append(Change(path, tuple(hunks), creates=old == _NOWHERE, deletes=new == _NOWHERE))
    if not changes or not all(change.hunks for change in changes):
        raise PatchError("not a unified diff: no '---', '+++' and '@@' lines with changes were found")
    return tuple(changes)


def apply(changes: Sequence[Change], root: Path) -> Mapping[str, str | None]:
    """The new text of each file below `root`, None for one that goes; nothing is written. Raises `PatchError`."""
    texts: dict[str, str | None] = {}
    for change in changes:
        file = root / change.path
        if not file.resolve().is_relative_to(root.resolve()):
            raise PatchError(f"{change.path} lies outside {root}")
        if change.creates:
            if file.exists():
                raise PatchError(f"{change.path} is there already")
            texts[change.path] = "".join(line for hunk in change.hunks for line in hunk.after)
            continue
        text = texts.get(change.path) or _read(file, change.path)
        applied = _applied(change, text.splitlines(keepends=True))
        texts[change.path] = None if change.deletes else applied
    return texts


def write(texts: Mapping[str, str | None], root: Path) -> None:
    """Write what `apply` gave, each file whole or not at all."""
    for path, text in texts.items():
        file = root / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text, encoding="utf-8", newline="")
        if file.exists():
            part.chmod(file.stat().st_mode)
        part.replace(file)


def _path(line: str) -> str:
    name = line[4:].rstrip("\r\n").partition("\t")[0]
    return name[2:] if name[:2] in {"a/", "b/"} else name


def _hunk(found: re.Match[str], lines: Sequence[str], at: int) -> tuple[Hunk, int]:
    before: list[str] = []
    after: list[str] = []
    while at < len(lines) and lines[at][:1] in {" ", "-", "+", "\\", "\n"} and not lines[at].startswith("--- "):
        mark, text = lines[at][:1], lines[at][1:]
        if mark == "\\":  # "No newline at end of file" is of the line above
            above = lines[at - 1][:1]
            for side, marks in ((before, "- "), (after, "+ ")):
                if above in marks:
                    side[-1] = side[-1].rstrip("\r\n")
        else:
            before += [text] if mark in "- " else ["\n"] if mark == "\n" else []
            after += [text] if mark in "+ " else ["\n"] if mark == "\n" else []
        at += 1
    start = int(found["old"]) - (0 if found["had"] == "0" else 1)
    return Hunk(start, tuple(before), tuple(after)), at


def _read(file: Path, name: str) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatchError(f"{name} cannot be read: {error}") from None


def _applied(change: Change, lines: list[str]) -> str:
    moved = 0
    for hunk in change.hunks:
        at = next(_places(hunk, lines, hunk.at + moved), None)
        if at is None:
            raise PatchError(f"{change.path} is not what the patch was made for, near line {hunk.at + 1}")
        lines[at : at + len(hunk.before)] = hunk.after
        moved = at - hunk.at + len(hunk.after) - len(hunk.before)
    return "".join(lines)


def _places(hunk: Hunk, lines: Sequence[str], at: int) -> Iterator[int]:
    """Where the lines stand, the nearest to `at` first."""
    size = len(hunk.before)
    found = [place for place in range(len(lines) - size + 1) if tuple(lines[place : place + size]) == hunk.before]
    yield from sorted(found, key=lambda place: abs(place - at))
