"""The before/after cases that stand inside the fixes, and what must hold of every one of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tokenize
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest

import chaos_analysis.fixes
from chaos_analysis.fixes import FIXES
from chaos_analysis.fixes._diff import unified
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix

EVERY = [pytest.param(fix, case, id=f"{fix.name}: {case.says}") for fix in FIXES for case in fix.CASES]
CHANGING = [pytest.param(fix, case, id=f"{fix.name}: {case.says}") for fix in FIXES for case in fix.CASES if case.after]


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
    again = Case("again", case.after, at=case.again or case.at, method=case.method)
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
    for number, parameters in enumerate(CHANGING):
        case = parameters.values[1]
        assert isinstance(case, Case)
        (tmp_path / f"{number}_before.py").write_text(case.before)
        (tmp_path / f"{number}_after.py").write_text(case.after or "")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,W,I", "--output-format", "json", "."]
    told = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
    found: dict[str, Counter[str]] = {}
    for finding in json.loads(told.stdout):
        name = Path(finding["filename"]).name
        found.setdefault(name, Counter())[f"{finding['code']} {finding['message']}"] += 1
    for number, parameters in enumerate(CHANGING):
        new = found.get(f"{number}_after.py", Counter()) - found.get(f"{number}_before.py", Counter())
        assert not new, parameters.id


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


def _comments(source: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")
