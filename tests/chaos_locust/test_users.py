"""Any locustfile, with one import: seeded, keyed, planned."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.end_to_end

USERS = """
import random
from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, between, constant_pacing, task
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = between(0.001, 0.004)

    def on_start(self):
        self.client.get("/login")

    @task(3)
    def look(self):
        self.client.get(f"/items/{random.randint(1, 50)}", name="/items/[id]")

    @task
    def buy(self):
        self.client.get("/items")
        self.client.post("/orders", json={"item": random.choice("abc")})

class Seller(HttpUser):
    @task(2)
    def look(self):
        self.client.get("/orders", params={"page": random.randrange(9)})

    @task
    def sell(self):
        self.client.put("/items", json={"price": random.gauss(100, 10)})

class Visitor(FastHttpUser):
    wait_time = constant_pacing(0.02)

    @task
    class Shop(TaskSet):
        @task(2)
        def look(self):
            self.client.get("/look")

        @task
        class Checkout(SequentialTaskSet):
            @task
            def first(self):
                self.client.get("/first")

            @task
            def second(self):
                self.client.get("/second")
                self.interrupt()
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, server, starter):
    """Three runs of these users: two with one seed, one with another."""
    locust = starter(tmp_path_factory.mktemp("users"), server)
    options = ("-u", "6", "--chaos-requests", "120", "--chaos-seed")
    yield [locust(USERS, *options, seed) for seed in ("7", "7", "8")]
    locust.kill()


def test_a_plain_locustfile_plans_the_same_requests_each_time(runs):
    """Tasks, also of nested and sequential sets, and what they draw from `random` are the seed's, for both clients."""
    first, again, other = (run.keys() for run in runs)
    assert first == again
    assert first != other


def test_rows_hits_and_totals_agree(runs):
    """What reached the app is what Locust counted and what the rows say, key for key."""
    for run in runs:
        run.assert_agrees()
        sent = sorted((row["key"], row["stage"], row["method"], row["name"][:6]) for row in run.rows())
        assert sent == sorted((hit["key"], hit["stage"], hit["method"], hit["path"][:6]) for hit in run.hits)


def test_bodies_are_planned_too(runs):
    """The same keys carry the same bodies."""
    first, again, other = ({hit["key"]: hit["body"] for hit in run.hits} for run in runs)
    assert first == again
    assert {first[key] for key in first} != {other[key] for key in other}


def test_users_and_iterations_count_from_zero(runs):
    """What `on_start` sends belongs to no iteration, and to the first stage."""
    rows = runs[0].rows()
    assert {row["key"].split(".")[0] for row in rows} == set("012345")
    assert {row["user"] for row in rows} == {"Buyer", "Seller", "Visitor"}
    logins = [row for row in rows if ".start." in row["key"]]
    assert {(row["path"], row["stage"]) for row in logins} == {("/login", "baseline")}
    assert len(logins) == 2


def test_each_execution_of_an_inner_task_is_an_iteration(runs):
    """A user in nested task sets is not in one iteration for ever."""
    visited = [row["key"].split(".") for row in runs[0].rows() if row["user"] == "Visitor"]
    assert len(visited) == len({(user, iteration) for user, iteration, _ in visited})


def test_a_branch_shifts_no_key_and_no_later_iteration(locust):
    """A user that gets other answers, and so sends more and draws more, plans the same afterwards."""
    text = """
import random
from locust import FastHttpUser, task
from chaos_locust import step, steps

class Buyer(FastHttpUser):
    @task
    @steps(2)
    def buy(self):
        if {branch} and self.environment.stats.num_requests % 2:
            step("more")
            self.client.get("/more?%s" % random.random(), name="/more")
        self.client.get("/one")
        self.client.get("/two")

    @task
    @steps(1)
    def look(self):
        self.client.get("/look?%s" % random.random(), name="/look")
"""
    runs = [locust(text.format(branch=branch), "-u", "3", "--chaos-requests", "40") for branch in (False, True)]
    straight, branched = (set(run.keys()) for run in runs)
    assert straight < branched
    assert {key.split(".")[2].split()[0] for key in branched - straight} == {"more"}


def test_a_failing_task_uses_its_quota_and_is_still_reported(locust):
    """An exception in a task ends neither the plan nor Locust's own count of exceptions."""
    text = """
from locust import FastHttpUser, task
import chaos_locust

class Buyer(FastHttpUser):
    @task
    def fail(self):
        self.client.get("/ok")
        raise ValueError("a bug in the locustfile")
"""
    run = locust(text, "-u", "2", "--chaos-requests", "11")
    run.assert_agrees()
    assert [len(run.rows()), int(run.table("exceptions")[0]["Count"])] == [11, 11]


def test_users_that_cannot_start_do_not_keep_the_run_alive(locust):
    """A user whose `on_start` fails never uses its quota; the run ends without it."""
    text = """
from locust import FastHttpUser, task
from chaos_locust import current

class Buyer(FastHttpUser):
    def on_start(self):
        if current().user == "1":
            raise ValueError("cannot log in")

    @task
    def look(self):
        self.client.get("/ok")
"""
    run = locust(text, "-u", "3", "--chaos-requests", "30")
    assert {row["key"].split(".")[0] for row in run.rows()} == {"0", "2"}
    assert len(run.rows()) == 20


def test_users_that_are_through_are_not_replaced_while_others_still_come(locust):
    """With a slow ramp the first users end before the last ones start; Locust would start them anew."""
    text = """
from locust import FastHttpUser, task
import chaos_locust

class Buyer(FastHttpUser):
    @task
    def look(self):
        self.client.get("/ok")
"""
    run = locust(text, "-u", "4", "-r", "4", "--chaos-requests", "10")
    assert sorted(run.keys()) == sorted(set(run.keys()))
    assert len(run.rows()) == 10
    assert {row["key"].split(".")[0] for row in run.rows()} == {"0", "1", "2", "3"}


def test_a_request_that_waited_for_a_busy_user_tells_when_it_was_due(locust):
    """Under constant pacing, the request after a slow one was due one pace after the slow one's slot."""
    text = """
from locust import FastHttpUser, constant_pacing, task
from chaos_locust import current

class Buyer(FastHttpUser):
    wait_time = constant_pacing(0.1)

    @task
    def look(self):
        self.client.get("/ok?sleep=0.35" if current().iteration == 2 else "/ok", name="/ok")
"""
    rows = locust(text, "-u", "1", "--chaos-requests", "6").rows()
    late = [row["started"] - row["intended"] for row in rows]
    assert 0.2 < late[3] < 0.4
    assert max(late[:3] + late[4:]) < 0.1


def test_what_leaves_a_task_is_kept_with_its_line(locust):
    """Class, text, stage, iteration and the locustfile's own line; Locust's ways to end a task are none of it."""
    text = """
from locust import FastHttpUser, constant, task
from locust.exception import RescheduleTask
import json
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/ok")
        if chaos_locust.current().iteration % 2:
            raise RescheduleTask
        json.loads("")
"""
    run = locust(text, "-u", "1", "--chaos-requests", "4", "--chaos-stages", "baseline=50%,chaos=50%")
    run.assert_agrees()
    kept = run.beside("exceptions-local.jsonl")
    assert [(one["iteration"], one["stage"]) for one in kept] == [("0.0", "baseline"), ("0.2", "chaos")]
    assert {(one["class"], one["file"].startswith("users_"), one["line"]) for one in kept} == {
        ("JSONDecodeError", True, 15)
    }
    assert kept[0]["text"].startswith("Expecting value")
