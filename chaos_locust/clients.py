"""Changes to Locust's two HTTP clients: each request gets a key, a stage and a deadline, and none is lost in silence.

- `request` of both sessions adds the headers, and interrupts a request that takes longer than the deadline.
- A request whose user is killed while it waits is reported as failed: the app may have seen it.
- An unexpected exception in a `with ... catch_response=True` block is reported as a failure of that request; Locust
  drops it.
- geventhttpclient repeats an idempotent request by itself after a reset, up to ten times, though Locust asks for no
  retries.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import geventhttpclient.client
from gevent import GreenletExit, get_hub, getcurrent
from locust import clients
from locust.contrib import fasthttp
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    ResponseError,
    StopTest,
    StopUser,
)

from chaos_locust.hooks import replace
from chaos_locust.recorder import CONTEXT, DeadlineError, Sent
from chaos_middleware.headers import KEY, STAGE

if TYPE_CHECKING:
    from chaos_locust.hooks import Method
    from chaos_locust.journey import Journey

# What a task raises to steer Locust says nothing about the request.
_STEERING = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser, GreenletExit)


class Stamp:
    """What a user's client needs for each request: the journey, the user's class name, and the deadline in seconds."""

    def __init__(self, journey: Journey, user: str, deadline: float) -> None:
        self.journey = journey
        self.user = user
        self._deadline = deadline
        self._late = f"no whole answer within {deadline:g} s"

    def sent(self) -> Sent:
        """The identity of the next request."""
        journey = self.journey
        return Sent(journey.next_key(), journey.stage, self.user, journey.take_due())

    def timer(self) -> Any:
        """A running timer that raises `DeadlineError` in this greenlet, to be closed."""
        timer = get_hub().loop.timer(self._deadline)
        timer.start(getcurrent().throw, DeadlineError, self._late)
        return timer


def install() -> None:
    """Change both clients, for the whole process."""
    for session in (clients.HttpSession, fasthttp.FastHttpSession):
        replace(session, "request", _request)
    for manager in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
        replace(manager, "__exit__", _exit)
    geventhttpclient.client._may_retry_after_send_error = _never  # it has no setting


def _never(method: str) -> bool:
    """Whether a request of this method may be sent again."""
    del method
    return False


def _request(original: Method) -> Method:
    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        stamp: Stamp | None = self.user.__dict__.get("_chaos_stamp") if self.user is not None else None
        if stamp is None:
            return original(self, method, url, *args, **kwargs)
        sent = stamp.sent()
        headers, context = kwargs.get("headers"), kwargs.get("context")
        own = {KEY: sent.key, STAGE: sent.stage}
        kwargs["headers"] = {**headers, **own} if headers else own
        kwargs["context"] = {**context, CONTEXT: sent} if context else {CONTEXT: sent}
        timer = stamp.timer()
        started, clock = time.time(), time.perf_counter()
        try:
            return original(self, method, url, *args, **kwargs)
        except GreenletExit as error:
            self.request_event.fire(
                request_type=method,
                name=kwargs.get("name") or self.request_name or url,
                response_time=(time.perf_counter() - clock) * 1000,
                response_length=0,
                response=None,
                context=kwargs["context"],
                exception=error,
                start_time=started,
                url=self._build_url(url),
            )
            raise
        finally:
            timer.close()

    return request


def _exit(original: Method) -> Method:
    def leave(self: Any, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        if error is None or self._manual_result is not None or isinstance(error, ResponseError):
            return original(self, kind, error, traceback)
        if isinstance(error, _STEERING):
            original(self, None, None, None)  # reports the request for what its answer was
        else:
            self.request_meta["exception"] = error
            self._report_request()
        return False

    return leave
