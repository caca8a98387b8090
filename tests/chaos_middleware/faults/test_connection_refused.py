"""`connection_refused`."""

from __future__ import annotations


def test_it_fails_as_where_nobody_listens(read_fault, target):
    """There is nothing to set."""
    fault = read_fault("connection_refused", seam="http_client")
    fault.act(target)
    assert target.asked == [("fail", "connection_refused")]
    assert fault.asked() == {}
