"""What the report says of measured effects. The verdicts are those that `judge` comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.effect import Effect, Gate, judge
from chaos_analysis.effect.stored import Step, Stored
from chaos_analysis.model import Estimate
from chaos_analysis.report import effects, write
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Analysis

GOOD = judge([sample.measured(81, 1)], sample.GATES)
NOTHING = judge([sample.measured(0, 0)], sample.GATES)
BAD = judge([sample.measured(0, 30)], sample.GATES)
OUTAGE = sample.measured(0, 9, condition="outage")
SLOWER = replace(OUTAGE, useful=Estimate(1.5, 1.4, 1.6, 6, "ratio"), useful_p=0.001)


def _report(analysis: Analysis, out: Path) -> str:
    return write(analysis, (), out)[0].read_text("utf-8")


def _fix(markdown: str, heading: str) -> str:
    return markdown.partition(f"### {heading}:")[2].partition("\n### ")[0]


def test_an_improvement_is_told_in_one_line() -> None:
    """The verdict, who was rescued and broken, of how many, and both figures with their intervals; no reason twice."""
    each = sample.measured(81, 1, useful=Estimate(0.73, 0.67, 0.8, 6, "ratio"), useful_p=0.001)
    assert effects.line(judge([each], sample.GATES)) == (
        "Measured **improved**: 81 rescued, 1 newly broken of 1,000 requests; failures 30 % → 22 %, "
        "a difference of -8 points (-9.7 to -6.3); 0.73 times as long to a useful answer (0.67-0.8)."
    )


def test_a_change_that_makes_more_calls_says_so() -> None:
    """A retry's price; what is not worth a word is not told."""
    more, same = (sample.measured(9, 0, calls=Estimate(n, None, None, 900, "ratio")) for n in (1.14, 1.01))
    assert "; 1.14 times as many calls by requests with a fault." in effects.line(judge([more]))
    assert "calls" not in effects.line(judge([same]))


def test_what_is_not_settled_says_what_would_settle_it() -> None:
    """Inconclusive comes with the number of requests that it takes."""
    effect = judge([sample.measured(9, 4, pairs=300)])
    assert effect.verdict == "inconclusive"
    assert effects.line(effect).endswith(f"; about {effect.need:,} requests would settle it.")
    assert effects.short(effect) == f"measured **inconclusive**: need n = {effect.need:,}"


def test_a_refusal_without_a_replay_is_its_reason() -> None:
    """A gate that fails before anything is sent is all that there is to tell; its output is cut."""
    effect = judge([], (Gate("compiles", False, "x" * 1000),))
    assert effects.line(effect).startswith("Measured **worse**: compiles: xxxx")
    assert len(effects.line(effect)) < 300


def test_other_conditions_have_a_line_each() -> None:
    """What a change costs in an outage is told beside what it does as declared, and beside the issue."""
    effect = judge([sample.measured(81, 1), OUTAGE])
    (line,) = effects.conditions(effect)
    assert line.startswith("Under outage (what failed once keeps failing): 0 rescued, 9 newly broken of 1,000 requests")
    assert effects.line(effect).startswith("Measured **improved**: as declared: 81 rescued, 1 newly broken of 1,000")
    assert effects.short(effect).endswith("replayed requests; under outage 0 rescued, 9 newly broken")


def test_harm_under_another_condition_is_the_first_thing_said() -> None:
    """The verdict's reason stands before the figures that do not show it."""
    effect = judge([sample.measured(81, 1), SLOWER])
    assert effects.line(effect).startswith("Measured **worse**: under outage 1.5 times as long to a useful answer; as")


def test_gates_are_counted_and_only_the_others_spelt_out() -> None:
    """Those before the replay and those of it are one count; failed and not asked are told with their reason."""
    failing = replace(sample.measured(81, 1), gates=(Gate("honest answers", False, "3 were wrong"),))
    said = effects.gates(judge([sample.measured(81, 1)], sample.GATES))
    assert said == "Gates: 3 of 4 hold; invariants could not be asked: the load states none."
    assert "honest answers failed: 3 were wrong" in effects.gates(judge([failing], sample.GATES))
    assert effects.gates(Effect("inconclusive", "")) == ""


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (GOOD, "measured **improved**: 80 fewer failures of 1,000 replayed requests"),
        (NOTHING, "measured **no difference**"),
        (BAD, "measured **worse**"),
        (
            judge([sample.measured(0, 0, useful=Estimate(0.5, 0.4, 0.6, 6, "ratio"), useful_p=0.001)]),
            "measured **improved**: 0.5 times as long to a useful answer (0.4-0.6)",
        ),
    ],
)
def test_beside_an_issue_stands_the_one_figure_that_counts(effect: Effect, said: str) -> None:
    """Failures where those differ, else the time that it saves."""
    assert effects.short(effect) == said


def test_the_first_screen_says_what_its_fixes_do(tmp_path: Path) -> None:
    """Beside each issue's fix, and of all together in the banner."""
    known = Stored({}, together=judge([sample.measured(120, 2)]), numbers=(1, 2), left_out=("3 (x): it does harm",))
    markdown = _report(sample.with_effects(GOOD, NOTHING, measured=known), tmp_path)
    first = markdown.partition("\n## ")[0]
    assert "> **Fixes 1 and 2 together:** Measured **improved**: 120 rescued, 2 newly broken" in first
    assert "Not all could be part of it: see [Fix Proposals](#fix-proposals)." in first
    line = next(line for line in first.splitlines() if line.startswith("1. "))
    assert line.endswith(" (measured **improved**: 80 fewer failures of 1,000 replayed requests)")
    assert "- not among them: 3 (x): it does harm" in markdown


