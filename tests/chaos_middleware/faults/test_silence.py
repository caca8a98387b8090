"""`silence`."""

from __future__ import annotations


def test_it_asks_for_seconds_of_nothing(read_fault, target):
    """And then an end."""
    read_fault("silence", seam="network", seconds=3).act(target)
    assert target.asked == [("impair", "silence", 3.0)]
