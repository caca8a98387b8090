"""The experiment of a run: what stands in the file, and what the command line changes in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_middleware.experiment import Experiment, Stage, load, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_CONFIG = Path(__file__).with_name("default-config.json")
NOTED = 5000  # requests: the proposals of a small run need all that it can tell
DEFAULT_STAGES = (Stage("baseline", share=0.2), Stage("chaos", share=0.7), Stage("recovery", share=0.1))


@dataclass(frozen=True)
class Prepared:
    """An experiment ready to run: `text` is what goes into the run folder, `value` the same, validated."""

    text: str
    value: Experiment


def prepare(
    file: Path,
    *,
    seed: int | None,
    stages: Sequence[Stage] | None,
    run_time: float | None,
    requests: int | None = None,
) -> Prepared:
    """Read and validate an experiment, then apply `--seed`, `--stages` and `--run-time`; raises `ExperimentError`.

    Where it does not say of how many of its `requests`, which are shares of the stages, calls are noted, that is of
    `NOTED` at least.
    """
    original = load(file)
    raw: dict[str, Any] = json.loads(file.read_bytes())
    raw.pop("reached", None)
    if seed is not None:
        raw["seed"] = seed
    chosen = tuple(stages or original.stages or DEFAULT_STAGES)
    raw["stages"] = [_stage(stage, run_time) for stage in chosen]
    if requests and "calls" not in raw and run_time is None and all(stage.share for stage in chosen):
        raw["calls"] = {"share": round(max(original.call_share, min(1.0, NOTED / requests)), 3)}
    return Prepared(text=json.dumps(raw, indent=2) + "\n", value=parse(raw, str(file)))


def _stage(stage: Stage, run_time: float | None) -> dict[str, str | float]:
    if stage.seconds is not None:
        return {"name": stage.name, "seconds": stage.seconds}
    assert stage.share is not None
    if run_time is not None:
        return {"name": stage.name, "seconds": round(stage.share * run_time, 3)}
    return {"name": stage.name, "share": stage.share}


def duration(experiment: Experiment) -> float | None:
    """How many seconds the stages take in all, None where they are shares of the requests."""
    seconds = [stage.seconds for stage in experiment.stages if stage.seconds is not None]
    return sum(seconds) if seconds else None


def stages_option(experiment: Experiment) -> str:
    """The stages as chaos_locust's `--chaos-stages` has them."""
    return ",".join(
        f"{stage.name}={stage.seconds:g}s"
        if stage.seconds is not None
        else f"{stage.name}={(stage.share or 0) * 100:g}%"
        for stage in experiment.stages
    )
