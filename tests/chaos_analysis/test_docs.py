"""The page that explains findings knows all of them."""

from __future__ import annotations

from pathlib import Path

from chaos_analysis import checks, patterns

PAGE = Path(__file__).parents[2] / "docs/findings.md"


def test_every_finder_has_its_section_and_every_check_its_row() -> None:
    """Both directions: nothing undocumented, nothing that does not exist."""
    lines = PAGE.read_text().splitlines()
    sections = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    finders = (*patterns.FINDERS, *patterns.LACKS)
    assert sorted(sections) == sorted(module.__name__.rpartition(".")[2] for module in finders)
    assert set(rows) - {"critical", "high", "medium", "low"} == {
        module.__name__.rpartition(".")[2] for module in checks.CHECKS
    }
