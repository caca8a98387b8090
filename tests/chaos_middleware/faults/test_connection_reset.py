"""`connection_reset`."""

from __future__ import annotations


def test_it_fails_as_a_reset(read_fault, target):
    """There is nothing to set."""
    fault = read_fault("connection_reset")
    fault.act(target)
    assert target.asked == [("fail", "connection_reset")]
    assert fault.asked() == {}
