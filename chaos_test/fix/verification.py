"""Measures the proposals of a run, and writes what came of it back into the run folder."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from chaos_analysis import wording
from chaos_analysis.effect import ENDPOINTS, stored
from chaos_analysis.effect.together import RESCUES, Combined, Wanted, combine
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.fixes._fix import Spot
from chaos_analysis.rundir import open_run
from chaos_analysis.sources import Sources
from chaos_analysis.tables import build
from chaos_test import rundir
from chaos_test.analysis import analyse
from chaos_test.fix.words import STYLES
from chaos_test.replay import script
from chaos_test.replay.measure import TOGETHER, Change, Result, measured, outage_of
from chaos_test.replay.recall import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from chaos_analysis.effect import Effect, Measured
    from chaos_test.fix.proposals import Proposed
    from chaos_test.interrupt import Interrupt
    from chaos_test.replay.script import Script

REPEATING = frozenset({"retry", "retry_with_stamina", "idempotency_key", "transaction_retry"})


@dataclass(frozen=True)
class Told:
    """What came of one change; `number` is its proposal's, 0 for a patch of somebody's own."""

    number: int
    title: str
    effect: Effect


@dataclass(frozen=True)
class Outcome:
    """What came of all; `numbers` are together, `left_out` says which could not be part of that, and why."""

    told: tuple[Told, ...]
    together: Effect | None
    placebo: Effect
    void: str
    numbers: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def verify(
    run_dir: Path,
    chosen: Sequence[Proposed],
    own: Sequence[tuple[str, str]],
    *,
    together: bool,
    whole: bool,
    most: int | None,
    interrupt: Interrupt,
    said: Callable[[str], None],
) -> Outcome:
    """Measure proposals, and patches of one's own (name and diff); raises `ChaosTestError`."""
    plan = plan_of(run_dir)
    sent = script_of(run_dir, whole=whole, most=most)
    changes = [Change(one.name, one.diff, repeats=one.fix in REPEATING) for one in chosen]
    changes += [Change(f"own-{name}", diff, repeats=True) for name, diff in own]  # nobody knows that it does not
    out = run_dir / "verify"
    for part in ("arms", TOGETHER):
        shutil.rmtree(out / part, ignore_errors=True)
    started = time.monotonic()
    result = measured(plan, changes, sent, out / "arms", interrupt=interrupt, said=said, outage=outage_of(run_dir))
    outcome = _outcome(result, chosen, own)
    _keep(outcome, chosen, run_dir, time.monotonic() - started)  # what is known is not lost with what follows
    if together and not outcome.void:
        fit = [one for one in chosen if _belongs(one, result.effects[one.name])]
        merged = combined(fit, run_dir)
        left_out = tuple(f"{label}: {why}" for label, why in merged.left_out)
        outcome = replace(outcome, left_out=left_out, numbers=tuple(map(int, merged.labels)))
        if merged.diff:
            change = Change(TOGETHER, merged.diff)
            said(f"all that may stand together: {', '.join(merged.labels)}")
            second = measured(plan, [change], sent, out / TOGETHER, interrupt=interrupt, said=said)
            void = second.void
            outcome = replace(outcome, together=second.effects[TOGETHER], void=void, placebo=second.placebo)
            (out / "together.patch").write_text(merged.diff, encoding="utf-8")
    _keep(outcome, chosen, run_dir, time.monotonic() - started)
    analyse(run_dir)
    return outcome


def script_of(run_dir: Path, *, whole: bool = False, most: int | None = None) -> Script:
    """The script of a run: what met a fault or failed, and a share of the rest."""
    run = open_run(run_dir)
    evidence = Evidence(build(run), read_experiment(run.experiment)[0], run.run)
    rows = evidence.tables.requests
    wanted = (~rows["control"] | ~rows["ok"]).tolist()
    sent = [
        script.Sent(key, stage, want, tuple(rules))
        for key, stage, want, rules in zip(
            rows["key"].tolist(), rows["stage"].tolist(), wanted, rows["rules"].tolist(), strict=True
        )
        if isinstance(key, str)
    ]
    return script.make(
        sent,
        stages=evidence.fault_stages,
        seed=int(run.run.get("seed") or 0),
        whole=whole,
        most=most or script.MOST_REQUESTS,
    )


