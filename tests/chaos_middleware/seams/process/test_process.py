"""Windows of the `process` seam in this very process: what is asked is taken, and given back whatever ends it."""

from __future__ import annotations

import errno
import os
import resource
import threading
import time

import psutil
import pytest

from chaos_middleware.seams.process import pressure

MIB = 1 << 20
ME = psutil.Process()


def app(environ, start_response):
    """Answers."""
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def process_rule(fault, **settings):
    """A rule that always opens its window in the stage `chaos`."""
    return {"seam": "process", "rate": {"chaos": 1}, "fault": {"type": fault, **settings}}


def wait_for(condition, seconds=5.0):
    """Whether it came true in time."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def ended(served):
    """The windows whose end is in the ledger."""
    return [record["measured"] for record in served.records("end")]


def test_a_window_opens_once_with_its_stage(wrap):
    """One event a stage, however many requests there are, and none in a stage without a rate."""
    served = wrap(app, process_rule("noop"))
    for stage in ("baseline", "chaos", "chaos", "recovery"):
        for n in range(3):
            served.get(key=f"1.{n}.1", headers={"X-Chaos-Stage": stage})
    assert wait_for(lambda: ended(served))
    (event,) = served.records("fault")
    assert (event["key"], event["stage"], event["target"], event["route"]) == ("process", "chaos", "stage chaos", "")
    assert [line for line in served.reached() if len(line) > 3] == [["process", "chaos", "1", "stage chaos", "0"]]


def test_of_several_processes_one_has_the_window(wrap):
    """Who comes to the stage first; here the second is another middleware on the same run folder."""
    first = wrap(app, process_rule("noop"))
    first.get(key="1.1.1")
    first.middleware._edge._windows.stage = ""
    first.middleware._edge._windows.enter("chaos")
    assert wait_for(lambda: ended(first))
    assert len(first.records("fault")) == 1


def test_memory_is_really_taken_and_given_back(wrap):
    """The process grows by what was asked, for as long as was asked."""
    served = wrap(app, process_rule("memory_pressure", megabytes=200, seconds=0.6))
    before = ME.memory_info().rss
    served.get()
    assert wait_for(lambda: ME.memory_info().rss - before > 190 * MIB)
    assert wait_for(lambda: ended(served))
    (measured,) = ended(served)
    assert measured["did"] == "200 MiB held"
    assert 0.6 <= measured["seconds"] < 3
    assert ME.memory_info().rss - before < 20 * MIB


def test_more_memory_than_the_machine_can_spare_is_refused(wrap, monkeypatch):
    """It takes no more than half of what is free, and says so."""
    monkeypatch.setattr("chaos_middleware.seams.process.pressure._free_memory", lambda: 100 * MIB)
    served = wrap(app, process_rule("memory_pressure", megabytes=60))
    served.get()
    assert wait_for(lambda: served.records("note"))
    assert "60 MiB are more than half of the 100 MiB that this machine has free" in served.records("note")[0]["text"]
    assert wait_for(lambda: [one["did"] for one in ended(served)] == ["unsupported"])


def test_the_processor_is_really_used(wrap):
    """A computing thread uses what it can get of a core, and ends with its window."""
    served = wrap(app, process_rule("cpu_pressure", seconds=60))
    threads, before = threading.active_count(), time.process_time()
    served.get()
    assert wait_for(lambda: time.process_time() - before > 0.5, 30)  # the machine may be busy with other things
    served.get(headers={"X-Chaos-Stage": "recovery"})
    assert wait_for(lambda: ended(served))
    idle = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - idle < 0.15
    assert threading.active_count() <= threads


def test_threads_that_could_be_started_end_where_others_could_not(monkeypatch):
    """No thread computes on after the machine has refused the next."""
    started = []

    def start(function, arguments):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(threading.Thread(target=function, args=arguments, daemon=True))
        started[0].start()

    monkeypatch.setattr(pressure, "unpatched", lambda *_: start)
    with pytest.raises(RuntimeError), pressure.cpu(2):
        pass
    started[0].join(timeout=5)
    assert not started[0].is_alive()


def test_no_descriptor_is_left(wrap):
    """The kernel's own EMFILE, but for those that the rule leaves; afterwards limit and number are what they were."""
    limit, count = resource.getrlimit(resource.RLIMIT_NOFILE), ME.num_fds()
    served = wrap(app, process_rule("descriptors_exhausted", leave=2, seconds=5))
    served.get(headers={"X-Chaos-Stage": "baseline"})  # the ledger has its files

    def left():
        """How many could be opened until the kernel refused; three are enough to look at."""
        opened, refused = [], []
        while len(opened) < 3 and not refused:
            try:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError as error:
                refused.append(error.errno)
        for one in opened:
            os.close(one)
        return len(opened) if refused == [errno.EMFILE] else None

    served.get()
    assert wait_for(lambda: left() == 2)
    served.get(headers={"X-Chaos-Stage": "recovery"})  # which ends the window before its time
    assert wait_for(lambda: ended(served))
    assert ended(served)[0]["seconds"] < 4
    assert (resource.getrlimit(resource.RLIMIT_NOFILE), ME.num_fds() - 2) == (limit, count)  # the ledger's two files


def test_a_high_limit_of_descriptors_comes_back(wrap):
    """Where the process may open very many, its limit is lowered for the window and then restored."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 70_000:
        pytest.skip("this machine allows no such limit")
    resource.setrlimit(resource.RLIMIT_NOFILE, (70_000, hard))
    try:
        served = wrap(app, process_rule("descriptors_exhausted", seconds=0.3))
        served.get()
        assert wait_for(lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 70_000)
        assert wait_for(lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 70_000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_kill_switch_gives_everything_back(wrap):
    """At once, and the next stage opens no window."""
    served = wrap(app, process_rule("memory_pressure", megabytes=50, seconds=60) | {"rate": {"chaos": 1, "20%": 1}})
    served.get()
    assert wait_for(lambda: served.records("fault"))
    served.control.stop()
    assert wait_for(lambda: ended(served), 1)
    served.get(headers={"X-Chaos-Stage": "20%"})
    assert wait_for(lambda: [one["reason"] for one in served.records("suppressed")] == ["killed"])


def test_where_no_other_worker_would_start_none_is_killed(wrap, monkeypatch):
    """This process has no gunicorn: it lives on, and the ledger says why."""
    monkeypatch.delitem(__import__("sys").modules, "gunicorn.arbiter", raising=False)
    served = wrap(app, process_rule("worker_killed"))
    served.get()
    assert wait_for(lambda: served.records("note"))
    assert "starts no other worker" in served.records("note")[0]["text"]
