"""Causes: what one failed request is put down to, for each kind of event and answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from chaos_analysis import tables
from chaos_analysis.causes import attribute

if TYPE_CHECKING:
    from chaos_analysis.model import Tables

EDGE = {"seam": "wsgi", "file": None, "line": float("nan"), "function": None, "target": None}
CALL = {"seam": "http_client", "file": "a.py", "line": 3.0, "function": "f", "target": "GET h/x"}


def _tables(status: int, error_class: str, events: list[dict[str, Any]], error: str | None = None) -> Tables:
    """One failed request with these events; `error` left the app at a.py:3."""
    empty = tables.empty()
    row = {"key": "k", "ok": False, "status": status, "error_class": error_class, "endpoint": "GET /x", "rule": "r"}
    base = {"key": "k", "rule": "r", "measured": {"seconds": 1.0, "did": "done"}}
    answer = {"key": "k", "error": error, "error_text": "text", "file": "a.py", "line": 3.0}
    return replace(
        empty,
        requests=pd.DataFrame([row]).reindex(columns=empty.requests.columns),
        faults=pd.DataFrame([{**base, **event} for event in events]).reindex(columns=empty.faults.columns),
        answers=pd.DataFrame([answer] if error else []).reindex(columns=empty.answers.columns),
    )


@pytest.mark.parametrize(
    ("status", "error_class", "events", "error", "expected"),
    [
        (500, "HTTPError", [{**EDGE, "fault": "exception"}], None, ("edge", True)),
        (400, "HTTPError", [{**EDGE, "fault": "exception"}], None, ("edge", False)),
        (0, "HTTPConnectionClosed", [{**EDGE, "fault": "connection_reset"}], None, ("edge", True)),
        (500, "HTTPError", [{**CALL, "fault": "connection_reset"}], "ConnectionError", ("dependency", True)),
        (500, "HTTPError", [{**CALL, "fault": "connection_reset"}], None, ("dependency", False)),
        (200, "CatchResponseError", [{**CALL, "fault": "http_error"}], None, ("content", False)),
        (0, "ReadTimeout", [{**CALL, "fault": "latency"}], None, ("delay", False)),
        (0, "ReadTimeout", [{**EDGE, "fault": "latency"}], None, ("edge", False)),
        (
            500,
            "HTTPError",
            [{**CALL, "fault": "latency", "measured": {"seconds": 0.5, "did": "ReadTimeout"}}],
            None,
            ("dependency", False),
        ),
        (500, "HTTPError", [{**CALL, "fault": "latency"}], None, ("none", False)),
        (500, "HTTPError", [{**EDGE, "fault": "noop"}], None, ("none", False)),
        (500, "HTTPError", [], "KeyError", ("none", False)),
        (
            500,
            "HTTPError",
            [{**EDGE, "fault": "connection_reset", "measured": {"seconds": 0.0, "did": "unsupported"}}],
            None,
            ("none", False),
        ),
    ],
)
def test_the_event_that_explains_the_answer_is_blamed(
    status: int, error_class: str, events: list[dict[str, Any]], error: str | None, expected: tuple[str, bool]
) -> None:
    """The cause, and whether the request itself shows it; a delay that did not outlast the client explains no 500."""
    (found,) = attribute(_tables(status, error_class, events, error)).itertuples()
    assert (found.cause, found.direct) == expected


def test_an_edge_fault_comes_before_what_the_app_met() -> None:
    """What ended the request at the edge is its cause, whatever else happened."""
    events = [{**CALL, "fault": "latency"}, {**EDGE, "fault": "exception", "rule": "edge"}]
    (found,) = attribute(_tables(500, "HTTPError", events)).itertuples()
    assert (found.cause, found.rule) == ("edge", "edge")


def test_of_several_calls_the_one_that_is_shown_to_be_lethal_is_blamed() -> None:
    """A harmless fault came later, and nothing in the answer shows which it was; without proof it is the last."""
    events = [
        {**CALL, "fault": "connection_reset", "rule": "lethal"},
        {**CALL, "fault": "connection_reset", "rule": "harmless", "line": 9.0},
    ]
    made = _tables(200, "CatchResponseError", events)
    (found,) = attribute(made, lambda endpoint, rule: (endpoint, rule) == ("GET /x", "lethal")).itertuples()
    assert found.rule == "lethal"
    (found,) = attribute(made).itertuples()
    assert found.rule == "harmless"


def test_of_two_calls_the_one_that_the_frame_names_is_blamed() -> None:
    """The exception left the app from the first call's line, though the second failed later."""
    events = [
        {**CALL, "fault": "http_error", "rule": "first"},
        {**CALL, "fault": "http_error", "rule": "second", "line": 9.0},
    ]
    (found,) = attribute(_tables(500, "HTTPError", events, "HTTPError")).itertuples()
    assert found.rule == "first"
