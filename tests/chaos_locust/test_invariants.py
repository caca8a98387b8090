"""How a locustfile states what must be true."""

from __future__ import annotations

import pytest


@pytest.fixture
def invariants(pure, monkeypatch):
    """The module, as if no locustfile had stated anything yet."""
    monkeypatch.setattr(pure.invariants, "_stated", {})
    return pure.invariants


def test_what_is_stated_is_kept_in_order(invariants):
    """With its name and with what is asked before the load; the function stays what it was."""

    def count(service):
        return 3

    @invariants.invariant("nothing is lost")
    def nothing_lost(service, facts):
        return []

    @invariants.invariant("nothing is gained", before=count)
    def nothing_gained(service, facts, before):
        return []

    first, second = invariants.stated()
    assert (first.name, first.check, first.before) == ("nothing is lost", nothing_lost, None)
    assert (second.name, second.check, second.before) == ("nothing is gained", nothing_gained, count)


def test_two_of_one_name_are_refused(invariants):
    """Their results could not be told apart; a module that is loaded twice states the same once."""

    def state(name):
        @invariants.invariant(name)
        def check(service, facts):
            return []

    def state_another(name):
        @invariants.invariant(name)
        def check(service, facts):
            return []

    state("no seat is sold twice")
    state("no seat is sold twice")
    assert len(invariants.stated()) == 1
    with pytest.raises(ValueError, match="two invariants are called 'no seat is sold twice'"):
        state_another("no seat is sold twice")


@pytest.mark.parametrize("name", ["", "  ", None, len])
def test_an_invariant_needs_a_sentence(invariants, name):
    """`@invariant` without brackets too, which would take the function for the name."""
    with pytest.raises(ValueError, match="needs a sentence"):
        invariants.invariant(name)


def test_a_violation_names_requests_by_facts_or_keys(pure, invariants):
    """Each once; those it is about for certain apart from those that are only suspected."""
    facts = [pure.facts.Fact("booked", f"{n}.1.book", "chaos", 1.0, {}) for n in range(3)]
    violation = invariants.Violation("gone", facts[0], "0.1.book", "0.1.mine", suspects=facts[1:])
    assert (violation.text, violation.keys) == ("gone", ("0.1.book", "0.1.mine"))
    assert violation.suspects == ("1.1.book", "2.1.book")
