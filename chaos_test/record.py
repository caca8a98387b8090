"""run.json: what was run, on what, by which command, and how it ended (docs/formats.md)."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_test.rundir import shown

if TYPE_CHECKING:
    from chaos_test.plan import Plan


def begun(plan: Plan, run_dir: Path, argv: list[str]) -> dict[str, Any]:
    """The record as it stands when the run begins; a run that is killed leaves this one."""
    return {
        "version": 1,
        "id": run_dir.name,
        "created": time.time(),
        "finished": None,
        "command": argv,
        "seed": plan.experiment.value.seed,
        "versions": {
            "chaos_test": version("chaos-test"),
            "python": platform.python_version(),
            "locust": version("locust"),
        },
        "app": _app(plan),
        "load": _load(plan),
        "stages": [],
        "slos": list(plan.slos),
        "ended_by": "crashed",
        "reason": "The run was ended from outside before it could say why.",
        "host": {"cores": os.cpu_count(), "platform": platform.platform()},
    }


def _app(plan: Plan) -> dict[str, Any]:
    folder = plan.target.dir
    return {
        "target": plan.target.app,
        "dir": str(folder) if folder else None,
        "python": None if plan.target.url else str(plan.target.python),
        "url": plan.url,
        "workers": None if plan.target.url else plan.workers,
        "server": None,
        "git_revision": _git(folder, "rev-parse", "HEAD") or None,
        "git_dirty": bool(_git(folder, "status", "--porcelain", "--", ".")),
        "git_prefix": _git(folder, "rev-parse", "--show-prefix").rstrip("/"),
    }


def _load(plan: Plan) -> dict[str, Any]:
    return {
        "users": plan.users,
        "requests": plan.requests,
        "run_time": plan.run_time,
        "folder": str(Path.cwd()),
        "locustfiles": [shown(file) for file in plan.locustfiles],
        "endpoints": list(plan.endpoints),
        "processes": plan.processes,
        "stop_timeout": plan.stop_timeout,
        "deadline": plan.deadline,
    }


def _git(folder: Path | None, *words: str) -> str:
    """What git says about the app's folder; nothing where there is no git, or no repository."""
    if folder is None:
        return ""
    try:
        answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=10, check=True)  # noqa: S603, S607 - the git on the PATH
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode("utf-8", "replace").strip()
