"""`slow_body`."""

from __future__ import annotations


def test_it_asks_for_its_pace_and_limit(read_fault, target):
    """Pace in bytes a second, limit in seconds."""
    fault = read_fault("slow_body", bytes_per_second=512, max_seconds=3)
    fault.act(target)
    assert target.asked == [("slow", 512.0, 3.0)]
    assert fault.asked() == {"bytes_per_second": 512.0, "max_seconds": 3.0}
