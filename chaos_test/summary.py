"""What the terminal shows before and after a run: short, the report has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from chaos_test.rundir import shown

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from chaos_analysis.model import Analysis, Pattern, SloResult
    from chaos_test.plan import Plan

MOST = 3
_VERDICTS = {
    "held": "bold green",
    "broken": "bold red",
    "invalid": "bold yellow",
    "undecided": "bold yellow",
    "no SLO": "bold",
}
_SEVERITIES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


def opening(plan: Plan, run_dir: Path) -> str:
    """The line that says what is about to happen."""
    what = plan.target.app or plan.url
    load = f"{plan.requests:,} requests" if plan.requests else f"{plan.run_time:g} s"
    users = "user" if plan.users == 1 else "users"
    line = f"{what}: {load} by {plan.users} {users}, seed {plan.experiment.value.seed} → {shown(run_dir)}"
    if plan.target.url and not plan.ledger:
        line += (
            f"\nThe ledger of {plan.url} is not in this run's folder (see --ledger): no fault can be checked, and no "
            "line of its source named."
        )
    elif plan.target.url and not plan.target.dir:
        line += "\nThe service's source is not known (see --app-dir): there will be no patches."
    return line


def show(console: Console, analysis: Analysis, run_dir: Path) -> None:
    """Verdict, the three worst patterns, objectives, what to change, and where the report is."""
    worst = [pattern for pattern in analysis.patterns if pattern.part_of is None][:MOST]
    lines = [
        Text(f"{analysis.verdict}: ", style=_VERDICTS[analysis.verdict]).append(analysis.headline, style="default"),
        *(_pattern(number, pattern) for number, pattern in enumerate(worst, start=1)),
        *(_slo(slo) for slo in analysis.slos),
        *(_said("!", "yellow", f"{check.name}: {check.summary}") for check in analysis.checks if check.ok is False),
        *(_said("→", "dim", advice) for advice in analysis.advice[:MOST]),
        *(_said("?", "dim", f"not in these files: {what[0].lower()}{what[1:]}") for what in analysis.unknowable),
        *_proposals(analysis, run_dir),
        Text(f"Report: {shown(run_dir / 'chaos-test-report.html')}", style="bold"),
    ]
    console.print()
    for line in lines:
        console.print(line, soft_wrap=True)


def _pattern(number: int, pattern: Pattern) -> Text:
    line = (
        Text(f"{number}. ").append(f"{pattern.severity:<8} ", style=_SEVERITIES[pattern.severity]).append(pattern.title)
    )
    if pattern.site and str(pattern.site) not in pattern.title:
        line.append(f"  {pattern.site}", style="cyan")
    return line


def _slo(slo: SloResult) -> Text:
    mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}[slo.held]
    return _said(mark, style, f"{slo.expression}: {slo.summary}")


def _said(mark: str, style: str, text: str) -> Text:
    return Text(f"{mark} ", style=style).append(text, style="default")


def _proposals(analysis: Analysis, run_dir: Path) -> list[Text]:
    if not analysis.proposals:
        return []
    patches = sum(bool(proposal.diff) for proposal in analysis.proposals)
    where = f"{patches} with a patch in {shown(run_dir / 'fixes')}/" if patches else "in words only"
    return [Text(f"Proposals: {len(analysis.proposals)}, {where}")]
