"""When a piece of a stream may go on, by a clock that the test holds."""

from __future__ import annotations

import random

import pytest

from chaos_test.network.impairment import Impairment


def test_a_delay_is_counted_from_when_a_piece_came() -> None:
    """Pieces that came together go on together."""
    impaired = Impairment(delay=0.5)
    assert [impaired.due(10, came=at, now=at) for at in (1.0, 1.0, 1.2)] == [1.5, 1.5, 1.7]


def test_pieces_keep_their_order() -> None:
    """However late one of them is."""
    impaired = Impairment(jitter=1.0, dice=random.Random(1))
    due = [impaired.due(10, came=at / 10, now=at / 10) for at in range(50)]
    assert due == sorted(due)


def test_a_rate_makes_each_piece_wait_for_those_before_it() -> None:
    """A hundred bytes a second: a second for each hundred."""
    impaired = Impairment(rate=100)
    assert [impaired.due(100, came=0.0, now=0.0) for _ in range(3)] == pytest.approx([1.0, 2.0, 3.0])


def test_losses_double_their_stall() -> None:
    """As a sender waits ever longer for an acknowledgement; the same draw gives the same losses."""
    runs = []
    for _ in range(2):
        impaired = Impairment(loss=0.5, stall=0.2, dice=random.Random(7))
        runs.append([impaired.due(1, came=100.0 * at, now=100.0 * at) - 100.0 * at for at in range(40)])
    assert runs[0] == runs[1]
    assert {round(stall, 3) for stall in runs[0]} <= {0.0, 0.2, 0.6, 1.4, 3.0, 6.2, 12.6}
    assert 10 < sum(stall > 0 for stall in runs[0]) < 30


def test_limits_cut_at_the_byte() -> None:
    """The smaller of the two counts."""
    impaired = Impairment(limit=10, reset=7)
    assert [impaired.allowed(sent, 5) for sent in (0, 5, 7)] == [5, 2, 0]
    assert list(Impairment(slice=4).pieces(b"abcdefghij")) == [b"abcd", b"efgh", b"ij"]