def show(console: Console, outcome: Outcome, run_dir: Path, seconds: float) -> None:
    """A line a patch, the best first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("N", "verdict", "failures", "rescued", "broken", "time", "proposal"):
        right = name in {"N", "rescued", "broken"}
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "proposal")
    ranked = sorted(outcome.told, key=lambda each: (each.effect.saved is None, -(each.effect.saved or 0.0)))
    for each in ranked:
        _add(table, str(each.number or ""), each.effect, each.title)
    if outcome.together:
        _add(table, "", outcome.together, f"together: {', '.join(map(str, outcome.numbers))}")
    _add(table, "", outcome.placebo, "placebo", style="dim")
    console.print()
    console.print(table)
    console.print("time: to a useful answer; a failure counts as the client's deadline", style="dim")
    for each in ranked:
        if each.effect.verdict in {"worse", "not comparable"}:
            said = f"{each.number or each.title}: {each.effect.reason}"
            console.print(said, style=STYLES[each.effect.verdict], markup=False)
    for gate in outcome.placebo.gates:
        if gate.name == ENDPOINTS:
            console.print(gate.summary, style="yellow", markup=False)
    for text in outcome.left_out:
        console.print(f"not among all together: {text}", style="yellow", markup=False)
    if outcome.void:
        console.print(f"void: {outcome.void}", style="bold red", markup=False)
    report = rundir.shown(run_dir / "chaos-test-report.html")
    console.print(f"{wording.seconds(seconds)}; report: {report}", style="bold", markup=False)


def _add(table: Table, number: str, effect: Effect, title: str, style: str = "default") -> None:
    """A row with the verdict and the figures that it is about, and one for each other condition."""
    verdict = f"[{STYLES[effect.verdict]}]{effect.verdict}[/]"
    cells = _cells(effect.measured[0]) if effect.measured else ("",) * 4
    table.add_row(number, verdict, *cells, escape(title), style=style)
    for other in effect.measured[1:]:
        gain = f"[{STYLES['improved']}]improved[/]" if other in effect.gains else ""
        table.add_row("", gain, *_cells(other), f"  under {other.condition}", style="dim")


def _cells(each: Measured) -> tuple[str, str, str, str]:
    change = f"{wording.estimate(each.before, interval=False)} → {wording.estimate(each.after, interval=False)}"
    useful = f"x {wording.number(each.useful.value)}" if each.useful.value else ""
    return change, str(each.rescued), str(each.broken), useful


def _belongs(one: Proposed, effect: Effect) -> bool:
    """What improves, and what only tells failures better, if it does no harm; nothing that people must decide."""
    harmless = effect.verdict == "improved" or (effect.verdict == "no difference" and one.fix not in RESCUES)
    return one.automatic and harmless


def combined(chosen: Sequence[Proposed], run_dir: Path) -> Combined:
    """One patch of several proposals."""
    wanted = [
        Wanted(str(one.number), one.fix, one.file, Spot.read(one.spot))
        for one in chosen
        if one.spot is not None and one.file is not None
    ]
    run = open_run(run_dir).run
    prefix = str((run.get("app") or {}).get("git_prefix") or "")
    return combine(wanted, Sources.of_run(run_dir / "sources", run), prefix)


def _outcome(result: Result, chosen: Sequence[Proposed], own: Sequence[tuple[str, str]]) -> Outcome:
    told = [Told(one.number, one.short, result.effects[one.name]) for one in chosen]
    told += [Told(0, name, result.effects[f"own-{name}"]) for name, _ in own]
    return Outcome(tuple(told), None, result.placebo, result.void)


def _keep(outcome: Outcome, chosen: Sequence[Proposed], run_dir: Path, seconds: float) -> None:
    diffs = {one.number: one.diff for one in chosen}
    effects = {stored.digest(diffs[each.number]): each.effect for each in outcome.told if each.number}
    kept = stored.Stored(
        effects,
        own={each.title: each.effect for each in outcome.told if not each.number},
        together=outcome.together,
        placebo=outcome.placebo,
        numbers=outcome.numbers,
        left_out=outcome.left_out,
        void=outcome.void,
        seconds=round(seconds, 1),
    )
    stored.write(kept, run_dir)
