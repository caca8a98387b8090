"""Unified diffs, applied and taken back: exactly, wherever the lines that they name have moved to in their file.

PatchError      what does not fit, and where
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,(?P<had>\d+))? \+(?P<new>\d+)(?:,(?P<has>\d+))? @@")
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")  # not splitlines(): a form feed or a lone \r is no end of a line to diff
_NOWHERE = "/dev/null"
_EMPTY = "new file mode"  # what git says, without any line, of a new file without content


class PatchError(ChaosTestError):
    """A diff that cannot be read, or that does not fit the file."""


@dataclass(frozen=True)
class Hunk:
    """Lines with their ends: `before` is what stands at about line `at` (0 the first), `after` what shall, at `to`."""

    at: int
    to: int
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
        hunks = tuple(Hunk(each.to, each.at, each.after, each.before) for each in self.hunks)
        return replace(self, hunks=hunks, creates=self.deletes, deletes=self.creates)


def parse(diff: str) -> tuple[Change, ...]:
    """The changes of a diff; raises `PatchError`, also for what git can say without lines: modes, renames, binaries."""
    changes: list[Change] = []
    lines = _LINE.findall(diff)
    at = 0
    while at < len(lines):
        if lines[at].startswith("diff --git "):
            empty, at = _without_lines(lines, at)
            changes += empty
        elif lines[at].startswith("--- ") and lines[at + 1 : at + 2] and lines[at + 1].startswith("+++ "):
            change, at = _change(lines, at)
            changes.append(change)
        else:
            at += 1
    if not changes:
        raise PatchError("not a unified diff: no '---', '+++' and '@@' lines with changes were found")
    return tuple(changes)


def apply(changes: Sequence[Change], root: Path) -> Mapping[str, str | None]:
    """The new text of each file below `root`, None for one that goes; nothing is written. Raises `PatchError`.

    Several changes of one file are taken to be made for the file as it was before all of them.
    """
    texts: dict[str, str | None] = {}
    shifts: dict[str, list[tuple[int, int]]] = {}
    for change in changes:
        file = root / change.path
        if not file.resolve().is_relative_to(root.resolve()):
            raise PatchError(f"{change.path} lies outside {root}")
        text = texts[change.path] if change.path in texts else _read(file, change)
        if change.creates is not (text is None):
            raise PatchError(f"{change.path} is there already" if change.creates else f"{change.path} is not there")
        applied = _applied(change, _LINE.findall(text or ""), shifts.setdefault(change.path, []))
        if change.deletes and applied:
            raise PatchError(f"{change.path} has more in it than the patch that deletes it knows of")
        texts[change.path] = None if change.deletes else applied
    return texts


def write(texts: Mapping[str, str | None], root: Path) -> None:
    """Write what `apply` gave, each file whole; where one cannot be written none is. Raises `PatchError`."""
    parts: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            if text is not None:
                file = (root / path).resolve()  # a link stays one
                parts[file] = _part(file, text)
        for file, part in parts.items():
            part.replace(file)
        for path in (path for path, text in texts.items() if text is None):
            (root / path).unlink()
    except OSError as error:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
        raise PatchError(f"{error.filename}: cannot be written: {error.strerror}") from None


def _part(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        if file.exists():
            part.chmod(file.stat().st_mode)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return part


def _without_lines(lines: Sequence[str], at: int) -> tuple[list[Change], int]:
    """The change of a file that git names without lines of it, and where to read on."""
    named = lines[at].removeprefix("diff --git ").strip()
    end = at + 1
    while end < len(lines) and not lines[end].startswith(("diff --git ", "--- ")):
        end += 1
    said = [line.strip() for line in lines[at + 1 : end]]
    if end < len(lines) and lines[end].startswith("--- "):
        return [], end
    if said and said[0].startswith(_EMPTY) and not any(line.startswith(("Binary", "GIT binary")) for line in said):
        return [Change(_name(named[len(named) // 2 + 1 :]), (), creates=True)], end
    raise PatchError(f"{named}: only lines of text can be changed; it says {said[0] if said else 'nothing'!r}")


def _change(lines: Sequence[str], at: int) -> tuple[Change, int]:
    old, new = (lines[at + side][4:].rstrip("\r\n").partition("\t")[0] for side in (0, 1))
    paths = {_name(path) for path in (old, new) if path != _NOWHERE}
    if len(paths) != 1:
        raise PatchError(f"{old} becomes {new}: a patch that renames a file cannot be applied")
    at += 2
    hunks: list[Hunk] = []
    while at < len(lines) and (found := _HUNK.match(lines[at])):
        hunk, at = _hunk(found, lines, at + 1)
        hunks.append(hunk)
    if not hunks:
        raise PatchError(f"{new}: no '@@' line with changes follows")
    return Change(paths.pop(), tuple(hunks), creates=old == _NOWHERE, deletes=new == _NOWHERE), at


def _name(path: str) -> str:
    """A path without git's prefix, and without its quotes around bytes that are not ASCII."""
    if path.startswith('"'):
        path = path.strip('"').encode().decode("unicode_escape").encode("latin-1").decode("utf-8")
    return path[2:] if path[:2] in {"a/", "b/"} else path


