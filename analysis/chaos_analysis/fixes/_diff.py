"""Unified diffs that `git apply` takes."""

from __future__ import annotations

import re
from difflib import unified_diff
from posixpath import normpath

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def unified(path: str, before: str, after: str) -> str:
    """The diff of one file at `path` (from the top of the repository, where `..` may lead up); "" without a change."""
    path = normpath(path)
    stamp = "\t" if " " in path else ""  # ends a name that has spaces
    lines = unified_diff(_lines(before), _lines(after), f"a/{path}{stamp}", f"b/{path}{stamp}")
    return "".join(line if line.endswith("\n") else line + _NO_NEWLINE for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as git has them: ended by a line feed and by nothing else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
