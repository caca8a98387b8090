"""What stands at one call, from the inside out, and whether it fits into the time that the caller has.

Timeout innermost, breaker around it, retry outside (field practice; see the references of the fixes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chaos_analysis.fixes._bound import NEED, Bound, bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Site

# Seconds before the first and the second repetition at most: urllib3.Retry(backoff_factor=0.1, backoff_jitter=0.1),
# and stamina.retry(wait_initial=0.1, wait_jitter=0.1).
URLLIB3 = (0.0, 0.3)
STAMINA = (0.2, 0.3)
_HTTPX = (5.0, 5.0)  # what httpx sets where nothing is said


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
    return bool(noted) and all(limits(each)[1] is None for each in noted)


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


def attempt(evidence: Evidence, site: Site, *, default: bool = False) -> Attempt:
    """What one attempt at this site may take: by the limits that the app sets, else by a timeout to be set.

    `default` says that the source sets none, so that httpx's own are not the app's.
    """
    noted = [limits(each) for each in evidence.calls_at(site)["timeout"].to_list()]
    own = max((connect + read for connect, read in noted if connect is not None and read is not None), default=None)
    if not is_unbounded(evidence, site) and not (default and set(noted) == {_HTTPX}):
        return Attempt(None, own, "")
    found = timeout(evidence, site)
    if isinstance(found, str):
        return Attempt(None, own, found)
    return Attempt((found.connect, found.read), found.connect + found.read, found.told)


def worst(longest: float | None, often: int, pauses: Sequence[float]) -> float | None:
    """Seconds that an attempt, its repetitions and the pauses take at most."""
    return None if longest is None else (often + 1) * longest + sum(pauses[:often])


def repeats(longest: float | None, deadline: float | None, pauses: Sequence[float]) -> int:
    """How often an attempt may be repeated so that all of them, and the pauses, end before the client gives up.

    Seconds; two at most, 0 where not even one fits.
    """
    for often in range(len(pauses), 0, -1):
        taken = worst(longest, often, pauses)
        if taken is None or deadline is None or taken < deadline:
            return often
    return 0


def limits(noted: object) -> tuple[float | None, float | None]:
    """The connect and read timeouts of a noted call."""
    if not isinstance(noted, (list, tuple)) or len(noted) != 2:
        return None, None
    connect, read = noted
    return connect, read
