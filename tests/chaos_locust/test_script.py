"""Scripts: iterations of an earlier test, sent again in blocks."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict

import pytest

USERS = """
from locust import FastHttpUser, between, task
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = between(0, 0.02)

    @task(2)
    def look(self):
        self.client.get(f"/ok?n={chaos_locust.current().draws.random()}", name="/ok")

    @task(1)
    def buy(self):
        self.client.get("/ok?buy=1", name="/buy")
        self.client.get(f"/ok?m={chaos_locust.current().draws.random()}", name="/pay")
"""


def script_of(rows, keep, block):
    """A script of the iterations for which `keep(user, iteration)`, each in the block `block(iteration)`."""
    users = defaultdict(dict)
    for row in rows:
        user, iteration, _ = row["key"].split(".")
        if keep(user, int(iteration)):
            users[user][int(iteration)] = [int(iteration), row["stage"], block(int(iteration))]
    return {"version": 1, "users": {user: [turns[i] for i in sorted(turns)] for user, turns in users.items()}}


def told(row):
    """What a request was, apart from when."""
    return row["key"], row["stage"], row["method"], row["path"]


@pytest.mark.end_to_end
def test_iterations_of_a_script_are_sent_as_they_were_whatever_is_left_out(locust, tmp_path):
    """The first iteration and every third are the same to the last drawn digit, in the stages they had."""
    whole = locust(USERS, "-u", "3", "--chaos-requests", "120", "--chaos-stages", "baseline=30%,chaos=70%")
    wanted = [row for row in whole.rows() if int(row["key"].split(".")[1]) % 3 == 0]
    file = tmp_path / "script.json"
    file.write_text(json.dumps(script_of(wanted, lambda *_: True, lambda iteration: 0)))
    again = locust(USERS, "-u", "3", "--chaos-script", str(file))
    assert sorted(map(told, again.rows())) == sorted(map(told, wanted))
    assert {row["stage"] for row in wanted} == {"baseline", "chaos"}
    again.assert_agrees()


@pytest.mark.end_to_end
def test_a_block_waits_for_its_turn_and_says_when_it_is_done(locust, tmp_path):
    """Nothing of block 1 is sent before there is a file `turn-1`, and `done-0` is there before that."""
    whole = locust(USERS, "-u", "2", "--chaos-requests", "40", "--chaos-stages", "chaos=100%")
    file, turns = tmp_path / "script.json", tmp_path / "turns"
    turns.mkdir()
    half = max(int(row["key"].split(".")[1]) for row in whole.rows()) // 2
    file.write_text(json.dumps(script_of(whole.rows(), lambda *_: True, lambda iteration: int(iteration > half))))
    opened = {}

    def conduct():
        (turns / "turn-0").touch()
        while not (turns / "done-0").exists():
            time.sleep(0.01)
        time.sleep(0.5)
        opened["at"] = time.time()
        (turns / "turn-1").touch()

    conductor = threading.Thread(target=conduct, daemon=True)
    conductor.start()
    again = locust(USERS, "-u", "2", "--chaos-script", str(file), "--chaos-turns", str(turns))
    conductor.join(5)
    late = [row["started"] >= opened["at"] for row in again.rows()]
    later = [int(row["key"].split(".")[1]) > half for row in again.rows()]
    assert late == later
    assert any(late)
    assert not all(late)
    assert (turns / "done-1").exists()


def test_a_block_that_ends_with_the_test_is_told(pure, tmp_path):
    """Though nobody looked since its users ended. One whose users were stopped in the middle is not over."""
    over = set()
    turns = pure.turns.Turns(tmp_path, 2, lambda block: block in over)
    (tmp_path / "turn-0").touch()
    assert turns.gate(0).wait(5)
    over.add(0)
    turns.close()
    assert (tmp_path / "done-0").exists()
    assert not (tmp_path / "done-1").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "not a script"),
        ('{"users": {"0": [[3, "chaos"]]}}', "not a script"),
        ('{"users": {"0": [[-1, "chaos", 0]]}}', "not a script"),
        ('{"users": {"0": [[3, "a b", 0]]}}', "not a script"),
        ('{"users": {"0": [[3, "chaos", 0], [2, "chaos", 1]]}}', "user 0 must be in order"),
        ('{"users": {"0": [[3, "chaos", 1], [4, "chaos", 0]]}}', "user 0 must be in order"),
        ('{"users": {"0": []}}', "names no iteration"),
    ],
)
def test_what_is_not_a_script_is_refused(pure, tmp_path, text, said):
    """By a sentence that names the file."""
    file = tmp_path / "script.json"
    file.write_text(text)
    with pytest.raises(pure.plan.PlanError, match=said) as refused:
        pure.script.read(file)
    assert str(file) in str(refused.value)
