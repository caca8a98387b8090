"""`garbage_body`."""

from __future__ import annotations


def test_it_replaces_the_body(read_fault, target):
    """Whatever text is set, as bytes; the ledger shows its beginning."""
    fault = read_fault("garbage_body", seam="http_client", body="<html>" * 50)
    fault.act(target)
    assert target.asked == [("garble", b"<html>" * 50)]
    assert fault.asked() == {"body": ("<html>" * 50)[:80]}
