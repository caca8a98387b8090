"""Whether the noted calls name lines of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import analyse
from chaos_analysis.checks import call_sites
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]


def test_calls_with_lines_pass(make_run: MakeRun) -> None:
    """It says how many do."""
    found = call_sites.check(read_evidence(make_run()[0]))
    assert found.ok
    assert found.summary.endswith("noted calls name a line")


def test_a_run_of_which_no_call_has_a_line_says_what_to_set(
    make_run: MakeRun, no_sites: Callable[[Path], None]
) -> None:
    """The run stays valid, and no patch comes of it."""
    folder, _ = make_run(requests=1500)
    no_sites(folder)
    found = call_sites.check(read_evidence(folder))
    assert (found.ok, found.fatal) == (False, False)
    assert "with CHAOS_APP_DIR naming that" in found.summary
    analysis = analyse(folder, write=False)
    assert found in analysis.checks
    assert not [each for each in analysis.proposals if each.diff]


def test_without_calls_there_is_nothing_to_name(make_run: MakeRun) -> None:
    """Such as where the app's ledger is out of reach."""
    folder, _ = make_run(requests=200)
    for file in folder.glob("faults/*"):
        file.unlink()
    assert call_sites.check(read_evidence(folder)).ok is None
