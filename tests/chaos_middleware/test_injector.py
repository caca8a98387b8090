"""Deciding: gates, persistence, limits, and that what fired is what the ledger has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from chaos_middleware import UnsupportedFault, draws
from chaos_middleware.calls import Exchange
from chaos_middleware.seams.http_client.exchange import HttpCall

NOOP = {"fault": {"type": "noop"}}
OUTBOUND = {"name": "fares", "seam": "http_client", "fault": {"type": "noop"}}
CALL = HttpCall("GET", "127.0.0.1", "/fares", "to=mars")


def app(environ, start_response):
    """Answers."""
    start_response("200 OK", [])
    return [b"ok"]


def opened(served, key="1.1.1", stage="chaos"):
    """A request as the edge opens it."""
    return served.injector.open(key, stage, {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})[0]


def test_every_nth_key_passes_a_gate(wrap):
    """By the key's hash: the same keys in each run; the others' firings are recorded as suppressed."""
    served = wrap(app, {**NOOP, "gate": {"every": 4}})
    keys = [f"1.{n}.1" for n in range(200)]
    passed = [key for key in keys if "X-Chaos-Fault" in served.get(key=key).headers]
    again = [key for key in reversed(keys) if "X-Chaos-Fault" in served.get(key=key).headers]
    assert passed == again[::-1]
    assert 30 < len(passed) < 70
    assert {each["reason"] for each in served.records("suppressed")} == {"gate"}
    assert len(served.records("suppressed")) == 2 * (200 - len(passed))


def test_the_first_n_pass_a_gate(wrap):
    """And no more, in this process."""
    served = wrap(app, {**NOOP, "gate": {"first": 2}})
    assert ["X-Chaos-Fault" in served.get(key=f"1.{n}.1").headers for n in range(4)] == [True, True, False, False]


def test_the_budget_suppresses_what_is_beyond(wrap):
    """The firing is in the ledger with its reason, and a note tells once."""
    served = wrap(app, NOOP, safety={"max_faults": 1})
    for n in range(3):
        served.get(key=f"1.{n}.1")
    assert [each["reason"] for each in served.records("suppressed")] == ["budget", "budget"]
    assert len(served.records("note")) == 1


def test_a_lost_lease_stops_faults(wrap):
    """The process that kept it fresh is gone."""
    import os

    served = wrap(app, NOOP, safety={"lease_seconds": 5})
    (served.run_dir / "lease").touch()
    assert "X-Chaos-Fault" in served.get().headers
    os.utime(served.run_dir / "lease", (0, 0))
    assert "X-Chaos-Fault" not in served.get(key="1.2.1").headers
    assert served.records("suppressed")[0]["reason"] == "lease"


@pytest.mark.parametrize(("persistence", "distinct"), [("attempt", 2), ("request", 1)])
def test_persistence_is_whether_a_repetition_draws_anew(wrap, persistence, distinct):
    """`attempt`: some calls fail once and then work. `request`: what failed keeps failing."""
    served = wrap(app, {**OUTBOUND, "rate": 0.5, "persistence": persistence})
    outcomes = set()
    for n in range(40):
        request = opened(served, f"1.{n}.1")
        fired = [len(served.injector.reach(request, CALL)[1]) for _ in range(4)]
        outcomes.add(len(set(fired)))
    assert max(outcomes) == distinct


def test_an_inserted_call_shifts_no_other(wrap):
    """Another call before it leaves a call's draws where they were."""
    served = wrap(app, {**OUTBOUND, "rate": 0.5})
    other = HttpCall("GET", "127.0.0.1", "/rates")
    for n in range(40):
        plain, patched = opened(served, f"1.{n}.1"), opened(served, f"1.{n}.1")
        served.injector.reach(patched, other)
        first, second = (served.injector.reach(request, CALL) for request in (plain, patched))
        assert [firing.id for firing in first[1]] == [firing.id for firing in second[1]]


