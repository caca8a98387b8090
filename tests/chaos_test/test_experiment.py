"""What the command line changes in an experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_middleware.errors import ExperimentError
from chaos_middleware.experiment import Stage
from chaos_test import experiment

if TYPE_CHECKING:
    from pathlib import Path


def config(folder: Path, **more: object) -> Path:
    """A small experiment file."""
    file = folder / "chaos-config.json"
    file.write_text(json.dumps({"version": 1, "seed": 7, "rules": []} | more))
    return file


def test_an_experiment_without_stages_gets_the_usual_ones(tmp_path: Path) -> None:
    """A fault-free start and end are what SLOs and comparisons need."""
    prepared = experiment.prepare(config(tmp_path), seed=None, stages=None, run_time=None)
    assert [(stage.name, stage.share) for stage in prepared.value.stages] == [
        ("baseline", 0.2),
        ("chaos", 0.7),
        ("recovery", 0.1),
    ]
    assert prepared.value.seed == 7


def test_the_command_line_wins(tmp_path: Path) -> None:
    """`--seed` and `--stages` replace what the file says, in the copy too."""
    file = config(tmp_path, stages=[{"name": "chaos", "share": 1}])
    prepared = experiment.prepare(file, seed=9, stages=[Stage("calm", seconds=2.5)], run_time=None)
    copy = json.loads(prepared.text)
    assert (copy["seed"], copy["stages"]) == (9, [{"name": "calm", "seconds": 2.5}])


def test_run_time_turns_shares_into_seconds(tmp_path: Path) -> None:
    """A run by time keeps the experiment's proportions."""
    prepared = experiment.prepare(config(tmp_path), seed=None, stages=None, run_time=50)
    assert experiment.duration(prepared.value) == 50
    assert experiment.stages_option(prepared.value) == "baseline=10s,chaos=35s,recovery=5s"


def test_shares_have_no_duration(tmp_path: Path) -> None:
    """A run by requests takes as long as it takes."""
    prepared = experiment.prepare(config(tmp_path), seed=None, stages=None, run_time=None)
    assert experiment.duration(prepared.value) is None
    assert experiment.stages_option(prepared.value) == "baseline=20%,chaos=70%,recovery=10%"


def test_a_copy_from_a_run_can_be_run_again(tmp_path: Path) -> None:
    """What an earlier run reached is not carried into the next one's file."""
    prepared = experiment.prepare(config(tmp_path, reached=[{"seam": "wsgi"}]), seed=None, stages=None, run_time=None)
    assert "reached" not in json.loads(prepared.text)


def test_a_rate_for_a_stage_that_the_command_line_removed_is_refused(tmp_path: Path) -> None:
    """The error names the file and the rule."""
    rule = {"name": "r", "seam": "wsgi", "rate": {"10%": 0.1}, "fault": {"type": "noop"}}
    file = config(tmp_path, rules=[rule], stages=[{"name": "10%", "seconds": 5}])
    with pytest.raises(ExperimentError, match=r"chaos-config.json: rules\[0\].rate: \"10%\" is not allowed"):
        experiment.prepare(file, seed=None, stages=[Stage("20%", seconds=5)], run_time=None)


@pytest.mark.parametrize(("requests", "share"), [(500, 1), (5000, 1), (20_000, 0.25), (1_000_000, 0.1)])
def test_small_runs_note_all_calls(tmp_path: Path, requests: int, share: float) -> None:
    """Those of 5,000 requests, and never a smaller share than usual."""
    prepared = experiment.prepare(config(tmp_path), seed=None, stages=None, run_time=None, requests=requests)
    assert prepared.value.call_share == share


def test_the_file_s_own_share_of_calls_holds_and_runs_by_time_have_the_usual_one(tmp_path: Path) -> None:
    """Nobody knows how many requests a time holds."""
    file = config(tmp_path, calls={"share": 0.02})
    assert experiment.prepare(file, seed=None, stages=None, run_time=None, requests=500).value.call_share == 0.02
    file = config(tmp_path)
    for stages, run_time in (([Stage("chaos", seconds=9)], None), (None, 50)):
        made = experiment.prepare(file, seed=None, stages=stages, run_time=run_time, requests=500)
        assert made.value.call_share == 0.1


def test_the_default_experiment_is_the_promised_one() -> None:
    """Delays of 0.1 to 2 s and exceptions on 10 % each, the health check exempt, and faults on outbound calls."""
    prepared = experiment.prepare(experiment.DEFAULT_CONFIG, seed=None, stages=None, run_time=None).value
    rules = {rule.name: rule for rule in prepared.rules}
    assert [rules[name].rate for name in ("edge-latency", "edge-exception")] == [0.1, 0.1]
    assert all("/healthz" in rule.match.not_route for rule in prepared.rules)
    assert {rule.seam for rule in prepared.rules} == {"wsgi", "http_client"}
    assert all(rule.rate_in(stage) == 0 for rule in prepared.rules for stage in ("baseline", "recovery"))
