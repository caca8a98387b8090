"""`slicer`."""

from __future__ import annotations


def test_it_asks_for_pieces(read_fault, target):
    """Their size, and the seconds between them."""
    read_fault("slicer", seam="network", bytes=10, seconds=0.5).act(target)
    assert target.asked == [("impair", "slicer", 10, 0.5)]
