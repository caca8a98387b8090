"""Objectives: how they are written, and when they are held, broken or undecided."""

from __future__ import annotations

import pandas as pd
import pytest

from chaos_analysis.errors import SloError
from chaos_analysis.judge import judge
from chaos_analysis.model import SloResult
from chaos_analysis.slo import Slo, parse


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("error_rate<1%", Slo("error_rate<1%", "error_rate", "<", 0.01, None, None, None)),
        ("success_rate >= 99.5 %", Slo("success_rate >= 99.5 %", "success_rate", ">=", 0.995, None, None, None)),
        ("p99.9<2s", Slo("p99.9<2s", "p99.9", "<", 2000.0, 0.999, None, None)),
        (
            "p99<=2s of GET /api/bookings in chaos",
            Slo("p99<=2s of GET /api/bookings in chaos", "p99", "<=", 2000.0, 0.99, "GET /api/bookings", "chaos"),
        ),
        ("error_rate<5% in 10%", Slo("error_rate<5% in 10%", "error_rate", "<", 0.05, None, None, "10%")),
    ],
)
def test_objectives_are_read(expression: str, expected: Slo) -> None:
    """Metric, limit in one unit, and optionally an endpoint and a stage."""
    parsed = parse(expression)
    assert parsed.limit == pytest.approx(expected.limit)
    assert (parsed.metric, parsed.sign, parsed.endpoint, parsed.stage) == (
        expected.metric,
        expected.sign,
        expected.endpoint,
        expected.stage,
    )
    assert parsed.quantile == (None if expected.quantile is None else pytest.approx(expected.quantile))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("errors<1%", "'errors<1%': not an objective; expected METRIC<LIMIT with error_rate"),
        ("p95<500", "not an objective"),
        ("p95<5%", "p95 cannot be in %; expected ms or s"),
        ("error_rate<5ms", "error_rate cannot be in ms; expected %"),
        ("p0<5ms", "p0 is out of range; expected p1 to p99.99"),
        ("", "not an objective"),
    ],
)
def test_what_is_no_objective_is_refused_with_what_is(expression: str, said: str) -> None:
    """The message names the expression and what is allowed."""
    with pytest.raises(SloError) as refused:
        parse(expression)
    assert said in str(refused.value)


def _rows(stage: str, failed: int, n: int, milliseconds: float = 10.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": stage,
            "endpoint": "GET /x",
            "ok": [False] * failed + [True] * (n - failed),
            "response_ms": milliseconds,
        }
    )


def _judge(expression: str, *rows: pd.DataFrame) -> tuple[SloResult, ...]:
    return judge([parse(expression)], pd.concat(rows))


def test_without_a_stage_the_fault_free_ones_are_judged() -> None:
    """Faults are there to find weak places, not to break a promise."""
    results = _judge("error_rate<1%", _rows("baseline", 0, 500), _rows("chaos", 400, 500), _rows("recovery", 0, 500))
    assert [(result.stage, result.held) for result in results] == [("baseline", True), ("recovery", True)]


def test_a_stage_that_is_named_is_judged() -> None:
    """Then chaos can break it."""
    (result,) = _judge("error_rate<1% in chaos", _rows("baseline", 0, 500), _rows("chaos", 400, 500))
    assert (result.stage, result.held) == ("chaos", False)


@pytest.mark.parametrize(("failed", "n", "held"), [(0, 100, True), (2, 100, None), (20, 100, False), (2, 4000, True)])
def test_only_what_the_interval_excludes_is_broken(failed: int, n: int, held: bool | None) -> None:
    """2 of 100 at an objective of 1 % is bad luck as likely as not; 20 of 100 is not."""
    (result,) = _judge("error_rate<1% in chaos", _rows("chaos", failed, n))
    assert result.held is held


def test_a_quantile_without_enough_requests_is_not_judged() -> None:
    """And the summary says how many it takes."""
    (result,) = _judge("p95<500ms in chaos", _rows("chaos", 0, 71))
    assert result.held is None
    assert "p95 needs 72 successful requests in chaos, there are 71" in result.summary


def test_latencies_are_those_of_successes() -> None:
    """Fast failures do not make the service fast."""
    (result,) = _judge("p50<500ms in chaos", _rows("chaos", 900, 900, 1.0), _rows("chaos", 0, 100, 900.0))
    assert result.held is False
    assert result.measured.value == 900.0


def test_an_endpoint_that_was_not_requested_is_not_judged() -> None:
    """No request, no judgement."""
    (result,) = _judge("error_rate<1% of GET /nowhere in chaos", _rows("chaos", 0, 100))
    assert result.held is None
    assert "no request in chaos at GET /nowhere" in result.summary


def test_a_run_without_fault_free_stages_says_so() -> None:
    """The objective could not be asked, and how it could is said."""
    (result,) = _judge("error_rate<1%", _rows("chaos", 50, 100))
    assert result.held is None
    assert "in chaos" in result.summary
