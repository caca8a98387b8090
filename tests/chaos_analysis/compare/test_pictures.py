"""The pictures of a comparison: what stands beside each line, and which lines there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from chaos_analysis.compare import Comparison, Group, Latency, Side, forest, shift
from chaos_analysis.model import Estimate
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = Estimate(0.1, 0.05, 0.2, 106, "probability")
CLEAR, OPEN = Estimate(0.066, 0.012, 0.118, 106, "probability"), Estimate(0.0, -0.08, 0.08, 106, "probability")
UNKNOWN = Estimate(None, None, None, 9, "ms", need=72)


def _ms(value: float) -> Estimate:
    return Estimate(value, value / 2, value * 2, 106, "ms")


ALL = Group(
    kind="all",
    name="all requests",
    verdict="inconclusive",
    reason="0 rescued, 7 newly broken of 106 requests; p = 0.086 after adjusting for 2 comparisons, above 0.02",
    need=117,
    requests=(106, 106),
    before=SHARE,
    after=SHARE,
    difference=CLEAR,
    rescued=0,
    broken=7,
    p_value=0.043,
    useful=Estimate(1.61, 1.02, 2.54, 6, "ratio"),
    useful_p=0.04,
    latencies=(Latency("p50", _ms(136), _ms(159)), Latency("p95", _ms(2300), UNKNOWN)),
)


def _found(*groups: Group, interleaved: bool = True) -> Comparison:
    side = Side(("a",), (1,), (), 106)
    return Comparison(side, side, "paired", "inconclusive", "", interleaved=interleaved, groups=groups)


def _drawn(plot: object, found: Comparison) -> Figure:
    with mpl.rc_context(_style.SETTINGS):
        figure: Figure | None = plot.draw(found)  # type: ignore[attr-defined]
    assert figure is not None
    return figure


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (ALL, "inconclusive, need 117 pairs\nat 98 % over 2 tests not clear of 0"),
        (
            replace(ALL, reason="requests interact, the blocks disagree: 0"),
            "inconclusive, need 117 pairs\nthe blocks disagree",
        ),
        (
            replace(ALL, requests=(21, 21), reason="21 pairs, too few", need=30),
            "inconclusive, need 30 pairs\n21 pairs, too few",
        ),
        (replace(ALL, difference=OPEN), "inconclusive, need 117 pairs"),
        (replace(ALL, verdict="worse", need=None), "worse"),
    ],
)
def test_a_line_clear_of_0_says_why_it_is_open(group: Group, said: str) -> None:
    """The interval is of one comparison; the verdict is one of several, and of enough pairs."""
    other = replace(ALL, kind="endpoint", name="GET /", difference=OPEN)
    axes = _drawn(forest, _found(group, other)).axes[0]
    assert axes.texts[0].get_text() == said


def test_only_lanes_that_are_known_are_drawn() -> None:
    """A quantile that one side cannot tell has no lane; a name stands in the middle of those that it has."""
    second = replace(ALL, kind="endpoint", name="GET /", latencies=(Latency("p50", _ms(10), _ms(20)),))
    both = replace(ALL, latencies=(*ALL.latencies[:1], Latency("p95", _ms(2300), _ms(2520))))
    axes = _drawn(shift, _found(both, second)).axes[0]
    assert [text.get_text() for text in axes.texts] == ["p50", "136 → 159", "p95", "2,300 → 2,520", "p50", "10 → 20"]
    lanes = [text.xy[1] for text in axes.texts[::2]]  # type: ignore[attr-defined]
    assert list(axes.get_yticks()) == [(lanes[0] + lanes[1]) / 2, lanes[2]]
    axes = _drawn(shift, _found(ALL, second)).axes[0]
    assert [text.get_text() for text in axes.texts[::2]] == ["p50", "p50"]


def test_times_are_judged_where_the_runs_took_turns() -> None:
    """The title says how long a useful answer takes, and elsewhere that nothing was judged."""
    assert shift.finding(_found(ALL)).endswith("; a useful answer takes 1.61 times as long (1.02-2.54)")
    assert shift.finding(_found(ALL, interleaved=False)).endswith("(not judged)")
    unknown = replace(ALL, useful=replace(UNKNOWN, unit="ratio"))
    assert shift.finding(_found(unknown)).endswith("(not judged)")
