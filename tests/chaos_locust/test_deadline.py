"""A deadline whose timer is not set for every request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


class Clock:
    """A clock and the timers that run by it, as gevent's loop has them; `set` counts them."""

    def __init__(self):
        self.now = 100.0
        self.set = 0
        self.running = {}

    def timer(self, seconds):
        due, timer = self.now + seconds, SimpleNamespace()
        timer.start = lambda callback: self.running.update({id(timer): (due, callback)})
        timer.close = lambda: self.running.pop(id(timer))
        self.set += 1
        return timer

    def pass_by(self, seconds):
        """Let time pass and timers ring when they are due."""
        end = self.now + seconds
        while due := [each for each in self.running.values() if each[0] <= end]:
            self.now, ring = min(due, key=lambda each: each[0])
            ring()
        self.now = end


class Waiting:
    """A greenlet that notes when and with what it is interrupted."""

    def __init__(self, clock):
        self.clock = clock
        self.thrown = []

    def throw(self, error, text):
        self.thrown.append((self.clock.now, error, text))


@pytest.fixture
def clock(pure, monkeypatch):
    """The time that the module goes by."""
    clock = Clock()
    monkeypatch.setattr(pure.deadline, "monotonic", lambda: clock.now)
    monkeypatch.setattr(pure.deadline, "get_hub", lambda: SimpleNamespace(loop=clock))
    return clock


def test_a_request_is_interrupted_when_its_time_is_up(pure, clock):
    """After exactly the seconds it had, and only once."""
    deadline, greenlet = pure.deadline.Deadline(2), Waiting(clock)
    deadline.watch(greenlet)
    clock.pass_by(60)
    assert greenlet.thrown == [(102.0, pure.recorder.DeadlineError, "no whole answer within 2 s")]


def test_a_request_has_its_own_time_whenever_the_timer_was_set(pure, clock):
    """One that begins when another one's time was nearly up is interrupted neither early nor late."""
    deadline, first, second = pure.deadline.Deadline(2), Waiting(clock), Waiting(clock)
    deadline.watch(first)
    clock.pass_by(0.5)
    deadline.greenlet = None
    clock.pass_by(1.4)
    deadline.watch(second)
    clock.pass_by(60)
    assert (first.thrown, [at for at, *_ in second.thrown]) == ([], [pytest.approx(103.9)])


def test_answered_requests_set_one_timer_a_deadline(pure, clock):
    """A thousand of them within ten deadlines; and none runs on when there is nothing left to watch."""
    deadline, greenlet = pure.deadline.Deadline(2), Waiting(clock)
    for _ in range(1000):
        deadline.watch(greenlet)
        clock.pass_by(0.01)
        deadline.greenlet = None
        clock.pass_by(0.01)
    clock.pass_by(2)
    assert (greenlet.thrown, clock.running) == ([], {})
    assert clock.set <= 21
