"""`slow_statement`."""

from __future__ import annotations


def test_it_stalls_what_is_called(read_fault, target):
    """For the seconds asked."""
    fault = read_fault("slow_statement", seam="database", seconds=1.5)
    fault.act(target)
    assert target.asked == [("stall", 1.5)]
    assert fault.asked() == {"seconds": 1.5}
