"""`no_fallback`: a page that fails for a part which the app does without elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.evidence import Evidence
from chaos_analysis.patterns import no_fallback
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeEvidence = Callable[..., Evidence]

PAGE = "GET /api/destinations"


def _composed(evidence: Evidence, others: str = "GET 127.0.0.1/stock", survived: str = "degraded") -> Evidence:
    """Every request calls `others` besides; where the call's error is caught, this is what comes of it."""
    calls = evidence.tables.calls
    besides = calls.assign(target=others, line=5.0)
    besides["faults"] = pd.Series([()] * len(besides), index=besides.index, dtype=object)
    tables = replace(evidence.tables, calls=pd.concat([calls, besides], ignore_index=True))
    made = Evidence(tables, evidence.experiment, evidence.run)
    table = made.outcomes.assign(call_error="ConnectionError")
    table.loc[table["line"] == 18, ["outcome", "ok"]] = survived, True
    made.__dict__["outcomes"] = table
    return made


def test_a_page_that_fails_for_an_optional_part_is_named(make_evidence: MakeEvidence) -> None:
    """With the call site, and where the app does without it."""
    evidence = _composed(make_evidence(requests=1500, rules=(world.FARES_DOWN,)))
    (one,) = no_fallback.find(evidence)
    assert str(one.site) == "planner/fares.py:10"
    assert one.title.startswith(
        f"{PAGE} fails whole without Fares, which GET /api/destinations/[slug] can do without ("
    )
    assert (one.severity, one.evidence) == ("medium", "observed")
    assert "planner/fares.py:18" in one.summary


@pytest.mark.parametrize(
    ("others", "survived"), [("GET 127.0.0.1/fares", "degraded"), ("GET 127.0.0.1/stock", "propagated")]
)
def test_without_either_sign_it_says_nothing(make_evidence: MakeEvidence, others: str, survived: str) -> None:
    """A page with no other source is nothing without its part; a part that nobody does without is not optional."""
    evidence = _composed(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), others, survived)
    assert list(no_fallback.find(evidence)) == []


def test_an_app_that_says_that_it_cannot_is_left_alone(make_evidence: MakeEvidence) -> None:
    """A 503 is what it should answer where the part is needed."""
    evidence = _composed(make_evidence(requests=1500, rules=(world.FARES_DOWN,)))
    evidence.__dict__["outcomes"] = evidence.outcomes.assign(status=503)
    assert list(no_fallback.find(evidence)) == []
