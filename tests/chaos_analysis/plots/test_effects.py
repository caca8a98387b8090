"""The forest plot of measured effects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from chaos_analysis.effect import Effect, Gate, judge
from chaos_analysis.effect.stored import Stored
from chaos_analysis.model import Estimate
from chaos_analysis.plots import _style, effects
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chaos_analysis.model import Analysis

GOOD, BETTER = (judge([sample.measured(rescued, 1)]) for rescued in (31, 81))
NOTHING = judge([sample.measured(0, 0)])
BAD = judge([sample.measured(0, 30)])
LASTING = judge([sample.measured(0, 0), sample.measured(31, 1, condition="outage")])
FASTER = judge([sample.measured(0, 0, useful=Estimate(0.5, 0.4, 0.6, 6, "ratio"), useful_p=0.001)])


def _drawn(analysis: Analysis) -> Figure:
    with mpl.rc_context(_style.SETTINGS):
        figure = effects.draw(analysis)
    assert figure is not None
    return figure


def _names(axes: Axes) -> list[str]:
    return [label.get_text().partition("\n")[0] for label in axes.get_yticklabels()]


def _marks(axes: Axes) -> list[tuple[str, str]]:
    """The marker and the colour of each row."""
    return [(str(line.get_marker()), str(line.get_color())) for line in axes.lines if line.get_marker() != "None"]


def test_nothing_is_drawn_before_anything_was_measured() -> None:
    """Neither without effects nor where no patch came as far as a replay."""
    assert effects.draw(sample.analysis()) is None
    assert effects.draw(sample.with_effects(judge([], (Gate("compiles", False, "no"),)))) is None


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ((GOOD, BETTER), "Fix 2 takes away most failures: -80 of 1,000 replayed requests"),
        ((GOOD, BAD), "Fix 1 takes away failures: -30 of 1,000 replayed requests"),
        ((FASTER,), "With Fix 1, it takes 0.5 times as long to a useful answer"),
        (
            (NOTHING, LASTING),
            "Fix 2 takes away failures under outage: -30 of 1,000 replayed requests; none does as declared",
        ),
        ((GOOD, LASTING), "Fix 1 takes away failures: -30 of 1,000 replayed requests"),
        ((NOTHING, BAD), "No fix is shown to take away failures; 1 of 2 does harm"),
        ((BAD, BAD), "No fix is shown to take away failures; 2 of 2 do harm"),
        ((NOTHING,), "No fix is shown to take away failures"),
    ],
)
def test_the_title_says_what_the_best_does(told: tuple[Effect, ...], title: str) -> None:
    """Whatever else was measured."""
    assert " ".join(_drawn(sample.with_effects(*told)).get_suptitle().split()) == title


def test_several_at_once_are_the_finding_where_they_were_measured() -> None:
    """They stand first, the placebo last."""
    known = Stored({}, together=BETTER, placebo=NOTHING, numbers=(1, 2))
    figure = _drawn(sample.with_effects(GOOD, measured=known))
    assert figure.get_suptitle() == "Fixes 1 and 2 together take away failures: -80 of 1,000 replayed requests"
    names = _names(figure.axes[0])
    assert (names[0], names[-1]) == ("Fixes 1 and 2 together", "Placebo: a change that changes nothing")
    assert names[1].startswith("Fix 1: ")


def test_one_fix_is_not_drawn_twice() -> None:
    """All that may stand together is one fix: its own row says what it does, where it has one."""
    known = Stored({}, together=BETTER, placebo=NOTHING, numbers=(1,))
    figure = _drawn(sample.with_effects(GOOD, measured=known))
    assert figure.get_suptitle() == "Fix 1 takes away failures: -30 of 1,000 replayed requests"
    assert [name[:7] for name in _names(figure.axes[0])] == ["Fix 1: ", "Placebo"]
    figure = _drawn(sample.with_effects(None, measured=known))
    assert figure.get_suptitle() == "Fix 1 alone takes away failures: -80 of 1,000 replayed requests"
    assert _names(figure.axes[0])[0] == "Fix 1 alone"


def test_a_placebo_alone_is_no_picture() -> None:
    """It is what patches are held against."""
    assert effects.draw(sample.with_effects(None, measured=Stored({}, placebo=NOTHING))) is None


def test_patches_of_ones_own_have_their_rows() -> None:
    """By their names, beside the placebo; one of them may be the best."""
    known = Stored(
        {}, placebo=NOTHING, own={"mine": judge([*BETTER.measured, sample.measured(0, 9, condition="outage")])}
    )
    figure = _drawn(sample.with_effects(GOOD, measured=known))
    assert figure.get_suptitle() == "Patch mine takes away most failures: -80 of 1,000 replayed requests"
    assert _names(figure.axes[0])[1:3] == ["Patch mine", "Patch mine, under outage"]


def test_a_void_measurement_claims_nothing() -> None:
    """The title says so, and what was measured together is left out."""
    known = Stored({}, together=BETTER, placebo=BAD, void="noise")
    figure = _drawn(sample.with_effects(GOOD, measured=known))
    assert figure.get_suptitle().startswith("The last measurement is void")
    assert "together" not in " ".join(_names(figure.axes[0]))


def test_verdicts_differ_in_colour_and_sides_in_marker() -> None:
    """A triangle points to the side where all of the interval lies."""
    marks = _marks(_drawn(sample.with_effects(GOOD, NOTHING, BAD)).axes[0])
    assert marks == [("<", _style.BLUE), ("o", _style.GREY), (">", _style.VERMILLION)]


def test_each_row_has_its_interval_and_says_it() -> None:
    """The line's ends are the interval's, in points; the text beside it has verdict and figures."""
    axes = _drawn(sample.with_effects(GOOD)).axes[0]
    difference = GOOD.measured[0].difference
    assert difference.low is not None
    assert difference.high is not None
    assert list(axes.lines[0].get_xdata()) == pytest.approx([100 * difference.low, 100 * difference.high])
    assert "improved\n-3 points (-4.1 to -1.9)" in [text.get_text() for text in axes.texts]


def test_another_condition_is_a_row_of_its_own() -> None:
    """Below that of the fix; where the harm is there, the first row says where to look."""
    slower = sample.measured(0, 9, condition="outage", useful=Estimate(1.5, 1.4, 1.6, 6, "ratio"), useful_p=0.001)
    axes = _drawn(sample.with_effects(judge([sample.measured(81, 1), slower]))).axes[0]
    assert _names(axes)[1] == "Fix 1, under outage"
    first, second = (text.get_text() for text in axes.texts[:2])
    assert first.startswith("worse: see under outage\n-8 points")
    assert second.startswith("+0.9 points")


def test_what_an_improvement_costs_elsewhere_has_the_colour_of_harm() -> None:
    """The row of another condition shows what it is, not what the verdict is."""
    both = judge([sample.measured(81, 1), sample.measured(0, 9, condition="outage")])
    assert both.verdict == "improved"
    assert _marks(_drawn(sample.with_effects(both)).axes[0]) == [("<", _style.BLUE), (">", _style.VERMILLION)]


def test_many_fixes_with_long_names_fit() -> None:
    """Names are wrapped, and cut where they are overlong."""
    named = sample.with_effects(*[GOOD] * 12)
    long = tuple(replace(one, title="An overlong title " * 12 + "$x^2$", file="a/" * 60) for one in named.proposals)
    axes = _drawn(replace(named, proposals=long)).axes[0]
    assert max(len(line) for label in axes.get_yticklabels() for line in label.get_text().split("\n")) <= 40