def _hunk(found: re.Match[str], lines: Sequence[str], at: int) -> tuple[Hunk, int]:
    """The hunk whose lines begin at `at`: as many as its heading says, for a line of it may look like a heading."""
    sides: tuple[list[str], list[str]] = ([], [])
    had, has = (1 if found[name] is None else int(found[name]) for name in ("had", "has"))
    marks = ""
    while (len(sides[0]), len(sides[1])) != (had, has) or (lines[at : at + 1] and lines[at].startswith("\\")):
        line = lines[at] if at < len(lines) else "?"
        if line.startswith("\\"):  # "No newline at end of file" is of the line above
            for side, mark in zip(sides, "-+", strict=True):
                if marks in {" ", mark}:
                    side[-1] = side[-1].removesuffix("\n")
        else:
            marks, text = (" ", line) if line in {"\n", "\r\n"} else (line[0], line[1:])
            if marks not in " -+" or len(sides[0]) > had or len(sides[1]) > has:
                raise PatchError(f"{found[0]}: the diff has other lines there than this says")
            for side, mark in zip(sides, "-+", strict=True):
                if marks in {" ", mark}:
                    side.append(text)
        at += 1
    old, new = (int(found[name]) - (1 if size else 0) for name, size in (("old", had), ("new", has)))
    return Hunk(old, new, tuple(sides[0]), tuple(sides[1])), at


def _read(file: Path, change: Change) -> str | None:
    """The text of a file; None where there is none."""
    if not file.exists() and not file.is_symlink():
        return None
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatchError(f"{change.path} cannot be read: {error}") from None


def _applied(change: Change, lines: list[str], shifts: list[tuple[int, int]]) -> str:
    """The text with the change in it; `shifts` are by how much lines from there on were moved, which it adds to."""
    drift = end = 0  # `drift`: how far the lines stand from where they should
    for hunk in change.hunks:
        due = hunk.at + drift + sum(more for at, more in shifts if at <= hunk.at)
        at = next(_places(hunk, lines, due, end), None)
        if at is None:
            raise PatchError(f"{change.path} is not what the patch was made for, near line {hunk.at + 1}")
        lines[at : at + len(hunk.before)] = hunk.after
        drift += at - due
        end = at + len(hunk.after)
        shifts.append((hunk.at, len(hunk.after) - len(hunk.before)))
    return "".join(lines)


def _places(hunk: Hunk, lines: Sequence[str], at: int, end: int) -> Iterator[int]:
    """Where the lines stand after line `end`, the nearest to `at` first."""
    size = len(hunk.before)
    places = range(end, len(lines) - size + 1)
    if hunk.after and not hunk.after[-1].endswith("\n"):  # it shall be the file's last line
        places = places[-1:]
    found = [place for place in places if tuple(lines[place : place + size]) == hunk.before]
    yield from sorted(found, key=lambda place: abs(place - at))
