"""The current request in the threads and greenlets that the app starts for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chaos_middleware.carry import CARRY
from chaos_middleware.request import current

REQUEST = object()  # nothing looks into it here


@pytest.fixture
def carrying():
    """With the carrying installed, and no request."""
    CARRY.install()
    yield
    current.set(None)
    CARRY.uninstall()


def _in_request(function):
    """What `function` returns in a context where a request is the current one."""
    token = current.set(REQUEST)
    try:
        return function()
    finally:
        current.reset(token)


def _seen_by(thread_class, **kwargs):
    seen = []
    thread = thread_class(target=lambda: seen.append(current.get()), **kwargs)
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_keeps_the_request_that_started_it(carrying):
    """A thread has the request of its starter, also when it was made before, and none where there is none."""
    assert _in_request(lambda: _seen_by(threading.Thread)) is REQUEST
    assert _seen_by(threading.Thread) is None


def test_a_thread_with_a_run_of_its_own_runs_it(carrying):
    """Subclasses that override `run` and timers are carried as well, and the class's `run` is theirs again."""
    seen = []

    class Own(threading.Thread):
        def run(self):
            seen.append(current.get())

    def start():
        threads = [Own(), threading.Timer(0, lambda: seen.append(current.get()))]
        for thread in threads:
            thread.start()
            thread.join()
        return threads

    threads = _in_request(start)
    assert seen == [REQUEST, REQUEST]
    assert all("run" not in vars(thread) for thread in threads)


def test_a_pools_worker_gives_the_request_back(carrying):
    """Tasks have the request of who submitted them; the worker that was started for one has none afterwards."""
    with ThreadPoolExecutor(1) as pool:
        assert _in_request(lambda: pool.submit(current.get).result()) is REQUEST
        assert _in_request(lambda: list(pool.map(lambda _: current.get(), range(3)))) == [REQUEST] * 3
        assert pool.submit(current.get).result() is None


def test_a_loops_tasks_and_threads_have_the_request_that_ran_it(carrying):
    """`asyncio.run` in a request: the coroutine, its tasks, and what they hand to threads."""

    async def look():
        return current.get()

    async def everywhere():
        loop = asyncio.get_running_loop()
        threads = await asyncio.to_thread(current.get), await loop.run_in_executor(None, current.get)
        return [current.get(), *threads, *await asyncio.gather(look(), asyncio.create_task(look()))]

    assert _in_request(lambda: asyncio.run(everywhere())) == [REQUEST] * 5
    assert asyncio.run(everywhere()) == [None] * 5


def test_a_tasks_error_reaches_its_future(carrying):
    """Carrying changes neither the arguments nor the error of a task."""
    with ThreadPoolExecutor(1) as pool:
        assert _in_request(lambda: pool.submit(int, "11", base=2).result()) == 3
        with pytest.raises(ValueError, match="invalid literal"):
            _in_request(lambda: pool.submit(int, "x").result())


def test_uninstall_restores_the_very_functions():
    """`Thread.start` and `ThreadPoolExecutor.submit` are the objects that they were."""
    before = threading.Thread.__dict__["start"], ThreadPoolExecutor.__dict__["submit"]
    CARRY.install()
    assert threading.Thread.__dict__["start"] is not before[0]
    CARRY.uninstall()
    assert (threading.Thread.__dict__["start"], ThreadPoolExecutor.__dict__["submit"]) == before
    assert _in_request(lambda: _seen_by(threading.Thread)) is None


GREENLETS = """
import sys
from gevent import monkey
if "patched" in sys.argv:
    monkey.patch_all()
from chaos_middleware.carry import CARRY
CARRY.install()  # before gevent's own modules are imported
import threading, gevent, gevent.pool, gevent.threadpool
from concurrent.futures import ThreadPoolExecutor
from chaos_middleware.request import current

gevent.sleep(0)  # the hub exists: what follows starts none
REQUEST = object()
look = current.get
with_request = {}

def start():
    current.set(REQUEST)
    with_request["spawn"] = gevent.spawn(look).get()
    with_request["later"] = gevent.spawn_later(0, look).get()
    with_request["nested"] = gevent.spawn(lambda: gevent.spawn(look).get()).get()
    with_request["pool"] = gevent.pool.Pool(2).map(lambda _: look(), [1])[0]
    with_request["group"] = gevent.pool.Group().spawn(look).get()
    with_request["threads"] = gevent.get_hub().threadpool.apply(look)
    with_request["executor"] = executor.submit(look).result()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(look()))
    thread.start(); thread.join()
    with_request["thread"] = seen[0]

executor = ThreadPoolExecutor(1)
gevent.spawn(start).get()
wrong = {name for name, seen in with_request.items() if seen is not REQUEST}
assert not wrong, wrong
assert current.get() is None
assert gevent.spawn(look).get() is None
assert gevent.get_hub().threadpool.apply(look) is None
assert executor.submit(look).result() is None
spawn = gevent.threadpool.ThreadPool.spawn
CARRY.uninstall()
assert gevent.threadpool.ThreadPool.spawn is not spawn
current.set(REQUEST)
assert gevent.spawn(look).get() is None
print("right")
"""


@pytest.mark.parametrize("how", ["plain", "patched"])
def test_greenlets_keep_the_request_that_spawned_them(how):
    """gevent's greenlets, pools, thread pool and patched threads have their spawner's request, and give it back."""
    done = subprocess.run(
        [sys.executable, "-c", GREENLETS, how], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("right", 0), done.stderr
