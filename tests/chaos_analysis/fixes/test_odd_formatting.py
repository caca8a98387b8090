"""Whatever the formatting, an edit adds what it says, and leaves every other character's meaning as it was."""

from __future__ import annotations

import ast
import tokenize
from io import StringIO

from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.circuit_breaker import CircuitBreaker
from chaos_analysis.fixes.http_timeout import HttpTimeout
from chaos_analysis.fixes.idempotency_key import IdempotencyKey
from chaos_analysis.fixes.raise_for_status import RaiseForStatus
from chaos_analysis.fixes.retry import Retry
from chaos_analysis.fixes.retry_with_stamina import RetryWithStamina

GAP = st.sampled_from(["", " ", "\t", "\n", "\n        ", "  # why\n", "\n# (a, b)\n    ", " \\\n  "])
POSITIONAL = st.sampled_from(["url", "(url)", "'a, b#c'", "f'{base}/x'", '"""x\ny"""'])
KEYWORD = st.sampled_from(["data={'a': [1,\n2]}", "headers=(h)", "verify = True"])
ODD = settings(max_examples=60, deadline=None, database=None, derandomize=True)
INDENT = st.sampled_from(["    ", "\t", "  "])


@st.composite
def calls(draw: st.DrawFn) -> str:
    """The source of a call of `requests.get` with blanks, breaks and comments wherever Python allows them."""
    positional = draw(st.lists(POSITIONAL, min_size=1, max_size=2))
    arguments = [*positional, *draw(st.lists(KEYWORD, max_size=2, unique=True))]
    parts = [f"{draw(GAP)}{argument}{draw(GAP)}" for argument in arguments]
    blank, comma = draw(st.sampled_from(["", " "])), draw(st.sampled_from(["", ","]))
    return f"requests{blank}.get({','.join(parts)}{comma}{draw(GAP)})"


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module whose function answers with such a call, between comments."""
    indent = draw(INDENT)
    body = f"{indent}answer = {draw(calls())}  # two\n{indent}return answer  # three\n"
    return f"import requests\n\n# one\ndef f(url):\n{body}"


def _line(source: str) -> int:
    return source[: source.index("answer =")].count("\n") + 1


def _comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _call(source: str) -> ast.Call:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return next(call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "get")


@ODD
@given(modules())
def test_a_timeout_is_added_and_nothing_else_changes(source: str) -> None:
    """Without the new keyword the tree is what it was; every comment is there, in order."""
    after = HttpTimeout().edit(source, Spot(line=_line(source), method="GET", timeout=(1.05, 0.25)))
    assert _comments(after) == _comments(source)
    tree = ast.parse(after)
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.keywords and n.keywords[-1].arg == "timeout")
    assert ast.unparse(call.keywords.pop().value) == "(1.05, 0.25)"
    assert ast.dump(tree) == ast.dump(ast.parse(source))


@ODD
@given(modules())
def test_a_retry_leaves_the_arguments_as_they_are(source: str) -> None:
    """The call on the session has the arguments of the bare call; every comment is there, in order."""
    after = Retry().edit(source, Spot(line=_line(source), method="GET"))
    before, now = _call(source), _call(after)
    assert ast.unparse(now.func) == "SESSION.get"
    assert [ast.dump(arg) for arg in (*now.args, *(k.value for k in now.keywords))] == [
        ast.dump(arg) for arg in (*before.args, *(k.value for k in before.keywords))
    ]
    kept = _comments(source)
    assert [comment for comment in _comments(after) if comment in kept] == kept


@ODD
@given(modules())
def test_a_call_handed_to_stamina_keeps_its_arguments(source: str) -> None:
    """The caller gets the function, and then the arguments of the bare call; every comment is there, in order."""
    after = RetryWithStamina().edit(source, Spot(line=_line(source), method="GET"))
    before = _call(source)
    calls = [node for node in ast.walk(ast.parse(after)) if isinstance(node, ast.Call)]
    (now,) = [call for call in calls if ast.unparse(call.func) == "RETRY"]
    assert ast.unparse(now.args[0]) == "requests.get"
    assert [ast.dump(arg) for arg in (*now.args[1:], *now.keywords)] == [
        ast.dump(arg) for arg in (*before.args, *before.keywords)
    ]
    kept = _comments(source)
    assert [comment for comment in _comments(after) if comment in kept] == kept


@ODD
@given(modules())
def test_a_status_check_is_one_statement_more(source: str) -> None:
    """The function gets the check between call and return, and the text is otherwise the same."""
    after = RaiseForStatus().edit(source, Spot(line=_line(source), method="GET"))
    assert after.count("answer.raise_for_status()\n") == 1
    without = [line for line in after.split("\n") if line.strip() != "answer.raise_for_status()"]
    assert "\n".join(without) == source
    compile(after, "after.py", "exec")


@ODD
@given(modules())
def test_a_guarded_call_hands_on_its_arguments_as_they_are(source: str) -> None:
    """The guard gets the function, and then the arguments of the bare call; every comment is there, in order."""
    after = CircuitBreaker().edit(source, Spot(line=_line(source), method="GET"))
    before = _call(source)
    calls = [node for node in ast.walk(ast.parse(after)) if isinstance(node, ast.Call)]
    (now,) = [call for call in calls if ast.unparse(call.func) == "_guarded"]
    assert ast.unparse(now.args[0]) == "requests.get"
    assert [ast.dump(arg) for arg in (*now.args[1:], *now.keywords)] == [
        ast.dump(arg) for arg in (*before.args, *before.keywords)
    ]
    assert _comments(after) == _comments(source)


@ODD
@given(modules())
def test_a_keyed_call_keeps_its_other_arguments(source: str) -> None:
    """The arguments are those of the call, but for the headers, which have one more; every comment is there."""
    source = source.replace("get", "post", 1)
    after = IdempotencyKey().edit(source, Spot(line=_line(source), method="POST", keyed=True))
    calls = [node for node in ast.walk(ast.parse(after)) if isinstance(node, ast.Call)]
    (now,) = [call for call in calls if ast.unparse(call.func) == "RETRY"]
    (before,) = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert [ast.unparse(arg) for arg in now.args] == ["requests.post", *(ast.unparse(arg) for arg in before.args)]
    headers = {keyword.arg: keyword.value for keyword in now.keywords}
    assert "'Idempotency-Key': uuid4().hex" in ast.unparse(headers.pop("headers"))
    others = {keyword.arg: keyword.value for keyword in before.keywords if keyword.arg != "headers"}
    assert {name: ast.dump(value) for name, value in headers.items()} == {
        name: ast.dump(value) for name, value in others.items()
    }
    assert [comment for comment in _comments(after) if comment in _comments(source)] == _comments(source)
