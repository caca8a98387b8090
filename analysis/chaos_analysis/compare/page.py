"""`comparison.md`: short enough for a comment on a pull request, with what is long folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.compare import words
from chaos_analysis.report.markdown import Markdown, codes, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chaos_analysis.compare.model import Comparison, Group, PatternChange, Side

_SIGNS = {"improved": "✅", "worse": "❌", "no difference": "➖", "inconclusive": "❔", "not comparable": "⚠️"}  # noqa: RUF001 - signs
_HOLDS = {True: "✅", False: "❌", None: "❔"}
_TITLES = {"all": "", "endpoint": "By endpoint", "rule": "By fault rule: requests that met nothing else"}


def markdown(found: Comparison, pictures: Sequence[tuple[str, str]]) -> str:
    """The page; `pictures` are file names and what they show."""
    lines = [
        f"## {_SIGNS[found.verdict]} Chaos comparison: {found.verdict}",
        "",
        f"{text(found.reason)}.",
        "",
        *_sides(found),
        "",
        *(f"- {text(note)}" for note in found.notes),
        "",
    ]
    for kind, title in _TITLES.items():
        groups = [group for group in words.ordered(found) if group.kind == kind]
        lines += [f"### {title}", ""] if title and groups else []
        lines += [*_groups(groups, times=found.interleaved), ""] if groups else []
    for file, shows in pictures:
        lines += [f"![{text(shows)}]({file})", ""]
    lines += [*_patterns(found), *_latencies(found), *_gates(found)]
    return "\n".join(lines).rstrip() + "\n"


def _sides(found: Comparison) -> list[str]:
    rows = [_side("before", found.base), _side("after", found.other)]
    return table(["", "runs", "seed", "revision", "requests"], rows, "llllr").split("\n")


def _side(name: str, side: Side) -> list[object]:
    revisions = codes(each[:12] for each in side.revisions) if side.revisions else ""
    return [name, codes(side.runs), ", ".join(map(str, side.seeds)), revisions, wording.count(side.requests)]


def _groups(groups: Iterable[Group], *, times: bool) -> list[str]:
    heads = ["", "requests", "failed before", "failed after", "difference (95 %)", "rescued / broken"]
    rows = [
        [
            text(group.name),
            " / ".join(wording.count(n) for n in dict.fromkeys(group.requests)),
            wording.estimate(group.before),
            wording.estimate(group.after),
            Markdown(words.change(group.difference)),
            words.discordant(group),
            *([Markdown(words.time(group.useful))] if times else []),
            f"{_SIGNS[group.verdict]} {words.needed(group)}",
        ]
        for group in groups
    ]
    heads += ["time to a useful answer"] if times else []
    return table([*heads, "verdict"], rows, "lrlllr").split("\n")


def _patterns(found: Comparison) -> list[str]:
    """What changed is seen at once; a pattern comes and goes by chance too, so none of this is a verdict."""
    if not found.patterns:
        return []
    stayed = [each for each in found.patterns if each.state == "stayed"]
    changed = [each for each in found.patterns if each.state != "stayed"]
    lines = [f"### Patterns: {words.states(found)}", ""]
    lines += [words.unlike(found), ""] if words.unlike(found) else []
    lines += [*_listed(changed), ""] if changed else []
    return [*lines, *(_folded("Patterns that stayed", _listed(stayed)) if stayed else [])]


def _listed(patterns: Iterable[PatternChange]) -> list[str]:
    rows = [
        [each.state, each.severity, text(each.title), wording.count(each.failures[0]), wording.count(each.failures[1])]
        for each in patterns
    ]
    return table(["", "severity", "pattern", "failures before", "after"], rows, "lllrr").split("\n")


def _latencies(found: Comparison) -> list[str]:
    known = [
        group
        for group in words.ordered(found)
        if any(each.before.value or each.after.value for each in group.latencies)
    ]
    if not known:
        return []
    heads = ["", *(f"{each.quantile} {side}, ms" for each in known[0].latencies for side in ("before", "after"))]
    rows = [
        [
            text(group.name),
            *(wording.estimate(side, unit=False) for each in group.latencies for side in (each.before, each.after)),
        ]
        for group in known
    ]
    return _folded(f"Latency of {_measured(found)}; shown, not judged", table(heads, rows).split("\n"))


def _measured(found: Comparison) -> str:
    buckets = found.method == "locust-csv"
    return "all requests, in Locust's buckets" if buckets else "successes, with 95 % intervals"


def _gates(found: Comparison) -> list[str]:
    rows = [f"- {_HOLDS[gate.ok]} {text(gate.name)}: {text(gate.summary)}" for gate in found.gates]
    return _folded("What must hold of any change", rows) if rows else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""]
