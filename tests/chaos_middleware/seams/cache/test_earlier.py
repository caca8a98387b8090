"""The memory of earlier values."""

from __future__ import annotations

from chaos_middleware.seams.cache.earlier import Earlier


def test_the_value_before_is_the_last_that_differed():
    """Seeing a value again changes nothing. Where it is gone, it itself is what was before; a gap is no value."""
    memory = Earlier()
    assert [memory.saw(("k",), value) for value in (b"1", b"1", b"2", b"2", b"3")] == [None, None, b"1", b"1", b"2"]
    assert [memory.saw(("k",), value) for value in (None, b"3", None, b"4", b"3")] == [b"3", b"2", b"3", b"3", b"4"]


def test_places_are_forgotten_when_there_are_too_many():
    """The one that was not used for the longest time goes first."""
    memory = Earlier(places=2)
    for place, value in (("a", b"1"), ("b", b"1"), ("a", b"2"), ("c", b"1")):
        memory.saw((place,), value)
    assert memory.saw(("a",), b"2") == b"1"
    memory.saw(("b",), b"1")
    memory.saw(("b",), b"2")
    assert memory.saw(("c",), b"2") is None


def test_bytes_are_bounded():
    """In all, and for one value: what is longer counts as nothing."""
    memory = Earlier(total=1000, longest=100)
    memory.saw(("long",), b"x" * 101)
    assert memory.saw(("long",), b"y") is None
    for number in range(100):
        memory.saw((number,), b"x" * 100)
    assert len(memory._seen) < 5
    assert memory._size <= 1000
