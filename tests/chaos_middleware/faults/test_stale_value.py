"""`stale_value`."""

from __future__ import annotations

import pytest

from chaos_middleware.errors import ExperimentError


def test_it_asks_for_just_that(read_fault, target):
    """It has no settings, and one verb."""
    fault = read_fault("stale_value", seam="cache")
    fault.act(target)
    assert target.asked == [("stale",)]
    assert fault.asked() == {}
    with pytest.raises(ExperimentError, match=r"rules\[0\].fault.rate"):
        read_fault("stale_value", seam="cache", rate=1)
