"""`http_error`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError


def test_it_answers_with_status_and_body(read_fault, target):
    """The default is a 503 with a JSON body."""
    read_fault("http_error").act(target)
    read_fault("http_error", status=429, body="slow down").act(target)
    assert target.asked == [
        ("answer", 503, b'{"error": "injected by chaos-test"}'),
        ("answer", 429, b"slow down"),
    ]


@pytest.mark.parametrize("status", [200, 399, 600, True, "503"])
def test_only_error_statuses_are_accepted(read_fault, status):
    """An http_error of 200 would be a fault that no one can see."""
    with pytest.raises(ExperimentError, match=r"fault\.status: .* expected an integer from 400 to 599"):
        read_fault("http_error", status=status)
