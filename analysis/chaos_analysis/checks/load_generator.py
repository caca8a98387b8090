"""Did the load generator keep up, or do the latencies show its own queue?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence

_BUSY = 90.0
_OFTEN = 0.1


def check(evidence: Evidence) -> Check:
    """A Locust process above 90 % of a core in more than a tenth of its seconds measures itself."""
    cpu = evidence.tables.load["cpu_percent"].dropna()
    if cpu.empty:
        return Check("load generator", ok=None, summary="no sample of its processor time", fatal=False)
    busy = float((cpu > _BUSY).mean())
    ok = busy <= _OFTEN
    summary = f"median {wording.number(float(cpu.median()))} % of a core, at most {wording.number(float(cpu.max()))} %"
    if not ok:
        summary += f"; above {_BUSY:.0f} % in {wording.percent(busy)} of the seconds: latencies include its own queue"
    return Check("load generator", ok=ok, summary=summary, fatal=False)
