"""The before/after cases that stand inside the fixes, and what must hold of every one of them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tokenize
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

import chaos_analysis.fixes
from chaos_analysis.fixes import FIXES
from chaos_analysis.fixes._diff import unified
from chaos_analysis.fixes._edits import add_import
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY = [pytest.param(fix, case, id=f"{fix.name}: {case.says}") for fix in FIXES for case in fix.CASES]
CHANGING = [pytest.param(fix, case, id=f"{fix.name}: {case.says}") for fix in FIXES for case in fix.CASES if case.after]

LAYOUTS = {  # code among the imports, and whether it stands above the case's own, not below
    "a logger between groups": ("\nlogger = logging.getLogger(__name__)\n\n", True),
    "a late import": ("\nlogger = logging.getLogger(__name__)\n\nfrom ours import late  # noqa: E402\n", False),
    "imports for types": ("\nif TYPE_CHECKING:\n    from ours import Thing\n\nLIMIT = 5\n", False),
}


@pytest.mark.parametrize(("fix", "case"), EVERY)
def test_a_case_is_edited_to_its_after_or_declined_for_its_reason(fix: Fix, case: Case) -> None:
    """The edit makes exactly the text of `after`; without one it is declined, for a reason with the case's words."""
    if case.after is not None:
        assert fix.edit(case.before, case.spot()) == case.after
        return
    with pytest.raises(Declined) as declined:
        fix.edit(case.before, case.spot())
    assert case.declined
    assert case.declined in str(declined.value)


@pytest.mark.parametrize(("fix", "case"), CHANGING)
def test_a_second_application_changes_nothing(fix: Fix, case: Case) -> None:
    """On its own output a fix finds that the change is there, wherever the call has moved to."""
    assert case.after is not None
    known = {name: value for name, value in case.known.items() if name != "also"}  # lines, which have moved
    again = Case("again", case.after, at=case.again or case.at, method=case.method, known=known)
    with pytest.raises(AlreadyThere):
        fix.edit(case.after, again.spot())


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("fix", "case"), CHANGING)
def test_comments_and_line_endings_stay(fix: Fix, case: Case, newline: str) -> None:
    """Every comment is still there, every line ends as the file's lines do, and the output compiles."""
    after = fix.edit(case.before.replace("\n", newline), case.spot())
    assert not _comments(case.before) - _comments(after)
    assert after.replace(newline, "").count("\n") == 0
    compile(after, "after.py", "exec")


def test_ruff_finds_nothing_new(tmp_path: Path) -> None:
    """By the rules of pyflakes, pycodestyle and isort no case's output has a finding that its input did not have."""
    pairs = {str(number): (case.before, case.after or "") for number, (_, case) in enumerate(_changing())}
    assert not _new_findings(tmp_path, pairs)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ruff_finds_nothing_new_where_other_code_stands_among_the_imports(tmp_path: Path, layout: str) -> None:
    """An import comes above a logger, whatever is imported below that, and not into `if TYPE_CHECKING:`."""
    laid = {number: laid_out for number, (_, case) in enumerate(_changing()) if (laid_out := _laid_out(case, layout))}
    for number, text in laid.items():
        (tmp_path / f"{number}.py").write_text(text)
    _ruff(tmp_path, "--select", "I", "--fix")
    pairs, declined = {}, 0
    for number, (fix, case) in enumerate(_changing()):
        before = (tmp_path / f"{number}.py").read_text() if number in laid else ""
        (tmp_path / f"{number}.py").unlink(missing_ok=True)
        try:
            pairs[f"{fix.name}_{number}"] = before, before and fix.edit(before, replace(case, before=before).spot())
        except Declined:  # its lines are given by number, and have moved
            declined += 1
    assert not _new_findings(tmp_path, pairs)
    assert declined <= 2
    assert len(laid) > 80


def test_what_must_run_before_imports_stays_above_them() -> None:
    """What is called, or set, between imports may change what they do: one more comes below it."""
    before = """
        from gevent import monkey

        monkey.patch_all()

        import os

        from flask import Flask

        app = Flask(os.environ["NAME"])

        import late
        """
    source = Source(dedent(before))
    after = source.splice(add_import(source, "requests"))
    assert after == source.text.replace("from flask", "import requests\nfrom flask")


@pytest.mark.parametrize("prefix", ["", "services/my planner"])
def test_git_applies_the_diff_at_the_top_of_the_repository(tmp_path: Path, prefix: str) -> None:
    """`git apply` takes every case's diff, for an app at the top and for one in a subfolder with a space in it."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    app = tmp_path / prefix
    app.mkdir(parents=True, exist_ok=True)
    for number, parameters in enumerate(CHANGING):
        case = parameters.values[1]
        assert isinstance(case, Case)
        for ending, text in (("lf", case.before), ("cut", case.before.rstrip("\n")), ("crlf", _crlf(case.before))):
            path = app / f"{ending}_{number}.py"
            path.write_bytes(text.encode())
            fix = parameters.values[0]
            assert isinstance(fix, Fix)
            after = fix.edit(text, case.spot())
            diff = unified(path.relative_to(tmp_path).as_posix(), text, after)
            subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=tmp_path, check=True)
            assert path.read_bytes() == after.encode()


def test_every_file_in_the_folder_is_a_fix_that_is_listed_and_has_cases_of_both_kinds() -> None:
    """A fix's file, name and place in FIXES go together, and its cases show a change as well as a refusal."""
    folder = Path(chaos_analysis.fixes.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    assert files == {fix.name for fix in FIXES} == {type(fix).__module__.rpartition(".")[2] for fix in FIXES}
    for fix in FIXES:
        assert any(case.after for case in fix.CASES)
        assert any(case.declined for case in fix.CASES)
        assert "https://" in fix.reference


def _changing() -> list[tuple[Fix, Case]]:
    return [(fix, case) for fix in FIXES for case in fix.CASES if case.after]


def _laid_out(case: Case, layout: str) -> str:
    """The case's source with two imports more, and the layout's code above or below its own; "" where it has none."""
    code, first = LAYOUTS[layout]
    imports = [node for node in ast.parse(case.before).body if isinstance(node, ast.Import | ast.ImportFrom)]
    own = [node for node in imports if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    if not own:
        return ""
    lines = case.before.splitlines(keepends=True)
    top, end = own[0].lineno - 1, own[-1].end_lineno
    more = "import logging\nfrom typing import TYPE_CHECKING\n"
    inner = [*lines[top:end]]
    return "".join([*lines[:top], more, *([code, *inner] if first else [*inner, code]), *lines[end:]])


def _new_findings(folder: Path, pairs: Mapping[str, tuple[str, str]]) -> dict[str, Counter[str]]:
    """What ruff finds of the second texts and not of the first, by name."""
    for name, (before, after) in pairs.items():
        (folder / f"{name}_before.py").write_text(before)
        (folder / f"{name}_after.py").write_text(after)
    found: dict[str, Counter[str]] = {}
    for finding in json.loads(_ruff(folder, "--select", "E,F,W,I", "--output-format", "json")):
        told = found.setdefault(Path(finding["filename"]).stem, Counter())
        told[f"{finding['code']} {finding['message']}"] += 1
    none: Counter[str] = Counter()
    new = {name: found.get(f"{name}_after", none) - found.get(f"{name}_before", none) for name in pairs}
    return {name: findings for name, findings in new.items() if findings}


def _ruff(folder: Path, *arguments: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", *arguments, "."]
    return subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False).stdout


def _comments(source: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")
