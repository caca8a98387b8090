"""The planner's travellers, against the planner and against a server that answers nonsense."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
TRAVELLERS = ROOT / "locustfiles" / "travellers.py"
PLANNER = ROOT / "examples" / "orbital_travel_planner"


def serve(app, port, **env):
    """A Flask service of the example."""
    command = [sys.executable, "-m", "flask", "--app", f"{app}:create_app()", "run", "--port", str(port)]
    return subprocess.Popen(
        command, cwd=PLANNER, env=os.environ | env, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE
    )


def wait_for(url):
    """Until it answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} does not answer")


@pytest.fixture(scope="module")
def planner(tmp_path_factory, port, server):
    """The planner and its suppliers, as a server whose hits are not counted."""
    folder = tmp_path_factory.mktemp("planner")
    suppliers_port, planner_port = port(), port()
    suppliers = f"http://127.0.0.1:{suppliers_port}"
    database = f"sqlite:///{folder}/planner.db"
    processes = [
        serve("orbital_suppliers", suppliers_port),
        serve("orbital_travel_planner", planner_port, SUPPLIERS_URL=suppliers, DATABASE_URL=database),
    ]
    (folder / "hits").touch()
    url = f"http://127.0.0.1:{planner_port}"
    wait_for(f"{url}/api/destinations")
    yield type(server)(url, folder / "hits")
    for process in processes:
        process.kill()
        process.communicate()


def test_smoke_sends_fifty_requests_to_each(starter, tmp_path, planner):
    """Exactly, with a number of users that does not divide them; and none fails."""
    run = starter(tmp_path, planner)(TRAVELLERS, "-u", "7", "--chaos-smoke")
    assert run.exit_code == 0, run.output
    assert Counter(row["name"] for row in run.rows()) == {"/api/destinations": 50, "/api/bookings": 50}


def test_travellers_plan_the_same_whatever_the_answers_are(starter, tmp_path, planner, server):
    """The planner passes every check, nonsense passes none; both get as many requests, in the same iterations.

    Only the steps that a failed booking replaces differ, and they have names of their own.
    """
    options = ("-u", "4", "--chaos-requests", "80")
    good = starter(tmp_path, planner)(TRAVELLERS, *options)
    (tmp_path / "bad").mkdir()
    bad = starter(tmp_path / "bad", server)(TRAVELLERS, *options)
    assert {row["error"] for row in good.rows()} == {None}, good.output
    assert {row["error_class"] for row in bad.rows() if row["method"] != "DELETE"} == {"CatchResponseError"}
    iterations = [Counter(row["key"].rpartition(".")[0] for row in run.rows()) for run in (good, bad)]
    assert iterations[0] == iterations[1]
    replaced = {row["key"] for row in bad.rows()} - {row["key"] for row in good.rows()}
    assert {key.rpartition(".")[2] for key in replaced} == {"mine", "mine-again"}
    assert {row["name"] for row in good.rows()} == {
        *("/api/destinations", "/api/destinations/[slug]", "/api/bookings", "/api/bookings/[id]"),
    }
