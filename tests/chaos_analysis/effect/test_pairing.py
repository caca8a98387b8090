"""Two runs of one script side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.effect import measure
from chaos_analysis.effect.pairing import pair
from tests.chaos_analysis.outcomes.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = {"0.1": 0, **{f"0.{n}": 1 + n % 3 for n in range(2, 200)}}


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Folder, Folder]:
    """Without the change and with it; to be filled alike."""
    return Folder(tmp_path / "base"), Folder(tmp_path / "other")


def test_requests_are_paired_by_their_keys(sides: tuple[Folder, Folder]) -> None:
    """The first iteration is not judged; what one side alone has is counted; a fault on either side is one."""
    base, other = sides
    for side in sides:
        side.quiet(10)
    base.request().met("down").end(500)
    other.request().end()
    base.request().end()
    base.request().end()
    for side in sides:
        side.evidence()
    found = pair(base.path, other.path, BLOCKS)
    assert len(found.rows) == 10
    assert found.alone == (2, 0)
    assert found.rows["free"].tolist() == [True] * 9 + [False]
    assert (found.rows["ok_base"].tolist()[-1], found.rows["ok_other"].tolist()[-1]) == (False, True)
    assert set(found.rows["block"]) == {1, 2, 3}


def test_hollow_answers_count_as_failures(sides: tuple[Folder, Folder]) -> None:
    """A write that the change loses behind a 200 is no rescue: it failed before, and fails now."""
    base, other = sides
    for side in sides:
        side.quiet(30)
    for _ in range(8):
        base.request(endpoint="POST /trip").met("down", target="POST pay/charges").end(500)
        other.request(endpoint="POST /trip").met("down", target="POST pay/charges").end(200)
    for side in sides:
        side.evidence()
    found = measure(base.path, other.path, BLOCKS)
    assert (found.rescued, found.broken) == (0, 0)
    assert next(gate for gate in found.gates if gate.name == "honest answers").ok is False


def test_a_body_that_is_refused_is_answered_well(sides: tuple[Folder, Folder]) -> None:
    """One that is far too long, by a fault: saying so breaks nothing. Any other 413 is the failure that it is."""
    base, other = sides
    for side in sides:
        side.quiet(30)
    for fault in ("large_body", "connection_reset"):
        base.request(endpoint="POST /trip").met("long", fault).end(200)
        other.request(endpoint="POST /trip").met("long", fault).end(413)
    for side in sides:
        side.evidence()
    assert measure(base.path, other.path, BLOCKS).broken == 1


def test_a_request_without_a_key_is_left_out(sides: tuple[Folder, Folder]) -> None:
    """Nobody knows which one of the other side it belongs to."""
    for side in sides:
        side.quiet(5)
        side.rows[-1][0] = None
        side.evidence()
    assert len(pair(sides[0].path, sides[1].path, BLOCKS).rows) == 3
    assert len(pair(sides[0].path, sides[1].path).rows) == 4


def test_an_app_that_calls_nothing_is_measured(sides: tuple[Folder, Folder]) -> None:
    """Only its edge is broken; there is no call on either side."""
    for side in sides:
        for _ in range(40):
            side.request("baseline").end()
        side.request().fault("edge", "exception", seam="wsgi")
        side.evidence()
    found = measure(*(side.path for side in sides), BLOCKS)
    assert (found.pairs, found.repeats) == (39, (0, 0))
    assert all(gate.ok is not False for gate in found.gates)