def test_every_draw_can_be_made_again_from_the_ledger(wrap):
    """The set that fired equals the set that `reached` and the rules say must have fired."""
    rules = [{**NOOP, "rate": 0.3}, {**OUTBOUND, "rate": 0.2}]
    served = wrap(app, *rules)
    for n in range(60):
        request = opened(served, f"1.{n}.1")
        for firing in served.injector.open(f"2.{n}.1", "chaos", request.environ)[1]:
            served.injector.suppress(firing, "gate")
        for _ in range(2):
            for firing in served.injector.reach(request, CALL)[1]:
                served.injector.suppress(firing, "gate")
        served.injector.close(request)
    plans = {str(record["plan"]): record["rules"] for record in served.records("plan")}
    rate = {"r0": 0.3, "fares": 0.2}
    declared = set()
    for key, _, plan, *call in served.reached():
        identity, occurrence = (call[0], int(call[1])) if call else ("", 0)
        for rule in plans[plan]:
            if draws.rule_hash(1, rule).u(draws.point(1, key, identity, occurrence)) < rate[rule]:
                declared.add((key, rule, occurrence))
    delivered = {
        (each["key"], each["rule"], int(each["id"].rpartition(".")[2]) if each["seam"] == "http_client" else 0)
        for each in served.records("suppressed")
    }
    assert declared == delivered
    assert len(declared) > 30


def test_what_a_place_cannot_have_is_noted(wrap):
    """The event ends as unsupported, and the app goes on."""

    class Nowhere:
        def answer(self, status, body):
            raise UnsupportedFault("not here")

    served = wrap(app, {"fault": {"type": "http_error"}})
    request, (firing,) = served.injector.open("1.1.1", "chaos", opened(served).environ)
    served.injector.act(firing, Nowhere())
    assert served.records("end")[0]["measured"]["did"] == "unsupported"
    assert served.records("note")[0]["text"] == "rule r0: not here"
    assert request.faults == ("1.1.1:r0",)


def test_an_event_shows_what_was_drawn(wrap):
    """`asked` has the settled delay; the same key asks the same in every run."""
    rule = {"fault": {"type": "latency", "distribution": "uniform", "low": 0, "high": 0.01}}
    asked = []
    for _ in range(2):
        served = wrap(app, rule)
        served.get(key="4.4.4")
        asked.append(served.records("fault")[0]["asked"])
    assert asked[0] == asked[1]
    assert 0 < asked[0]["seconds"] < 0.01
    assert json.dumps(asked[0]).startswith('{"type": "latency"')


def test_calls_of_a_request_are_noted_once_it_meets_a_fault(wrap):
    """Calls before the fault are written too; a request that meets none and is not sampled leaves no call."""
    served = wrap(app, {**OUTBOUND, "rate": 1, "match": {"path": ["/fares"]}})
    quiet, hit = opened(served, "1.1.1"), opened(served, "1.2.1")
    for request in (quiet, hit):
        Exchange(request, HttpCall("GET", "127.0.0.1", "/before")).note()
    call = Exchange(hit, CALL)
    served.injector.act(call.firings[0], None)
    call.note()
    for request in (quiet, hit):
        served.injector.close(request)
    assert [(each["key"], each["target"], each["faults"]) for each in served.records("call")] == [
        ("1.2.1", "GET 127.0.0.1/fares?to=mars", list(hit.faults)),
        ("1.2.1", "GET 127.0.0.1/before", []),
    ]
    assert [each["key"] for each in served.records("request")] == ["1.2.1"]


def test_a_call_that_no_rule_is_for_leaves_no_line(wrap):
    """There is nothing to draw, so nothing to make again: only the request itself is counted."""
    served = wrap(app, {**OUTBOUND, "rate": 1, "match": {"path": ["/other"]}})
    assert served.injector.reach(opened(served), CALL) == (None, [])
    assert [len(line) for line in served.reached()] == [3]


def test_both_gates_hold(wrap):
    """The first N of those that the other gate lets pass."""
    served = wrap(app, {**NOOP, "gate": {"every": 2, "first": 3}})
    assert sum("X-Chaos-Fault" in served.get(key=f"1.{n}.1").headers for n in range(100)) == 3
    assert {record["reason"] for record in served.records("suppressed")} == {"gate"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is there on Linux only")
def test_without_its_ledger_no_fault_acts(wrap):
    """Where the start of a fault cannot be recorded it does not act, and the app answers as ever."""
    wrapped = wrap(app, {"fault": {"type": "http_error"}})
    assert wrapped.get(key="1.1.1").status[:3] == "503"
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, wrapped.injector.ledger._records)
    os.close(full)
    replies = [wrapped.get(key=f"{user}.1.1") for user in (2, 3)]
    assert [reply.status for reply in replies] == ["200 OK", "200 OK"]
    assert not any("X-Chaos-Fault" in reply.headers for reply in replies)
