"""Whole tests: how they begin, end, and what they leave."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

pytestmark = pytest.mark.end_to_end

LOOK = """
from locust import FastHttpUser, constant, task
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/ok?sleep=0.05", name="/ok")
"""


def test_a_run_by_time_goes_through_its_stages(locust):
    """Rows carry the stage of their time, and stages.jsonl says when each began and ended."""
    run = locust(LOOK, "-u", "2", "--run-time", "3", "--chaos-stages", "baseline=1s,5%=1s,recovery=1s")
    run.assert_agrees()
    stages = run.beside("stages.jsonl")
    assert [stage["stage"] for stage in stages] == ["baseline", "5%", "recovery"]
    assert all(0.9 < stage["ended"] - stage["started"] < 2 for stage in stages)
    for row in run.rows():
        stage = next(stage for stage in stages if stage["stage"] == row["stage"])
        assert stage["started"] - 0.01 <= row["started"] <= stage["ended"] + 0.01
    load = run.beside("load.jsonl")
    assert len(load) >= 3
    assert (load[-1]["requests"], load[0]["users"]) == (len(run.rows()), 2)


def test_requests_under_way_when_the_time_is_up_are_not_lost(locust):
    """Locust's default kills them at once; ours waits longer than the deadline."""
    slow = LOOK.replace("sleep=0.05", "sleep=0.7")
    run = locust(slow, "-u", "5", "--run-time", "1")
    run.assert_agrees()
    assert {row["error_class"] for row in run.rows()} == {None}


def test_users_that_wake_when_the_time_is_up_begin_no_request(locust):
    """Nearly all wait at the end, and none is killed in a request that it has just begun: that would be a failure."""
    text = """
from locust import FastHttpUser, constant, task
import chaos_locust

class Buyer(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def look(self):
        self.client.get("/look")
"""
    run = locust(text, "-u", "50", "--run-time", "2")
    run.assert_agrees()
    assert [row for row in run.rows() if row["error_class"]] == []


def test_a_plain_start_goes_to_a_folder_of_its_own(locust, tmp_path):
    """With none of our options there is a run folder below reports/, named by the time, and all is chaos."""
    process, folder = locust.start(LOOK, "--headless", "--only-summary", "--run-time", "1", "--chaos-run-dir", "")
    process.communicate(timeout=30)
    (found,) = (tmp_path / "reports").iterdir()
    assert found.name.endswith("-locust")
    assert json.loads((found / "test-finished.json").read_bytes())["seed"] == 42
    assert not folder.exists()


def test_sigkill_leaves_whole_rows(locust):
    """Every answer that the user had before the kill is a whole line; the part has no last line."""
    locust.server.take()
    process, folder = locust.start(LOOK, "--headless", "-u", "3")
    part = folder / "requests" / "local.jsonl"
    while not part.exists() or part.read_bytes().count(b"\n") < 30:
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    rows = [json.loads(line) for line in part.read_bytes().rstrip(b" ").splitlines()][1:]
    hits = {hit["key"] for hit in locust.server.take()}
    assert len(rows) >= 29
    assert {row[0] for row in rows} <= hits
    assert len(hits) - len(rows) <= 3
    assert not (folder / "test-finished.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_with_everything_in_place(locust, number):
    """Parts are closed and the tables complete, though Locust stops its users after it has told us to finish."""
    locust.server.take()
    process, folder = locust.start(LOOK, "--headless", "--only-summary", "-u", "3")
    while not (folder / "requests" / "local.jsonl").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    rows = [json.loads(line) for line in (folder / "requests" / "local.jsonl").read_bytes().splitlines()]
    finished = json.loads((folder / "test-finished.json").read_bytes())
    assert rows[-1]["rows"] == len(rows) - 2 == finished["requests"] == len(locust.server.take()), output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--chaos-stages", "a=5s", "--chaos-requests", "9"), "stages in seconds"),
        (("--chaos-stages", "oops"), "write name=5s"),
    ],
)
def test_a_run_that_cannot_be_planned_does_not_start(locust, options, said):
    """One sentence and the exit code of a usage error."""
    run = locust(LOOK, *options)
    assert (run.exit_code, run.hits) == (2, [])
    assert said in run.output
    assert "Traceback" not in run.output


def test_a_folder_that_holds_a_run_is_not_used_again(locust):
    """Rows of two runs in one folder could not be told apart."""
    run = locust(LOOK, "--chaos-requests", "2")
    again = locust(LOOK, "--chaos-requests", "2", "--chaos-run-dir", str(run.folder))
    assert again.exit_code == 2
    assert "another run" in again.output


def test_a_load_shape_cannot_share_requests(locust):
    """Its users come and go, so none of them has a share that would be the same each time."""
    shape = LOOK + "\nfrom locust import LoadTestShape\nclass Ramp(LoadTestShape):\n    tick = lambda self: (1, 1)\n"
    run = locust(shape, "--chaos-requests", "9")
    assert run.exit_code == 2
    assert "LoadTestShape" in run.output


class WebUi:
    """Locust's web UI as a browser uses it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def __call__(self, path: str, **form: object) -> str:
        data = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(self.url + path, data=data, timeout=20) as answer:
            return answer.read().decode()

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(200):
            try:
                self("/")
            except urllib.error.URLError:
                time.sleep(0.05)
            else:
                return


def wait_for(file):
    """Until it is there."""
    for _ in range(400):
        if file.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{file} did not come")


def test_each_test_of_the_web_ui_has_a_folder_of_its_own(locust, free_port):
    """Tests are started and stopped over and over; each leaves a complete folder, with the form's options."""
    process, folder = locust.start(LOOK, "--web-host", "127.0.0.1", "--web-port", str(free_port))
    ui = WebUi(free_port)
    ui.wait()
    assert "chaos_requests" in ui("/")
    form = {"user_count": 2, "spawn_rate": 10, "host": locust.server.url}
    try:
        ui("/swarm", **form, chaos_requests=12, chaos_seed=5, chaos_stages="", chaos_deadline="3")
        wait_for(folder / "test-1" / "test-finished.json")
        ui("/swarm", **form, chaos_requests=0, chaos_stages="a=1s,b=1s")
        wait_for(folder / "test-2" / "requests" / "local.jsonl")
        time.sleep(0.5)
        ui("/stop", now=1)
        wait_for(folder / "test-2" / "test-finished.json")
        ui("/swarm", **form, chaos_stages="nonsense")
        time.sleep(0.5)
        assert json.loads(ui("/stats/requests"))["state"] == "stopped"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    finished = [json.loads((folder / f"test-{n}" / "test-finished.json").read_bytes()) for n in (1, 2)]
    assert [finished[0][name] for name in ("requests", "seed", "users")] == [12, 5, 2]
    last = json.loads((folder / "test-2/requests/local.jsonl").read_bytes().splitlines()[-1])
    assert last["rows"] == finished[1]["requests"] > 0
    first = json.loads((folder / "test-2/requests/local.jsonl").read_bytes().splitlines()[1])
    assert first[0] in {"0.0.1", "1.0.1"}
    assert sorted(path.name for path in folder.iterdir()) == ["test-1", "test-2"]
