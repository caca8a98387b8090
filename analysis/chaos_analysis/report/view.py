"""What the report's template prints: the `Analysis`, and the pieces of it that need more than a look-up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_analysis import wording
from chaos_analysis.ranking import fixes_of
from chaos_analysis.report import effects, method, outcomes, reproduce, rows
from chaos_analysis.report.markdown import Markdown, slug, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos_analysis.model import Analysis, Estimate, Pattern, Proposal
    from chaos_analysis.report.pictures import Picture

_MOST_LINES = 14
# Finders whose rate is of other requests, or of something else, than that requests failed.
_FARED = {
    "invariant_violated": "led to a violation",
    "dependency_error": "that met this alone failed",
    "wrong_content": "that met this alone failed",
    "lasting_damage": "after the faults were answered so",
}
# Verdict: the kind of GitHub's alert, and what it says first.
BANNERS = {
    "held": ("TIP", "Verdict: held"),
    "broken": ("CAUTION", "Verdict: broken"),
    "undecided": ("WARNING", "Verdict: undecided"),
    "invalid": ("CAUTION", "Invalid run: draw no conclusion from its figures"),
    "no SLO": ("IMPORTANT", "No objective was set"),
}


class Issue(NamedTuple):
    """A pattern with its rank, the first proposal made for it, the issue above that has the same one, its parts, and
    the other proposals for it and for them.
    """

    number: int
    pattern: Pattern
    proposal: Proposal | None
    same_as: int | None
    parts: tuple[Pattern, ...] = ()
    others: tuple[Proposal, ...] = ()


def of(analysis: Analysis, pictures: Mapping[str, Picture], out: Path) -> dict[str, Any]:
    """The template's variables. `out` is the run folder, as commands shall name it."""
    alert, says = BANNERS[analysis.verdict]
    return {
        "analysis": analysis,
        "run": analysis.run,
        "name": name(analysis),
        "alert": Markdown(alert),
        "says": says,
        "broken_checks": [check for check in analysis.checks if check.ok is False and check.fatal],
        "issues": _issues(analysis),
        "rows": rows,
        "outcomes": outcomes,
        "effects": effects,
        "measured_any": any(proposal.effect for proposal in analysis.proposals),
        "together": effects.together(analysis),
        "together_patch": reproduce.there(out, "verify/together.patch"),
        "method": method.lines(analysis),
        "evidence": evidence,
        "essence": essence,
        "harm": harm,
        "fix_link": fix_link,
        "concerns": lambda proposal: _concerns(analysis, proposal),
        "picture": lambda plot: _picture(pictures.get(plot)),
        "folder": reproduce.from_here(out),
        "commands": reproduce.commands(analysis, out),
        "verifying": lambda number: reproduce.verifying(analysis, reproduce.from_here(out), str(number)),
        "wording": wording,
    }


def name(analysis: Analysis) -> str:
    """What the report is about, in its title."""
    names = (analysis.experiment.get("name"), (analysis.run.get("app") or {}).get("target"), analysis.run.get("id"))
    return next((str(one) for one in names if one), "Locust statistics")


def evidence(pattern: Pattern) -> str:
    """The sentence that a claim rests on, with its interval."""
    if pattern.rate.value is None and pattern.finder == "invariant_violated":
        return ""
    if pattern.rate.value is None:
        return f"Its rate is not known: {wording.estimate(pattern.rate)} (have {wording.count(pattern.rate.n)})."
    of_all = _FARED.get(pattern.finder, "failed")
    what = of_all if pattern.rate.unit == "probability" else "measured"
    said = f"{wording.plural(pattern.slow, 'slow answer')}; " if pattern.slow else ""
    said += _measured(pattern.rate, f"{wording.plural(pattern.rate.n, 'request')} {what}")
    if pattern.baseline and pattern.baseline.value is not None:
        said += f", against {_measured(pattern.baseline, wording.count(pattern.baseline.n))} in the comparison group"
    if pattern.p_value is not None:
        said += f"; p {'< 0.001' if pattern.p_value < 0.001 else f'= {wording.number(pattern.p_value)}'}"
    return f"{said}."


def harm(pattern: Pattern) -> str:
    """What a finding counts."""
    return wording.plural(pattern.failures, "violation" if pattern.finder == "invariant_violated" else "failure")


def essence(diff: str) -> str:
    """The lines of a diff to show where it is first mentioned: around the first that it takes out, or else the last it
    adds; imports and settings, which come first, are for the whole diff to show.
    """
    lines = [line for line in diff.splitlines() if not line.startswith(("--- ", "+++ ", "diff ", "index "))]
    removed = [at for at, line in enumerate(lines) if re.match(r"-(?!\s*(?:import|from)\s)", line)]
    added = [at for at, line in enumerate(lines) if line.startswith("+")]
    middle = removed[0] if removed else added[-1] if added else 0
    first = max(middle - (3 if removed else _MOST_LINES - 4), 0)
    hunk = [at for at, line in enumerate(lines) if line.startswith("@@")]
    first = max([first, *(at + 1 for at in hunk if at < middle)])
    last = min([first + _MOST_LINES, *(at for at in hunk if at > middle)])
    shown = lines[first:last]
    blank = [not line.strip() for line in shown]
    return "\n".join(shown[blank.index(False) : len(blank) - blank[::-1].index(False)]) if False in blank else ""


def fix_link(proposal: Proposal) -> Markdown:
    """A link to the proposal's own heading, struck out where the fix does harm."""
    link = f"[Fix {proposal.number}: {text(proposal.title)}](#{slug(f'Fix {proposal.number}: {proposal.title}')})"
    return Markdown(f"~~{link}~~" if effects.harmful(proposal) else link)


def _measured(estimate: Estimate, of: str) -> str:
    between = wording.bounds(estimate)
    certainty = f" (95 % interval {between})" if between else ""
    return f"{wording.estimate(estimate, interval=False)} of {of}{certainty}"


def _issues(analysis: Analysis) -> list[Issue]:
    issues: list[Issue] = []
    wholes = [pattern for pattern in analysis.patterns if pattern.part_of is None]
    for number, pattern in enumerate(wholes, start=1):
        parts = tuple(part for part in analysis.patterns if part.part_of == pattern.id)
        fixes = fixes_of(pattern, parts, analysis.proposals)
        fix = fixes[0] if fixes else None
        same = next((above.number for above in issues if fix and above.proposal == fix), None)
        issues.append(Issue(number, pattern, fix, same, parts, fixes[1:]))
    return issues


def _concerns(analysis: Analysis, proposal: Proposal) -> str:
    """The failures and the slow answers of the patterns that a proposal is for."""
    slow = sum(pattern.slow for pattern in analysis.patterns if pattern.id in proposal.patterns)
    failures = wording.plural(proposal.failures, "failure")
    waits = wording.plural(slow, "slow answer")
    return waits if slow and not proposal.failures else f"{failures} and {waits}" if slow else failures


def _picture(picture: Picture | None) -> Markdown:
    return Markdown(f"![{text(picture.alt)}]({picture.file})" if picture else "")
