"""What must hold of every change, as far as the pairs show it: the fault-free answers, repeats, what was reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_analysis.effect.values import Gate
from chaos_analysis.stats.paired import mcnemar
from chaos_analysis.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.effect.pairing import Pairing
    from chaos_analysis.model import Tables

SIGNIFICANT = 0.05
_SHARE = 0.02  # of fault-free answers that may differ: what clocks and counters in them do
_FEW = 20  # calls of a dependency before fewer of them mean something
_FEWER = 0.8
_NOT_IDEMPOTENT = ("POST", "PATCH")  # RFC 9110, 9.2.2; a statement that is repeated was rolled back, or is a COMMIT


def of_pairs(found: Pairing) -> tuple[Gate, ...]:
    """The gates that only the replay can ask."""
    return _answers(found), _honest(found), _repeated(found), _reached(found), _invariants(found)


def _answers(found: Pairing) -> Gate:
    """Requests without a fault are answered as before: the same status, made of the same parts. Failures are counted
    where failures are.
    """
    rows = found.rows[found.rows["free"] & found.rows["ok_base"]]
    other = rows["ok_other"] & (rows["status_base"] != rows["status_other"])
    made = rows.loc[rows["ok_other"], ["endpoint", "content_base", "content_other"]].dropna()
    shapes = {side: made[f"content_{side}"].astype(str).str.split(".").str[0] for side in ("base", "other")}
    known = set(zip(made["endpoint"], shapes["base"], strict=True))
    new = [made_so not in known for made_so in zip(made["endpoint"], shapes["other"], strict=True)]
    changed = int(other.sum()) + sum(new)
    limit = max(1, int(_SHARE * len(rows)))
    said = f"{plural(len(rows), 'request')} without a fault: {changed or 'none'} answered otherwise"
    return Gate("fault-free answers", changed <= limit if len(rows) else None, said)


def _honest(found: Pairing) -> Gate:
    """A failure is not called a success: content that is not there, or a write that did not happen."""
    base, other = (found.rows[f"hollow_{side}"] for side in ("base", "other"))
    more, fewer = int((other & ~base).sum()), int((base & ~other).sum())
    bad = more > fewer and mcnemar(more, fewer) < SIGNIFICANT
    said = f"{plural(int(other.sum()), 'answer')} said that all is well and was wrong, {int(base.sum())} without it"
    return Gate("honest answers", not bad, said)


def repeats(calls: pd.DataFrame) -> tuple[int, int]:
    """Calls that a request had made before, to the same effect, are not idempotent and have no idempotency key."""
    verbs = calls["target"].astype(str).str.split(" ").str[0].str.upper()
    keyed = calls["idempotency_key"].notna() & (calls["idempotency_key"] != False)  # noqa: E712 - absent is NaN
    sent = (calls["seam"] == "http_client") & verbs.isin(_NOT_IDEMPOTENT)
    again = calls[sent & ~keyed & (calls["occurrence"].fillna(0) > 0)]
    counts = again.groupby("side").size()
    return int(counts.get(0, 0)), int(counts.get(1, 0))


def _repeated(found: Pairing) -> Gate:
    base, other = repeats(found.calls)
    worse = other > base and mcnemar(other, base) < SIGNIFICANT
    said = f"{other} state-changing calls were made again without an idempotency key, {base} without the change"
    return Gate("state-changing calls", not worse, said)


@dataclass(frozen=True)
class Fewer:
    """A call that fault-free requests of the other side make less often, and how often either side makes it."""

    seam: str
    dependency: str
    base: int
    other: int

    @property
    def name(self) -> str:
        """What is called, and where."""
        return f"{self.seam} {self.dependency}"


def _reached(found: Pairing) -> Gate:
    """A call that slipped out of the experiment is not a fix: fault-free requests make the calls that they made."""
    lost = [f"{each.name} ({each.other} instead of {each.base})" for each in fewer(found)]
    said = f"{', '.join(lost)} are reached less" if lost else "the same calls are reached where nothing fails"
    return Gate("injection points", not lost, said)


def fewer(found: Pairing) -> list[Fewer]:
    """Of the calls that are made often enough to tell."""
    free = set(found.rows.loc[found.rows["free"] & found.rows["ok_base"] & found.rows["ok_other"], "key"])
    calls = found.calls[found.calls["key"].isin(free)]
    counts = calls.groupby(["seam", "dependency", "side"]).size().unstack(fill_value=0).reindex(columns=[0, 1])
    every = [Fewer(seam, name, int(base), int(other)) for (seam, name), base, other in counts.fillna(0).itertuples()]
    return [each for each in every if each.base >= _FEW and each.other < _FEWER * each.base]


def violated(base: Tables, other: Tables) -> tuple[str, ...]:
    """Invariants that are violated more often with the change."""
    before = {each.name: len(each.violations) + each.more for each in base.invariants if each.checked}
    after = {each.name: len(each.violations) + each.more for each in other.invariants if each.checked}
    return tuple(
        name for name, n in after.items() if name in before and n > before[name] and mcnemar(n, before[name]) < 0.05
    )


def _invariants(found: Pairing) -> Gate:
    names = violated(found.base, found.other)
    if not found.other.invariants:
        return Gate("invariants", None, "the load states none")
    said = f"{', '.join(names)} violated more often" if names else "none is violated more often"
    return Gate("invariants", not names, said)
