"""Whatever the formatting, a call that is put into a block, or read through a function, stays the call that it was."""

from __future__ import annotations

import ast
import tokenize
from io import StringIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chaos_analysis.fixes._fix import AlreadyThere, Fix, Spot
from chaos_analysis.fixes.bulkhead import Bulkhead
from chaos_analysis.fixes.fallback import Fallback
from chaos_analysis.fixes.fan_out import FanOut
from chaos_analysis.fixes.narrow_except import NarrowExcept
from chaos_analysis.fixes.outside_lock import OutsideLock
from chaos_analysis.fixes.validate_body import ValidateBody
from tests.chaos_analysis.fixes.test_odd_formatting import INDENT, ODD, calls

SHAPES = {
    "fallback": "def f(url):\n\tanswer = CALL  # two\n\treturn answer.json()  # three\n",
    "bulkhead": "def f(url):\n\treturn CALL.json()  # two\n",
    "validate_body": "def f(url):\n\treturn CALL.json()['x']  # two\n",
    "narrow_except": (
        "def f(url):\n\ttry:\n\t\treturn CALL  # two\n\texcept Exception:  # three\n\t\t# four\n\t\tpass\n"
    ),
    "outside_lock": "def f(url):\n\twith lock:\n\t\tx = 1\n\t\treturn CALL  # two\n",
    "fan_out": "def f(urls):\n\tfound = []\n\tfor url in urls:  # two\n\t\tfound.append(CALL)\n\treturn found\n",
}
FIXES: tuple[Fix, ...] = (Fallback(), Bulkhead(), ValidateBody(), NarrowExcept(), OutsideLock(), FanOut())


@st.composite
def modules(draw: st.DrawFn, shape: str) -> str:
    """A module of this shape, indented one way, with an odd call in it."""
    call, indent = draw(calls()), draw(INDENT)
    return "import requests\n\n# one\n" + shape.replace("\t", indent).replace("CALL", call)


def _comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return sorted(token.string for token in tokens if token.type == tokenize.COMMENT)


def _call(source: str) -> str:
    """The HTTP call as Python reads it."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return next(ast.dump(node) for node in nodes if ast.unparse(node.func) == "requests.get")


@pytest.mark.parametrize("fix", FIXES, ids=lambda fix: fix.name)
def test_the_call_stays_what_it_was(fix: Fix) -> None:
    """Its arguments are the same, no comment is lost, the result compiles, and a second application finds it done."""

    @ODD
    @given(modules(SHAPES[fix.name]))
    def check(source: str) -> None:
        assume(not isinstance(fix, Fallback) or "headers" not in source)  # they may say who asks, and it declines
        spot = Spot(line=_line(source), method="GET", flask=True, in_flight=3)
        after = fix.edit(source, spot)
        assert _call(after) == _call(source)
        kept = _comments(after)
        for comment in _comments(source):
            kept.remove(comment)
        compile(after, "after.py", "exec")
        with pytest.raises(AlreadyThere):
            fix.edit(after, Spot(line=_line(after), method="GET", flask=True, in_flight=3))

    check()


def _line(source: str) -> int:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return next(node.lineno for node in nodes if ast.unparse(node.func) == "requests.get")
