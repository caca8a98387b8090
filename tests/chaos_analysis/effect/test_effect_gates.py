"""What must hold of every change, as far as pairs show it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from chaos_analysis.effect import gates
from chaos_analysis.effect.pairing import Pairing
from chaos_analysis.model import Invariant, Violation
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.model import Tables

COLUMNS = ("seam", "target", "dependency", "occurrence", "idempotency_key", "side", "key")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Those of a run in which little happened."""
    folder = Folder(tmp_path)
    folder.quiet(2)
    return folder.evidence().tables


def rows(count: int, **values: Any) -> pd.DataFrame:
    """Pairs that are alike and fine, except for these values."""
    plain: dict[str, Any] = {"key": [f"0.{n}.1" for n in range(count)], "endpoint": "GET /trip", "free": True}
    for side in ("base", "other"):
        plain |= {f"ok_{side}": True, f"status_{side}": 200, f"hollow_{side}": False, f"content_{side}": "full.01"}
    return pd.DataFrame(plain | values, index=range(count))


def call(side: int, *, key: str = "0.1.1", seam: str = "http_client", target: str = "POST pay/charges", nth: int = 0,
         idempotency_key: object = np.nan) -> tuple[Any, ...]:  # fmt: skip
    """One noted call."""
    return seam, target, target.partition(" ")[2], nth, idempotency_key, side, key


def gate(name: str, pairs: pd.DataFrame, tables: Tables, calls: list[tuple[Any, ...]] | None = None) -> gates.Gate:
    """One of the gates."""
    found = Pairing(pairs, pd.DataFrame(calls or [], columns=list(COLUMNS)), (0, 0), 10.0, tables, tables)
    (one,) = (each for each in gates.of_pairs(found) if each.name == name)
    return one


def first(count: int, of: int, then: Any, other: Any) -> list[Any]:
    """The first so many are `then`."""
    return [then] * count + [other] * (of - count)


@pytest.mark.parametrize(
    ("values", "ok"),
    [
        ({}, True),
        ({"status_other": first(2, 100, 404, 200)}, True),
        ({"status_other": first(3, 100, 202, 200)}, False),
        ({"content_other": first(3, 100, "error.02", "full.01")}, False),
        ({"content_other": first(50, 100, "full.02", "full.01")}, True),
        ({"content_other": first(50, 100, None, "full.01")}, True),
        (
            {
                "status_other": first(50, 100, 500, 200),
                "ok_other": first(50, 100, False, True),
                "content_other": first(50, 100, "error.02", "full.01"),
            },
            True,
        ),
        ({"status_other": first(50, 100, 202, 200), "free": first(50, 100, False, True)}, True),
        ({"status_other": first(50, 100, 202, 200), "ok_base": first(50, 100, False, True)}, True),
    ],
    ids=["same", "few", "status", "shape", "digest", "not looked at", "failures count elsewhere", "faulted", "failed"],
)
def test_fault_free_answers_stay_what_they_are(tables: Tables, values: dict[str, Any], *, ok: bool) -> None:
    """Status and shape; two in a hundred may differ, and what failed or met a fault is judged elsewhere."""
    assert gate("fault-free answers", rows(100, **values), tables).ok is ok


def test_the_shape_of_another_endpoints_answer_is_another_shape(tables: Tables) -> None:
    """Each endpoint has its own."""
    ends = first(50, 100, "GET /a", "GET /b")
    base = first(50, 100, "a.1", "b.1")
    assert gate("fault-free answers", rows(100, endpoint=ends, content_base=base, content_other=base), tables).ok
    swapped = rows(100, endpoint=ends, content_base=base, content_other="a.1")
    assert gate("fault-free answers", swapped, tables).ok is False


def test_without_fault_free_requests_their_answers_cannot_be_asked_after(tables: Tables) -> None:
    """Neither a yes nor a no."""
    assert gate("fault-free answers", rows(50, free=False), tables).ok is None


def test_a_failure_must_not_be_called_a_success(tables: Tables) -> None:
    """By more than chance; what was hollow before is not the change's."""
    assert gate("honest answers", rows(100, hollow_other=first(6, 100, True, False)), tables).ok is False
    assert gate("honest answers", rows(100, hollow_other=first(5, 100, True, False)), tables).ok is True
    both = first(50, 100, True, False)
    assert gate("honest answers", rows(100, hollow_other=both, hollow_base=both), tables).ok is True


@pytest.mark.parametrize(
    ("made", "ok"),
    [
        ({}, False),
        ({"idempotency_key": "5f3a"}, True),
        ({"target": "PUT pay/charges"}, True),
        ({"target": "GET pay/charges"}, True),
        ({"target": "PATCH pay/charges"}, False),
        ({"seam": "database", "target": "INSERT shop 1f2e3d4c"}, True),
    ],
    ids=["post", "with a key", "put", "get", "patch", "statement"],
)
def test_what_is_not_idempotent_must_not_be_repeated(tables: Tables, made: dict[str, Any], *, ok: bool) -> None:
    """Ten calls made again: only a POST or PATCH without an idempotency key may do its work twice."""
    calls = [call(side, **made) for side in (0, 1)] + [call(1, **made, nth=1) for _ in range(10)]
    assert gate("state-changing calls", rows(100), tables, calls).ok is ok


def test_what_was_repeated_before_is_not_the_changes(tables: Tables) -> None:
    """As often without it; and different calls of one request are no repetitions."""
    again = [call(side, nth=1) for side in (0, 1) for _ in range(10)]
    assert gate("state-changing calls", rows(100), tables, again).ok is True
    others = [call(1, target=f"POST pay/charges/{n}") for n in range(20)]
    assert gate("state-changing calls", rows(100), tables, others).ok is True


def test_what_is_reached_less_has_slipped_out(tables: Tables) -> None:
    """30 calls of fault-free requests instead of 50 are not the same experiment, whatever became of the answers."""
    keys = [f"0.{n}.1" for n in range(50)]
    base = [call(0, key=key, target="GET api/fares") for key in keys]
    fewer = gate("injection points", rows(50), tables, base + [(*each[:-2], 1, each[-1]) for each in base[:30]])
    assert fewer.ok is False
    assert "api/fares (30 instead of 50)" in fewer.summary
    nearly = base + [(*each[:-2], 1, each[-1]) for each in base[:45]]
    assert gate("injection points", rows(50), tables, nearly).ok is True
    faulted = gate("injection points", rows(50, free=False), tables, base)
    assert faulted.ok is True


def stated(tables: Tables, violations: int, *, checked: bool = True) -> Tables:
    """With an invariant that is violated so often."""
    found = tuple(Violation(f"no {n}", ()) for n in range(min(violations, 3)))
    return replace(tables, invariants=(Invariant("paid once", checked, found, violations - len(found), None, 0.1, 9),))


@pytest.mark.parametrize(
    ("base", "other", "names"), [(0, 6, ("paid once",)), (0, 5, ()), (20, 24, ()), (6, 0, ()), (0, 0, ())]
)
def test_invariants_that_the_change_violates(tables: Tables, base: int, other: int, names: tuple[str, ...]) -> None:
    """More often than without it, by more than chance; those that are only counted count."""
    assert gates.violated(stated(tables, base), stated(tables, other)) == names


def test_an_invariant_that_was_not_checked_says_nothing(tables: Tables) -> None:
    """On either side; and a load that states none cannot be asked."""
    assert gates.violated(stated(tables, 0, checked=False), stated(tables, 9)) == ()
    assert gates.violated(stated(tables, 0), stated(tables, 9, checked=False)) == ()
    assert gate("invariants", rows(50), tables).ok is None
