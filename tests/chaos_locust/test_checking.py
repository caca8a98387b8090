"""Checking invariants: what holds, what does not, and what could not be asked."""

from __future__ import annotations

import json

import gevent
import pytest

URL = "http://127.0.0.1:9"  # nobody is there; most checks here ask nothing


@pytest.fixture
def check(pure):
    """Checks functions as invariants named after them; returns the results by name."""

    def run(*functions, url=URL, facts=(), broken=0, before=None, **options):
        stated = [pure.invariants.Invariant(each.__name__, each, before) for each in functions]
        checker = pure.checking.Checker(stated, url, sleep=lambda _: None, **options)
        checker.begin()
        return {result.name: result for result in checker.finish(pure.facts.Facts(facts, broken))}

    return run


def test_no_violation_is_held(check):
    """Nothing yielded, nothing wrong."""

    def holds(service, facts):
        return []

    result = check(holds)["holds"]
    assert result.held
    assert json.loads(result.line()) | {"seconds": 0} == {
        "version": 1, "name": "holds", "checked": True, "violations": [], "more": 0, "error": None, "seconds": 0,
        "facts": 0,
    }  # fmt: skip


def test_violations_are_told_with_their_requests(check, pure):
    """A plain text will do; a Violation has keys as well."""
    fact = pure.facts.Fact("booked", "0.1.book", "chaos", 1.0, {"id": 7})

    def fails(service, facts):
        for each in facts["booked"]:
            yield pure.invariants.Violation(
                f"booking {each['id']} is gone", each, suspects=["3.1.cancel", "4.1.cancel"]
            )
        yield "and it is cold"

    result = check(fails, facts=[fact])["fails"]
    line = json.loads(result.line())
    assert not result.held
    assert line["checked"]
    assert line["facts"] == 1
    assert line["violations"] == [
        {"text": "booking 7 is gone", "keys": ["0.1.book"], "suspects": ["3.1.cancel", "4.1.cancel"]},
        {"text": "and it is cold", "keys": [], "suspects": []},
    ]


def test_an_invariant_that_raises_is_not_held(check, pure):
    """It could not be checked; what it found until then stands, and the sentence has the line."""

    def breaks(service, facts):
        yield "one thing"
        raise KeyError("id")

    def asks_nobody(service, facts):
        yield from service.json("/bookings")

    found = check(breaks, asks_nobody)
    assert [violation.text for violation in found["breaks"].violations] == ["one thing"]
    assert found["breaks"].error.startswith("KeyError: 'id' (test_checking.py:")
    assert "GET /bookings got no answer: ConnectionRefusedError" in found["asks_nobody"].error
    assert not any(result.held for result in found.values())


@pytest.mark.parametrize("found", [None, "a text instead of a list", [3], 7])
def test_what_gives_no_violations_in_the_right_form_is_not_held(check, found):
    """A function that forgot to yield must not pass for one that found nothing."""

    def odd(service, facts):
        return found

    result = check(odd)["odd"]
    assert not result.held
    assert result.error.startswith("TypeError")


def test_one_that_takes_too_long_is_ended(check):
    """All have the time in common; those that are left without any are not held either."""

    def hangs(service, facts):
        gevent.sleep(60)
        return []

    def never_asked(service, facts):
        return []

    found = check(hangs, never_asked, limit=0.2)
    assert found["hangs"].error == "the checks took longer than 0.2 s"
    assert found["never_asked"].error == found["hangs"].error
    assert sum(result.seconds for result in found.values()) < 5


def test_what_is_put_right_within_seconds_is_held(check):
    """Work of requests that nobody waited for may go on for a moment: what the last look says counts."""
    looks = []

    def settles(service, facts):
        looks.append(service)
        return ["not yet"] if len(looks) < 3 else []

    def never(service, facts):
        return ["still wrong"]

    found = check(settles, never)
    assert found["settles"].held
    assert not found["never"].held
    assert len(set(map(id, looks))) == 3


def test_what_was_asked_before_the_load_is_handed_over(check):
    """Asked once for all invariants that need it; without it they cannot be checked."""
    asked = []

    def count(service):
        asked.append(service)
        return 41

    def one(service, facts, before):
        return [f"{before} were there"]

    def another(service, facts, before):
        return []

    found = check(one, another, before=count)
    assert [violation.text for violation in found["one"].violations] == ["41 were there"]
    assert found["another"].held
    assert len(asked) == 1
    found = check(one, before=lambda service: service.json("/"))
    assert found["one"].error.startswith("before the load, ServiceError: GET / got no answer")


def test_without_all_facts_nothing_is_held(check):
    """A booking whose fact was lost would look like one that nobody confirmed."""

    def holds(service, facts):
        return []

    assert check(holds, broken=2)["holds"].error == "2 lines of the users' facts could not be read"


def test_a_test_without_a_host_has_nobody_to_ask(check):
    """Users of several services may have none in common."""

    def holds(service, facts):
        return []

    assert check(holds, url=None)["holds"].error == "the test names no host"


def test_violations_beyond_a_thousand_are_counted(check):
    """The file stays small whatever goes wrong."""

    def fails(service, facts):
        return (f"seat {number} is gone" for number in range(1500))

    result = check(fails)["fails"]
    assert (len(result.violations), result.more) == (1000, 500)


def test_who_does_not_wait_ends_the_checks(check):
    """Ctrl-C: what is left was not checked."""

    def interrupted(service, facts):
        raise KeyboardInterrupt

    def never_asked(service, facts):
        return []

    found = check(interrupted, never_asked)
    assert {result.error for result in found.values()} == {"the user did not wait for it"}
