"""Diffs that are applied and taken back, held against git's own where git has a word."""

from __future__ import annotations

import difflib
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaos_test import patches
from chaos_test.patches import PatchError

TEN = "".join(f"line {n}\n" for n in range(10))
LINE = st.sampled_from(
    ["a\n", "b\n", "", "\n", "-- b\n", "++ a\n", "\\ c\n", "c\r\n", "d\x0ce\n", "f\u2028g\n", "é\rh\n"]
)
TEXT = st.tuples(st.lists(LINE, max_size=12), st.sampled_from(["", "z"])).map(lambda pair: "".join(pair[0]) + pair[1])


def diff(before: str, after: str, path: str = "shop.py", *, context: int = 3) -> str:
    """The unified diff from one text to another, as diff writes it."""
    split = [text.split("\n") for text in (before, after)]
    lines = [[f"{line}\n" for line in text[:-1]] + [line for line in text[-1:] if line] for text in split]
    found = difflib.unified_diff(*lines, f"a/{path}", f"b/{path}", n=context)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def applied(text: str, root: Path, *, back: bool = False) -> None:
    """Apply a diff to a tree, or take it back."""
    changes = patches.parse(text)
    patches.write(patches.apply([each.reversed() for each in changes] if back else changes, root), root)


@given(before=TEXT, after=TEXT, context=st.integers(0, 4))
@example(before="a\n-- b\n", after="a\n", context=3)
@example(before="a\r\nb\r\n", after="a\r\nc\r\n", context=0)
@example(before="a", after="a\n", context=3)
def test_what_a_diff_says_is_what_comes_of_it_and_it_can_be_taken_back(before: str, after: str, context: int) -> None:
    """apply(diff(a, b)) on a is b, and its reverse on b is a, to the byte, whatever ends the lines."""
    text = diff(before, after, context=context)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "shop.py").write_bytes(before.encode())
        if text:
            applied(text, root)
        assert (root / "shop.py").read_bytes() == after.encode()
        if text:
            applied(text, root, back=True)
        assert (root / "shop.py").read_bytes() == before.encode()


@given(before=TEXT, after=TEXT)
def test_it_does_what_git_does(before: str, after: str) -> None:
    """The same bytes as `git apply` leaves."""
    text = diff(before, after)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("ours", "git"):
            (root / folder).mkdir()
            (root / folder / "shop.py").write_bytes(before.encode())
        if text:
            applied(text, root / "ours")
            command = ["git", "apply", "--whitespace=nowarn", "-"]
            subprocess.run(command, cwd=root / "git", input=text.encode(), check=True, capture_output=True)
        assert (root / "ours" / "shop.py").read_bytes() == (root / "git" / "shop.py").read_bytes()


def test_lines_that_have_moved_are_found(tmp_path: Path) -> None:
    """Twenty lines were put above since: the change goes with its lines, and back."""
    text = diff(TEN, TEN.replace("line 5", "LINE 5"))
    moved = "new\n" * 20 + TEN
    (tmp_path / "shop.py").write_text(moved)
    applied(text, tmp_path)
    assert (tmp_path / "shop.py").read_text() == moved.replace("line 5", "LINE 5")
    applied(text, tmp_path, back=True)
    assert (tmp_path / "shop.py").read_text() == moved


def test_of_equal_places_the_one_that_is_meant_changes(tmp_path: Path) -> None:
    """Three equal functions: that at the diff's line is changed, forth and back, not the first that fits."""
    same = "def f():\n    a\n    b\n    c\n    d\n    e\n    f\n    g\n\n"
    before = same * 3
    after = same * 2 + same.replace("    d\n", "    d\n    added\n")
    text = diff(before, after)
    (tmp_path / "shop.py").write_text(before)
    applied(text, tmp_path)
    assert (tmp_path / "shop.py").read_text() == after
    applied(text, tmp_path, back=True)
    assert (tmp_path / "shop.py").read_text() == before


def test_a_file_comes_and_goes(tmp_path: Path) -> None:
    """A new file in a new folder; taken back it is gone, and a diff that deletes one brings it back when reversed."""
    new = "--- /dev/null\n+++ b/deep/er.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    applied(new, tmp_path)
    assert (tmp_path / "deep" / "er.py").read_text() == "one\ntwo\n"
    applied(new, tmp_path, back=True)
    assert not (tmp_path / "deep" / "er.py").exists()

    gone = "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n\\ No newline at end of file\n"
    (tmp_path / "old.py").write_text("one")
    applied(gone, tmp_path)
    assert not (tmp_path / "old.py").exists()
    applied(gone, tmp_path, back=True)
    assert (tmp_path / "old.py").read_text() == "one"


