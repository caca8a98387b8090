"""`bandwidth`."""

from __future__ import annotations


def test_it_asks_for_a_rate(read_fault, target):
    """Bytes a second."""
    read_fault("bandwidth", seam="network", bytes_per_second=500).act(target)
    assert target.asked == [("impair", "bandwidth", 500.0)]
