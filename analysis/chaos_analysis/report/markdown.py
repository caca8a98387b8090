"""Pieces of Markdown that text from a run cannot break out of.

Endpoint names, error texts and paths come from the service under test, so nothing is Markdown unless it is of the class
`Markdown`: templates and tables escape every other value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What means nothing where it stands is left alone, so that the source stays readable: "_" inside a word, "<" and "&"
# before a blank. "$" opens GitHub's formulas.
_SPECIAL = re.compile(r"[\\`*\[\]~$]|<(?!\s)|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])")
_STARTS_A_BLOCK = re.compile(r"[-+#=>]|\d+(?=[.)](?:\s|$))")
_LONGEST = 600


class Markdown(str):
    """Text that already is Markdown."""

    __slots__ = ()


def text(value: object) -> Markdown:
    """`value` as it stands, on one line; only what backticks enclose is code. `Markdown` is passed on untouched."""
    if isinstance(value, Markdown):
        return value
    parts = re.split("`([^`]+)`", one_line(str(value)))
    return Markdown("".join(code(part) if at % 2 else _prose(part) for at, part in enumerate(parts)))


def _prose(plain: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", plain).replace("|", "&#124;")
    start = _STARTS_A_BLOCK.match(escaped)
    if start:
        before = start.end() if start[0].isdigit() else 0
        escaped = f"{escaped[:before]}\\{escaped[before:]}"
    return escaped


def code(value: object) -> Markdown:
    """`value` as a code span, whatever backticks are in it."""
    plain = one_line(str(value)) or " "
    marks = "`" * (_longest_run(plain) + 1)
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return Markdown(f"{marks}{pad}{plain}{pad}{marks}")


def codes(values: Iterable[object]) -> Markdown:
    """A list of code spans."""
    return Markdown(", ".join(code(value) for value in values))


def reference(value: str) -> Markdown:
    """Text whose web addresses are links."""
    parts = re.split(r"(https?://[\w\-./#?=&%:~+,@]*[\w/])", one_line(value))
    return Markdown("".join(f"<{part}>" if at % 2 else _prose(part) for at, part in enumerate(parts)))


def fence(content: str, language: str) -> Markdown:
    """`content` as a fenced block that no line of it can close."""
    marks = "`" * max(_longest_run(content) + 1, 3)
    kept = "\n".join(_printable(line) for line in content.rstrip("\n").split("\n"))
    return Markdown(f"{marks}{language}\n{kept}\n{marks}")


def table(headings: Sequence[object], rows: Iterable[Sequence[object]], align: str = "") -> Markdown:
    """A table; `align` has a letter a column, `l` or `r`, and columns that it leaves out stand left."""
    rule = ["---:" if letter == "r" else "---" for letter in align.ljust(len(headings), "l")[: len(headings)]]
    lines = [[_cell(heading) for heading in headings], rule, *([_cell(value) for value in row] for row in rows)]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def one_line(value: str) -> str:
    """`value` on one line, cut where it is overlong."""
    flat = _printable(" ".join(value.split()))
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"


def _cell(value: object) -> str:
    # Escaped text has no pipe left; one in a code span is escaped for the table, which undoes that first.
    return text(value).replace("|", "\\|") or " "


def _printable(line: str) -> str:
    """`line` without control characters and without those that turn the direction of writing."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)


def _longest_run(content: str) -> int:
    return max((len(run) for run in re.findall("`+", content)), default=0)
