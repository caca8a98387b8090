"""`slow_close`."""

from __future__ import annotations


def test_it_asks_for_a_late_end(read_fault, target):
    """By so many seconds."""
    read_fault("slow_close", seam="network", seconds=3).act(target)
    assert target.asked == [("impair", "slow_close", 3.0)]
