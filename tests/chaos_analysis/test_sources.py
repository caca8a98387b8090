"""The app's sources as a run kept them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path


def test_line_endings_are_kept(tmp_path: Path) -> None:
    """A patch must match the file byte for byte, so text comes with the line endings that the file has."""
    (tmp_path / "a.py").write_bytes(b"x = 1\r\ny = '\xc3\xa4'\r\n")
    assert Sources(tmp_path).text("a.py") == "x = 1\r\ny = 'ä'\r\n"


def test_what_is_not_there_or_not_text_is_none(tmp_path: Path) -> None:
    """A file that was not kept, one in another encoding and one outside the folder all have no text."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "secret.py").write_text("x = 1")
    (tmp_path / "kept" / "latin.py").write_bytes(b"x = '\xe4'")
    sources = Sources(tmp_path / "kept")
    assert [sources.text(path) for path in ("no.py", "latin.py", "../secret.py", "")] == [None] * 4


def test_files_are_named_relative_to_the_app(tmp_path: Path) -> None:
    """Only Python files are listed, by their path below the folder; none where nothing was kept."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "b.py").touch()
    (tmp_path / "a.py").touch()
    (tmp_path / "c.txt").touch()
    assert Sources(tmp_path).files() == ("a.py", "app/b.py")
    assert Sources(tmp_path / "none").files() == ()
