"""The report's box on its methods, and the commands that do it all again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.effect import judge, judging
from chaos_analysis.effect.stored import Stored
from chaos_analysis.model import Check, Estimate
from chaos_analysis.report import method, reproduce, write
from chaos_test.__main__ import parser
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from chaos_analysis.model import Analysis


def _said(analysis: Analysis) -> dict[str, str]:
    return dict(method.lines(analysis))


def test_a_run_says_what_was_compared_and_at_which_level() -> None:
    """Data, intervals and tests; nothing of a replay that was not made."""
    said = _said(sample.analysis())
    assert said["Data"].startswith("2,000 requests, ")
    assert "72 successes for p95 and 368 for p99" in said["Intervals"]
    assert "claimed below 0.05; of requests with several faults a logistic model, below 0.01" in said["Causes"]
    assert {"Replay", "Effects", "Placebo"}.isdisjoint(said)


def test_the_power_is_what_the_run_found_of_itself() -> None:
    """The check on the control group has worked it out."""
    check = Check("control", True, "812 requests met no fault; a rise by 12 points shows for every rule", fatal=False)
    said = _said(sample.analysis(checks=(*sample.CHECKS, check)))
    assert said["Power"].startswith(check.summary)
    assert "Power" not in _said(sample.analysis())


def test_what_could_not_be_concluded_is_listed_with_what_it_needs() -> None:
    """Percentiles, objectives, findings without a rate, rules too rare, and effects that are open."""
    vague = replace(sample.OWN_BUG, rate=Estimate(None, None, None, 3, "probability", need=72))
    open_ = judge([sample.measured(9, 4, pairs=300)])
    analysis = sample.with_effects(open_, patterns=(vague,), advice=("payments-503 was met alone by 3 requests.",))
    said = _said(analysis)["Not concluded"]
    assert said.startswith("12 of 48 percentiles (need n in the table); p99<2s in recovery; collateral at GET ")
    assert "need n = 72; payments-503 was met alone by 3 requests; " in said
    assert said.endswith(f"Fix 1, need n = {open_.need:,}.")


def test_a_replay_says_how_effects_were_measured() -> None:
    """How many requests, in how many blocks, which gates, which tests at which level, and what the placebo did."""
    placebo = judge([sample.measured(1, 1)])
    said = _said(
        sample.with_effects(judge([sample.measured(81, 1)], sample.GATES), measured=Stored({}, placebo=placebo))
    )
    assert "(up to 1,000 counted) with the same faults, in turn, in 6 blocks" in said["Replay"]
    assert said["Replay"].endswith("applies, compiles, honest answers, invariants.")
    assert f"claimed below {judging.SIGNIFICANT:g}, failures only where the blocks agree" in said["Effects"]
    assert said["Placebo"].startswith("a change that changes nothing came out as no difference: 1 rescued")


def test_no_line_is_cut(tmp_path: Path) -> None:
    """What the page cuts as overlong is not what it says itself."""
    effect = judge([sample.measured(81, 1)], sample.GATES)
    markdown = write(sample.with_effects(effect), (), tmp_path)[0].read_text("utf-8")
    assert "…" not in markdown.partition("## Method")[2].partition("\n## ")[0]


def test_plain_statistics_claim_no_test() -> None:
    """Their findings are observed."""
    assert list(_said(sample.csv_analysis())) == ["Intervals", "Causes"]


def _again(command: list[str], out: Path, **run: Any) -> str:
    analysis = sample.analysis(run={**sample.RUN, "command": command, **run})
    return reproduce.commands(analysis, out).splitlines()[1]


@pytest.mark.parametrize(
    "typed",
    [
        ["chaos-test", "run", "shop:app", "--requests", "900"],
        ["chaos-test", "run", "shop:app", "--config", "old.json", "--requests", "900", "--seed", "7"],
        ["chaos-test", "run", "shop:app", "--seed=7", "--requests", "900", "--config=old.json"],
    ],
)
def test_the_run_is_repeated_with_its_own_experiment_and_seed(typed: list[str], tmp_path: Path) -> None:
    """What was typed, with the experiment as it was run and the seed that was drawn or given, each once."""
    again = shlex.split(_again(typed, tmp_path))
    assert again == [
        *("chaos-test", "run", "shop:app", "--requests", "900"),
        *("--config", f"{tmp_path}/chaos-config.json", "--seed", "42"),
    ]
    assert parser().parse_args(again[1:]).seed == 42


def test_commands_name_where_they_are_to_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of another folder is repeated there, and every path holds there; in its own folder paths are short."""
    run = tmp_path / "my reports" / "r1"
    run.mkdir(parents=True)
    analysis = sample.analysis(run={**sample.RUN, "load": {"folder": str(tmp_path)}})
    elsewhere = reproduce.commands(analysis, run)
    assert f"\ncd {tmp_path}\n" in elsewhere
    assert f"\nchaos-test report '{run}'" in elsewhere
    monkeypatch.chdir(tmp_path)
    here = reproduce.commands(analysis, run)
    assert "cd " not in here
    assert "--config 'my reports/r1/chaos-config.json'" in here
    assert here.endswith("\nchaos-test report 'my reports/r1'")


def test_the_effects_can_be_measured_by_a_command_that_there_is(tmp_path: Path) -> None:
    """Where there is a patch, and an app that was started here."""
    said = reproduce.commands(sample.analysis(), tmp_path)
    command = next(line for line in said.splitlines() if line.startswith("chaos-test fix verify"))
    args = parser().parse_args(shlex.split(command)[1:])
    assert (args.all, args.together, args.run) == (True, True, str(tmp_path))
    assert "fix verify" not in reproduce.commands(sample.analysis(proposals=(sample.IN_WORDS,)), tmp_path)


def test_a_run_that_is_cut_short_is_named_as_it_was_typed(tmp_path: Path) -> None:
    """Without its experiment there is none to give."""
    analysis = sample.analysis(experiment={}, run={"command": ["chaos-test", "run", "x:y"]})
    assert reproduce.commands(analysis, tmp_path).splitlines()[1] == "chaos-test run x:y"
