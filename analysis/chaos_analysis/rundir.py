"""A run folder, opened: where its parts lie, and the two JSON files that describe the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaos_analysis.errors import RunFolderError

if TYPE_CHECKING:
    from pathlib import Path

_MARKS = ("run.json", "requests", "faults")


@dataclass(frozen=True)
class RunDir:
    """The folder, `run.json` and `chaos-config.json` as read (empty where absent), and what could not be read."""

    path: Path
    run: dict[str, Any]
    experiment: dict[str, Any]
    gaps: tuple[str, ...] = ()

    @property
    def client_parts(self) -> list[Path]:
        """The recorder's parts, one a Locust process."""
        besides = ("stages.jsonl", "load.jsonl", "facts-", "shapes-", "exceptions-")
        return sorted(p for p in (self.path / "requests").glob("*.jsonl") if not p.name.startswith(besides))

    @property
    def shape_parts(self) -> list[Path]:
        """What the shapes in the rows' `content` mean, a file a part."""
        return sorted((self.path / "requests").glob("shapes-*.jsonl"))

    @property
    def exception_parts(self) -> list[Path]:
        """The exceptions that left users' tasks, a file a part that has any."""
        return sorted((self.path / "requests").glob("exceptions-*.jsonl"))

    @property
    def ledger_parts(self) -> list[Path]:
        """The ledger's records, one a process of the app."""
        return sorted((self.path / "faults").glob("*.jsonl"))

    @property
    def reached_parts(self) -> list[Path]:
        """The ledger's reached points, one a process of the app."""
        return sorted((self.path / "faults").glob("*.reached"))

    @property
    def app_dir(self) -> str:
        """The root of the app's own source, as call sites name it; "" where the run does not say."""
        app = self.run.get("app")
        return str(app.get("dir") or "") if isinstance(app, dict) else ""


def open_run(path: Path) -> RunDir:
    """Open a run folder, whole or not; raises `RunFolderError` where there is none."""
    if not path.is_dir():
        raise RunFolderError(f"{path}: {'not a folder' if path.exists() else 'no such folder'}; expected a run folder")
    if not any((path / mark).exists() for mark in _MARKS):
        raise RunFolderError(f"{path}: not a run folder; expected run.json, requests/ or faults/ in it")
    run, run_gap = _object(path / "run.json")
    experiment, experiment_gap = _object(path / "chaos-config.json")
    gaps = tuple(gap for gap in (run_gap, experiment_gap) if gap)
    return RunDir(path, run, experiment, gaps)


def _object(path: Path) -> tuple[dict[str, Any], str]:
    """The JSON object in a file, or nothing and the reason."""
    try:
        value = json.loads(path.read_bytes())
    except OSError:
        return {}, f"{path.name} is missing"
    except ValueError:
        return {}, f"{path.name} is cut short or not JSON"
    if not isinstance(value, dict):
        return {}, f"{path.name} is not a JSON object"
    return value, ""
