"""The safety limits, with a clock of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from chaos_middleware import control
from chaos_middleware.control import Control
from chaos_middleware.experiment import Safety


class Clock:
    """Wall time that moves by hand."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """A clock at 1,000 s."""
    return Clock()


def test_nothing_stops_a_run_without_files(tmp_path, clock):
    """No lease file means no lease; no kill file, no kill."""
    assert Control(Safety(), tmp_path, clock).stopped() is None
    assert Control(Safety(), None, clock).stopped() is None


def test_a_lease_runs_out_and_can_be_renewed(tmp_path, clock):
    """Faults act while the lease file is younger than its length, and again once it is touched."""
    limits = Control(Safety(lease_seconds=10), tmp_path, clock)
    lease = tmp_path / "lease"
    lease.touch()
    os.utime(lease, (1000, 1000))
    clock.now = 1010.0
    assert limits.stopped() is None
    clock.now = 1010.1
    assert limits.admit() == "lease"
    os.utime(lease, (1010, 1010))
    assert limits.admit() is None


def test_a_lease_that_was_there_cannot_be_got_rid_of(tmp_path, clock):
    """Where the run folder is deleted under the app, faults end as with a lease that nobody renews."""
    limits = Control(Safety(), tmp_path / "run", clock)
    assert limits.stopped() is None
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lease").touch()
    assert limits.stopped() is None
    shutil.rmtree(tmp_path / "run")
    assert limits.admit() == "lease"
    limits.kill()  # as a signal handler does: without an error, though there is no folder for the file
    assert limits.admit() == "killed"


def test_the_kill_file_stops_every_process_of_the_run(tmp_path, clock):
    """`kill` in one process is seen by the others, for good."""
    one, other = Control(Safety(), tmp_path, clock), Control(Safety(), tmp_path, clock)
    one.kill()
    assert (one.admit(), other.admit()) == ("killed", "killed")
    (tmp_path / "kill").unlink()
    assert (one.admit(), other.admit()) == ("killed", None)


def test_stop_is_for_this_process_alone(tmp_path, clock):
    """An uninstall in one process leaves the others' faults."""
    one, other = Control(Safety(), tmp_path, clock), Control(Safety(), tmp_path, clock)
    one.stop()
    assert (one.admit(), other.admit()) == ("killed", None)


def test_the_budget_counts_all_faults(clock):
    """After `max_faults`, none acts any more, released or not."""
    limits = Control(Safety(max_faults=2), None, clock)
    assert [limits.admit() for _ in range(3)] == [None, None, "budget"]
    limits.release()
    assert limits.admit() == "budget"


def test_so_many_at_once(clock):
    """A fault may act again when another has ended."""
    limits = Control(Safety(max_concurrent=1), None, clock)
    assert [limits.admit(), limits.admit()] == [None, "concurrent"]
    limits.release()
    assert limits.admit() is None


def test_the_budget_holds_under_threads(clock):
    """Eight threads that admit at once get exactly the budget."""
    limits = Control(Safety(max_faults=500), None, clock)
    admitted = []
    threads = [threading.Thread(target=lambda: admitted.extend(limits.admit() for _ in range(100))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (admitted.count(None), admitted.count("budget")) == (500, 300)


def test_it_sleeps_as_long_as_asked(clock):
    """Cooperatively and blocking; it returns the time slept."""
    limits = Control(Safety(), None, clock)
    for blocking in (False, True):
        assert 0.03 <= limits.sleep(0.03, blocking=blocking) < 0.5


def test_gevent_is_not_imported_for_a_blocking_sleep():
    """An app that has it installed and does not use it stays without it."""
    asleep = "control.Control(None).sleep(0.01, blocking=True)"
    program = f"import sys; from chaos_middleware import control; {asleep}; sys.exit('gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_kill_wakes_sleepers(tmp_path, clock):
    """A delay of five minutes ends within a slice of the kill file's appearance."""
    limits = Control(Safety(), tmp_path, clock)
    slept: list[float] = []
    sleeper = threading.Thread(target=lambda: slept.append(limits.sleep(300)))
    sleeper.start()
    (tmp_path / "kill").touch()
    sleeper.join(timeout=5)
    assert slept
    assert slept[0] < 5


def test_a_lost_lease_wakes_sleepers(tmp_path, clock, monkeypatch):
    """The process that held the lease is gone: what sleeps for it goes on."""
    limits = Control(Safety(lease_seconds=10), tmp_path, clock)
    (tmp_path / "lease").touch()
    os.utime(tmp_path / "lease", (1000, 1000))

    def sleep(_: float) -> None:
        clock.now += 20

    monkeypatch.setattr(control.time, "sleep", sleep)
    started = time.monotonic()
    limits.sleep(300)
    assert time.monotonic() - started < 5
