"""Runs to compare: made-up planners, each in a folder of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run folder by its name; `app`, `load` and `run` change what its run.json says."""

    def make(name: str, *, app: Any = None, load: Any = None, run: Any = None, **settings: Any) -> Path:
        folder = tmp_path / name
        write_run(folder, World(**{"requests": 1200, **settings}))
        file = folder / "run.json"
        said = json.loads(file.read_text())
        said = {**said, "app": said["app"] | (app or {}), "load": said["load"] | (load or {})} | (run or {})
        file.write_text(json.dumps(said))
        return folder

    return make
