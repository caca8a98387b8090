"""`data_limit`."""

from __future__ import annotations


def test_it_asks_for_an_end(read_fault, target):
    """After so many bytes."""
    read_fault("data_limit", seam="network", bytes=100).act(target)
    assert target.asked == [("impair", "data_limit", 100)]
