"""What the endpoints of a call site do: whether they only read, and whether the call gives only a part of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.tables.keys import among

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal, Site

READS = ("GET", "HEAD")


def endpoints_at(evidence: Evidence, site: Site) -> tuple[str, ...]:
    """The endpoints whose requests were seen to make the site's call, sorted; none where the run did not note it."""
    requests = evidence.tables.requests
    keys = _keys(evidence, site)
    if not keys or "endpoint" not in requests:
        return ()
    return tuple(sorted(requests[among(requests["key"], keys)]["endpoint"].unique()))


def writes(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    """Those that may change something."""
    return tuple(each for each in endpoints if each.partition(" ")[0] not in READS)


def is_part(evidence: Evidence, site: Site) -> bool:
    """Whether most of the noted requests that make the site's call make one at another line of the app too."""
    calls, keys = evidence.tables.calls, _keys(evidence, site)
    if not keys or "key" not in calls:
        return False
    elsewhere = calls[(calls["file"] != site.file) | (calls["line"] != site.line)]
    noted = keys & set(evidence.calls_at(site)["key"])
    return bool(noted) and len(noted & set(elsewhere["key"])) > len(noted) / 2


def _keys(evidence: Evidence, site: Site) -> set[str]:
    """The keys of the requests in which the site's call, or a fault at it, was noted."""
    found: set[str] = set()
    for table in (evidence.tables.calls, evidence.tables.faults):
        if "key" in table and "file" in table:
            found |= set(table[(table["file"] == site.file) & (table["line"] == site.line)]["key"])
    return found


def on_flask(evidence: Evidence) -> bool:
    """Whether a file of the run's sources makes a Flask app."""
    return any("Flask(" in (evidence.sources.text(file) or "") for file in evidence.sources.files())


def with_diff(proposals: Iterable[Proposal]) -> Iterator[Proposal]:
    """Those that have a patch: for the others there is the advice in words, on the finding itself."""
    return (proposal for proposal in proposals if proposal.diff)
