"""Measures changes: a copy of the app for each, the gates, the replay of one script to all, and what came of it.

The first arm has no change, and the placebo has one that changes nothing: where that "improves" anything, what is
measured is noise. Endpoints on which it does are left out of all; where there is more to it than a few of them the
whole measurement is void.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_analysis.effect import ENDPOINTS, RUNS, Effect, Gate, apart, judge_all, measure, rest
from chaos_analysis.wording import plural
from chaos_test.errors import ChaosTestError
from chaos_test.plan import free_port
from chaos_test.replay import alike, copies, gates, script
from chaos_test.replay.arm import AppError, Arm
from chaos_test.replay.conduct import conduct
from chaos_test.replay.interpreter import comes_from_copy
from chaos_test.replay.recall import experiment_of
from chaos_test.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from chaos_analysis.effect import Measured
    from chaos_test.experiment import Prepared
    from chaos_test.interrupt import Interrupt
    from chaos_test.plan import Plan

BASE, PLACEBO, TOGETHER = "base", "placebo", "together"
AS_DECLARED, OUTAGE = "as declared", "outage"
_NOTHING = "\n# chaos-test: the placebo, a change that changes nothing\n"


@dataclass(frozen=True)
class Change:
    """A change to be measured; `repeats`: it may make calls again, so it is also measured where that cannot help."""

    name: str
    diff: str
    repeats: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it, by the changes' names. `void` says why nothing is to be believed, "" where it is."""

    effects: Mapping[str, Effect]
    placebo: Effect
    void: str


@dataclass(frozen=True)
class _Job:
    """What all arms have in common."""

    plan: Plan
    tree: copies.Tree
    out: Path
    scratch: Path
    script: script.Script
    file: Path
    env: Callable[[str], Mapping[str, str]]
    stopped: Callable[[], bool]


def _nothing(arm: str) -> Mapping[str, str]:
    """An arm's environment is the app's."""
    del arm
    return {}


def measured(
    plan: Plan,
    changes: Sequence[Change],
    sent: script.Script,
    out: Path,
    *,
    interrupt: Interrupt,
    said: Callable[[str], None],
    outage: Prepared | None = None,
    env: Callable[[str], Mapping[str, str]] = _nothing,
    abreast: int | None = None,
    base: str = "",
) -> Result:
    """Measure changes against the app with the change `base`, which is in theirs as well; the arms' run folders are
    made below `out`.

    `plan` is that of the run whose script is `sent`; `outage` its experiment where what failed once keeps failing.
    `env` is what an arm's environment has more than the app's, by the arm's name, such as a database of its own;
    `abreast` see `conduct`. Raises `ChaosTestError`.
    """
    assert plan.target.dir is not None
    with scratch() as folder:
        out.mkdir(parents=True, exist_ok=True)
        file = sent.write(out / "script.json")
        job = _Job(plan, copies.tree_of(plan.target.dir), out, folder, sent, file, env, lambda: interrupt.asked)
        said(f"copying {job.tree.root} {len(changes) + 2} times, and asking of each copy what needs no replay")
        every = [Change(BASE, base), Change(PLACEBO, base), *changes]
        with ThreadPoolExecutor(max_workers=2) as pool:
            copied = pool.map(lambda each: _copy(job, each), every)
            made = {each.name: one for each, one in zip(every, copied, strict=True)}
        if interrupt.asked:
            raise KeyboardInterrupt
        if why := comes_from_copy(plan.target, made[BASE].app, made[BASE].paths, job.scratch / BASE):
            raise ChaosTestError(f"what would be measured is not the copy: {why}")
        made = _settled(made)
        usable = [each for each in every if made[each.name].usable]
        arms = [_arm(job, made[each.name], each.name) for each in usable]
        if outage and any(each.repeats for each in usable):
            lasting = replace(job, plan=replace(plan, experiment=outage))
            repeating = [every[0], *(each for each in usable if each.repeats)]
            arms += [_arm(lasting, made[each.name], _of(OUTAGE, each.name)) for each in repeating]
        said(f"sending {plural(sent.requests, 'request')} to each of {len(arms)} arms")
        seed = plan.experiment.value.seed
        after = alike.between(out / BASE, out / PLACEBO)
        lost = conduct(
            arms, blocks=sent.blocks, seed=seed, interrupt=interrupt, said=said, abreast=abreast, after=after
        )
        said("comparing")
        return _compared(job, every, {name: copy.gates for name, copy in made.items()}, lost)


def _copy(job: _Job, change: Change) -> gates.Copy:
    """The copy for an arm, with its change, after the gates that need no replay."""
    root = job.scratch / change.name
    target = job.plan.target
    app = copies.copy(job.tree, root)
    made = gates.check(change.diff, target, job.tree, root, app)
    if change.name == PLACEBO:
        changed = next((file for file in sorted(app.rglob("*.py")) if not file.is_symlink()), None)
        if changed is not None:
            changed.write_bytes(changed.read_bytes() + _NOTHING.encode())
        return made
    if not made.usable:
        return made
    return replace(made, gates=(*made.gates, gates.tests(target.table.tests, target, made, job.stopped)))


