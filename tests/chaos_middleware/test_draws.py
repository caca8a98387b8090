"""The keyed draw. The vectors are golden: a change of them makes every run that was ever recorded not replayable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_middleware import draws

POINTS = {
    (0, "0.0.0", "", 0): 5586634232426883220,
    (42, "3.0.1", "", 0): 2500733067770425593,
    (42, "2-3.17.book", "GET 127.0.0.1/fares?to=mars", 0): 7164986235834078356,
    (42, "2-3.17.book", "GET 127.0.0.1/fares?to=mars", 1): 13965834396849607842,
    (9223372036854775807, "7.1.2", "", 0): 2069724589758610271,
}
UNIFORM = {
    (0, "r", "0.0.0"): 0.8053321585528703,
    (42, "edge-latency", "3.0.1"): 0.2232196605353146,
    (42, "edge-exception", "3.0.1"): 0.3275540625437827,
    (43, "edge-latency", "3.0.1"): 0.20634025110915388,
}

rates = st.floats(0, 1)


@pytest.mark.parametrize(("seed", "key", "call", "occurrence"), POINTS)
def test_a_place_has_the_same_point_for_ever(seed, key, call, occurrence):
    """One number for (seed, key, call, occurrence), on every machine and version."""
    assert draws.point(seed, key, call, occurrence) == POINTS[seed, key, call, occurrence]


@pytest.mark.parametrize(("seed", "rule", "key"), UNIFORM)
def test_a_rule_draws_the_same_for_ever(seed, rule, key):
    """One number for (seed, rule, key)."""
    assert draws.rule_hash(seed, rule).u(draws.point(seed, key)) == UNIFORM[seed, rule, key]


def test_values_are_the_same_for_ever():
    """So are the random settings of what fired."""
    at = draws.point(42, "3.0.1")
    assert draws.values(42, "edge-latency", at, 3) == (0.517637921124584, 0.8201581947769649, 0.21199534188921387)


@given(low=rates, high=rates, key=st.integers(0, 10**6))
def test_a_higher_rate_fires_a_superset(low, high, key):
    """What fires at 5 % fires at 10 % too: a ramp adds faults and moves none."""
    low, high = sorted((low, high))
    u = draws.rule_hash(1, "rule").u(draws.point(1, f"0.{key}.1"))
    assert not (u < low and not u < high)


@given(rate=rates, key=st.integers(0, 10**6))
def test_the_limit_decides_as_the_rate_does(rate, key):
    """The integer comparison in the hot path is exactly `u < rate`."""
    at = draws.point(1, f"0.{key}.1")
    hashed = draws.rule_hash(1, "rule")
    assert ((hashed.a * at + hashed.b) & draws.MASK < draws.limit(rate)) == (hashed.u(at) < rate)


def test_draws_are_uniform_and_rules_independent():
    """Over 20,000 keys each tenth holds a tenth, and two rules at 10 % meet in 1 % (within five standard errors)."""
    first, second = draws.rule_hash(7, "first"), draws.rule_hash(7, "second")
    points = [draws.point(7, f"{n % 50}.{n // 50}.1") for n in range(20_000)]
    tenths = [0] * 10
    for at in points:
        tenths[int(first.u(at) * 10)] += 1
    assert all(abs(n - 2000) < 5 * 42.4 for n in tenths)
    assert abs(sum(first.u(at) < 0.1 and second.u(at) < 0.1 for at in points) - 200) < 5 * 14.1


def test_call_and_occurrence_are_part_of_the_place():
    """Another call, or the same once more, draws anew."""
    places = {draws.point(1, "0.0.1", call, n) for call in ("GET a/x", "GET a/y") for n in range(3)}
    assert len(places) == 6
