"""Whether two sets of runs may be compared at all: everything but the code must have been the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_analysis.errors import RunFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.rundir import RunDir

_LOAD = {
    "users": "users",
    "requests": "requests",
    "run_time": "run time",
    "processes": "Locust processes",
    "endpoints": "endpoints",
    "deadline": "deadline",
    "stop_timeout": "stop timeout",
}
_APP = {"workers": "app workers", "server": "server"}
_UNFINISHED = ("crashed", "interrupted")


def refusal(base: Sequence[RunDir], other: Sequence[RunDir]) -> str:
    """Why they cannot be compared, in one sentence; "" where they can."""
    every = [*base, *other]
    if len({run.path.resolve() for run in every}) < len(every):
        return (
            "a run cannot be compared with itself: give two runs (or --self RUN, to see how often noise is a finding)"
        )
    return next(_reasons(every), "") or _seeds(base, other)


def same_seeds(base: Sequence[RunDir], other: Sequence[RunDir]) -> bool:
    """Whether each run has one of the same seed on the other side."""
    return Counter(map(seed, base)) == Counter(map(seed, other))


def seed(run: RunDir) -> int:
    """The seed of its faults and users."""
    return int(run.run.get("seed") or 0)


def name(run: RunDir) -> str:
    """What a run is called: its id, or its folder's name."""
    return str(run.run.get("id") or run.path.name)


def _reasons(every: Sequence[RunDir]) -> Iterator[str]:
    for run in every:
        if not run.run or not run.experiment:
            raise RunFolderError(f"{run.path}: {'; '.join(run.gaps) or 'run.json says nothing'}")
        if run.run.get("ended_by") in _UNFINISHED:
            yield f"{name(run)} was {run.run['ended_by']}, so it is not whole"
    first = every[0]
    said = _settings(first)
    for run in every[1:]:
        for what, value in _settings(run).items():
            if value != said[what]:
                yield f"{what}: {_short(said[what])} in {name(first)}, {_short(value)} in {name(run)}"
        where = _differing(_experiment(first), _experiment(run))
        if where:
            yield f"the experiments of {name(first)} and {name(run)} differ in {where}"


def _settings(run: RunDir) -> dict[str, Any]:
    load, app = run.run.get("load") or {}, run.run.get("app") or {}
    told = {said: load.get(key) for key, said in _LOAD.items()} | {said: app.get(key) for key, said in _APP.items()}
    return told | {"locustfiles": [Path(str(file)).name for file in load.get("locustfiles") or ()]}


def _experiment(run: RunDir) -> dict[str, Any]:
    return {key: value for key, value in run.experiment.items() if key not in {"reached", "seed"}}


def _differing(first: Any, second: Any, path: str = "") -> str:
    """The path of the first thing that differs, "" where nothing does."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = list(dict.fromkeys([*first, *second]))
        found = (_differing(first.get(key), second.get(key), f"{path}.{key}" if path else key) for key in keys)
        return next(filter(None, found), "")
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return next(filter(None, (_differing(*both, f"{path}[{at}]") for at, both in pairs)), "")
    return "" if first == second else path


def _seeds(base: Sequence[RunDir], other: Sequence[RunDir]) -> str:
    ours, theirs = set(map(seed, base)), set(map(seed, other))
    if same_seeds(base, other) or not ours & theirs:
        return ""
    listed = (", ".join(map(str, sorted(seeds))) for seeds in (ours, theirs))
    return f"the seeds overlap in part ({' and '.join(listed)}): give both sides the same ones, as often, or other ones"


def _short(value: object) -> str:
    return "none" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