def test_several_at_once_are_offered_as_one_patch(tmp_path: Path) -> None:
    """Where the measurement left it in the run folder, and did not come out as harm."""

    def _told(effect: Effect) -> str:
        markdown = _report(sample.with_effects(GOOD, measured=Stored({}, together=effect)), tmp_path)
        return markdown.partition("## Fix Proposals")[2].partition("\n### ")[0]

    assert "git apply" not in _told(GOOD)
    (tmp_path / "verify").mkdir()
    (tmp_path / "verify" / "together.patch").write_text("+x")
    assert f"git apply {tmp_path}/verify/together.patch\n" in _told(GOOD)
    assert "git apply" not in _told(BAD)


def test_what_does_harm_is_struck_out_and_not_offered(tmp_path: Path) -> None:
    """Its heading and links are struck out, its diff stays, its command goes; a link to it still leads there."""
    markdown, page = (path.read_text("utf-8") for path in write(sample.with_effects(GOOD, BAD), (), tmp_path))
    title = "Fix 2: Give the fares call a timeout 2"
    assert f"### ~~{title}~~\n" in markdown
    assert f"→ ~~[{title}](#fix-2-give-the-fares-call-a-timeout-2)~~ (measured **worse**)" in markdown
    assert f"<s>{title}</s></h3>" in page
    assert 'id="fix-2-give-the-fares-call-a-timeout-2"' in page
    assert "git apply" in _fix(markdown, "Fix 1")
    assert "```diff" in _fix(markdown, "~~Fix 2")
    assert "git apply" not in _fix(markdown, "~~Fix 2")
    assert "Not this: it does harm" in markdown.partition("### 2.")[2].partition("### 3.")[0]


def test_a_fix_that_was_not_measured_says_how_to(tmp_path: Path) -> None:
    """The command for this very fix; nothing for what has no patch, nor where the app was not ours to start."""
    markdown = _report(sample.analysis(), tmp_path)
    hint = f"Effect: not measured yet. `chaos-test fix verify 1 --run {tmp_path}` measures it."
    assert hint in markdown
    assert markdown.count("measures it.") == 1
    running = {**sample.RUN, "app": {"target": None, "dir": None, "url": "http://127.0.0.1:1"}}
    assert "fix verify" not in _report(sample.analysis(run=running), tmp_path)


def test_a_void_measurement_is_said_to_be_void(tmp_path: Path) -> None:
    """What a replay saw of a change that changes nothing stands before all effects; together it claims nothing."""
    void = Stored({}, together=GOOD, placebo=BAD, void="a change that changes nothing came out as worse")
    markdown = _report(sample.with_effects(None, measured=void), tmp_path)
    assert "**The last measurement is void:** a change that changes nothing came out as worse." in markdown
    assert "together" not in markdown.partition("\n## ")[0]


def test_the_steps_of_a_loop_are_told_in_order(tmp_path: Path) -> None:
    """Each with what it did on top of those before, and why there is no further one."""
    steps = (Step(2, "Retry", GOOD), Step(1, "Time out", GOOD))
    markdown = _report(sample.with_effects(GOOD, measured=Stored({}, steps=steps, ended="no patch is left")), tmp_path)
    assert "\n1. 2, Retry: Measured **improved**: 81 rescued" in markdown
    assert "\n2. 1, Time out: Measured" in markdown
    assert "It ended there: no patch is left." in markdown


def test_patches_of_ones_own_are_told_by_their_names(tmp_path: Path) -> None:
    """What they do, also under another condition, and their gates: after the run this is all that there is of them."""
    own = {"mine": judge([sample.measured(81, 1), OUTAGE]), "none": judge([], (Gate("applies", False, "no"),))}
    lines = _report(sample.with_effects(None, measured=Stored({}, own=own)), tmp_path).splitlines()
    at = lines.index("Patches of your own:")
    mine, none = lines[at + 2 : at + 4]
    assert mine.startswith("- mine: Measured **improved**: as declared: 81 rescued, 1 newly broken of 1,000 requests; ")
    assert " Under outage (what failed once keeps failing): 0 rescued, 9 newly broken of 1,000 requests; " in mine
    assert " Gates: 2 of 4 hold; invariants could not be asked: the load states none; " in mine
    assert none == "- none: Measured **worse**: applies: no. Gates: 0 of 1 hold; applies failed: no."


def test_text_in_an_effect_stays_text(tmp_path: Path) -> None:
    """A gate's output and a reason come from the app's own tests."""
    nasty = "<script>x</script> **b** ~~s~~ [x](javascript:y)\n\n# h"
    effect = Effect("worse", nasty, gates=(Gate(nasty, False, nasty),))
    known = Stored(
        {}, together=effect, left_out=(nasty,), steps=(Step(1, nasty, effect),), ended=nasty, own={nasty: effect}
    )
    page = write(sample.with_effects(effect, measured=known), (), tmp_path)[1].read_text("utf-8")
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert "<s>s</s>" not in page
