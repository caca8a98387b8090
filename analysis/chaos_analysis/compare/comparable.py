"""Whether two sets of runs may be compared at all: everything but the code must have been the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_analysis.errors import RunFolderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
_NO_REASON = {"name", "reached", "seed"}  # what an experiment is called, and what is told otherwise
_UNFINISHED = ("crashed", "interrupted")


def refusal(base: Sequence[RunDir], other: Sequence[RunDir]) -> str:
    """Why they cannot be compared, all of it in one sentence; "" where they can."""
    every = [*base, *other]
    if len({run.path.resolve() for run in every}) < len(every):
        return (
            "a run cannot be compared with itself: give two runs (or --self RUN, to see how often noise is a finding)"
        )
    reasons = [*_reasons(every), *_seeds(base, other)]
    return "; ".join([*reasons, *_other_seeds(base, other)]) if reasons else ""


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
    for what, first in _settings(every[0]).items():
        told = [(_settings(run)[what], name(run)) for run in every]
        if any(value != first for value, _ in told):
            yield f"{what}: {', '.join(_by_value(told))}"
    told = [("\n".join(_differing(_experiment(every[0]), _experiment(run))), name(run)) for run in every]
    for places, runs in _grouped(told).items():
        if places:
            yield f"the experiments of {name(every[0])} and {_listed(runs)} differ in {_listed(places.splitlines())}"


def _by_value(told: Iterable[tuple[object, str]]) -> Iterator[str]:
    """`5 in a, 7 in b and c`."""
    for value, runs in _grouped((_short(value), run) for value, run in told).items():
        yield f"{value} in {_listed(runs)}"


def _grouped(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The runs by what is said of them."""
    found: dict[str, list[str]] = {}
    for said, run in told:
        found.setdefault(said, []).append(run)
    return found


def _settings(run: RunDir) -> dict[str, Any]:
    load, app = run.run.get("load") or {}, run.run.get("app") or {}
    told = {said: load.get(key) for key, said in _LOAD.items()} | {said: app.get(key) for key, said in _APP.items()}
    return told | {"locustfiles": [Path(str(file)).name for file in load.get("locustfiles") or ()]}


def _experiment(run: RunDir) -> dict[str, Any]:
    return {key: value for key, value in run.experiment.items() if key not in _NO_REASON}


def _differing(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """The paths of what differs; of two rules or stages in one place that have other names, that place alone."""
    if isinstance(first, dict) and isinstance(second, dict) and (not path or first.get("name") == second.get("name")):
        for key in dict.fromkeys([*first, *second]):
            yield from _differing(first.get(key), second.get(key), f"{path}.{key}" if path else key)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for at, both in enumerate(zip(first, second, strict=True)):
            yield from _differing(*both, f"{path}[{at}]")
    elif first != second:
        yield path


def _seeds(base: Sequence[RunDir], other: Sequence[RunDir]) -> Iterator[str]:
    """Seeds of which there are some on both sides, and others on one."""
    ours, theirs = set(map(seed, base)), set(map(seed, other))
    if ours & theirs and not same_seeds(base, other):
        both = f"{_numbers(ours)} and {_numbers(theirs)}"
        yield f"the seeds overlap in part ({both}): give both sides the same ones, as often, or other ones"


def _other_seeds(base: Sequence[RunDir], other: Sequence[RunDir]) -> Iterator[str]:
    """Seeds that have nothing in common, which are no reason by themselves."""
    ours, theirs = set(map(seed, base)), set(map(seed, other))
    if not ours & theirs:
        yield f"seeds: {_numbers(ours)} before, {_numbers(theirs)} after"


def _numbers(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _short(value: object) -> str:
    return "none" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
