"""`read_timeout`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_fails_as_a_timeout_of_its_kind(read_fault, target):
    """The caller's own timeout ends it; `give_up` is for callers without one."""
    read_fault("read_timeout", seam="http_client", give_up=7).act(target)
    assert target.asked == [("fail", "read_timeout", 7.0)]


def test_it_is_no_fault_of_the_edge(read_fault):
    """A server cannot keep a client from connecting to it: the rule is refused when the file is read."""
    with pytest.raises(ExperimentError, match=r"rules\[0\]\.fault\.type: \"read_timeout\" is not allowed"):
        read_fault("read_timeout", seam="wsgi")
