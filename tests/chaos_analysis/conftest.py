"""A made-up run, as files and as evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis import tables
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.rundir import open_run
from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import Truth, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_evidence(folder: Path) -> Evidence:
    """What the analysis makes of a run folder before it concludes anything."""
    run = open_run(folder)
    return Evidence(tables.build(run), read_experiment(run.experiment)[0], run.run)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., tuple[Path, Truth]]:
    """Writes the run folder of a `World(**settings)`; returns it with its truth."""

    def make(**settings: Any) -> tuple[Path, Truth]:
        folder = tmp_path / "run"
        return folder, write_run(folder, World(**settings))

    return make


@pytest.fixture
def make_evidence(make_run: Callable[..., tuple[Path, Truth]]) -> Callable[..., Evidence]:
    """The evidence of a `World(**settings)`."""
    return lambda **settings: read_evidence(make_run(**settings)[0])


@pytest.fixture
def no_sites() -> Callable[[Path], None]:
    """Takes the call sites from a run folder's ledger, as where the app's folder is not the one that it was told."""

    def strip(folder: Path) -> None:
        for part in folder.glob("faults/*.jsonl"):
            records = map(json.loads, part.read_text().splitlines())
            part.write_text("".join(f"{json.dumps(each | {'site': None})}\n" for each in records))

    return strip
