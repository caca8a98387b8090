"""Injected errors can be told from real ones."""

from __future__ import annotations

import pytest

from chaos_middleware.errors import injected_by, mark_injected


def test_a_marked_error_is_known():
    """By the id of its fault event; any other is not."""
    assert injected_by(mark_injected(ValueError("x"), "1.1.1:rule")) == "1.1.1:rule"
    assert injected_by(ValueError("x")) is None
    assert injected_by(None) is None


def test_it_is_known_through_what_came_of_it():
    """An app that wraps the error in its own, `from` it or while handling it."""
    with pytest.raises(KeyError) as chained:
        _wrapping(explicitly=True)
    with pytest.raises(KeyError) as during:
        _wrapping(explicitly=False)
    assert injected_by(chained.value) == injected_by(during.value) == "1.1.1:rule"


def _wrapping(*, explicitly):
    try:
        raise mark_injected(ValueError("x"), "1.1.1:rule")
    except ValueError as error:
        if explicitly:
            raise KeyError("mine") from error
        raise KeyError("mine")  # noqa: B904 - the implicit chain is meant


def test_a_loop_of_causes_ends():
    """Errors that point at each other do not hang the lookup."""
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert injected_by(one) is None
