"""What befell the whole app for a while, and failed whoever was in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.evidence import SIGNIFICANT
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Estimate

_WORDS = {
    "memory_pressure": "memory was scarce",
    "cpu_pressure": "the processor was busy",
    "descriptors_exhausted": "no descriptor was left",
    "worker_killed": "a worker process was killed",
}
_NO_SAY = ("worker_killed",)  # whose requests in hand are lost, whatever the app does


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a rule whose windows failed requests significantly more often than others fail."""
    causes = evidence.causes
    for rule, p in evidence.windows.items():
        failed = causes[(causes["cause"] == "window") & (causes["rule"] == rule)]
        if p >= SIGNIFICANT or failed.empty:
            continue
        rows = evidence.rows
        rate = _rate(rows[rows["rule"] == rule]["ok"])
        fault = str(failed["fault"].iloc[0])
        what = _WORDS.get(fault, f"{fault} was on")
        endpoints, answers = failed["endpoint"].value_counts(), failed["status"].unique()
        of = f"{wording.count(len(failed))} of {wording.count(rate.n)}"
        became = _words.listed(str(status) if status else "no answer" for status in answers)
        yield Pattern(
            id=f"fault_window:{rule}",
            finder="fault_window",
            title=f"{of} requests that were in the app when {what} failed ({became})",
            summary=(
                f"While {what} ({rule}), {wording.estimate(rate)} of the requests that were in the app and met nothing "
                f"else failed, {wording.estimate(_rate(evidence.control['ok']))} of those at other times."
            )
            + (" What a process has in hand goes with it: only its clients can ask again." if fault in _NO_SAY else ""),
            evidence="causal",
            severity="low" if fault in _NO_SAY else _words.severity(rate),
            endpoint=str(endpoints.index[0]) if len(endpoints) == 1 else None,
            failures=len(failed),
            rate=rate,
            baseline=_rate(evidence.control["ok"]),
            p_value=p,
            rules=(rule,),
            faults=(fault,),
            seam=str(failed["seam"].iloc[0]),
            facts=(("endpoints", _words.endpoints(endpoints)), ("answers", became)),
            keys=_words.keys(failed["key"]),
        )


def _rate(ok: pd.Series[bool]) -> Estimate:
    return proportion(int((~ok).sum()), len(ok))
