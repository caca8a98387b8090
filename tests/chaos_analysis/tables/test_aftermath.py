"""`tables.aftermath`: which failures a fault of an earlier request explains."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from chaos_analysis.tables import aftermath

ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
SHUT = "(psycopg.errors.AdminShutdown) terminating connection due to administrator command"
NO_CONNECTION = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 0.20"


def _told(
    fault: str,
    *,
    error: tuple[str, str] | None = None,
    call: tuple[str, str] | None = None,
    started: float = 1.0,
    **event: Any,
) -> pd.DataFrame:
    """One fault-free request that fails so, of one that met this fault at 0.0, and of one that went well."""
    told = {"key": "a", "rule": "r", "fault": fault, "seam": "database", "started": 0.0, "asked": {}, "measured": None}
    told["finished"] = 0.1
    rows = pd.DataFrame(
        {
            "key": ["a", "b", "c"],
            "endpoint": ["GET /"] * 3,
            "status": [500, 500, 200],
            "started": [0.0, started, started],
            "response_ms": [10.0] * 3,
            "ok": [False, False, True],
            "rule": ["r", "", ""],
            "control": [False, True, True],
        }
    )
    calls = [("b", "database", *call, started)] if call else []
    answers = [("b", *error)] if error else []
    return aftermath.told(
        rows,
        pd.DataFrame([{**told, **event}]),
        pd.DataFrame(calls, columns=["key", "seam", "error", "target", "started"], dtype=object),
        pd.DataFrame(answers, columns=["key", "error", "error_text"], dtype=object),
    )


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        ("statement_error", ("InFailedSqlTransaction", ABORTED), "poisoned"),
        ("statement_error", ("InternalError", f"(psycopg2.errors.InFailedSqlTransaction) {ABORTED}"), "poisoned"),
        ("slow_statement", ("PendingRollbackError", "This Session's transaction has been rolled back"), "poisoned"),
        ("stale_connections", ("OperationalError", SHUT), "stale"),
        ("stale_connections", ("InterfaceError", "connection already closed"), "stale"),
        ("pool_exhaustion", ("TimeoutError", NO_CONNECTION), "exhausted"),
    ],
)
def test_an_error_that_names_the_state_left_behind_is_put_to_the_fault(
    fault: str, error: tuple[str, str], kind: str
) -> None:
    """Such a request is of no control group, and of none that met a fault alone; others stay as they are."""
    rows = _told(fault, error=error)
    assert rows["after"].tolist() == ["", kind, ""]
    assert rows["because"].tolist() == [-1, 0, -1]
    assert rows["control"].tolist() == [False, False, True]
    assert rows["rule"].tolist() == ["r", "+", ""]


@pytest.mark.parametrize(
    ("fault", "call", "kind"),
    [
        ("statement_error", ("InFailedSqlTransaction", "SELECT stock 01234567"), "poisoned"),
        ("stale_connections", ("OperationalError", "SELECT stock 01234567"), "stale"),
        ("pool_exhaustion", ("TimeoutError", "CHECKOUT postgresql"), "exhausted"),
    ],
)
def test_what_a_call_met_tells_it_where_the_app_answered_itself(fault: str, call: tuple[str, str], kind: str) -> None:
    """No exception left the app; its call is noted with its error."""
    assert _told(fault, call=call)["after"].tolist() == ["", kind, ""]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("statement_error", ("KeyError", "'seats'")),
        ("statement_error", ("OperationalError", SHUT)),  # not of kind disconnect: nothing was ended
        ("stale_connections", ("OperationalError", "connection to server failed: Connection refused")),
        ("stale_connections", ("TimeoutError", NO_CONNECTION)),
        ("noop", ("InFailedSqlTransaction", ABORTED)),
        ("pool_exhaustion", ("InFailedSqlTransaction", ABORTED)),
    ],
)
def test_what_no_earlier_fault_leaves_behind_is_left_alone(fault: str, error: tuple[str, str]) -> None:
    """A bug of the app's own, or another state than this fault's."""
    rows = _told(fault, error=error)
    assert (rows["after"] == "").all()
    assert rows["control"].tolist() == [False, True, True]


def test_a_connection_that_was_ended_in_use_is_no_stale_one() -> None:
    """Nobody could have known when the pool gave it away."""
    rows = _told("stale_connections", error=("OperationalError", SHUT), started=0.05)
    assert rows["after"].tolist() == ["", "cut", ""]
    rows = _told("stale_connections", error=("OperationalError", SHUT), started=0.15)
    assert rows["after"].tolist() == ["", "stale", ""]


def test_a_request_that_meets_its_own_dead_connection_is_stale() -> None:
    """The connections were ended before the pool gave it one; it is the fault's own request."""
    error = ("OperationalError", SHUT)
    assert _told("stale_connections", error=error, started=0.05, key="b")["after"].tolist() == ["", "stale", ""]


def test_a_disconnect_leaves_a_dead_connection() -> None:
    """As the end of all connections in the pool does."""
    rows = _told("statement_error", error=("OperationalError", SHUT), asked={"kind": "disconnect"})
    assert rows["after"].tolist() == ["", "stale", ""]


def test_what_came_before_the_fault_is_not_its_doing() -> None:
    """The fault began after the request had ended."""
    rows = _told("statement_error", error=("InFailedSqlTransaction", ABORTED), started=-1.0)
    assert (rows["after"] == "").all()


def test_a_pool_that_was_given_back_long_ago_holds_nobody_up() -> None:
    """The connections were taken for their seconds, and were free again."""
    error = ("TimeoutError", NO_CONNECTION)
    held = {"seconds": 1.0}
    assert _told("pool_exhaustion", error=error, started=2.0, asked=held)["after"].tolist() == ["", "exhausted", ""]
    assert (_told("pool_exhaustion", error=error, started=20.0, asked=held)["after"] == "").all()


def test_a_fault_that_could_not_act_left_nothing_behind() -> None:
    """The transaction had failed before it came."""
    error = ("InFailedSqlTransaction", ABORTED)
    rows = _told("statement_error", error=error, measured={"did": "unsupported"})
    assert (rows["after"] == "").all()
