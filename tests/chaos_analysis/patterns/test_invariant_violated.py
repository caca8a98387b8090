"""What must not be: found with the requests and the faults that led there, and with no more than is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_analysis.patterns import find_all, invariant_violated
from tests.chaos_analysis import world
from tests.chaos_analysis.conftest import read_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern
    from tests.chaos_analysis.world import Truth

BOOKED_ONCE = "every acknowledged booking exists exactly once"
LATENCY_ONLY = (world.EDGE_LATENCY, world.FARES_DOWN)


def violation(*keys: str, suspects: Sequence[str] = ()) -> dict[str, Any]:
    """One as the load generator writes it."""
    return {"text": f"booking {len(keys)} is there twice", "keys": list(keys), "suspects": list(suspects)}


def line(violations: Sequence[dict[str, Any]], **values: Any) -> str:
    """A line of `invariants.jsonl`."""
    known = {"version": 1, "name": BOOKED_ONCE, "checked": True, "more": 0, "error": None, "seconds": 0.1, "facts": 9}
    return json.dumps({**known, "violations": list(violations), **values}) + "\n"


@pytest.fixture
def find(make_run: Callable[..., tuple[Path, Truth]]) -> Callable[..., tuple[Evidence, Pattern]]:
    """The pattern of an invariant whose violations are about requests that met these rules, and no others."""

    def run(met: tuple[str, ...], *, suspects: bool = False, rules: tuple[Any, ...] = world.RULES) -> Any:
        folder, truth = make_run(requests=1500, rules=rules)
        booked = read_evidence(folder).chaos
        booked = booked[booked["endpoint"] == "POST /api/bookings"]
        keys = [key for key in booked["key"] if truth.rules[key] == met]
        assert len(keys) >= 5
        about = [violation(suspects=keys)] if suspects else [violation(key) for key in keys]
        (folder / "invariants.jsonl").write_text(line(about))
        evidence = read_evidence(folder)
        (one,) = invariant_violated.find(evidence)
        return evidence, one

    return run


def test_a_request_that_failed_by_its_fault_shows_it_directly(find: Callable[..., Any]) -> None:
    """Rule, fault, seam and call site of what the request failed by; a critical finding, before all others."""
    evidence, one = find(("payments-503",))
    assert (one.evidence, one.severity, one.rules, one.faults) == (
        *("direct", "critical"),
        *(("payments-503",), ("http_error",)),
    )
    assert (one.seam, str(one.site), one.target) == ("http_client", "planner/payments.py:10", "POST 127.0.0.1/payments")
    assert one.rate.value == 1.0
    assert one.baseline.value == 0.0
    assert one.title == f"Violated {one.failures} times: {BOOKED_ONCE} (http_error)"
    assert dict(one.facts)["http_error (payments-503) at planner/payments.py:10"] == (
        f"on the way to {one.failures} of {one.failures}"
    )
    assert find_all(evidence)[0] == one


def test_requests_that_succeeded_are_compared_with_those_without_a_fault(find: Callable[..., Any]) -> None:
    """None of them failed, so only the comparison tells that the fault led there."""
    _, one = find(("edge-latency",), rules=LATENCY_ONLY)
    assert (one.evidence, one.rules) == ("causal", ("edge-latency",))
    assert one.p_value < 0.001


def test_one_request_with_a_fault_among_many_without_convicts_nothing(make_run: Callable[..., Any]) -> None:
    """It is told as on the way, and named neither in the title nor as the place."""
    folder, truth = make_run(requests=1500)
    booked = read_evidence(folder).chaos
    booked = booked[booked["endpoint"] == "POST /api/bookings"]["key"].tolist()
    free = [key for key in booked if truth.rules[key] == ()][:5]
    met = next(key for key in booked if truth.rules[key] == ("payments-503",))
    (folder / "invariants.jsonl").write_text(line([violation(key) for key in (*free, met)]))
    (one,) = invariant_violated.find(read_evidence(folder))
    assert (one.title, one.rules, one.site) == (f"Violated 6 times: {BOOKED_ONCE}", (), None)
    assert one.evidence == "observed"
    assert "In 5 of 6 no request that it names met a fault." in one.summary
    assert dict(one.facts)["http_error (payments-503) at planner/payments.py:10"] == "on the way to 1 of 6"


def test_a_bystander_of_what_is_proven_is_not_named(make_run: Callable[..., Any]) -> None:
    """One of many requests that met another rule is among the violations too."""
    folder, truth = make_run(requests=2500, rules=(world.EDGE_LATENCY, world.PAYMENTS_503))
    booked = read_evidence(folder).chaos
    booked = booked[booked["endpoint"] == "POST /api/bookings"]["key"].tolist()
    delayed = [key for key in booked if truth.rules[key] == ("edge-latency",)]
    other = next(key for key in booked if truth.rules[key] == ("payments-503",))
    (folder / "invariants.jsonl").write_text(line([violation(key) for key in (*delayed, other)]))
    (one,) = invariant_violated.find(read_evidence(folder))
    assert (one.evidence, one.rules, one.faults, one.site) == ("causal", ("edge-latency",), ("latency",), None)
    assert dict(one.facts)["http_error (payments-503) at planner/payments.py:10"].startswith("on the way to 1 of")


def test_what_no_fault_led_to_is_the_apps_own(find: Callable[..., Any]) -> None:
    """Never put down to the faults of other requests."""
    _, one = find(())
    assert (one.evidence, one.rules, one.site) == ("observed", (), None)
    assert "a bug of the app's own" in one.summary


def test_suspects_are_not_convicted(find: Callable[..., Any]) -> None:
    """One or more of them led there: what they met is told, and nothing is claimed."""
    _, one = find(("payments-503",), suspects=True)
    assert (one.evidence, one.p_value, one.failures) == ("observed", None, 1)
    assert "does not tell" in one.summary
    assert one.title == f"Violated: {BOOKED_ONCE} (http_error)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        line([]),
        line([], checked=False, error="ConnectionRefusedError: nobody there"),
        line([violation("0.0.1")])[:50],
    ],
    ids=["nothing stated", "held", "not checked", "cut short"],
)
def test_what_holds_or_was_not_checked_is_no_finding(make_run: Callable[..., Any], text: str) -> None:
    """Silence is kept where nothing was found; the check of the run tells the difference."""
    folder, _ = make_run(requests=600)
    (folder / "invariants.jsonl").write_text(text)
    assert list(invariant_violated.find(read_evidence(folder))) == []


def test_a_violation_that_names_no_request_is_told_all_the_same(make_run: Callable[..., Any]) -> None:
    """With what it says, and that nothing more is known."""
    folder, _ = make_run(requests=600)
    (folder / "invariants.jsonl").write_text(line([violation()], more=4))
    (one,) = invariant_violated.find(read_evidence(folder))
    assert one.failures == 5
    assert "booking 0 is there twice; and 4 more. It names no request" in one.summary
    assert one.evidence == "observed"
