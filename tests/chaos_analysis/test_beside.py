"""A second core: the same results, and none lost with the copy that was to give them."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from chaos_analysis.beside import beside

here = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="no copy is made on this machine"
)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what makes copies unsafe: other tests' threads, and gevent where a plugin has imported it."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.delitem(sys.modules, "gevent", raising=False)


@here
def test_work_is_done_in_another_process_and_its_result_comes_back() -> None:
    """Here goes on meanwhile; what is larger than a pipe holds comes whole."""
    with beside(lambda: (os.getpid(), "x" * 1_000_000), worthwhile=True) as wait:
        pid, text = wait()
    assert pid != os.getpid()
    assert len(text) == 1_000_000


def test_small_work_stays_here() -> None:
    """A copy takes longer than that."""
    with beside(os.getpid, worthwhile=False) as wait:
        assert wait() == os.getpid()


@pytest.mark.parametrize("unsafe", ["threads", "gevent"])
def test_no_copy_is_made_where_it_may_hang(monkeypatch: pytest.MonkeyPatch, unsafe: str) -> None:
    """A lock that another thread holds would never be released in the copy."""
    if unsafe == "threads":
        monkeypatch.setattr(threading, "active_count", lambda: 2)
    else:
        monkeypatch.setitem(sys.modules, "gevent", threading)
    with beside(os.getpid, worthwhile=True) as wait:
        assert wait() == os.getpid()


@here
def test_a_copy_that_is_killed_costs_only_time() -> None:
    """As by a machine that runs out of memory: the work is done here."""
    original = os.getpid()

    def work() -> int:
        if os.getpid() != original:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with beside(work, worthwhile=True) as wait:
        assert wait() == original


@here
def test_what_the_work_raises_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    """And the copy says nothing of it."""
    with beside(lambda: os.environ["CHAOS_MISSING"], worthwhile=True) as wait, pytest.raises(KeyError, match="MISSING"):
        wait()
    assert capfd.readouterr() == ("", "")


@here
def test_no_copy_outlives_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble here ends the copy, too, however long it would take."""
    copies: list[int] = []
    fork = os.fork

    def noted() -> int:
        copies.append(fork())
        return copies[0]

    monkeypatch.setattr(os, "fork", noted)
    with pytest.raises(ZeroDivisionError), beside(signal.pause, worthwhile=True):
        raise ZeroDivisionError
    with pytest.raises(ProcessLookupError):
        os.kill(copies[0], 0)
