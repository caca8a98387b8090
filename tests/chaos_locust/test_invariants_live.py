"""Invariants of whole tests, with real Locust and a real server: facts reach whoever checks, however Locust runs."""

from __future__ import annotations

import json
import signal
import time
import urllib.parse
import urllib.request

import pytest

pytestmark = pytest.mark.end_to_end

USERS = """
from locust import FastHttpUser, constant, task
from chaos_locust import Violation, invariant, note

class Buyer(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def buy(self):
        with self.client.post("/items", json={}, catch_response=True) as answer:
            note("bought", path=answer.json()["path"])

def at_first(service):
    return service.json("/before")["path"]

@invariant("everything bought has a path", before=at_first)
def has_a_path(service, facts, before):
    assert before == "/before"
    for fact in facts["bought"]:
        if fact["path"] != "/items":
            yield Violation(f"no path: {fact['path']}", fact)

@invariant("nothing is ever bought")
def nothing_bought(service, facts):
    service.json("/audit")
    for fact in facts["bought"]:
        yield Violation(f"bought at {fact['path']}", fact)

@invariant("nobody can say")
def nobody_knows(service, facts):
    raise LookupError("no such page")
"""


def results(folder):
    """What came of each invariant, by its name."""
    lines = (folder / "invariants.jsonl").read_text().splitlines()
    return {result["name"]: result for result in map(json.loads, lines)}


def assert_judged(folder, hits, output=""):
    """Each invariant has its own result, and the facts of every request are in them."""
    found = results(folder)
    load = [hit["key"] for hit in hits if hit["key"]]
    assert found["everything bought has a path"]["violations"] == [], output
    assert found["everything bought has a path"]["checked"]
    violations = found["nothing is ever bought"]["violations"]
    assert sorted(key for each in violations for key in each["keys"]) == sorted(load), output
    assert {result["facts"] for result in found.values()} == {len(load)}
    assert (found["nobody can say"]["checked"], found["nobody can say"]["violations"]) == (False, [])
    assert found["nobody can say"]["error"].startswith("LookupError: no such page (users_")
    asked = [hit["path"] for hit in hits if not hit["key"]]
    assert asked == ["/before", "/audit", "/audit", "/audit"]


def test_invariants_are_checked_when_the_users_have_stopped(locust):
    """Before the load and after it, by requests that leave no row; Locust's log says what came of them."""
    run = locust(USERS, "-u", "3", "--chaos-requests", "20")
    assert len(run.rows()) == run.total() == 20
    assert_judged(run.folder, run.hits, run.output)
    paths = [hit["path"] for hit in run.hits]
    assert (paths[0], paths[-3:]) == ("/before", ["/audit"] * 3)
    assert "Held: everything bought has a path" in run.output
    assert "Violated: nothing is ever bought: 17 times more" in run.output
    assert "Could not be checked: nobody can say: LookupError: no such page" in run.output


def test_facts_of_all_processes_reach_the_master(locust, two_processes):
    """Each process writes its own; the master alone checks, once."""
    run = locust(USERS, *two_processes, "-u", "4", "--chaos-requests", "30")
    assert_judged(run.folder, run.hits, run.output)
    assert sorted(file.name for file in (run.folder / "requests").glob("facts-*")) == [
        *("facts-worker-0.jsonl", "facts-worker-1.jsonl"),
    ]


def test_facts_of_a_worker_elsewhere_come_by_post(locust, free_port):
    """With Locust's reports, like its rows, and all of them before the master checks."""
    locust.server.take()
    master, folder = locust.start(
        *(USERS, "--headless", "--only-summary", "--master", "--master-bind-port", str(free_port)),
        *("-u", "2", "-r", "9", "--chaos-requests", "25"),
    )
    worker, _ = locust.start(USERS, "--worker", "--master-host", "127.0.0.2", "--master-port", str(free_port))
    output, _ = master.communicate(timeout=40)
    worker.communicate(timeout=20)
    assert_judged(folder, locust.server.take(), output)


def test_a_test_of_the_web_ui_is_judged_when_it_is_stopped(locust, free_port):
    """Each test by its own facts, in its own folder, before that is said to be complete."""
    locust.server.take()
    process, folder = locust.start(USERS, "--web-host", "127.0.0.1", "--web-port", str(free_port))
    url = f"http://127.0.0.1:{free_port}"

    def ask(path, **form):
        with urllib.request.urlopen(url + path, urllib.parse.urlencode(form).encode() or None, timeout=20) as answer:
            return answer.read()

    def wait_for(holds):
        until = time.monotonic() + 20
        while not holds():
            time.sleep(0.05)
            assert time.monotonic() < until
        return True

    def up():
        try:
            return ask("/")
        except OSError:
            return False

    try:
        wait_for(up)
        for number in (1, 2):
            ask("/swarm", user_count=2, spawn_rate=9, host=locust.server.url)
            facts = folder / f"test-{number}" / "requests" / "facts-local.jsonl"
            wait_for(lambda file=facts: file.exists() and file.read_bytes().count(b"\n") > 10)
            ask("/stop", now=1)
            wait_for((folder / f"test-{number}" / "test-finished.json").exists)
            assert_judged(folder / f"test-{number}", locust.server.take())
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_they_are_checked_does_not_cut_the_folder_short(locust, number):
    """The load is over and the checks take a while: who stops Locust then still gets all its files."""
    slow = USERS.replace('    service.json("/audit")', '    service.json("/audit?sleep=1.2")')
    locust.server.take()
    process, folder = locust.start(slow, "--headless", "--only-summary", "-u", "2", "--chaos-requests", "8")
    while not any(hit.get("path") == "/audit" for hit in map(json.loads, locust.server.file.read_text().splitlines())):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert_judged(folder, locust.server.take(), output)
    assert json.loads((folder / "test-finished.json").read_bytes())["requests"] == 8


def test_users_that_state_nothing_leave_no_file(locust):
    """And a note that no invariant asks for is kept all the same."""
    run = locust(USERS.partition("def at_first")[0], "-u", "1", "--chaos-requests", "3")
    assert not (run.folder / "invariants.jsonl").exists()
    assert [fact["values"] for fact in run.beside("facts-local.jsonl")] == [{"path": "/items"}] * 3
    assert [fact["key"] for fact in run.beside("facts-local.jsonl")] == [row["key"] for row in run.rows()]


def test_a_fact_that_json_does_not_know_is_refused_where_it_is_noted(locust):
    """As an exception of the task, in words; the run goes on."""
    run = locust(USERS.replace('path=answer.json()["path"]', "path=answer"), "-u", "1", "--chaos-requests", "3")
    assert "note('bought'): Object of type" in run.output
    assert len(run.rows()) == 3
