"""`truncated_body`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_asks_for_its_share(read_fault, target):
    """`keep` is the share of the body that still comes."""
    read_fault("truncated_body", keep=0.25).act(target)
    assert target.asked == [("truncate", 0.25)]


def test_the_whole_body_cannot_be_kept(read_fault):
    """A truncation that keeps everything would be a fault that does nothing."""
    with pytest.raises(ExperimentError, match=r"fault\.keep: 1 is not allowed; expected a number from 0 to 0\.99"):
        read_fault("truncated_body", keep=1)
