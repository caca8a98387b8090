"""The check `resources`: a leak grows with the faults, a pool that fills up does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import tables
from chaos_analysis.checks import resources
from chaos_analysis.evidence import Evidence
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]

END = "127.0.0.1:5432"


def evidence(make_run: MakeRun, *held: tuple[str, int, int]) -> Evidence:
    """A run of 400 requests in which two processes each held so many descriptors and connections."""
    folder, _ = make_run(requests=400)
    began = tables.build(open_run(folder)).requests["started"].min()
    lines = [
        {"t": began - 5 + 10_000 * (when == "after"), "when": when, "pid": pid, "rss": 50 << 20}
        | {"descriptors": descriptors, "threads": 3, "connections": {END: connections}}
        for when, descriptors, connections in held
        for pid in (1, 2)
    ]
    (folder / "resources.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Evidence(tables.build(open_run(folder)), None, {})


def test_pools_that_have_filled_up_are_no_leak(make_run: MakeRun) -> None:
    """Fifteen connections more in each process are what a pool keeps; all is shown, both processes together."""
    check = resources.check(evidence(make_run, ("before", 10, 0), ("after", 25, 15)))
    assert check.ok is True
    assert check.summary == f"descriptors 20 → 50, threads 6 → 6, connections to {END} 0 → 30, memory 100 → 100 MiB"


@pytest.mark.parametrize(("descriptors", "connections"), [(200, 15), (25, 150)])
def test_what_grows_with_the_faults_looks_like_a_leak(make_run: MakeRun, descriptors: int, connections: int) -> None:
    """It is named; the run stays valid."""
    check = resources.check(evidence(make_run, ("before", 10, 0), ("after", descriptors, connections)))
    assert (check.ok, check.fatal) == (False, False)
    assert check.summary.endswith("grew with the faults and were not given back, which looks like a leak")


def test_an_app_that_is_not_ours_is_not_judged(make_run: MakeRun) -> None:
    """Without a count there is no answer."""
    assert resources.check(evidence(make_run)).ok is None
