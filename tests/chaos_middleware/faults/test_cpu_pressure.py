"""`cpu_pressure`."""

from __future__ import annotations


def test_it_asks_for_threads_and_seconds(read_fault, target):
    """What it holds is named with its amount."""
    fault = read_fault("cpu_pressure", seam="process", threads=2, seconds=4)
    fault.act(target)
    assert target.asked == [("press", "cpu", 2, 4.0)]
    assert fault.asked() == {"threads": 2, "seconds": 4.0}
