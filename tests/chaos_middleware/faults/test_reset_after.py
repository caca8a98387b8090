"""`reset_after`."""

from __future__ import annotations


def test_it_asks_for_a_reset(read_fault, target):
    """After so many bytes."""
    read_fault("reset_after", seam="network", bytes=100).act(target)
    assert target.asked == [("impair", "reset_after", 100)]
