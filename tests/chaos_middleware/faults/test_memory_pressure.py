"""`memory_pressure`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_asks_for_bytes_and_seconds(read_fault, target):
    """MiB in the file, bytes at the place."""
    read_fault("memory_pressure", seam="process", megabytes=3, seconds=1.5).act(target)
    assert target.asked == [("press", "memory", 3 << 20, 1.5)]


def test_it_has_a_cap(read_fault):
    """More than 16 GiB is refused when the file is read."""
    with pytest.raises(ExperimentError, match=r"megabytes: 16385 is not allowed"):
        read_fault("memory_pressure", seam="process", megabytes=16_385)
