"""`packet_loss`."""

from __future__ import annotations


def test_what_varies_is_seeded_by_the_draw(read_fault, target):
    """The same draw, the same connection; the ledger shows what was asked."""
    fault = read_fault("packet_loss", seam="network", share=0.1, seconds=0.2)
    fault.settle([0.25]).act(target)
    assert target.asked[0][-1] == 0.25
    assert fault.asked()["seconds"] == 0.2
