"""Every verdict, from made-up figures."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

from chaos_analysis.effect import Gate, judge, judge_all
from chaos_analysis.effect.judging import LEAST_PAIRS
from chaos_analysis.effect.values import Measured
from chaos_analysis.model import Estimate
from chaos_analysis.stats import proportion
from chaos_analysis.stats.paired import difference, mcnemar

if TYPE_CHECKING:
    from chaos_analysis.effect import Effect

YES = Gate("applies", ok=True, summary="1 file changed")


def around(value: float, reach: float = 0.02) -> Estimate:
    """A ratio with its interval."""
    return Estimate(value, value - reach, value + reach, 6, "ratio")


def figures(rescued: int = 0, broken: int = 0, pairs: int = 600, failing: int = 60, **more: Any) -> Measured:
    """Nothing but these differs: `failing` of the pairs fail without the change."""
    plain = Measured(
        condition="as declared",
        pairs=pairs,
        faulted=2 * failing,
        rescued=rescued,
        broken=broken,
        iterations=(rescued, broken),
        p_value=mcnemar(rescued, broken),
        before=proportion(failing, pairs),
        after=proportion(failing - rescued + broken, pairs),
        difference=difference(rescued, broken, pairs),
        useful=around(1.0),
        useful_p=0.6,
        latency=around(1.0),
        latency_p=0.6,
        calls=around(1.0),
        repeats=(0, 0),
        alone=(0, 0),
        steady=0.001 if rescued != broken else 1.0,
    )
    return replace(plain, **more)


def ttest(ratio: float, spread: float, blocks: int) -> float:
    """The p-value of logs of ratios around this one, with this standard deviation."""
    return float(2 * stats.t.sf(abs(log(ratio)) / spread * blocks**0.5, blocks - 1))


def verdict(*measured: Measured, gates: tuple[Gate, ...] = (YES,)) -> tuple[str, str]:
    """In a word, and why."""
    effect = judge(measured, gates)
    return effect.verdict, effect.reason


def test_what_rescues_has_improved() -> None:
    """With both counts, and what it saves of a thousand requests."""
    effect = judge([figures(rescued=40, broken=2)])
    assert (effect.verdict, effect.reason) == ("improved", "40 rescued, 2 newly broken of 600 requests")
    assert effect.saved == pytest.approx(1000 * 38 / 600)


def test_what_breaks_is_worse() -> None:
    """More newly broken than rescued, by more than chance."""
    assert verdict(figures(rescued=3, broken=30)) == ("worse", "3 rescued, 30 newly broken of 600 requests")


def test_what_rescues_by_slowing_all_others_down_is_worse() -> None:
    """Fault-free requests take half as long again: that is too dear."""
    slow = figures(rescued=40, latency=around(1.5), latency_p=0.001)
    assert verdict(slow)[0] == "worse"
    assert "requests without a fault take 1.5 times as long" in verdict(slow)[1]
    assert verdict(figures(rescued=40, latency=around(1.2), latency_p=0.001))[0] == "improved"


def test_what_was_not_replayed_cannot_be_compared() -> None:
    """There are no figures; with the reason, if that is known. It is worse only where the change is to blame."""
    assert verdict() == ("not comparable", "it was not replayed")
    assert verdict(gates=(YES, Gate("runs", ok=None, summary="Locust ended"))) == ("not comparable", "Locust ended")
    assert verdict(gates=(YES, Gate("runs", ok=False, summary="the app ended"))) == ("worse", "runs: the app ended")


def test_a_change_whose_imports_are_missing_here_is_not_worse() -> None:
    """It was not tried: where they can be installed it may be good. What does not compile is bad anywhere."""
    no = Gate("imports", ok=False, summary="stamina cannot be imported")
    assert verdict(gates=(YES, no)) == ("not comparable", "imports: stamina cannot be imported")
    assert verdict(gates=(YES, replace(no, name="compiles")))[0] == "worse"


def test_what_nobody_feels_is_not_dear() -> None:
    """Half as long again of 4 ms is 2 ms; and no time counts that the placebo has, too."""
    slow = figures(rescued=40, latency=around(1.5), latency_p=0.001, latency_ms=2.0)
    assert verdict(slow)[0] == "improved"
    felt = replace(slow, latency_ms=20.0)
    assert verdict(felt)[0] == "worse"
    busy = figures(latency=around(1.3, reach=0.25))
    assert judge_all({"": ([felt], [])}, busy)[""].verdict == "improved"
    assert judge_all({"": ([felt], [])}, figures())[""].verdict == "worse"


def test_a_time_that_nobody_feels_decides_nothing() -> None:
    """Six tenths of the time to a useful answer, which are 2 ms."""
    assert verdict(figures(useful=around(0.6), useful_p=0.001, useful_ms=-2.0))[0] == "inconclusive"
    assert verdict(figures(useful=around(0.6), useful_p=0.001, useful_ms=-20.0))[0] == "improved"


def test_what_only_slows_others_down_is_worse() -> None:
    """A lock that is held during the call: as many fail as before, each a whole deadline, beside which it is little."""
    slow = {"latency": around(3.0), "latency_p": 0.001, "useful": around(1.05)}
    assert verdict(figures(**slow, useful_p=0.03))[1].startswith("requests without a fault take 3 times as long")
    assert verdict(figures(**slow, useful_p=0.001))[0] == "worse"
    assert verdict(figures(latency=around(3.0, reach=2.5), latency_p=0.15))[0] == "no difference"


def test_blocks_that_disagree_leave_it_open() -> None:
    """One block that has all of it is no evidence about requests, in either direction."""
    for counts in ({"rescued": 40}, {"broken": 40}):
        effect = judge([figures(**counts, steady=0.5)])
        assert (effect.verdict, effect.need) == ("inconclusive", 1200)
        assert "requests interact" in effect.reason


@pytest.mark.parametrize(("ratio", "p", "word"), [(0.6, 0.001, "improved"), (1.6, 0.001, "worse")])
def test_the_time_to_a_useful_answer_decides_where_failures_do_not(ratio: float, p: float, word: str) -> None:
    """Both ways."""
    found = verdict(figures(useful=around(ratio), useful_p=p))
    assert found[0] == word
    assert f"{ratio} times as long to a useful answer" in found[1]


@pytest.mark.parametrize(("ratio", "p"), [(1.05, 0.0001), (0.95, 0.0001)])
def test_a_difference_that_nobody_cares_for_is_none(ratio: float, p: float) -> None:
    """However certain."""
    assert verdict(figures(useful=around(ratio), useful_p=p))[0] == "no difference"


def test_no_difference_needs_an_interval_inside_the_tolerances() -> None:
    """Few pairs, or times that vary, leave it open; and it is said how many pairs it takes."""
    assert verdict(figures())[0] == "no difference"
    few = judge([figures(pairs=60, failing=6)])
    assert (few.verdict, few.need) == ("inconclusive", 120)
    assert verdict(figures(useful=around(1.0, reach=0.4)))[0] == "inconclusive"
    hint = judge([figures(rescued=6, broken=2, pairs=200, failing=20, steady=0.1)])
    assert hint.verdict == "inconclusive"
    assert hint.need is not None
    assert hint.need > 200


def test_too_few_pairs_say_nothing() -> None:
    """Even where all of them agree."""
    few = judge([figures(rescued=LEAST_PAIRS - 1, pairs=LEAST_PAIRS - 1, failing=LEAST_PAIRS - 1)])
    assert (few.verdict, few.need) == ("inconclusive", LEAST_PAIRS)


def _among(found: Measured, others: int) -> Effect:
    """Judged together with changes that do nothing."""
    return judge_all({"it": ([found], []), **{f"none-{n}": ([figures()], []) for n in range(others)}})["it"]


def test_a_clear_interval_that_is_not_certain_enough_says_why_and_what_would_be() -> None:
    """8 newly broken of 400, p = 0.0078, are p = 0.086 among eleven; 11 of 550, p = 0.00098, are 0.011."""
    hint = figures(broken=8, pairs=400)
    assert (hint.difference.low or 0) > 0
    effect = _among(hint, 10)
    assert (effect.verdict, effect.need) == ("inconclusive", 550)
    assert effect.reason == (
        "0 rescued, 8 newly broken of 400 requests; p = 0.0859 after adjusting for 11 comparisons, above 0.02"
    )
    assert _among(figures(broken=11, pairs=550), 10).verdict == "worse"
    assert _among(figures(broken=10, pairs=500), 10).verdict == "inconclusive"


def test_what_fails_by_whole_iterations_needs_more_of_them() -> None:
    """Twelve requests of three iterations are three: eight of those, by as many pairs, make p = 0.0078."""
    effect = judge([figures(broken=12, pairs=90, iterations=(0, 3), p_value=mcnemar(0, 3))])
    assert (effect.need, effect.reason.rpartition("; ")[2]) == (210, "p = 0.25, above 0.02")
    assert mcnemar(0, 6) > 0.02 > mcnemar(0, 7)


def test_times_that_are_not_certain_enough_say_why_and_what_would_be() -> None:
    """Six blocks of 0.8 times as long (0.7-0.914) have p = 0.0078; it takes two more to have 0.0018 and less."""
    reach = 2.5706 * (spread := 0.1269) / 6**0.5
    useful = Estimate(0.8, 0.8 * exp(-reach), 0.8 * exp(reach), 6, "ratio")
    hint = figures(pairs=600, useful=useful, useful_p=ttest(0.8, spread, 6), useful_ms=-50.0)
    effect = _among(hint, 10)
    assert effect.reason.startswith("0.8 times as long to a useful answer, p = ")
    assert effect.reason.endswith(
        " after adjusting for 11 comparisons, above 0.02; 0 rescued, 0 newly broken of 600 requests"
    )
    assert effect.need is not None
    blocks = effect.need // 100
    assert 11 * ttest(0.8, spread, blocks) < 0.02 <= 11 * ttest(0.8, spread, blocks - 1)


def test_a_gate_before_the_replay_that_says_no_ends_it() -> None:
    """Whatever was measured; a gate that could not be asked does not."""
    no = Gate("the app's tests", ok=False, summary="1 failed")
    assert verdict(figures(rescued=40), gates=(YES, no)) == ("worse", "the app's tests: 1 failed")
    assert verdict(gates=(no,)) == ("worse", "the app's tests: 1 failed")
    unasked = Gate("the app's tests", ok=None, summary="it has none")
    assert verdict(figures(rescued=40), gates=(YES, unasked))[0] == "improved"


@pytest.mark.parametrize(
    ("name", "word"),
    [("honest answers", "worse"), ("fault-free answers", "worse"), ("injection points", "not comparable")],
)
def test_a_gate_of_the_replay_that_says_no_outweighs_what_was_rescued(name: str, word: str) -> None:
    """A call that slipped out of the experiment proves neither good nor bad."""
    no = Gate(name, ok=False, summary="so many")
    assert verdict(figures(rescued=40, gates=(no,))) == (word, f"{name}: so many")


def test_where_endpoints_are_left_out_nobody_knows_that_nothing_differs() -> None:
    """What does differ is told of the others, and that they are not all."""
    part = Gate("every endpoint", ok=None, summary="left out: GET /reports")
    assert verdict(figures(), gates=(YES, part)) == (
        "inconclusive",
        "0 rescued, 0 newly broken of 600 requests; left out: GET /reports",
    )
    assert verdict(figures(rescued=40), gates=(YES, part))[0] == "improved"
    assert verdict(figures(broken=40), gates=(YES, part))[0] == "worse"


def test_what_an_outage_costs_is_told_and_harm_there_is_worse() -> None:
    """What a timeout gives up is told; taking much longer, or a gate that does not hold, is harm."""
    good = figures(rescued=20)
    outage = {"condition": "outage"}
    assert verdict(good, figures(**outage))[0] == "improved"
    assert verdict(good, figures(broken=40, **outage)) == (
        "improved",
        "20 rescued, 0 newly broken of 600 requests; under outage 0 rescued, 40 newly broken",
    )
    assert verdict(good, figures(useful=around(1.6), useful_p=0.001, **outage))[0] == "worse"
    no = Gate("state-changing calls", ok=False, summary="40 made again")
    assert verdict(good, figures(gates=(no,), **outage)) == (
        "worse",
        "state-changing calls under outage: 40 made again",
    )
    told = verdict(good, figures(broken=5, **outage))
    assert told == ("improved", "20 rescued, 0 newly broken of 600 requests; under outage 0 rescued, 5 newly broken")


def test_what_an_outage_gains_is_told_with_any_verdict_but_harm() -> None:
    """A rollback helps where errors last: what is certain there is said, though as declared it changes nothing."""
    outage = figures(rescued=8, condition="outage")
    effect = judge([figures(rescued=4, broken=1, steady=0.3), outage])
    assert effect.verdict == "no difference"
    assert effect.reason == (
        "4 rescued, 1 newly broken of 600 requests; under outage improved: 8 rescued, 0 newly broken"
    )
    assert effect.gains == (outage,)
    assert judge([figures(broken=30), outage]).gains == ()


@pytest.mark.parametrize(
    "outage",
    [figures(rescued=5), figures(rescued=40, steady=0.5), figures(rescued=29, pairs=29, failing=29), figures(broken=9)],
    ids=["chance", "blocks disagree", "few", "loss"],
)
def test_a_gain_in_an_outage_must_be_as_certain_as_a_verdict(outage: Measured) -> None:
    """Else nothing is said of it but what it costs."""
    assert judge([figures(), replace(outage, condition="outage")]).gains == ()


def test_gains_in_an_outage_share_their_chance_of_error() -> None:
    """7 rescued (p = 0.016) stand alone, and do not among ten others that were measured in an outage."""
    hint, none = ([figures(), figures(rescued=n, condition="outage")] for n in (7, 0))
    assert judge(hint).gains
    assert not judge_all({"hint": (hint, []), **{f"none-{n}": (none, []) for n in range(10)}})["hint"].gains


def test_several_changes_share_their_chance_of_error() -> None:
    """Benjamini-Hochberg: 7 rescued (p = 0.016) stand alone, and do not among ten that did nothing."""
    hint = figures(rescued=7)
    assert judge([hint]).verdict == "improved"
    among = judge_all({"hint": ([hint], []), **{f"none-{n}": ([figures()], []) for n in range(10)}})
    assert among["hint"].verdict != "improved"
    certain = judge_all({"sure": ([figures(rescued=40)], []), **{f"none-{n}": ([figures()], []) for n in range(10)}})
    assert certain["sure"].verdict == "improved"
    refused = judge_all(
        {"hint": ([hint], []), **{f"no-{n}": ([], [Gate("applies", ok=False, summary="")]) for n in range(9)}}
    )
    assert refused["hint"].verdict == "improved"
