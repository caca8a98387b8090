"""Two things at once where there are two processes (`-n 2 --dist loadgroup`): whole runs, one after the other, and the
truth bench with what belongs to nobody else. More runs beside runs would take each other's time, and what they promise
is a matter of time. Groups begin before single tests, which both processes share in the end.
"""

from __future__ import annotations

from pathlib import Path

import pytest

RUNS = Path(__file__).parent / "end_to_end"
BESIDE = ("test_truth.py", "test_loop.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that run everything, and those that say so, into one group."""
    for item in items:
        if item.path.name in BESIDE:
            item.add_marker(pytest.mark.xdist_group("truth"))
        elif item.path.is_relative_to(RUNS) or item.get_closest_marker("end_to_end"):
            item.add_marker(pytest.mark.xdist_group("end_to_end"))
