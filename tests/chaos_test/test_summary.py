"""What the terminal shows after a run."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from chaos_analysis.model import Analysis, Check, Estimate, Pattern, Proposal, Site, SloResult, Tables
from chaos_test import summary

RATE = Estimate(0.5, 0.4, 0.6, 100, "probability")


def pattern(number: int) -> Pattern:
    """A pattern at line `number`."""
    return Pattern(
        id=f"p{number}",
        finder="missing_timeout",
        title=f"Title {number}" + (" at shop.py:2" if number == 2 else ""),
        summary="",
        evidence="direct",
        severity="high",
        endpoint=None,
        failures=1,
        rate=RATE,
        site=Site("shop.py", number, "stock"),
    )


@pytest.fixture
def analysis() -> Analysis:
    """Four patterns, two objectives, two checks, one proposal."""
    import pandas as pd

    empty = pd.DataFrame()
    proposal = Proposal(
        1, "http_timeout", "T", ("p1",), "shop.py", 1, None, "", "", "", "", "--- a", automatic=True, failures=1
    )
    return Analysis(
        source="run",
        run={},
        experiment={},
        tables=Tables(*[empty] * 9),
        endpoints=(),
        patterns=tuple(pattern(number) for number in range(1, 5)),
        proposals=(proposal, replace(proposal, number=2, diff="")),
        checks=(Check("dose", ok=True, summary="as declared"), Check("records", ok=False, summary="two are lost")),
        slos=(
            SloResult("p95<1s", "all", None, RATE, held=True, summary="90 ms"),
            SloResult("p99<1s", "all", None, RATE, held=None, summary="need 368"),
        ),
        verdict="invalid",
        headline="Two records are lost.",
        exit_code=3,
        advice=("Ask for more requests.",),
    )


def test_what_plain_statistics_cannot_tell_is_marked_as_such(analysis: Analysis) -> None:
    """It is no advice."""
    console = Console(file=io.StringIO(), width=200)
    summary.show(console, replace(analysis, unknowable=("What a fault did: nothing here.",)), Path("reports/r"))
    assert "? not in these files: what a fault did: nothing here.\n" in console.file.getvalue()


def test_it_is_short_and_has_what_matters(analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdict, three patterns with their lines once, objectives, failed checks only, advice, patches, the report."""
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    summary.show(Console(file=out, width=100), analysis, tmp_path / "reports" / "x")
    assert out.getvalue().strip().splitlines() == [
        "invalid: Two records are lost.",
        "1. high     Title 1  shop.py:1",
        "2. high     Title 2 at shop.py:2",
        "3. high     Title 3  shop.py:3",
        "✓ p95<1s: 90 ms",
        "? p99<1s: need 368",
        "! records: two are lost",
        "→ Ask for more requests.",
        "Proposals: 2, 1 with a patch in reports/x/fixes/",
        "Report: reports/x/chaos-test-report.html",
    ]


def test_a_path_elsewhere_is_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`../../..` helps nobody."""
    monkeypatch.chdir(tmp_path)
    assert summary.shown(tmp_path / "a") == "a"
    assert summary.shown(Path("/x/y")) == "/x/y"
