"""`large_body`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_asks_for_its_bytes(read_fault, target):
    """All that the body has in the end, 20 MiB where nothing is said."""
    read_fault("large_body", bytes=4096).act(target)
    read_fault("large_body").act(target)
    assert target.asked == [("lengthen", 4096), ("lengthen", 20 * 1024 * 1024)]
    assert read_fault("large_body", bytes=4096).asked() == {"bytes": 4096}


def test_there_is_a_most(read_fault):
    """256 MiB: an app may hold it several times over."""
    with pytest.raises(ExperimentError, match=r"fault\.bytes: 268435457 is not allowed; expected an integer from 1 to"):
        read_fault("large_body", bytes=256 * 1024 * 1024 + 1)
