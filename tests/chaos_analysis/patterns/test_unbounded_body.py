"""`unbounded_body`: bodies that the app reads to the last byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis import patterns
from chaos_analysis.patterns import unbounded_body
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence

    MakeEvidence = Callable[..., Evidence]

SIZE = 20 << 20
RULE = {**world.EDGE_503, "name": "too-large", "rate": 0.3, "fault": {"type": "noop"}}


def _sent(evidence: Evidence, read: float, *, of: int = 1, size: int = SIZE, only: int = 1000) -> Evidence:
    """The fault at the edge was a large body, of which this share was read, once in `of` requests; else nothing."""
    table = evidence.outcomes[evidence.outcomes["seam"] == "wsgi"].head(only).reset_index(drop=True)
    taken = [int(size * read) if at % of == 0 else 0 for at in table.index]
    did = [f"{each} of {size} bytes read" for each in taken]
    evidence.__dict__["outcomes"] = table.assign(fault="large_body", did=did)
    return evidence


@pytest.fixture
def evidence(make_evidence: MakeEvidence) -> Evidence:
    """A run in which requests of all endpoints met a fault at the edge."""
    return make_evidence(requests=1500, rules=(RULE,))


def test_an_endpoint_that_reads_all_is_named(evidence: Evidence) -> None:
    """Each endpoint by itself, with what it was sent and what it answered."""
    evidence = _sent(evidence, 1.0)
    met = evidence.outcomes["endpoint"].value_counts()
    found = {one.endpoint: one for one in unbounded_body.find(evidence)}
    assert set(found) == {name for name, n in met.items() if n >= 5}
    one = found["GET /api/bookings"]
    n = met["GET /api/bookings"]
    assert one.title == f"GET /api/bookings reads whatever it is sent: bodies of 20 MiB to the last byte ({n} of {n})"
    assert (one.evidence, one.severity, one.site, one.failures) == ("direct", "medium", None, 0)
    assert (one.rules, one.rate.value, one.facts[1]) == (("too-large",), 1.0, ("answers", f"200 ({n})"))
    assert one.id in {each.id for each in patterns.find_lacks(evidence)}


@pytest.mark.parametrize(
    ("read", "more"),
    [
        (0.0, {}),  # refused
        (0.9, {}),  # read as far as a limit
        (1.0, {"of": 2}),  # no majority
        (1.0, {"only": 4}),  # too few
        (1.0, {"size": 1 << 20}),  # what an app may well want to have whole
    ],
)
def test_bodies_that_are_not_read_to_the_end_are_right(evidence: Evidence, read: float, more: dict[str, int]) -> None:
    """Nothing is said of those who refuse, or stop; nor where too few were sent, or too little."""
    assert list(unbounded_body.find(_sent(evidence, read, **more))) == []


def test_requests_that_met_more_are_left_out(evidence: Evidence) -> None:
    """So are those of which the client has no row, and those whose fault could not act."""
    table = _sent(evidence, 1.0).outcomes
    for changed in ({"alone": False}, {"row": False}, {"did": "unsupported"}, {"did": None}):
        evidence.__dict__["outcomes"] = table.assign(**changed)
        assert list(unbounded_body.find(evidence)) == []
