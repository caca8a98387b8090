"""`lasting_damage`: what answers lack long after a fault, told apart from what users and time change."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos_analysis.patterns import lasting_damage
from tests.chaos_analysis.outcomes.folder import Folder, Story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Pattern

    Answer = Callable[[int, bool], str]  # an address and whether the request meets a fault → the shape of its answer

FULL = ("name:string", "seats:number")
STAGES = (("baseline", 3), ("chaos", 6), ("recovery", 3))
ADDRESSES = 20


class _Service:
    """Addresses that are asked one after the other; in chaos one request in five meets the rule `down`, drawn, and one
    in two `late`, which does nothing. Users write, too, unless the load only `reads`. Of fault-free requests in chaos
    so many contents are `taken`.
    """

    def __init__(self, path: Path, *, reads: bool = False, addresses: int = ADDRESSES, taken: int = 1000) -> None:
        self.folder = Folder(path)
        self.folder.shape("full", *FULL)
        self.folder.shape("less", "name:null", "seats:number")
        self.folder.shape("marked", "degraded:boolean=true", "name:null", "seats:number")
        self.folder.shape("none", "error:string")
        self.addresses, self.stage, self.taken = addresses, "", taken
        self._reached: list[str] = []
        self._dice = random.Random(7)
        self.folder.ledger.append({"kind": "plan", "plan": 0, "seam": "http_client", "rules": ["down", "late"]})
        if not reads:
            self.folder.quiet(1, endpoint="POST /orders")

    def find(self, answer: Answer, **ending: object) -> list[Pattern]:
        """What is found where it answers so."""
        return list(lasting_damage.find(self.evidence(answer, **ending)))

    def evidence(self, answer: Answer, **ending: object) -> Evidence:
        """The run in which it answers so."""
        for self.stage, rounds in STAGES:
            for turn in range(rounds * ADDRESSES):
                self._ask(turn % self.addresses, answer, ending)
        path = self.folder.path / "faults/1-1.reached"
        path.parent.mkdir(parents=True)
        path.write_text("".join(self._reached))
        return self.folder.evidence()

    def _ask(self, address: int, answer: Answer, ending: dict[str, object]) -> None:
        request = self.folder.request(self.stage)
        down, late = (self.stage == "chaos" and self._dice.random() < rate for rate in (0.2, 0.5))
        self._reached.append(f"{request.key}\t{self.stage}\t0\tGET api/fares\t0\n")
        if late:
            request.fault("late", "latency")
        (request.met("down") if down else request.call(*request.ids)).end(
            content=f"{answer(address, down)}.{address:08x}" if self._is_taken(request) else None,
            **ending,
            path=f"/trip/{address}",
        )

    def _is_taken(self, request: Story) -> bool:
        self.taken -= self.stage == "chaos" and not request.ids
        return self.taken >= 0 or self.stage != "chaos" or bool(request.ids)


def _kept(shape: str = "less") -> Answer:
    """What came of a fault is kept for good."""
    damaged: set[int] = set()

    def answer(address: int, down: bool) -> str:
        if down:
            damaged.add(address)
        return shape if address in damaged else "full"

    return answer


def _sold_out(shape: str = "less") -> Answer:
    """What came of a fault is gone with it; later there is no more of it, one address after the other."""
    asked: dict[int, int] = {}

    def answer(address: int, down: bool) -> str:
        asked[address] = asked.get(address, 0) + 1
        return shape if down or asked[address] > 4 + address % 5 else "full"

    return answer


def test_what_a_fault_left_behind_is_named(tmp_path: Path) -> None:
    """With the endpoint, the field, how many, until when, the rule that it began with and its line; the harmless rule
    in as many of these requests is not.
    """
    (one,) = _Service(tmp_path).find(_kept())
    assert one.title.startswith("GET /trip stays damaged after the faults have ended: it lacks `name` (")
    assert (one.endpoint, one.rules, one.faults) == ("GET /trip", ("down",), ("connection_reset",))
    assert (str(one.site), one.severity, one.evidence) == ("fares.py:10", "high", "observed")
    assert (one.failures, one.rate.n, one.baseline and one.baseline.value) == (0, 60, 0.0)
    assert f"It began with a request that met down at {round(one.rate.n * (one.rate.value or 0) / 3)} of" in one.summary
    assert dict(one.facts)["last such answer"].endswith("to the end of what was observed")


@pytest.mark.parametrize("shape", ["less", "none"])
def test_what_users_use_up_is_no_damage(tmp_path: Path, shape: str) -> None:
    """It begins with requests that met a fault no more often than requests do, though a fault does the same."""
    service = _Service(tmp_path)
    assert service.find(_sold_out(shape)) == []


def test_what_is_gone_with_the_fault_is_no_damage(tmp_path: Path) -> None:
    """The next answer is whole again."""
    assert _Service(tmp_path).find(lambda _, down: "less" if down else "full") == []


def test_contents_that_differ_by_themselves_are_no_damage(tmp_path: Path) -> None:
    """One answer in eight lacked it before any fault."""
    dice, kept = random.Random(1), _kept()
    assert _Service(tmp_path).find(lambda n, down: "less" if dice.random() < 0.12 else kept(n, down)) == []


def test_each_address_is_held_against_itself_first(tmp_path: Path) -> None:
    """One in five never had a name; the others lose theirs."""
    kept = _kept()
    (one,) = _Service(tmp_path).find(lambda n, down: kept(n, down) if n % 5 else "less")
    assert 8 < int(dict(one.facts)["addresses"].partition(" of 20")[0]) <= 16


def test_an_answer_that_marks_itself_is_less_severe(tmp_path: Path) -> None:
    """Whoever reads it can tell."""
    (one,) = _Service(tmp_path).find(_kept("marked"))
    assert (one.severity, "it lacks `name`" in one.title) == ("medium", True)


def test_damage_that_heals_is_timed_and_less_severe(tmp_path: Path) -> None:
    """Half way through the recovery all is as before."""
    service, kept = _Service(tmp_path), _kept()
    (one,) = service.find(lambda n, down: kept(n, down) if service.folder.count < 240 - 27 else "full")
    assert one.severity == "medium"
    assert dict(one.facts)["last such answer"].startswith(("3", "2.9"))


def test_what_the_client_took_for_wrong_has_other_findings(tmp_path: Path) -> None:
    """Such answers are failures."""
    assert _Service(tmp_path).find(_kept(), error_class="CatchResponseError") == []


def test_what_began_in_a_window_of_time_is_not_told(tmp_path: Path) -> None:
    """All requests in it meet its fault, whatever else began then, such as a circuit that stays open."""
    evidence = _Service(tmp_path).evidence(_kept())
    assert len(list(lasting_damage.find(evidence))) == 1
    faults = evidence.tables.faults
    windows = faults.assign(seam=faults["seam"].where(faults["rule"] != "down", "network"))
    window = replace(evidence, tables=replace(evidence.tables, faults=windows))
    assert list(lasting_damage.find(window)) == []


@pytest.mark.parametrize(("reads", "shape", "found"), [(True, "less", 1), (False, "less", 0), (True, "marked", 0)])
def test_one_address_is_enough_where_nobody_writes(tmp_path: Path, *, reads: bool, shape: str, found: int) -> None:
    """Else users may have done it, and an answer that marks itself may be one of an open circuit."""
    assert len(_Service(tmp_path, reads=reads, addresses=1).find(_kept(shape))) == found


def test_one_address_that_changes_without_a_fault_is_not_enough(tmp_path: Path) -> None:
    """Time did it."""
    service = _Service(tmp_path, reads=True, addresses=1)
    calm = {"whole": True}

    def answer(_: int, down: bool) -> str:
        calm["whole"] &= service.stage != "recovery"
        return "full" if calm["whole"] or down else "less"

    assert service.find(answer) == []


def test_what_began_where_contents_were_no_more_taken_counts_for_nothing(tmp_path: Path) -> None:
    """Nobody saw which requests lay between; those that it began with earlier are enough."""
    (one,) = _Service(tmp_path, taken=16).find(_kept())
    began, of = re.findall(r"at (\d+) of (\d+) addresses", one.summary)[0]
    assert began == of
    assert int(of) < int(dict(one.facts)["addresses"].partition(" of ")[0])
