"""`link_down`."""

from __future__ import annotations


def test_it_asks_for_the_kind_of_silence(read_fault, target):
    """Refused by default, or hanging."""
    read_fault("link_down", seam="network", seconds=2).act(target)
    read_fault("link_down", seam="network", how="hang").act(target)
    assert target.asked == [("impair", "refused", 2.0), ("impair", "hang", 5.0)]
