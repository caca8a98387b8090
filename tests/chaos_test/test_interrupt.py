"""Ctrl-C once and twice."""

from __future__ import annotations

import signal

import pytest

from chaos_test.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_and_the_second_insists(number: signal.Signals) -> None:
    """Once leaves time for a report; twice does not."""
    with Interrupt() as interrupt:
        assert not interrupt.asked
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_the_former_handlers_return() -> None:
    """After the block Ctrl-C means what it meant before."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
