"""`stale_connections`."""

from __future__ import annotations


def test_it_ends_what_lies_in_the_pool(read_fault, target):
    """There is nothing to set."""
    fault = read_fault("stale_connections", seam="database")
    fault.act(target)
    assert target.asked == [("cut_off",)]
    assert fault.asked() == {}
