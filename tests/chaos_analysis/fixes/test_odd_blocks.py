"""Whatever the formatting, a statement put in a `try` or a loop is the same statement, and every comment stays."""

from __future__ import annotations

import ast
import tokenize
from io import StringIO

from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.cache_as_miss import CacheAsMiss
from chaos_analysis.fixes.rollback import Rollback
from chaos_analysis.fixes.transaction_retry import TransactionRetry

ODD = settings(max_examples=60, deadline=None, database=None, derandomize=True)
GAP = st.sampled_from(["", " ", "\n", "\n        ", "  # why\n", "\n# (a, b)\n    ", " \\\n  "])
ARGUMENT = st.sampled_from(["key", "(key)", "'a, b#c'", "f'{base}/x'", '"""x\n  y"""', "'a\\\n  b'", "[1,\n2]"])
INDENT = st.sampled_from(["    ", "\t", "  "])
BETWEEN = st.sampled_from(["", "\n", "# between\n", "    # far in\n\n"])


@st.composite
def calls(draw: st.DrawFn, function: str) -> str:
    """A call with blanks, breaks and comments wherever Python allows them."""
    arguments = draw(st.lists(ARGUMENT, min_size=1, max_size=2))
    parts = [f"{draw(GAP)}{argument}{draw(GAP)}" for argument in arguments]
    return f"{function}({','.join(parts)}{draw(st.sampled_from(['', ',']))}{draw(GAP)})"


@st.composite
def functions(draw: st.DrawFn, first: str, *others: str) -> str:
    """A module with one function of such calls, the first one's value named."""
    indent = draw(INDENT)
    head = f"import psycopg\nimport redis\n\n# one\ndef f(c, s, key, base):\n{indent}x = {draw(calls(first))}  # two\n"
    more = [f"{draw(BETWEEN)}{indent}{draw(calls(other))}  # three\n" for other in others]
    return f"{head}{''.join(more)}{indent}return x  # four\n"


def _line(source: str) -> int:
    return source[: source.index("x = ")].count("\n") + 1


def _comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _function(source: str) -> list[ast.stmt]:
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)).body


def _same(now: list[ast.stmt], before: list[ast.stmt]) -> bool:
    return [ast.dump(node) for node in now] == [ast.dump(node) for node in before]


@ODD
@given(functions("c.get", "c.set"))
def test_reads_and_writes_stay_as_they_are(source: str) -> None:
    """In each `try` stands the very statement that stood there, strings of several lines and all."""
    after = CacheAsMiss().edit(source, Spot(line=_line(source), method="GET"))
    assert _comments(after) == _comments(source)
    read, write, answer = _function(after)
    assert isinstance(read, ast.Try)
    assert isinstance(write, ast.Try)
    assert _same([*read.body, *write.body, answer], _function(source))


@ODD
@given(functions("s.execute", "s.add", "s.commit"))
def test_a_transaction_that_is_rolled_back_stays_as_it_is(source: str) -> None:
    """All of its statements, and what stands between them, are in one `try`."""
    after = Rollback().edit(source, Spot(line=_line(source)))
    assert _comments(after) == _comments(source)
    block, answer = _function(after)
    assert isinstance(block, ast.Try)
    assert _same([*block.body, answer], _function(source))


@ODD
@given(functions("s.execute", "s.add", "s.commit"))
def test_a_transaction_that_is_made_again_stays_as_it_is(source: str) -> None:
    """Its statements are in the loop's `try`, and behind them only the way out."""
    after = TransactionRetry().edit(source, Spot(line=_line(source)))
    assert _comments(after) == _comments(source)
    loop, answer = _function(after)
    assert isinstance(loop, ast.For)
    assert isinstance(loop.body[0], ast.Try)
    *statements, out = loop.body[0].body
    assert isinstance(out, ast.Break)
    assert _same([*statements, answer], _function(source))
