"""Do the calls that the app noted name lines of its source, or does the middleware look for it in another folder?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


def check(evidence: Evidence) -> Check:
    """Without one line no finding says where, and nothing can be patched: the service was told of another folder."""
    calls = evidence.tables.calls
    if calls.empty:
        return Check("call sites", ok=None, summary="no call was noted", fatal=False)
    named, noted = int(calls["file"].notna().sum()), wording.plural(len(calls), "noted call")
    if named:
        return Check("call sites", ok=True, summary=f"{wording.count(named)} of {noted} name a line", fatal=False)
    summary = (
        f"none of {noted} names a line, so no finding says where and nothing is patched: start the service in the "
        "folder of its source, or with CHAOS_APP_DIR naming that"
    )
    return Check("call sites", ok=False, summary=summary, fatal=False)
