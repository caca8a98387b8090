"""Three things at once where there are three processes (`-n 3 --dist loadgroup --no-loadscope-reorder`), as most of a
whole run is waiting: the truth bench, what measures one version of an app against another, and all other whole runs,
each one after the other. More of them side by side would take each other's time, and what they promise is a matter of
time. They begin first; single tests fill what is left.
"""

from __future__ import annotations

from pathlib import Path

import pytest

RUNS = Path(__file__).parent / "end_to_end"
GROUPS = ("truth", "measured", "end_to_end", "")
MEASURED = ("test_verify.py", "test_verify_harmful.py", "test_compare.py", "test_replay.py", "test_loop.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that run everything, and those that say so, into their groups, and these before all others."""
    groups = {item: _group(item) for item in items}
    items.sort(key=lambda item: GROUPS.index(groups[item]))
    for item, group in groups.items():
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item) -> str:
    if item.path.name == "test_truth.py":
        return "truth"
    if item.path.is_relative_to(RUNS) or item.get_closest_marker("end_to_end"):
        return "measured" if item.path.name in MEASURED else "end_to_end"
    return ""
