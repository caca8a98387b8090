"""What users noted, on its way through a file."""

from __future__ import annotations

import pytest


def test_facts_come_back_as_they_were_noted(pure, tmp_path):
    """From the files of all parts, in the order of their time, and by their name."""
    facts = pure.facts
    booked = [facts.Fact("booked", f"{n}.0.book", "chaos", 10.0 - n, {"id": n, "to": ["Mars"]}) for n in range(3)]
    other = facts.Fact("cancelled", "0.0.cancel", "recovery", 20.0, {"id": 0})
    (tmp_path / "facts-worker-0.jsonl").write_bytes(b"".join(map(facts.line, [booked[0], other])))
    (tmp_path / "facts-worker-1.jsonl").write_bytes(b"".join(map(facts.line, booked[1:])))
    (tmp_path / "worker-0.jsonl").write_text('["no fact"]\n')
    read = facts.read(tmp_path)
    assert list(read) == [booked[2], booked[1], booked[0], other]
    assert [fact["id"] for fact in read["booked"]] == [2, 1, 0]
    assert read["sold"] == []
    assert (len(read), read.broken) == (4, 0)


def test_a_line_that_was_cut_short_is_counted(pure, tmp_path):
    """Without all facts nothing can be said to hold, so it must not go unnoticed."""
    facts = pure.facts
    whole = facts.line(facts.Fact("booked", "0.0.1", "chaos", 1.0, {}))
    (tmp_path / "facts-local.jsonl").write_bytes(whole + whole[:20])
    assert (len(facts.read(tmp_path)), facts.read(tmp_path).broken) == (1, 1)


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_a_value_that_json_does_not_know_is_refused(pure, value):
    """Where it is noted, in words."""
    with pytest.raises(TypeError, match=r"note\('booked'\): .*made of text, numbers"):
        pure.facts.line(pure.facts.Fact("booked", "0.0.1", "chaos", 1.0, {"id": value}))
