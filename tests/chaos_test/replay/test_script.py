"""Which iterations are sent again, and in which blocks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from chaos_test.errors import ChaosTestError
from chaos_test.replay import script
from chaos_test.replay.script import Sent, make

if TYPE_CHECKING:
    from pathlib import Path


def run(users: int, iterations: int, *, every: int = 5, steps: int = 2) -> list[Sent]:
    """What a run sent: a fault in every so many iterations, in the last three quarters of it."""
    return [
        Sent(f"{user}.{n}.{step}", "baseline" if n < iterations // 4 else "chaos", step == 1 and n % every == 0)
        for user in range(users)
        for n in range(iterations)
        for step in range(1, steps + 1)
    ]


def numbers(made: script.Script, user: str) -> list[int]:
    """A user's iterations."""
    return [turn[0] for turn in made.users[user]]


def test_what_met_a_fault_is_sent_again_and_a_share_of_the_rest() -> None:
    """Of each user: its first iteration, all with a fault, and about a quarter of the others in that stage."""
    made = make(run(8, 80), stages=["chaos"], seed=1)
    free = 0
    for user in map(str, range(8)):
        assert numbers(made, user) == sorted(set(numbers(made, user)))
        assert {0, *range(20, 80, 5)} <= set(numbers(made, user))
        free += len([n for n in numbers(made, user) if n % 5])
    assert free == round(0.25 * 8 * 48)
    assert made.requests == 2 * sum(len(turns) - 1 for turns in made.users.values())
    assert all(turn[1] == "chaos" for turns in made.users.values() for turn in turns[1:])


def test_the_same_run_gives_the_same_script() -> None:
    """And another seed another share."""
    sent = run(4, 60)
    assert make(sent, stages=["chaos"], seed=1) == make(sent, stages=["chaos"], seed=1)
    assert make(sent, stages=["chaos"], seed=1) != make(sent, stages=["chaos"], seed=2)


@pytest.mark.parametrize(("users", "iterations"), [(1, 100), (12, 9), (20, 6), (3, 200)])
def test_blocks_are_in_order_full_and_alike(users: int, iterations: int) -> None:
    """No block but the first is much larger than another, and there is none without an iteration in it."""
    made = make(run(users, iterations, every=2), stages=["chaos"], seed=3, whole=True)
    sizes: Counter[int] = Counter()
    for turns in made.users.values():
        blocks = [turn[2] for turn in turns]
        assert blocks == sorted(blocks)
        assert blocks.count(0) == 1
        sizes.update(blocks)
    assert sorted(sizes) == list(range(made.blocks))
    assert made.blocks == script.BLOCKS + 1
    judged = [sizes[block] for block in range(1, made.blocks)]
    assert max(judged) - min(judged) <= users


def test_a_user_with_few_iterations_has_no_block_without_any() -> None:
    """The conductor waits for as many blocks as there are, and the load knows as many."""
    made = make(run(1, 4, every=1), stages=["chaos"], seed=3)
    assert made.blocks == 1 + max(turn[2] for turn in made.users["0"])


def test_the_load_reads_what_was_written(tmp_path: Path) -> None:
    """The same users, iterations, stages and blocks."""
    made = make(run(7, 30), stages=["chaos"], seed=1)
    file = made.write(tmp_path / "script.json")
    code = "import json, sys, pathlib; from chaos_locust import script; made = script.read(pathlib.Path(sys.argv[1]))"
    words = [sys.executable, "-c", f"{code}; print(json.dumps([made.turns, made.blocks]))", str(file)]
    turns, blocks = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert turns == json.loads(json.dumps(made.users))
    assert blocks == made.blocks


def test_the_block_of_an_iteration() -> None:
    """By `<user>.<iteration>`."""
    made = make(run(2, 30), stages=["chaos"], seed=1)
    for user, turns in made.users.items():
        for number, _, block in turns:
            assert made.block_of()[f"{user}.{number}"] == block


def test_the_stage_of_a_block_is_that_of_most_of_it() -> None:
    """For those who see no header; a block in which nobody does anything has none."""
    users = {"0": ((0, "baseline", 0), (3, "chaos", 2)), "1": ((0, "baseline", 0), (4, "chaos", 2), (9, "end", 2))}
    assert script.Script(users, 5, 3).stages() == ("baseline", "", "chaos")


def test_no_more_requests_than_are_asked_for() -> None:
    """A limit cuts at random, not at the end of the run; one iteration is sent in any case."""
    made = make(run(4, 100, every=1), stages=["chaos"], seed=1, most=60)
    assert made.requests == 60
    last = [turns[-1][0] for turns in made.users.values() if len(turns) > 1]
    assert max(last) > 80
    assert make(run(4, 100), stages=["chaos"], seed=1, most=1).requests == 2


def test_the_whole_run_can_be_sent_again() -> None:
    """Every stage and every iteration, whatever the limit."""
    made = make(run(3, 40), stages=["chaos"], seed=1, whole=True, most=10)
    assert all(numbers(made, str(user)) == list(range(40)) for user in range(3))
    assert made.users["0"][5][1] == "baseline"


@pytest.mark.parametrize(
    "sent",
    [[], run(3, 40, every=1000)[:20], run(5, 1), [Sent("0.start.1", "chaos", wanted=True)]],
    ids=["nothing", "baseline only", "first iterations only", "before the first iteration"],
)
def test_where_nothing_can_be_sent_again_it_is_said(sent: list[Sent]) -> None:
    """One sentence: there is nothing to measure by."""
    with pytest.raises(ChaosTestError, match="nothing to measure by"):
        make(sent, stages=["chaos"], seed=1)


def test_what_is_rare_is_sent_again_before_more_of_what_is_common() -> None:
    """Of a hundred iterations with a common fault and five with a rare one, a short script has all five."""
    sent = [Sent(f"0.{n}.1", "chaos", wanted=True, rules=("rare" if n % 20 == 5 else "common",)) for n in range(1, 101)]
    script = make(sent, stages=["chaos"], seed=1, most=20)
    chosen = {number for number, _, block in script.users["0"] if block}
    assert {5, 25, 45, 65, 85} <= chosen
    assert len(chosen) == 20
