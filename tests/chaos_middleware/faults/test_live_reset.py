"""`live_reset`."""

from __future__ import annotations


def test_it_asks_for_all_that_stand(read_fault, target):
    """It has no settings."""
    read_fault("live_reset", seam="network").act(target)
    assert target.asked == [("impair", "live_reset", 0)]
