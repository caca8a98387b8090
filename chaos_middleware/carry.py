"""The current request follows the threads and greenlets that the app starts for it.

A new thread or greenlet begins with an empty context, so code that fans out would slip out of the experiment. Only
`current` is carried, and only where it is set. Covered: `threading.Thread` (and with it whatever starts one for the
work), `ThreadPoolExecutor.submit` and `map`, gevent's `Greenlet`, `spawn`, `Pool` and thread pool. asyncio's tasks,
and what they hand to threads, have their starter's context by themselves. Not covered: raw
greenlets, pools of processes, and long-lived workers that fetch their work from a queue of their own.

A pool's worker gives the request back after each task. A thread or greenlet that outlives its request keeps it to its
end: what it calls is drawn for and noted under the request's key, as in every other run of the seed. That holds for a
queue's worker too, if a keyed request happens to be what starts it.
"""

from __future__ import annotations

from contextvars import Context
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.patching import Patches, Replace
from chaos_middleware.request import Request, current

if TYPE_CHECKING:
    from types import ModuleType


def _task(request: Request, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the request as the current one while it runs."""

    def task(*args: Any, **kwargs: Any) -> Any:
        token = current.set(request)
        try:
            return function(*args, **kwargs)
        finally:
            current.reset(token)

    return task


def _submit(original: Callable[..., Any]) -> Callable[..., Any]:
    """For a pool's `submit(function, *args, **kwargs)`."""

    @wraps(original)
    def submit(pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        request = current.get()
        if request is None:
            return original(pool, function, *args, **kwargs)
        token = current.set(None)  # a worker that is started here outlives the request
        try:
            return original(pool, _task(request, function), *args, **kwargs)
        finally:
            current.reset(token)

    return submit


def _start(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """For `Thread.start`."""

    @wraps(original)
    def start(thread: Any) -> None:
        request = current.get()
        if request is not None:
            _carry_into(thread, request)
        original(thread)

    return start


def _carry_into(thread: Any, request: Request) -> None:
    run = thread.run
    own = vars(thread).get("run")

    def carried() -> None:
        if own is None:
            del thread.run  # uncovers the class's own, and frees the cycle through this function
        else:
            thread.run = own
        current.set(request)
        run()

    thread.run = carried


class _GreenletSpawned:
    """gevent calls this in the greenlet that starts another one."""

    _greenlet: Any = None

    def apply(self, module: ModuleType) -> None:
        self._greenlet = module.Greenlet
        self._greenlet.add_spawn_callback(_carry_into_greenlet)

    def undo(self) -> None:
        if self._greenlet is not None:
            self._greenlet.remove_spawn_callback(_carry_into_greenlet)


def _carry_into_greenlet(greenlet: Any) -> None:
    request = current.get()
    if request is not None:
        if greenlet.gr_context is None:
            greenlet.gr_context = Context()
        greenlet.gr_context.run(current.set, request)


CARRY = Patches(
    "carry",
    {
        "threading": (Replace("Thread.start", _start),),
        "concurrent.futures.thread": (Replace("ThreadPoolExecutor.submit", _submit),),
        "gevent.greenlet": (_GreenletSpawned(),),
        "gevent.threadpool": (Replace("ThreadPool.spawn", _submit),),
    },
)
