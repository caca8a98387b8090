"""What stands at one call, from the inside out, and whether it fits into the time that the caller has.

Timeout innermost, breaker around it, retry outside (field practice; see the references of the fixes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.fixes._bound import NEED, Bound, bound

if TYPE_CHECKING:
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Site

# Seconds before the first and the second repetition at most: urllib3.Retry(backoff_factor=0.1, backoff_jitter=0.1).
PAUSES = (0.0, 0.3)


class Attempt(NamedTuple):
    """One attempt at a call: `timeout` is the (connect, read) in seconds to set, None where the call has its own.

    `longest` is how many seconds the attempt may take, None where nobody knows; `told` says where the figures are from.
    """

    timeout: tuple[float, float] | None
    longest: float | None
    told: str


def is_unbounded(evidence: Evidence, site: Site) -> bool:
    """Whether the run noted calls at this site, and none of them had a limit for reading."""
    noted = evidence.calls_at(site)["timeout"].to_list()
    return bool(noted) and all(_limits(each)[1] is None for each in noted)


def timeout(evidence: Evidence, site: Site) -> Bound | str:
    """A timeout for the calls at this site, from the fault-free ones among them; a text says why there is none."""
    calls = evidence.calls_at(site)
    healthy = calls[(calls["faults"].map(len) == 0) & calls["error"].isna()]
    found, deadline = bound(healthy["seconds"].to_list()), evidence.deadline
    if found is None:
        return (
            f"need {NEED} fault-free calls at this site for a timeout, have {len(healthy)}: more requests, or more "
            "`calls.share`"
        )
    if deadline is not None and found.read >= deadline:
        return f"healthy calls need up to {found.read:g} s, the client waits {deadline:g} s: no timeout serves both"
    return found


def attempt(evidence: Evidence, site: Site) -> Attempt:
    """What one attempt at this site may take: by the limits that the app sets, else by a timeout to be set."""
    if is_unbounded(evidence, site):
        found = timeout(evidence, site)
        if isinstance(found, str):
            return Attempt(None, None, found)
        return Attempt((found.connect, found.read), found.connect + found.read, found.told)
    limits = [_limits(each) for each in evidence.calls_at(site)["timeout"].to_list()]
    sums = [connect + read for connect, read in limits if connect is not None and read is not None]
    return Attempt(None, max(sums, default=None), "")


def repeats(longest: float | None, deadline: float | None) -> int:
    """How often an attempt may be repeated so that all of them, and the pauses, end before the client gives up.

    Seconds; two at most, 0 where not even one fits.
    """
    if longest is None or deadline is None:
        return len(PAUSES)
    fitting = (n for n in range(len(PAUSES), 0, -1) if (n + 1) * longest + sum(PAUSES[:n]) < deadline)
    return next(fitting, 0)


def _limits(noted: object) -> tuple[float | None, float | None]:
    """The connect and read timeouts of a noted call."""
    if not isinstance(noted, (list, tuple)) or len(noted) != 2:
        return None, None
    return noted[0], noted[1]
