"""The plan of a run that is over, from its folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos_middleware.errors import ExperimentError
from chaos_test.errors import ChaosTestError
from chaos_test.replay import recall

EXPERIMENT = {
    "version": 1,
    "seed": 7,
    "stages": [{"name": "baseline", "share": 0.2}, {"name": "chaos", "share": 0.8}],
    "calls": {"share": 0.1},
    "rules": [
        {"name": "down", "seam": "http_client", "rate": 0.1, "fault": {"type": "connection_reset"}},
        {"name": "edge", "seam": "wsgi", "rate": 0.1, "fault": {"type": "exception", "class": "RuntimeError"}},
    ],
    "reached": [{"seam": "wsgi", "target": None, "route": "/", "site": None, "calls": 3}],
}


@pytest.fixture
def run_dir(app_dir: Path, tmp_path: Path) -> Path:
    """A folder as a run leaves it, as far as it is read here."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "chaos-config.json").write_text(json.dumps(EXPERIMENT))
    app = {"target": "shop:app", "dir": str(app_dir), "python": sys.executable, "workers": 3}
    load = {"users": 9, "deadline": 4.0, "processes": 1, "folder": str(app_dir), "locustfiles": ["buyers.py"]}
    write(folder, {"app": app, "load": load | {"endpoints": ["GET /x"]}})
    return folder


def write(folder: Path, run: Any) -> None:
    """Write run.json."""
    (folder / "run.json").write_text(json.dumps(run))


def changed(folder: Path, part: str, **values: Any) -> None:
    """Change a part of run.json."""
    run = json.loads((folder / "run.json").read_bytes())
    run[part] |= values
    write(folder, run)


def test_the_plan_is_that_of_the_run(run_dir: Path, app_dir: Path) -> None:
    """App, interpreter, workers, users, deadline and load; a script takes the place of a number of requests."""
    plan = recall.plan_of(run_dir)
    assert (plan.target.app, plan.target.dir, plan.target.python) == ("shop:app", app_dir, Path(sys.executable))
    assert (plan.workers, plan.users, plan.deadline, plan.processes) == (3, 9, 4.0, 1)
    assert (plan.locustfiles, plan.endpoints) == ((app_dir / "buyers.py",), ("GET /x",))
    assert (plan.requests, plan.run_time) == (None, None)


def test_the_experiment_is_the_runs_with_every_call_noted(run_dir: Path) -> None:
    """Seed and rules stay; what was reached is not part of it."""
    prepared = recall.experiment_of(run_dir)
    assert prepared.value.seed == 7
    assert [rule.persistence for rule in prepared.value.rules] == ["attempt", "attempt"]
    raw = json.loads(prepared.text)
    assert raw == {name: value for name, value in EXPERIMENT.items() if name != "reached"} | {"calls": {"share": 1}}


def test_in_an_outage_what_failed_keeps_failing(run_dir: Path) -> None:
    """Every rule, and nothing else, is otherwise."""
    outage = recall.experiment_of(run_dir, outage=True)
    assert [rule.persistence for rule in outage.value.rules] == ["request", "request"]
    assert outage.value.seed == 7


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("app", {"target": None}, "drove a service that ran already"),
        ("app", {"python": None}, "drove a service that ran already"),
        ("app", {"dir": "/no/such/folder"}, "the app's folder /no/such/folder is not there any more"),
        ("load", {"processes": 2}, "it had 2 Locust processes"),
        ("load", {"locustfiles": ["gone.py"]}, "gone.py is not there any more"),
        ("load", {"users": None}, "does not say how many users"),
    ],
)
def test_what_cannot_be_repeated_is_one_sentence(run_dir: Path, part: str, values: dict[str, Any], said: str) -> None:
    """With the folder's name, and why."""
    changed(run_dir, part, **values)
    with pytest.raises(ChaosTestError, match=said) as error:
        recall.plan_of(run_dir)
    assert str(run_dir) in str(error.value)


def test_a_folder_that_is_damaged(run_dir: Path, tmp_path: Path) -> None:
    """No run.json, one that is cut short, one that is no object, an experiment that is none."""
    with pytest.raises(ChaosTestError, match="cannot be read"):
        recall.plan_of(tmp_path / "none")
    write(run_dir, [1])
    with pytest.raises(ChaosTestError, match="not a JSON object"):
        recall.plan_of(run_dir)
    (run_dir / "run.json").write_text('{"app": ')
    with pytest.raises(ChaosTestError, match="cannot be read"):
        recall.plan_of(run_dir)
    (run_dir / "chaos-config.json").write_text('{"version": 1, "rules": [], "sede": 1}')
    with pytest.raises(ExperimentError, match="sede"):
        recall.experiment_of(run_dir)