def _of(condition: str, name: str) -> str:
    """The name of a change's arm under a condition."""
    return name if condition == AS_DECLARED else f"{condition}-{name}"


def _arm(job: _Job, copy: gates.Copy, name: str) -> Arm:
    run_dir = job.out / name
    table = job.plan.target.table
    env = tuple((dict(table.env) | dict(job.env(run_dir.name))).items())
    plan = replace(
        job.plan,
        target=replace(job.plan.target, dir=copy.app, paths=copy.paths, table=replace(table, env=env)),
        port=free_port(None, "--port"),
        out=job.out,
        script=(job.file, run_dir / "turns"),
    )
    return Arm(name, plan, run_dir, sys.argv, job.script.stages())


def _settled(made: Mapping[str, gates.Copy]) -> dict[str, gates.Copy]:
    """Tests that fail without a change, too, say nothing about it; raises `ChaosTestError` where nothing stands."""
    refused = next((gate for gate in made[BASE].gates if gate.ok is False), None)
    if refused is None:
        return dict(made)
    if refused.name != gates.TESTS:
        raise ChaosTestError(f"what all is measured against cannot be played: {refused.name}: {refused.summary}")
    return {name: replace(each, gates=tuple(map(_moot, each.gates))) for name, each in made.items()}


def _moot(gate: Gate) -> Gate:
    if gate.name != gates.TESTS or gate.ok is not False:
        return gate
    return replace(gate, ok=None, summary=f"they fail without the change, too: {gate.summary}")


def _compared(
    job: _Job, every: Sequence[Change], asked: Mapping[str, tuple[Gate, ...]], lost: Mapping[str, ChaosTestError]
) -> Result:
    """Of all endpoints; where the placebo makes that void, of those on which it is what it should be."""
    whole = _judged(job, every, asked, lost, {})
    if not whole.void or not whole.placebo.measured:
        return whole
    sides, blocks = (job.out / BASE, job.out / PLACEBO), job.script.block_of()
    left_out = rest(*sides, blocks)
    part = _judged(job, every, asked, lost, left_out) if left_out else whole
    if not part.void:
        return part
    where = apart(*sides, blocks)
    return replace(whole, void=f"{whole.void}; it differs on {alike.told(where)}" if where else whole.void)


def _judged(
    job: _Job,
    every: Sequence[Change],
    asked: Mapping[str, tuple[Gate, ...]],
    lost: Mapping[str, ChaosTestError],
    left_out: Mapping[str, str],
) -> Result:
    said = f"left out, as a change that changes nothing differs there: {alike.told(left_out)}"
    part = (Gate(ENDPOINTS, None, said),) if left_out else ()
    found = {each.name: _figures(job, each, (*asked[each.name], *part), lost, left_out) for each in every[1:]}
    unchanged = found.pop(PLACEBO)
    placebo = judge_all({PLACEBO: unchanged})[PLACEBO]
    beside = placebo.measured[0] if placebo.measured else None
    return Result(judge_all(found, beside), placebo, _void(placebo))


def _void(placebo: Effect) -> str:
    """Why nothing is to be believed, "" where it is."""
    if placebo.verdict not in {"improved", "worse", "not comparable"}:
        return ""
    if not placebo.measured:
        return f"a change that changes nothing was not played to its end, so noise cannot be told: {placebo.reason}"
    shared = ", or arms share something, such as a cache" if placebo.verdict == "not comparable" else ""
    return f"a change that changes nothing came out as {placebo.verdict} ({placebo.reason}): this is noise{shared}"


def _figures(
    job: _Job,
    change: Change,
    asked: tuple[Gate, ...],
    lost: Mapping[str, ChaosTestError],
    left_out: Collection[str],
) -> tuple[list[Measured], tuple[Gate, ...]]:
    """What a change came to under each condition under which it was played to the end, and its gates."""
    blocks = job.script.block_of()
    figures: list[Measured] = []
    told = list(asked)
    for condition in (AS_DECLARED, OUTAGE) if change.repeats else (AS_DECLARED,):
        base, arm = _of(condition, BASE), _of(condition, change.name)
        if base in lost or arm in lost:
            told.append(_unplayed(condition, lost.get(base), lost.get(arm)))
        elif (job.out / arm).is_dir():
            sides = job.out / base, job.out / arm
            figures.append(measure(*sides, blocks, condition=condition, without=left_out))
        if not figures:
            break
    return figures, tuple(told)


def _unplayed(condition: str, base: ChaosTestError | None, lost: ChaosTestError | None) -> Gate:
    """The gate that a replay is played to its end: a no only where the app with the change is to blame."""
    return Gate(
        RUNS if condition == AS_DECLARED else f"{RUNS} under {condition}",
        ok=False if base is None and isinstance(lost, AppError) else None,
        summary=" ".join(str(base or lost).split()),
    )


def outage_of(run_dir: Path) -> Prepared:
    """The experiment of a run in which what failed once keeps failing."""
    return experiment_of(run_dir, outage=True)
