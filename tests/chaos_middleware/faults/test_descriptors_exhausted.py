"""`descriptors_exhausted`."""

from __future__ import annotations


def test_it_asks_for_all_but_a_few(read_fault, target):
    """None are left unless the rule says so."""
    for settings in ({}, {"leave": 5, "seconds": 1}):
        read_fault("descriptors_exhausted", seam="process", **settings).act(target)
    assert target.asked == [("press", "descriptors", 0, 10.0), ("press", "descriptors", 5, 1.0)]
