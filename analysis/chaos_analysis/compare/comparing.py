"""From run folders to a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.compare import apart, couples, paired, words
from chaos_analysis.compare.comparable import name, refusal, same_seeds, seed
from chaos_analysis.compare.couples import LEAST_TURNS
from chaos_analysis.compare.found import changes
from chaos_analysis.compare.model import Comparison, Side
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chaos_analysis.compare.model import Group
    from chaos_analysis.effect.values import Verdict
    from chaos_analysis.rundir import RunDir

_APART = (
    "Unpaired: the seeds differ, so each side met faults of its own, and a difference takes more requests to show.",
    "Times are not judged, and requests of one run are taken as independent of one another.",
)
_LONELY = 0.05  # of the requests without a partner, from which it is said


def compare(base: Sequence[Path], other: Sequence[Path]) -> Comparison:
    """Compare run folders, before and after; raises `AnalysisError` where one is none."""
    before, after = ([open_run(path) for path in side] for side in (base, other))
    reason = refusal(before, after)
    if reason:
        return Comparison(_side(before, 0), _side(after, 0), "unpaired", "not comparable", reason)
    return _paired(before, after) if same_seeds(before, after) else _apart(before, after)


def compare_arms(base: Path, other: Path, blocks: Mapping[str, int]) -> Comparison:
    """Compare two arms of a replay, which were sent the same blocks in turn; raises `AnalysisError`."""
    found = couples.arms(base, other, blocks)
    groups = paired.groups(found)
    before, after = ([open_run(path)] for path in (base, other))
    patterns, lacking = changes(before, after)
    pairs = wording.plural(len(found.pairs), "request")
    note = f"Both sides were sent the same {pairs}, with the same faults, in turn, block by block."
    return Comparison(
        _side(before, len(found.pairs) + found.alone[0]),
        _side(after, len(found.pairs) + found.alone[1]),
        "paired",
        *verdict(groups),
        interleaved=True,
        groups=groups,
        patterns=patterns,
        gates=found.gates,
        notes=(note, *filter(None, [words.unsettled(groups), lacking])),
    )


def verdict(groups: Sequence[Group]) -> tuple[Verdict, str]:
    """Of the whole: worse anywhere is worse, improved anywhere else improved; else what all requests come to."""
    first = groups[0]
    if first.verdict == "not comparable":
        return first.verdict, first.reason
    for word in ("worse", "improved"):
        told = [group for group in groups if group.verdict == word]
        if told:
            where = "" if told[0] is first else f"{told[0].name}: "
            return told[0].verdict, f"{where}{told[0].reason}"
    return first.verdict, first.reason


def _paired(before: Sequence[RunDir], after: Sequence[RunDir]) -> Comparison:
    found = couples.couples(before, after)
    groups = paired.groups(found)
    notes = [
        f"Paired by request key: {wording.plural(len(found.pairs), 'request')} of the same seed met the same faults."
    ]
    if not found.interleaved:
        notes.append(
            "The runs did not take turns, so what changed on the machine in between counts as a difference; "
            f"times are not judged: need {LEAST_TURNS} interleaved runs a side."
        )
    whole = 2 * len(found.pairs) + sum(found.alone)
    if sum(found.alone) > _LONELY * max(whole, 1):
        counts = " and ".join(wording.count(n) for n in found.alone)
        notes.append(
            f"Without a partner, and left out: {counts} requests (users got further on one side than on the other)."
        )
    sizes = tuple(len(found.pairs) + n for n in found.alone)
    patterns, lacking = changes(before, after)
    return Comparison(
        _side(before, sizes[0]),
        _side(after, sizes[1]),
        "paired",
        *verdict(groups),
        interleaved=found.interleaved,
        groups=groups,
        patterns=patterns,
        gates=found.gates,
        notes=(*notes, *filter(None, [words.unsettled(groups), lacking])),
    )


def _apart(before: Sequence[RunDir], after: Sequence[RunDir]) -> Comparison:
    groups = apart.groups(before, after)
    patterns, lacking = changes(before, after)
    return Comparison(
        _side(before, groups[0].requests[0]),
        _side(after, groups[0].requests[1]),
        "unpaired",
        *verdict(groups),
        groups=groups,
        patterns=patterns,
        notes=(*_APART, *filter(None, [words.unsettled(groups), lacking])),
    )


def _side(runs: Sequence[RunDir], requests: int) -> Side:
    revisions = dict.fromkeys(str((run.run.get("app") or {}).get("git_revision") or "") for run in runs)
    return Side(
        tuple(map(name, runs)),
        tuple(dict.fromkeys(map(seed, runs))),
        tuple(filter(None, revisions)),
        requests,
    )
