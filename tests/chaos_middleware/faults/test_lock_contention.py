"""`lock_contention`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_lasts_for_the_seconds_asked(read_fault, target):
    """It has somebody else hold the lock for so long."""
    fault = read_fault("lock_contention", seam="database", seconds=3)
    fault.act(target)
    assert target.asked == [("lock", 3.0)]
    assert fault.asked() == {"seconds": 3.0}


def test_it_says_for_how_long(read_fault):
    """There is no default: how long is the point."""
    with pytest.raises(ExperimentError, match=r"fault\.seconds"):
        read_fault("lock_contention", seam="database")
