"""Randomness that restarts."""

from __future__ import annotations

import random
from contextvars import ContextVar

import pytest

GOLDEN = (473, 0.44814215314574735, 585)


def sequence(draws):
    """One of everything that Locust and locustfiles use."""
    return (
        *(draws.random(), draws.choice("abcdef"), draws.randint(1, 1000), draws.gauss(0, 1), draws.expovariate(2)),
        *(draws.sample(range(100), 5), draws.randbytes(200), draws.uniform(3, 4)),
    )


def test_an_iteration_always_gives_the_same_sequence(pure):
    """Restarting repeats it, whatever was drawn before; another iteration and another user have another one."""
    draws = pure.draws.Draws("42:3")
    draws.restart(7)
    first = sequence(draws)
    draws.gauss(0, 1)
    draws.restart(7)
    assert sequence(draws) == first
    draws.restart(8)
    assert sequence(draws) != first
    other = pure.draws.Draws("42:4")
    other.restart(7)
    assert sequence(other) != first


def test_every_iteration_has_a_sequence_of_its_own(pure):
    """A hundred of them, and what is drawn before the first, share no number; and the order does not matter."""
    draws = pure.draws.Draws("42:3")
    before = [draws.random() for _ in range(3)]
    sequences = {}
    for iteration in (*range(100), *reversed(range(100))):
        draws.restart(iteration)
        drawn = [draws.random() for _ in range(3)]
        assert sequences.setdefault(iteration, drawn) == drawn
    assert len({*before, *(number for drawn in sequences.values() for number in drawn)}) == 303


def test_the_numbers_are_uniform(pure):
    """Ten bins of 20,000 draws are each within five standard deviations, over restarts as within one sequence."""
    draws = pure.draws.Draws("42:0")
    for restart in (False, True):
        counts = [0] * 10
        for i in range(20_000):
            if restart:
                draws.restart(i)
            counts[int(draws.random() * 10)] += 1
        assert all(abs(count - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5 for count in counts)


def test_a_choice_is_fair(pure):
    """Each of three has its third of 20,000 first choices, within five standard deviations."""
    draws, counts = pure.draws.Draws("42:0"), dict.fromkeys("abc", 0)
    for i in range(20_000):
        draws.restart(i)
        counts[draws.choice("abc")] += 1
    assert all(abs(count - 20_000 / 3) < 5 * (20_000 * 2 / 9) ** 0.5 for count in counts.values())
    with pytest.raises(IndexError):
        draws.choice([])


def test_the_numbers_of_a_seed_stay_the_same(pure):
    """Golden: a change of them sends other requests for the same seed."""
    draws = pure.draws.Draws("42:3")
    draws.restart(7)
    assert (draws.choice(range(1000)), draws.random(), draws.randint(1, 1000)) == GOLDEN


def test_nothing_is_drawn_for_a_choice_of_one(pure):
    """A user with a single task draws the same as if there were no choice."""
    draws = pure.draws.Draws("42:0")
    draws.restart(1)
    first = draws.random()
    draws.restart(1)
    assert (draws.choice(["only"]), draws.random()) == ("only", first)


def test_more_bits_than_a_hash_has_are_all_drawn(pure):
    """A long number has no fixed part."""
    draws = pure.draws.Draws("42:0")
    seen = [draws.getrandbits(1030) for _ in range(60)]
    assert all(0 < sum(number >> bit & 1 for number in seen) < 60 for bit in range(1030))


def test_a_seed_of_ones_own_holds_until_the_next_restart(pure):
    """`random.seed` in a task does what it says, and does not reach into the next iteration."""
    draws = pure.draws.Draws("42:0")
    draws.seed(5)
    first = draws.random()
    draws.seed(5)
    assert draws.random() == first
    draws.restart(1)
    assert draws.random() != first


@pytest.fixture
def restored():
    """The module as it was, afterwards."""
    kept = {name: getattr(random, name) for name in random.__all__}
    yield
    for name, function in kept.items():
        setattr(random, name, function)


@pytest.mark.usefixtures("restored")
def test_the_module_asks_the_current_user(pure):
    """Within a user's context `random` uses the user's draws, outside it the process's own generator."""
    current: ContextVar = ContextVar("current", default=None)
    pure.draws.install(current)
    random.seed(1)
    plain = random.random()
    draws = pure.draws.Draws("42:0")
    token = current.set(draws)
    draws.restart(1)
    drawn = [random.random(), random.choice("abc"), random.betavariate(1, 2)]
    current.reset(token)
    draws.restart(1)
    assert drawn == [draws.random(), draws.choice("abc"), draws.betavariate(1, 2)]
    random.seed(1)
    assert random.random() == plain
