"""`tables.aftermath`: which failures a fault of an earlier request explains."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from chaos_analysis.tables import aftermath

ABORTED = "current transaction is aborted, commands ignored until end of transaction block"
SHUT = "(psycopg.errors.AdminShutdown) terminating connection due to administrator command"
LINE = ("shop/stock.py", 7, "count")
CALLS = ("key", "seam", "error", "target", "started", "faults", "file", "line", "function")
ANSWERS = ("key", "error", "error_text", "file", "line", "function")
NO_CONNECTION = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 0.20"


def _told(
    fault: str,
    *,
    error: tuple[str, str] | None = None,
    call: tuple[str, str] | None = None,
    own: str | None = "SerializationFailure",
    started: float = 1.0,
    **event: Any,
) -> pd.DataFrame:
    """One fault-free request that fails so, of one that met this fault at 0.0, which ended its call by the error `own`,
    and of one that went well.
    """
    told = {"key": "a", "rule": "r", "fault": fault, "seam": "database", "started": 0.0, "asked": {}, "measured": None}
    told |= {"id": "a:r", "finished": 0.1}
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
    calls = [("a", "database", own, "SELECT stock 01234567", 0.0, ["a:r"], *LINE)] if own else []
    calls += [("b", "database", *call, started, [], *LINE)] if call else []
    answers = [("b", *error, *LINE)] if error else []
    return aftermath.told(
        rows,
        pd.DataFrame([{**told, **event}]),
        pd.DataFrame(calls, columns=list(CALLS), dtype=object),
        pd.DataFrame(answers, columns=list(ANSWERS), dtype=object),
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


def test_a_fault_that_ended_no_call_left_no_failed_transaction() -> None:
    """A statement that was only slow went well."""
    error = ("InFailedSqlTransaction", ABORTED)
    assert (_told("slow_statement", error=error, own=None)["after"] == "").all()
    assert _told("slow_statement", error=error, own="QueryCanceled")["after"].tolist() == ["", "poisoned", ""]


REPORT, TOTAL, ORDER = ("reports.py", 30, "top"), ("reports.py", 41, "total"), ("orders.py", 27, "create")


def _shared(*failed: tuple[str, float, tuple[str, int, str], str]) -> pd.DataFrame:
    """Requests whose calls fail at these times and lines, by a fault of their own ("r") or by what is left behind."""
    keys = [str(number) for number in range(len(failed))]
    own = [key for key, one in zip(keys, failed, strict=True) if one[3]]
    rows = pd.DataFrame(
        {
            "key": keys,
            "endpoint": [endpoint for endpoint, *_ in failed],
            "status": 500,
            "started": [at for _, at, *_ in failed],
            "response_ms": 10.0,
            "ok": False,
            "rule": [rule for *_, rule in failed],
            "control": [not rule for *_, rule in failed],
        }
    )
    faults = pd.DataFrame(
        {
            "id": [f"{key}:r" for key in own],
            "key": own,
            "rule": "r",
            "fault": "statement_error",
            "seam": "database",
            "started": [failed[int(key)][1] for key in own],
            "finished": [failed[int(key)][1] for key in own],
            "asked": [{} for _ in own],
            "measured": None,
        }
    )
    calls = [
        (key, "database", "QueryCanceled" if rule else "InFailedSqlTransaction", "SELECT lines 01234567", at,
         [f"{key}:r"] if rule else [], *line)
        for key, (_, at, line, rule) in zip(keys, failed, strict=True)
    ]  # fmt: skip
    return aftermath.told(
        rows, faults, pd.DataFrame(calls, columns=list(CALLS)), pd.DataFrame([], columns=list(ANSWERS), dtype=object)
    )


def test_a_fault_elsewhere_that_is_rolled_back_explains_nothing() -> None:
    """The later fault was met where this state never shows: its transaction is over with its request."""
    rows = _shared(
        ("GET /top", 0.0, REPORT, "r"), ("POST /orders", 1.0, ORDER, "r"), ("GET /top", 2.0, REPORT, ""),
    )  # fmt: skip
    assert rows["because"].tolist() == [-1, -1, 0]
    rows = _shared(("POST /orders", 1.0, ORDER, "r"), ("GET /top", 2.0, REPORT, ""))
    assert (rows["after"] == "").all()
    assert rows["control"].tolist() == [False, True]


def test_the_line_that_raises_it_comes_first_then_its_function_then_wherever_it_shows() -> None:
    """Of several faults that can be behind it, the last of those that are nearest."""
    top = ("GET /top", 9.0, REPORT, "")
    near = ("reports.py", 28, "top")
    assert _shared(("GET /top", 0.0, REPORT, "r"), ("GET /top", 1.0, near, "r"), top)["because"].iat[-1] == 0
    assert _shared(("GET /total", 0.0, near, "r"), ("GET /top", 1.0, TOTAL, "r"), top)["because"].iat[-1] == 0
    assert _shared(("GET /top", 0.0, TOTAL, "r"), ("POST /orders", 1.0, ORDER, "r"), top)["because"].iat[-1] == 0
    later = ("POST /orders", 2.0, ORDER, "")
    assert _shared(("POST /orders", 1.0, ORDER, "r"), later, top)["because"].tolist() == [-1, 0, 0]
