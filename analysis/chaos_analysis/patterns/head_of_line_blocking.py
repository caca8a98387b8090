"""A slow call holds up requests that do not make it: they wait behind something that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis import wording
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _held, _words
from chaos_analysis.stats import adjusted, proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence

_SLOW = 0.1  # seconds; a faulted call that takes so long keeps things for long enough to be seen
_LEAST = 5
_SITE = ["file", "line", "function"]


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site, with the endpoints that it holds up."""
    slow = _slow_calls(evidence)
    if slow.empty:
        return
    parts = _held.parts(evidence)
    slow = slow.assign(part=slow["key"].map(parts))
    others = evidence.control.assign(part=evidence.control["key"].map(parts))
    sites = [calls for _, calls in slow.groupby(_SITE)]
    compared = [(at, held) for at, calls in enumerate(sites) for held in _compare(calls, slow, others, evidence)]
    qs = adjusted([held.p for _, held in compared])
    shown = [
        (*pair, q) for pair, q in zip(compared, qs, strict=True) if q < SIGNIFICANT and pair[1].busy.sum() >= _LEAST
    ]
    for at, calls in enumerate(sites):
        here = [(held, q) for number, held, q in shown if number == at]
        if here:
            yield _pattern(calls, [held for held, _ in here], min(q for _, q in here))


def _slow_calls(evidence: Evidence) -> pd.DataFrame:
    calls = evidence.tables.calls
    calls = calls.assign(dependency=evidence.call_names[1]["dependency"], ended=calls["started"] + calls["seconds"])
    return calls[calls["faults"].astype(bool) & (calls["seconds"] >= _SLOW) & calls["file"].notna()]


def _compare(calls: pd.DataFrame, slow: pd.DataFrame, others: pd.DataFrame, evidence: Evidence) -> Iterator[_held.Held]:
    """Each endpoint that was not seen to call the same, by its requests without a fault, in the stages that inject."""
    uses = evidence.call_names[1]["dependency"].isin(calls["dependency"].unique()).to_numpy()
    users = set(evidence.rows["endpoint"].iloc[evidence.call_rows[uses & (evidence.call_rows >= 0)]])
    windows = slow.assign(own=slow.index.isin(calls.index))
    delay = float(calls["seconds"].median())
    for endpoint, rows in others[~others["endpoint"].isin(users)].groupby("endpoint", sort=True):
        yield _held.compare(str(endpoint), rows, windows, delay, held=rows["response_ms"] / 1000 >= delay / 4)


def _pattern(calls: pd.DataFrame, shown: list[_held.Held], q: float) -> Pattern:
    first = calls.iloc[0]
    site = _words.site(first["file"], first["line"], first["function"])
    target = _words.grouped(calls["target"]) or ""
    service, names = _words.other_side(target, str(first["seam"])), _words.listed(held.endpoint for held in shown)
    worst = min(shown, key=lambda held: held.p)
    rows = pd.concat([held.rows for held in shown])
    held_up = rows[rows["held"]]
    share = proportion(int(worst.busy.sum()), len(worst.busy))
    of = f"{wording.count(int(worst.busy.sum()))} of {wording.count(len(worst.busy))}"
    quiet = f"{wording.count(int(worst.quiet.sum()))} of {wording.count(len(worst.quiet))}"
    delay, waited = (
        wording.seconds(float(value)) for value in (calls["seconds"].median(), held_up["response_ms"].median() / 1000)
    )
    return Pattern(
        id=f"head_of_line_blocking:{first['file']}:{first['function']}",
        finder="head_of_line_blocking",
        title=f"While {service} is slow, {names} is held up, which does not call it ({of} times)",
        summary=(
            f"Requests of {names} that met no fault took {waited} in the median when they began while a slow call at "
            f"{site} ({delay}) was under way: most of them were held up in {of} such stretches of time "
            f"({wording.estimate(share)}), and in {quiet} between. They share something that the call keeps: a lock, "
            "a thread, a connection."
        ),
        evidence="causal",
        severity="high",
        endpoint=shown[0].endpoint if len(shown) == 1 else None,
        failures=0,
        slow=int(held_up["ok"].sum()),
        rate=proportion(int((~rows["ok"]).sum()), len(rows)),
        p_value=q,
        seam=str(first["seam"]),
        target=target,
        site=site,
        facts=(("slow calls", delay), ("held up while one was under way", of), ("held up between", quiet)),
        keys=_words.keys(held_up["key"]),
    )
