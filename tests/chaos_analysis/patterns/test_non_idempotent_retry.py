"""`non_idempotent_retry`: what may have been done is asked for again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from chaos_analysis.evidence import Evidence
from chaos_analysis.patterns import non_idempotent_retry
from tests.chaos_analysis import world

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeEvidence = Callable[..., Evidence]


def _repeated(evidence: Evidence, keys: tuple[str | None, str | None], **event: object) -> Evidence:
    """Every call that met a fault is made a second time, with these idempotency keys; the events are changed too."""
    tables = evidence.tables
    calls = tables.calls
    again = calls[calls["faults"].astype(bool)]
    again = again.assign(started=again["started"] + 0.01, idempotency_key=keys[1])
    again["faults"] = pd.Series([()] * len(again), index=again.index, dtype=object)
    both = pd.concat([calls.assign(idempotency_key=keys[0]), again], ignore_index=True)
    made = Evidence(replace(tables, calls=both), evidence.experiment, evidence.run)
    made.__dict__["outcomes"] = made.outcomes.assign(**{"phase": "after", "attempts": 1, **event})
    return made


@pytest.mark.parametrize("keys", [(None, None), ("a1b2c3d4", "a1b2c3d5"), ("a1b2c3d4", None)])
def test_a_post_that_is_sent_again_is_named(make_evidence: MakeEvidence, keys: tuple[str | None, str | None]) -> None:
    """Without a key, or with another one than before."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)), keys)
    (one,) = non_idempotent_retry.find(evidence)
    n = one.rate.n
    assert (
        one.title
        == f"A POST to Payments is sent again when its answer is lost, and may be done twice ({n} of {n} requests)"
    )
    assert (str(one.site), one.severity) == ("planner/payments.py:10", "high")


@pytest.mark.parametrize(
    ("keys", "event"),
    [
        (("a1b2c3d4", "a1b2c3d4"), {}),
        ((None, None), {"attempts": 0}),
        ((None, None), {"phase": "before"}),
        ((None, None), {"phase": "before", "fault": "connection_refused", "call_error": "ConnectionError"}),
        ((None, None), {"phase": "before", "fault": "latency", "call_error": None}),
    ],
)
def test_what_is_known_as_one_or_never_got_there_is_silent(
    make_evidence: MakeEvidence, keys: tuple[str | None, str | None], event: dict[str, object]
) -> None:
    """The same key, no repetition, or a fault after which the caller knows that nothing was done."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)), keys, **event)
    assert list(non_idempotent_retry.find(evidence)) == []


def test_a_timeout_leaves_its_caller_in_the_dark(make_evidence: MakeEvidence) -> None:
    """It may have come after the work."""
    event = {"phase": "before", "fault": "read_timeout", "call_error": "ReadTimeout"}
    evidence = _repeated(make_evidence(requests=1500, rules=(world.PAYMENTS_503,)), (None, None), **event)
    assert len(list(non_idempotent_retry.find(evidence))) == 1


def test_a_get_may_be_repeated(make_evidence: MakeEvidence) -> None:
    """It changes nothing."""
    evidence = _repeated(make_evidence(requests=1500, rules=(world.FARES_DOWN,)), (None, None))
    assert list(non_idempotent_retry.find(evidence)) == []
