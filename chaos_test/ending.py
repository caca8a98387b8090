"""When a run is over, and why: decided in one place, from what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chaos_test.plan import ENOUGH_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_test.plan import Plan
    from chaos_test.processes import Child

EndedBy = Literal["requests", "enough", "time-limit", "interrupted", "crashed"]


_EXIT_CODES = {"crashed": 3, "interrupted": 4}


@dataclass(frozen=True)
class Ending:
    """Why a run ended: `ended_by` and `reason` of run.json."""

    ended_by: EndedBy
    reason: str


def exit_code(ended_by: object, judged: int) -> int:
    """How the run ended weighs more than what the analysis judged of the part that there is."""
    return _EXIT_CODES.get(str(ended_by), judged)


def of_time(plan: Plan, elapsed: float, requests: int) -> Ending | None:
    """Whether the clock ends the run: enough is in, or the limit is reached. "Enough" cuts no run by time short."""
    if plan.requests is not None and elapsed >= plan.enough_after and requests >= ENOUGH_REQUESTS:
        return Ending(
            "enough", f"{elapsed:.0f} s have passed and {requests:,} of {plan.requests:,} planned requests are in."
        )
    if elapsed >= plan.time_limit:
        return Ending("time-limit", f"The time limit of {plan.time_limit:g} s is over; {requests:,} requests are in.")
    return None


def of_servers(servers: Sequence[Child], requests: int) -> Ending | None:
    """Whether the app or one of its services is gone. A worker that dies is replaced by its server and ends nothing."""
    for child in servers:
        if child.returncode is not None:
            return Ending(
                "crashed",
                f"{child.name.capitalize()} {child.how_it_ended()} after {requests:,} requests (see {child.log.name}).",
            )
    return None


def of_locust(plan: Plan, locust: Child, code: int | None, requests: int) -> Ending | None:
    """Whether Locust is done, or gone; `code` is its exit code. Raises `ChaosTestError` where it never began."""
    if code is None:
        return None
    if code > 0 and not requests:
        raise locust.not_started()
    if code < 0:
        return Ending("crashed", f"Locust {locust.how_it_ended()} after {requests:,} requests (see {locust.log.name}).")
    note = f" Locust {locust.how_it_ended()}: see {locust.log.name}." if code else ""
    if plan.run_time is not None:
        return Ending("time-limit", f"The planned {plan.run_time:g} s are over; {requests:,} requests are in.{note}")
    return Ending("requests", f"The planned requests are in: {requests:,}.{note}")
