"""`worker_killed`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_ends_the_process(read_fault, target):
    """The one verb it uses."""
    read_fault("worker_killed", seam="process").act(target)
    assert target.asked == [("kill",)]


def test_it_matches_no_request(read_fault):
    """A rule of this seam cannot name a route: it befalls a process."""
    from chaos_middleware.experiment import parse

    rule = {"name": "r", "seam": "process", "rate": 1, "fault": {"type": "worker_killed"}, "match": {"route": ["/x"]}}
    with pytest.raises(ExperimentError, match=r"rules\[0\]\.match\.route: .* is not allowed; expected no such key"):
        parse({"version": 1, "rules": [rule]})
