"""The page that explains findings knows all of them."""

from __future__ import annotations

from pathlib import Path

from chaos_analysis import checks, patterns
from chaos_analysis.outcomes import OUTCOMES

PAGE = Path(__file__).parents[2] / "docs/findings.md"


def test_every_finder_has_its_section_and_every_check_its_row() -> None:
    """Both directions: nothing undocumented, nothing that does not exist."""
    lines = PAGE.read_text().splitlines()
    sections = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    finders = (*patterns.FINDERS, *patterns.LACKS)
    assert sorted(sections) == sorted(module.__name__.rpartition(".")[2] for module in finders)
    assert set(rows) - {"critical", "high", "medium", "low"} - {*OUTCOMES} == {
        module.__name__.rpartition(".")[2] for module in checks.CHECKS
    }


def test_every_outcome_has_its_row_in_their_order() -> None:
    """As the report's table has them."""
    text = PAGE.read_text().partition("## Outcomes")[2].partition("\n## ")[0]
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert tuple(rows) == OUTCOMES
