"""Connections that faults took for good, told from pools that fill up and from what leaks with every request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import resource_leak
from tests.chaos_analysis import world
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_analysis.model import Pattern
    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]

END = "127.0.0.1:5001"
DOWN = {**world.FARES_DOWN, "match": {"path": ["/payments*"]}, "rate": 0.5}  # 87 times, at one line


def found(make_run: MakeRun, before: tuple[int, int], after: int, **settings: object) -> list[Pattern]:
    """In a run whose one process held so many connections at first, at the end of the baseline, and last."""
    folder, truth = make_run(**{"requests": 1000, "rules": (DOWN,), **settings})
    assert 60 < len(truth.events) < 120
    first = world.STARTED
    held = [(first - 1, "before", before[0]), (first + 1, "during", before[1]), (first + 100, "after", after)]
    lines = [
        {"t": t, "when": when, "pid": 1, "rss": 1 << 20, "descriptors": 10 + n, "threads": 3, "connections": {END: n}}
        for t, when, n in held
    ]
    (folder / "resources.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(resource_leak.find(read_evidence(folder)))


def test_connections_that_grow_with_a_rules_faults_are_a_leak_at_its_line(make_run: MakeRun) -> None:
    """One more a fault: told once, as connections and not as descriptors too, with the line and the rule."""
    (one,) = found(make_run, (0, 5), 85)
    assert str(one.site) == "planner/payments.py:10"
    assert (one.rules, one.evidence, one.severity) == (("fares-down",), "observed", "high")
    assert one.title.startswith(f"80 more connections to {END} after ")
    assert dict(one.facts)[f"connections to {END}"] == "5 → 85"


@pytest.mark.parametrize(
    ("before", "after"),
    [((0, 5), 24), ((0, 60), 140), ((0, 5), 900)],
    ids=["a pool", "grows before any fault", "more than the faults can have taken"],
)
def test_what_faults_did_not_take_is_no_leak_of_theirs(make_run: MakeRun, before: tuple[int, int], after: int) -> None:
    """Pools fill up to 20, some leak with each request, and 900 are not of some 90 faults."""
    assert found(make_run, before, after) == []


def test_harmless_faults_take_nothing(make_run: MakeRun) -> None:
    """Where nothing but `noop` was injected, what has grown is of something else."""
    assert found(make_run, (0, 5), 85, rules=({**DOWN, "fault": {"type": "noop"}},)) == []


def test_an_app_that_is_not_counted_is_not_judged(make_run: MakeRun) -> None:
    """No counts, no finding."""
    assert list(resource_leak.find(read_evidence(make_run(requests=400)[0]))) == []
