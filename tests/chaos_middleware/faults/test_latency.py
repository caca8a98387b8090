"""`latency`."""

from __future__ import annotations

import statistics

import pytest

from chaos_middleware import ExperimentError

GRID = [(i + 0.5) / 1000 for i in range(1000)]


def drawn(fault):
    """The seconds for a thousand evenly spread draws."""
    return [fault.settle((u,)).asked()["seconds"] for u in GRID]


def test_fixed_is_the_same_whatever_is_drawn(read_fault):
    """A fixed delay has nothing to draw."""
    assert set(drawn(read_fault("latency", seconds=0.3))) == {0.3}


def test_uniform_spreads_evenly_between_low_and_high(read_fault):
    """A tenth of the draws falls in each tenth of the range."""
    seconds = drawn(read_fault("latency", distribution="uniform", low=0.1, high=2.0))
    assert min(seconds) == pytest.approx(0.1, abs=0.002)
    assert max(seconds) == pytest.approx(2.0, abs=0.002)
    assert sum(s < 0.29 for s in seconds) == 100


def test_normal_has_the_mean_and_spread_asked_for(read_fault):
    """Mean and standard deviation of the draws are those of the settings."""
    seconds = drawn(read_fault("latency", distribution="normal", mean=1.0, sd=0.1))
    assert statistics.mean(seconds) == pytest.approx(1.0, abs=0.001)
    assert statistics.stdev(seconds) == pytest.approx(0.1, rel=0.02)


def test_lognormal_has_the_median_asked_for(read_fault):
    """Half the draws are below the median; the tail is long."""
    seconds = drawn(read_fault("latency", distribution="lognormal", median=0.5, sigma=1))
    assert sum(s < 0.5 for s in seconds) == 500
    assert max(seconds) > 5


def test_draws_are_cut_at_zero_and_at_the_most(read_fault):
    """No draw sleeps for a negative time or for longer than `max_seconds`."""
    seconds = drawn(read_fault("latency", distribution="normal", mean=0.1, sd=5, max_seconds=1))
    assert (min(seconds), max(seconds)) == (0.0, 1.0)


def test_it_asks_for_the_settled_delay(read_fault, target):
    """What the ledger shows as asked is what the place is asked to do."""
    fault = read_fault("latency", distribution="uniform", low=1, high=3, blocking=True).settle((0.5,))
    fault.act(target)
    assert target.asked == [("delay", 2.0, True)]
    assert fault.asked() == {"seconds": 2.0, "blocking": True}


def test_a_range_upside_down_is_refused(read_fault):
    """`high` below `low` is an error with both named."""
    with pytest.raises(
        ExperimentError, match=r"rules\[0\]\.fault\.high: 0\.1 is not allowed; expected a number from 0\.5"
    ):
        read_fault("latency", distribution="uniform", low=0.5, high=0.1)