def git(folder: Path, *words: str) -> str:
    """What git says."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_diff_of_git_with_all_that_it_may_hold(tmp_path: Path) -> None:
    """Changed, new, empty, deleted and oddly named files of a real `git diff`, and a message above it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "shop.py").write_text(TEN)
    (tmp_path / "old.py").write_text("gone\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "é b.py").write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    (tmp_path / "shop.py").write_text(TEN.replace("line 5\n", "\n-- 5\n"))
    (tmp_path / "old.py").unlink()
    (tmp_path / "a" / "é b.py").write_text("two\n")
    (tmp_path / "a" / "__init__.py").write_text("")
    (tmp_path / "new.py").write_text("new\n")
    git(tmp_path, "add", ".")
    text = "Subject: a message\n\n" + git(tmp_path, "diff", "--cached")
    after = {path.name: path.read_bytes() for path in tmp_path.rglob("*.py")}
    git(tmp_path, "reset", "-q", "--hard")
    applied(text, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.py")} == after
    applied(text, tmp_path, back=True)
    assert git(tmp_path, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing\n", "not a unified diff"),
        ("--- a/x.py\n+++ b/x.py\n", "no '@@' line"),
        ("--- a/x.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n", "renames"),
        ("--- a/x.py\n+++ b/x.py\n@@ -1,2 +1 @@\n-a\n", "other lines there"),
        ("--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\nxyz\n", "other lines there"),
        ("diff --git a/x.py b/y.py\nsimilarity index 100%\nrename from x.py\nrename to y.py\n", "only lines of text"),
        ("diff --git a/x.py b/x.py\nold mode 100644\nnew mode 100755\n", "only lines of text"),
        ("diff --git a/x.gz b/x.gz\nnew file mode 100644\nindex 0..1\nBinary files differ\n", "only lines of text"),
    ],
)
def test_what_cannot_be_applied_whole_is_refused(text: str, said: str) -> None:
    """Nothing of a patch is passed over in silence."""
    with pytest.raises(PatchError, match=said):
        patches.parse(text)


@pytest.mark.parametrize("path", ["../out.py", "/etc/out.py", "link/out.py"])
def test_what_lies_outside_the_tree_is_refused(tmp_path: Path, path: str) -> None:
    """By its path, or through a link that leads out; nothing is written."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    with pytest.raises(PatchError, match="lies outside"):
        applied(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+one\n", root)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (diff("other\n", "one\n"), "not what the patch was made for, near line 1"),
        (diff("one\n", "two\n", "none.py"), "none.py is not there"),
        ("--- /dev/null\n+++ b/shop.py\n@@ -0,0 +1 @@\n+one\n", "shop.py is there already"),
        ("--- a/shop.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-line 0\n", "has more in it"),
        (diff("é\n", "two\n", "latin.py"), "latin.py cannot be read"),
        (diff("line 9\n", "line 9")[:-1].replace("-1 +1", "-1 +1"), ""),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path: Path, text: str, said: str) -> None:
    """A patch of two files of which the second does not fit leaves the first alone, too."""
    (tmp_path / "shop.py").write_text(TEN)
    (tmp_path / "latin.py").write_bytes("é\n".encode("latin-1"))
    (tmp_path / "first.py").write_text("one\n")
    if not said:  # the last line, of a file that has gone on since, must not be glued to the next
        (tmp_path / "shop.py").write_text(TEN + "more\n")
        said = "not what the patch was made for"
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(PatchError, match=said):
        applied(diff("one\n", "two\n", "first.py") + text, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    """The second one's folder is a file: the first keeps its text, and no half of anything is left."""
    (tmp_path / "a.py").write_text("one\n")
    (tmp_path / "b").write_text("a file\n")
    with pytest.raises(PatchError, match="cannot be written"):
        patches.write({"a.py": "two\n", "b/c.py": "new\n"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "b"]
    assert (tmp_path / "a.py").read_text() == "one\n"


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A script stays executable, and what is reached through a link is changed where it is."""
    (tmp_path / "real.py").write_text("one\n")
    (tmp_path / "real.py").chmod(0o755)
    (tmp_path / "shop.py").symlink_to("real.py")
    applied(diff("one\n", "two\n"), tmp_path)
    assert (tmp_path / "shop.py").is_symlink()
    assert (tmp_path / "real.py").read_text() == "two\n"
    assert stat.S_IMODE((tmp_path / "real.py").stat().st_mode) == 0o755


def test_two_patches_of_one_file(tmp_path: Path) -> None:
    """Both made for the file as it was: the second finds its lines below what the first has added; both go back."""
    (tmp_path / "shop.py").write_text(TEN)
    first = diff(TEN, TEN.replace("line 1\n", "line 1\nadded\nadded\n"))
    second = diff(TEN, TEN.replace("line 8", "LINE 8"))
    changes = [*patches.parse(first), *patches.parse(second)]
    patches.write(patches.apply(changes, tmp_path), tmp_path)
    assert (tmp_path / "shop.py").read_text() == TEN.replace("line 1\n", "line 1\nadded\nadded\n").replace(
        "line 8", "LINE 8"
    )
    patches.write(patches.apply([each.reversed() for each in reversed(changes)], tmp_path), tmp_path)
    assert (tmp_path / "shop.py").read_text() == TEN


@given(
    lines=st.lists(st.sampled_from("abc"), min_size=20, max_size=30),
    first=st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4)),
    second=st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4)),
)
def test_two_patches_of_a_file_full_of_equal_lines(
    lines: list[str], first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    """Each changes the lines that it was made for, though others look the same, and in either order."""

    def changed(text: list[str], at: int, gone: int, come: int, mark: str) -> list[str]:
        return [*text[:at], *[mark] * come, *text[at + gone :]]

    at = 14 + second[0]
    one = changed(lines, *first, "X")
    other = changed(lines, at, *second[1:], "Y")
    both = changed(changed(lines, at, *second[1:], "Y"), *first, "X")
    whole, *texts = ("".join(f"{line}\n" for line in text) for text in (lines, one, other, both))
    diffs = [diff(whole, text) for text in texts[:2]]
    for order in (diffs, diffs[::-1]):
        changes = [change for text in order if text for change in patches.parse(text)]
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "shop.py").write_text(whole)
            made = patches.apply(changes, Path(name)) if changes else {"shop.py": whole}
        assert made["shop.py"] == texts[2]
