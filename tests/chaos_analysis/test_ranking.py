"""What to look at first, once fixes were measured."""

from __future__ import annotations

from dataclasses import replace

from chaos_analysis.effect import Effect, judge
from chaos_analysis.model import Pattern, Proposal
from chaos_analysis.ranking import by_savings, fix_of, fixes_of
from tests.chaos_analysis.report import sample

MUCH, LITTLE = (judge([sample.measured(rescued, 0)]) for rescued in (90, 30))
HARM = judge([sample.measured(0, 30)])


def _pattern(name: str, **changes: object) -> Pattern:
    return replace(sample.TIMEOUT, id=name, **changes)  # type: ignore[arg-type]


def _fix(pattern: str, effect: Effect | None) -> Proposal:
    return replace(sample.PROPOSAL, patterns=(pattern,), effect=effect)


def _order(patterns: list[Pattern], effects: dict[str, Effect | None]) -> str:
    ranked = by_savings(patterns, [_fix(name, effect) for name, effect in effects.items()])
    return "".join(pattern.id for pattern in ranked)


def test_what_saves_most_comes_first() -> None:
    """Where all fixes were measured, by the failures that they take away; harm saves nothing."""
    patterns = [_pattern(name) for name in "abc"]
    assert _order(patterns, {"a": HARM, "b": LITTLE, "c": MUCH}) == "cba"


def test_what_was_not_measured_keeps_its_place() -> None:
    """Nothing is known of what its fix would do, so nothing is held against it; so it is without a fix."""
    patterns = [_pattern(name) for name in "abcd"]
    assert _order(patterns, {"a": LITTLE, "b": None, "d": MUCH}) == "dbca"
    assert _order(patterns, {"a": None, "b": None}) == "abcd"


def test_a_violated_invariant_and_the_edge_keep_theirs() -> None:
    """What must not be stays before what fails, and what the app cannot change behind it."""
    patterns = [_pattern("a", finder="invariant_violated"), _pattern("b"), _pattern("c"), _pattern("d", severity="low")]
    assert _order(patterns, {"a": LITTLE, "b": HARM, "c": LITTLE, "d": MUCH}) == "acbd"


def test_parts_stay_behind_their_whole() -> None:
    """They move with it."""
    patterns = [_pattern("a"), _pattern("A", part_of="a"), _pattern("b"), _pattern("B", part_of="b")]
    assert _order(patterns, {"a": LITTLE, "b": MUCH}) == "bBaA"


def test_an_improvement_in_time_goes_before_none() -> None:
    """Though it takes no failure away."""
    faster = replace(MUCH, saved=-1.0)
    assert _order([_pattern("a"), _pattern("b")], {"a": HARM, "b": faster}) == "ba"


def test_a_pattern_has_the_first_fix_made_for_it() -> None:
    """In the order of the proposals, in which the best stands first."""
    first, second = _fix("a", MUCH), _fix("a", LITTLE)
    assert fix_of(_pattern("a"), (_fix("b", None), first, second)) is first
    assert fix_of(_pattern("z"), (first, second)) is None


def test_a_pattern_has_the_fixes_of_its_parts_the_most_severe_ones_first() -> None:
    """The whole took its severity from that part, so the part's goes first; one that does harm goes last."""
    whole = _pattern("whole", severity="high")
    parts = [_pattern("less", severity="medium"), _pattern("grave", severity="high")]
    fixes = {name: _fix(name, None) for name in ("other", "whole", "less", "grave")}
    told = fixes_of(whole, parts, fixes.values())
    assert [fix.patterns[0] for fix in told] == ["grave", "whole", "less"]
    harmful = {**fixes, "grave": _fix("grave", HARM)}
    assert [fix.patterns[0] for fix in fixes_of(whole, parts, harmful.values())] == ["whole", "less", "grave"]
    both = replace(fixes["less"], patterns=("less", "grave"))
    assert fixes_of(whole, parts, [fixes["whole"], both]) == (both, fixes["whole"])
