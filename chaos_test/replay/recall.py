"""The plan of a run that is over, from its folder: what was started, by whom it was driven, and with which faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_middleware.experiment import parse
from chaos_test.errors import ChaosTestError
from chaos_test.experiment import Prepared
from chaos_test.plan import Plan
from chaos_test.table import Table
from chaos_test.target import Target, of_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME_LIMIT = 600.0


def plan_of(run_dir: Path) -> Plan:
    """The plan of the run in a folder; raises `ChaosTestError` with why it cannot be repeated."""
    run = _object(run_dir / "run.json")
    app, load = _part(run, "app"), _part(run, "load")
    folder = Path(str(app.get("dir") or ""))
    if not app.get("target") or not app.get("python"):
        raise ChaosTestError(f"{run_dir}: it drove a service that ran already (--url); only an app that was started "
                             "here can be started again in a copy")  # fmt: skip
    if not folder.is_dir():
        raise ChaosTestError(f"{run_dir}: the app's folder {folder} is not there any more")
    if (load.get("processes") or 1) > 1:
        raise ChaosTestError(f"{run_dir}: it had {load['processes']} Locust processes; a replay has one: run it so")
    if not (isinstance(load.get("users"), int) and isinstance(load.get("deadline"), (int, float))):
        raise ChaosTestError(f"{run_dir / 'run.json'}: it does not say how many users there were, or their deadline")
    _, project, found = of_folder(folder)
    return Plan(
        target=Target(
            app=str(app["target"]),
            url=None,
            dir=folder,
            python=Path(str(app["python"])),
            table=found or Table(),
            project=project,
        ),
        experiment=experiment_of(run_dir),
        ledger=None,
        port=0,
        workers=int(app.get("workers") or 1),
        locustfiles=tuple(_locustfiles(run_dir, load)),
        endpoints=tuple(load.get("endpoints") or ()),
        users=int(load["users"]),
        requests=None,
        run_time=None,
        processes=1,
        deadline=float(load["deadline"]),
        time_limit=_TIME_LIMIT,
        enough_after=_TIME_LIMIT,
        slos=(),
        out=run_dir,
    )


def experiment_of(run_dir: Path, *, outage: bool = False) -> Prepared:
    """The run's experiment, with every call noted; `outage`: what failed once keeps failing for its request."""
    raw = _object(run_dir / "chaos-config.json")
    raw.pop("reached", None)
    raw["calls"] = {**(raw.get("calls") or {}), "share": 1}
    if outage:
        raw["rules"] = [rule | {"persistence": "request"} for rule in raw.get("rules") or ()]
    return Prepared(text=json.dumps(raw, indent=2) + "\n", value=parse(raw, str(run_dir / "chaos-config.json")))


def _locustfiles(run_dir: Path, load: Mapping[str, Any]) -> list[Path]:
    base = Path(str(load.get("folder") or "."))
    files = [(base / str(name)).resolve() for name in load.get("locustfiles") or ()]
    for file in files:
        if not file.is_file():
            raise ChaosTestError(f"{run_dir}: its locustfile {file} is not there any more")
    return files


def _part(run: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = run.get(name)
    return value if isinstance(value, dict) else {}


def _object(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ChaosTestError(f"{file}: cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise ChaosTestError(f"{file}: not a JSON object")
    return value
